// One message. It is drawn again only when it changes, or who or what is named in it does.
import { computed, html, useComputed, useErrorBoundary, useMemo, useRef, useState } from "../lib.js";
import { clockTime, fullTime } from "../core/format.js";
import { discard, retry } from "../core/outbox.js";
import { canIn } from "../core/permissions.js";
import { placeKey } from "../core/place.js";
import { blocked, colorOf, displayName, localUrl, me } from "../core/state.js";
import { remove, timeline } from "../core/timeline.js";
import { callsMe } from "../core/unreads.js";
import { Avatar } from "../ui/avatar.js";
import { Badge } from "../ui/badge.js";
import { Icon } from "../ui/icon.js";
import { Attachments } from "./attachments.js";
import { Embeds } from "./embeds.js";
import { excerpt } from "./excerpt.js";
import { Markdown } from "./markdown.js";
import { namesMe } from "./mentions.js";
import { onMessageKey, openMessageMenu, Toolbar, useLongPress } from "./message-actions.js";
import { MessageEdit } from "./message-edit.js";
import { openProfile } from "./open-profile.js";
import { pickReaction, Reactions } from "./reactions.js";

/** onReply(message), onJump(id), onEdit(id), onEditDone(); of these and of channel the latest count, though a change of them
 *  alone draws nothing. A message that cannot be drawn takes no other one with it. */
export function Message(props) {
  const [failed] = useErrorBoundary(reportError);
  const latest = useRef(props);
  latest.current = props;
  const { message, place, grouped, highlighted, editing } = props;
  const row = useMemo(
    () => html`<${Row} message=${message} place=${place} grouped=${grouped} highlighted=${highlighted} editing=${editing} latest=${latest} />`,
    [message, placeKey(place), grouped, highlighted, editing],
  );
  if (!failed) return row;
  return html`<article class="message message-blocked" data-message=${message.id} tabindex="-1"><${Icon} name="circle-alert" size=${15} /><span>This message cannot be shown.</span></article>`;
}

function Row({ message, place, grouped, highlighted, editing, latest }) {
  const [near, setNear] = useState(false); // pointed at, or focused
  const [forced, setForced] = useState(false); // of somebody blocked, shown all the same
  const row = useRef(null);
  const held = useRef(0); // panels that stand at the bar
  const press = useLongPress((at) => openMessageMenu(at, row.current, message, latest.current));
  const author = message.webhook?.name ?? displayName(message.user);
  const calls = useComputed(() => message.user !== me.value && (callsMe(message) || namesMe(message.content) || (message.reply_to?.user === me.value && message.ping !== false)));
  const sent = !message.state;

  if (!message.webhook && !forced && blocked.value.has(message.user)) {
    return html`<div class="message message-blocked" data-message=${message.id} tabindex="-1" role="article" aria-label="Message of somebody you blocked">
      <${Icon} name="ban" size=${15} /><span>Message of somebody you blocked.</span>
      <button type="button" class="text-button" onClick=${() => setForced(true)}>Show</button>
    </div>`;
  }
  const leave = (to = document.activeElement) => {
    if (!held.current && row.current && !row.current.contains(to) && !row.current.matches(":hover")) setNear(false);
  };
  const hold = (closed) => {
    held.current++;
    closed.finally(() => {
      held.current--;
      setTimeout(leave);
    });
  };
  return html`<article class="message" ref=${row} data-message=${message.id} tabindex="-1" aria-label=${labelOf(message, author)}
    data-grouped=${grouped || undefined} data-type=${message.type} data-state=${message.state} data-ephemeral=${message.ephemeral || undefined}
    data-calls=${calls.value || undefined} data-highlighted=${highlighted || undefined} data-editing=${editing || undefined}
    onPointerEnter=${(event) => event.pointerType !== "touch" && setNear(true)} onPointerLeave=${() => leave()}
    onFocusIn=${() => setNear(true)} onFocusOut=${(event) => leave(event.relatedTarget)}
    onContextMenu=${(event) => onContextMenu(event, row.current, message, latest.current)}
    onKeyDown=${(event) => onMessageKey(event, row.current, message, latest.current)} ...${sent ? press : {}}>
    <${Above} message=${message} place=${place} grouped=${grouped} latest=${latest} />
    <div class="message-side">
      ${grouped && message.type !== "action"
        ? html`<${Time} at=${message.timestamp} class="message-side-time" />`
        : html`<${Face} message=${message} size=${message.type === "action" ? 22 : 40} />`}
    </div>
    <div class="message-main">
      ${!grouped && message.type !== "action" && html`<${Head} message=${message} author=${author} />`}
      ${editing ? html`<${MessageEdit} message=${message} place=${place} onDone=${() => latest.current.onEditDone?.()} />` : html`<${Content} message=${message} author=${author} grouped=${grouped} />`}
      <${Attachments} message=${message} place=${place} />
      <${Embeds} message=${message} place=${place} channel=${latest.current.channel} />
      <${Reactions} message=${message} place=${place} allowed=${canIn(latest.current.channel, "react")} onAdd=${(anchor) => pickReaction(anchor, place, message)} />
      <${Below} message=${message} place=${place} />
    </div>
    ${near && sent && !editing && html`<${Toolbar} message=${message} row=${row} latest=${latest} hold=${hold} />`}
  </article>`;
}

/** at: unix seconds. The whole date and time are written out when they are looked for. */
function Time({ at, class: name = "message-time" }) {
  const tell = (event) => (event.currentTarget.title = fullTime(at));
  return html`<time class=${name} datetime=${new Date(at * 1000).toISOString()} onPointerEnter=${tell}>${clockTime(at)}</time>`;
}

function labelOf(message, author) {
  return `${author}, ${clockTime(message.timestamp)}${message.edited ? ", edited" : ""}: ${excerpt(message, 240)}`;
}

function Face({ message, size }) {
  if (message.webhook) return html`<${Avatar} name=${message.webhook.name} username=${message.webhook.id} src=${localUrl(message.webhook.avatar)} size=${size} />`;
  return html`<button type="button" class="message-face" tabindex="-1" aria-hidden="true" onClick=${(event) => openProfile(event.currentTarget, message.user)}>
    <${Avatar} username=${message.user} size=${size} />
  </button>`;
}

function Head({ message, author }) {
  const color = message.webhook ? null : colorOf(message.user);
  const name = html`<span class=${color ? "role-ink" : ""} style=${{ "--role": color ?? "" }}>${author}</span>`;
  return html`<header class="message-head">
    ${message.webhook
      ? html`<span class="message-author">${name}</span><${Badge} kind="accent" label="Webhook">App</${Badge}>`
      : html`<button type="button" class="message-author" onClick=${(event) => openProfile(event.currentTarget, message.user)}>${name}</button>`}
    ${message.type === "notice" && html`<${Badge}>Notice</${Badge}>`}
    <${Time} at=${message.timestamp} />
    ${message.pinned && html`<span class="message-pinned" data-tip="Pinned"><${Icon} name="pin" size=${13} label="Pinned" /></span>`}
  </header>`;
}

function Actor({ message, author }) {
  const color = message.webhook ? null : colorOf(message.user);
  return html`<span class="message-actor ${color ? "role-ink" : ""}" style=${{ "--role": color ?? "" }}>${author}</span>`;
}

function Content({ message, author, grouped }) {
  const edited = message.edited && html`<span class="message-edited">(edited)</span>`;
  const pinned = (grouped || message.type === "action") && message.pinned && html`<span class="message-pinned" data-tip="Pinned"><${Icon} name="pin" size=${13} label="Pinned" /></span>`;
  if (!message.content) return edited || pinned || null;
  if (message.type === "action") {
    return html`<div class="message-content message-action"><${Actor} message=${message} author=${author} /> <${Markdown} text=${message.content} />${edited}
      <${Time} at=${message.timestamp} />${pinned}</div>`;
  }
  return html`<div class="message-content"><${Markdown} text=${message.content} />${edited}${pinned}</div>`;
}

// --- what stands above and below ---

const byId = new WeakMap(); // timeline -> signal of Map id -> message

function messageIn(place, id) {
  const line = timeline(place);
  if (!byId.has(line)) byId.set(line, computed(() => new Map(line.messages.value.map((message) => [message.id, message]))));
  return byId.get(line).value.get(id) ?? null;
}

function Above({ message, place, latest }) {
  return html`
    ${message.reply_to && html`<${Answered} reply=${message.reply_to} place=${place} latest=${latest} />`}
    ${message.interaction && html`<p class="message-above"><${Icon} name="terminal" size=${14} />
      <span><strong>${displayName(message.interaction.username)}</strong> used <code class="code-inline">/${message.interaction.command}</code></span></p>`}
  `;
}

/** Who and what is answered; pressed, the list goes there. */
function Answered({ reply, place, latest }) {
  const original = useComputed(() => messageIn(place, reply.id)).value;
  const author = original?.webhook?.name ?? displayName(reply.user ?? original?.user ?? "");
  const color = original?.webhook ? null : colorOf(reply.user);
  const hidden = !original?.webhook && blocked.value.has(reply.user);
  const said = original && !hidden ? excerpt(original, 120) : "";
  return html`<button type="button" class="message-above message-answered" onClick=${() => latest.current.onJump?.(reply.id)}
    aria-label="Answer to ${author}${said ? `: ${said}` : ""}. Go there">
    <span class="message-answered-line" aria-hidden="true"></span>
    <${Avatar} username=${reply.user} size=${16} />
    <span class="message-answered-author ${color ? "role-ink" : ""}" style=${{ "--role": color ?? "" }}>${author}</span>
    <span class="truncate">${said || html`<em>${hidden ? "somebody you blocked" : "an earlier message"}</em>`}</span>
  </button>`;
}

function Below({ message, place }) {
  if (message.ephemeral) {
    return html`<p class="message-note"><${Icon} name="eye" size=${14} />Only you can see this.${" "}
      <button type="button" class="text-button" onClick=${() => remove(place, message.id)}>Dismiss</button></p>`;
  }
  if (message.state === "failed") {
    return html`<p class="message-note" data-kind="danger" role="alert"><${Icon} name="circle-alert" size=${14} />Not sent. ${message.problem}${" "}
      <button type="button" class="text-button" onClick=${() => retry(message.nonce)}>Retry</button>
      <button type="button" class="text-button" onClick=${() => discard(message.nonce)}>Discard</button></p>`;
  }
  return null;
}

function onContextMenu(event, row, message, context) {
  const native = event.target.closest("a, img, video, audio, textarea, input") || (window.getSelection()?.toString() && event.pointerType !== "touch");
  if (native && event.pointerType !== "touch") return;
  if (event.target.closest("textarea, input") || message.state) return;
  event.preventDefault();
  openMessageMenu({ x: event.clientX, y: event.clientY }, row, message, context);
}
