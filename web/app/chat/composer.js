// Where messages are written.
import { html, signal, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { placeKey } from "../core/place.js";
import { post } from "../core/outbox.js";
import { capabilities, channelTitle, displayName, limits, me, threadById } from "../core/state.js";
import { IconButton } from "../ui/button.js";
import { Icon } from "../ui/icon.js";
import { openMenu } from "../ui/menu.js";
import { toast } from "../ui/toast.js";
import { useCompletion } from "./completion.js";
import { draftOf, setDraft } from "./drafts.js";
import { toSent, toWritten } from "./emoji-text.js";
import { excerpt } from "./excerpt.js";
import { format, insert } from "./formatting.js";
import { waiting, whyNot } from "./may-write.js";
import { myCommands } from "./suggestions.js";
import { tellTyping, typed, TypingLine } from "./typing.js";
import { replyTo as replying } from "./writing.js";
import { DropZone, UploadTiles, addFiles, mayUpload, pickFiles, sendWithFiles, stopHolding, trayOf } from "./uploads.js";

const slash = signal(null); // the module of the form, which is loaded with the first "/"

function loadSlash() {
  return import("./slash.js").then(
    (module) => (slash.value = module),
    () => toast("The form of the command could not be loaded. Try again.", "danger"),
  );
}
const COUNT_FROM = 0.85; // of the longest text
const touch = matchMedia("(pointer: coarse)");

/** replyTo: the message that is answered, or null; onEditLast(): arrow up in the empty field. */
export function Composer({ place, channel, thread = threadById(place.thread_id), replyTo, onReplyDone, onEditLast }) {
  const reason = whyNot(channel, thread);
  return html`<footer class="composer">
    <${TypingLine} place=${place} />
    ${reason
      ? html`<div class="composer-closed" role="note"><${Icon} name=${reason.icon} size=${17} />
          <span>${reason.text}${reason.until && html` <${Countdown} until=${reason.until} />.`}</span></div>`
      : html`<${Writer} ...${{ place, channel, thread, replyTo, onReplyDone, onEditLast }} />`}
  </footer>`;
}

function Writer({ place, channel, thread, replyTo, onReplyDone, onEditLast }) {
  const key = placeKey(place);
  const field = useRef(null);
  const [command, setCommand] = useState(null); // {command, first}
  const [ping, setPing] = useState(true);
  const text = draftOf(key).value;
  const tray = trayOf(place);
  const held = tray.held.value !== null;
  const length = [...toSent(text.trim())].length;
  const most = limits.value.post_content;
  const ready = !held && length <= most && (length > 0 || tray.files.value.length > 0);
  const title = titleOf(channel, thread);

  const openCommand = (name, first = "") => {
    const found = myCommands().find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (!found) return false;
    if (slash.peek()) setCommand({ command: found, first });
    else {
      // what is typed meanwhile stays in the field, and goes into the form
      loadSlash().then(() => slash.peek() && setCommand({ command: found, first: /^\/[\w-]+\s+([^]*)$/.exec(draftOf(key).peek())?.[1] ?? first }));
    }
    return true;
  };
  const take = (start, end, option) => {
    if (option.kind === "command") openCommand(option.command.name);
    else insert(field.current, option.insert, start, end);
  };
  const completion = useCompletion(field, channel, take);

  useGrowing(field, text, command);
  useEffect(() => {
    setPing(true);
    if (replyTo) field.current?.focus();
  }, [replyTo?.id]);
  useEffect(() => {
    if (!touch.matches && !document.querySelector(".layer") && document.activeElement === document.body) field.current?.focus({ preventScroll: true });
  }, [key]);

  const send = () => {
    if (!ready) return;
    const asCommand = /^\/([\w-]+)(?:\s+([^]*))?$/.exec(text.trim());
    if (asCommand && !tray.files.value.length && openCommand(asCommand[1], asCommand[2])) return;
    const fields = { content: toSent(text.trim()) };
    if (replyTo) Object.assign(fields, { reply_to: { id: replyTo.id, user: replyTo.user } }, ping ? {} : { ping: false });
    const sent = () => replyTo && replyTo === replying.peek()?.message && onReplyDone();
    if (tray.files.value.length) sendWithFiles(place, fields, sent);
    else {
      post(place, fields);
      setDraft(key, "");
      sent();
    }
    completion.close();
    typed(place);
  };
  const write = (event) => {
    setDraft(key, event.currentTarget.value);
    completion.look();
    if (event.currentTarget.value.startsWith("/") && !slash.peek()) loadSlash();
    if (event.currentTarget.value.trim() && !event.currentTarget.value.startsWith("/")) tellTyping(place);
  };
  const keys = (event) => {
    if (completion.onKeyDown(event) || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && (!touch.matches || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    } else if (event.key === " " && !text.includes(" ") && /^\/[\w-]+$/.test(text) && openCommand(text.slice(1))) {
      if (slash.peek()) event.preventDefault();
      completion.close();
    } else if (event.key === "ArrowUp" && !text && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      onEditLast?.();
    } else if (event.key === "Escape" && replyTo) {
      event.preventDefault();
      onReplyDone();
    } else if (format(event)) completion.close();
  };
  const paste = (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length || !mayUpload()) return;
    event.preventDefault();
    addFiles(place, files);
  };
  const doneCommand = () => {
    setCommand(null);
    if (draftOf(key).peek().startsWith("/")) setDraft(key, "");
    requestAnimationFrame(() => field.current?.focus());
  };

  return html`
    <${DropZone} place=${place} title=${title} />
    ${replyTo && html`<${ReplyBar} message=${replyTo} ping=${ping} setPing=${setPing} onClose=${() => { onReplyDone(); field.current?.focus(); }} />`}
    <div class="composer-box" data-held=${held || undefined}>
      ${completion.list}
      ${command
        ? html`<${slash.value.SlashForm} key=${command.command.name} ...${command} place=${place} onDone=${doneCommand} />`
        : html`
          <${UploadTiles} place=${place} />
          <div class="composer-row">
            <${PlusButton} place=${place} field=${field} />
            <textarea class="composer-field scroll" ref=${field} rows="1" value=${text} placeholder=${`Message ${title}`} aria-label=${`Message ${title}`}
              aria-describedby="composer-hint" aria-invalid=${length > most ? "true" : undefined} readonly=${held} ...${completion.attributes}
              enterkeyhint=${touch.matches ? "enter" : "send"} autocomplete="off" onInput=${write} onKeyDown=${keys} onPaste=${paste}
              onClick=${completion.look} onBlur=${completion.close} onKeyUp=${(event) => event.key.startsWith("Arrow") && !completion.isOpen && completion.look()}></textarea>
            <${IconButton} icon="face-slightly-smiling" label="Emoji" onClick=${(event) => pickEmoji(event.currentTarget, field)} />
            <${IconButton} icon="send" label="Send" kind=${ready ? "primary" : "plain"} class="composer-send" disabled=${!ready}
              onPointerDown=${(event) => event.preventDefault()} onClick=${send} />
          </div>
          <${Hint} length=${length} most=${most} held=${held} tray=${tray} thread=${thread} stop=${() => stopHolding(place)} />`}
    </div>
  `;
}

/** What is to be known below the field: the length, files that are awaited, a pause. */
function Hint({ length, most, held, tray, thread, stop }) {
  const failed = tray.files.value.some(({ state }) => state === "failed");
  const left = most - length;
  const said = held
    ? html`${failed ? "A file could not be uploaded: try it again or remove it, then the message is sent." : "Sent as soon as the files are there."}
        <button type="button" class="composer-stop" onClick=${stop}>Do not send yet</button>`
    : waiting.value && !waiting.value.timeout
      ? html`You are writing very fast. Going on in <${Countdown} until=${waiting.value.until} />.`
      : thread?.archived && html`This thread is archived. A new message brings it back.`;
  const counted = length > most * COUNT_FROM;
  return html`<div class="composer-hint" id="composer-hint" data-empty=${!said && !counted ? "" : undefined}>
    <span class="composer-said" role="status">${said}</span>
    ${counted && html`<span class="composer-count" data-over=${left < 0 || undefined}>
      ${left < 0 ? `${(-left).toLocaleString()} too many` : `${left.toLocaleString()} left`}
    </span>`}
  </div>`;
}

function ReplyBar({ message, ping, setPing, onClose }) {
  const self = message.user === me.value;
  return html`<div class="reply-bar">
    <${Icon} name="reply" size=${16} />
    <p class="reply-text truncate">Replying to <b>${message.webhook?.name ?? displayName(message.user)}</b> <span>${excerpt(message)}</span></p>
    ${!self && !message.webhook && html`<button type="button" class="reply-ping" role="switch" aria-checked=${String(ping)} aria-label="Notify the author"
      data-tip=${ping ? "The author is notified" : "The author is not notified"} onClick=${() => setPing(!ping)}>
      <${Icon} name=${ping ? "bell" : "bell-off"} size=${14} />${ping ? "On" : "Off"}
    </button>`}
    <${IconButton} icon="x" size="s" label="Do not reply" onClick=${onClose} />
  </div>`;
}

function PlusButton({ place, field }) {
  const open = (event) => {
    const startCommand = () => {
      insert(field.current, "/", 0, field.current.value.length);
    };
    openMenu(event.currentTarget, [
      { label: "Upload files", icon: "upload", disabled: !mayUpload(), text: mayUpload() ? undefined : "Switched off here", onSelect: () => pickFiles(place) },
      capabilities.peek().has("poll_create") && { label: "Create a poll", icon: "chart-column", onSelect: () => import("./poll.js").then((module) => module.openPollDialog(place)) },
      { label: "Use a command", icon: "terminal", hint: "/", disabled: field.current.value.trim() !== "", onSelect: startCommand },
    ], { placement: "top-start", label: "Add" });
  };
  return html`<${IconButton} icon="plus" label="Files, polls, commands" aria-haspopup="menu" onClick=${open} />`;
}

async function pickEmoji(anchor, field) {
  const { openEmojiPicker } = await import("./emoji-picker.js");
  openEmojiPicker(anchor, (emoji) => insert(field.current, `${toWritten(emoji)} `));
}

/** Time that is left, drawn anew each second. */
export function Countdown({ until }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.ceil((until - now) / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return html`<span class="countdown">${seconds < 60 ? `${seconds} s` : shown.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":")}</span>`;
}

function titleOf(channel, thread) {
  if (thread) return thread.name;
  const other = channel.members?.find((name) => name !== me.value);
  return other ? `@${displayName(other)}` : `#${channelTitle(channel)}`;
}

function useGrowing(field, ...because) {
  useLayoutEffect(() => {
    if (!field.current) return;
    field.current.style.blockSize = "auto";
    field.current.style.blockSize = `${field.current.scrollHeight}px`;
  }, because);
}
