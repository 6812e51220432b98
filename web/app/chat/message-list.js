// The messages of a place. The window in core/timeline.js bounds how many there are; this keeps the reader's place while
// they grow at either end, pictures load and the field below changes its height.
import { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../lib.js";
import { online } from "../core/connection.js";
import { canIn } from "../core/permissions.js";
import { plural, shortTime } from "../core/format.js";
import { placeKey } from "../core/place.js";
import { go, route } from "../core/router.js";
import { channelTitle, displayName, me, threadById } from "../core/state.js";
import { timeline } from "../core/timeline.js";
import { acknowledge, held, unreadIn, watched } from "../core/unreads.js";
import { Button } from "../ui/button.js";
import { Empty, Problem } from "../ui/empty.js";
import { Icon } from "../ui/icon.js";
import { MessageSkeletons, Spinner } from "../ui/spinner.js";
import { excerpt } from "./excerpt.js";
import { layOut } from "./message-rows.js";
import { Message } from "./message.js";
import { firstInSight, keepPlace, rowOf, useResize } from "./scroll-place.js";
import { editing, replyTo } from "./writing.js";

const NEAR_PX = 1000;
const BOTTOM_PX = 40;
const HIGHLIGHT_MS = 2400;

let reached = null; // the route whose message was jumped to last

export function MessageList({ place, channel, message: wanted }) {
  const key = placeKey(place);
  const line = timeline(place);
  const messages = line.messages.value;
  const scroller = useRef(null);
  const anchor = useRef({ stick: true, at: 0, id: null, top: 0 });
  const [highlighted, setHighlighted] = useState(null);
  const [atBottom, setAtBottom] = useState(true);
  const [gone, setGone] = useState(false);
  const aim = wanted ? route.value : null;

  useEffect(() => {
    if ((!aim || aim === reached) && online.value === "online") line.open();
  }, [line, line.loaded.value, aim, online.value]);
  useJump(line, aim, online.value === "online", scroller, anchor, setHighlighted, setGone);
  useEditLast(key, messages);

  const settle = useCallback(() => keepPlace(scroller.current, anchor.current), []);
  const look = useCallback(() => {
    const box = scroller.current;
    if (!box || !line.loaded.peek()) return;
    const below = box.scrollHeight - box.scrollTop - box.clientHeight;
    // at the end it stays there, whatever grows, until somebody scrolls up
    const stays = anchor.current.stick && box.scrollTop >= anchor.current.at - 1;
    anchor.current = { stick: (stays || below < BOTTOM_PX) && line.atEnd.peek(), at: box.scrollTop, ...firstInSight(box) };
    setAtBottom(below < BOTTOM_PX * 3 && line.atEnd.peek());
    if (box.scrollTop < NEAR_PX && !line.error.peek()) line.loadOlder();
    if (below < NEAR_PX && !line.error.peek()) line.loadNewer();
  }, [line]);

  useLayoutEffect(settle, [messages]);
  useEffect(look, [messages, line.loading.value]);
  useResize(scroller, settle);
  useWatching(place, key, line, atBottom);

  const rows = useMemo(() => layOut(messages, line.unreadFrom.value), [messages, line.unreadFrom.value]);
  const onReply = useCallback((message) => (replyTo.value = { key, message }), [key]);
  const onJump = useCallback((id) => go({ page: "chat", ...(place.thread_id ? { thread: place.thread_id } : { channel: place.channel }), message: id }), [key]);
  const onEdit = useCallback((id) => (editing.value = id && { key, id }), [key]);
  const onEditDone = useCallback(() => (editing.value = null), []);
  const edited = editing.value?.key === key ? editing.value.id : null;
  const toEnd = () => {
    anchor.current = { stick: true, at: 0 };
    if (wanted) go({ page: "chat", ...(place.thread_id ? { thread: place.thread_id } : { channel: place.channel }) }, { replace: true });
    line.jumpToEnd().then(settle);
    settle();
  };

  // the same nodes while only the state of loading changes: then no row is looked at
  const drawn = useMemo(
    () =>
      rows.map((row) =>
        row.day
          ? html`<div key=${row.key} class="messages-day" role="separator"><span>${row.day}</span></div>`
          : row.unread
            ? html`<div key=${row.key} class="messages-unread" role="separator"><span>New</span></div>`
            : html`<${Message}
                key=${row.message.nonce ?? row.message.id}
                message=${row.message}
                place=${place}
                channel=${channel}
                grouped=${row.grouped}
                highlighted=${row.message.id === highlighted}
                editing=${row.message.id === edited}
                onReply=${onReply}
                onJump=${onJump}
                onEdit=${onEdit}
                onEditDone=${onEditDone}
              />`,
      ),
    [rows, key, channel, highlighted, edited],
  );

  const first = !line.loaded.value && messages.every(({ state }) => state); // what was not sent yet is there before
  return html`
    <div class="messages">
      <${UnreadBar} line=${line} messages=${messages} onJump=${onJump} />
      <div class="messages-scroller" ref=${scroller} onScroll=${look} onKeyDown=${walk} tabindex="0" role="log" aria-live="off" aria-label=${`Messages in ${channelTitle(channel)}`} aria-busy=${line.loading.value !== null}>
        <div class="messages-inner">
          ${first && !line.error.value && (online.value === "offline"
            ? html`<${Empty} icon="wifi-off" title="Not on this device yet" text="These messages were not looked at here before. They come with the connection." />`
            : html`<${MessageSkeletons} />`)}
          ${line.error.value && html`<${Problem} title="The messages could not be loaded" error=${line.error.value} onRetry=${() => (line.loaded.value ? line.loadOlder() : line.open())} />`}
          ${gone && html`<p class="messages-note" role="status"><${Icon} name="info" size=${16} /> That message is no longer there.</p>`}
          ${line.loaded.value && line.atStart.value && html`<${Beginning} channel=${channel} thread=${place.thread_id ? threadById(place.thread_id) : null} empty=${messages.length === 0} />`}
          ${line.loading.value === "older" && html`<div class="messages-loading"><${Spinner} label="Loading older messages" /></div>`}
          ${drawn}
          ${line.loading.value === "newer" && html`<div class="messages-loading"><${Spinner} label="Loading newer messages" /></div>`}
        </div>
      </div>
      ${!atBottom && html`<div class="messages-end"><${Button} kind="secondary" size="s" icon="arrow-down" onClick=${toEnd}>${endLabel(key)}</${Button}></div>`}
      <${Announcer} messages=${messages} />
    </div>
  `;
}

function endLabel(key) {
  const { unread_count: count } = unreadIn(key);
  return count ? plural(count, "new message") : "Newest messages";
}

function Beginning({ channel, thread, empty }) {
  const title = thread?.name ?? channelTitle(channel);
  return html`
    <div class="messages-beginning">
      <span class="messages-beginning-icon"><${Icon} name=${channel.members ? "message-circle" : thread ? "messages-square" : "hash"} size=${28} /></span>
      <h2>${channel.members || thread ? title : `Welcome to ${title}`}</h2>
      <p>${thread ? `Begun by ${displayName(thread.created_by)}` : channel.description || (channel.members ? "Only the two of you see this." : "This is where the channel begins.")}</p>
      ${empty && canIn(channel, "send") && html`<p class="messages-beginning-hint">Nobody has written yet. Say hello!</p>`}
    </div>
  `;
}

/** What was unread when the place was opened and is out of sight above. */
function UnreadBar({ line, messages, onJump }) {
  const from = line.unreadFrom.value;
  if (!from || !line.loaded.value) return null;
  const at = messages.findIndex(({ id }) => id === from);
  const count = at === -1 ? null : messages.length - 1 - at;
  if (count !== null && count < 12) return null;
  const clear = () => {
    line.unreadFrom.value = null;
    acknowledge(line.place);
  };
  return html`
    <div class="messages-bar" role="status">
      <button type="button" class="messages-bar-jump" onClick=${() => onJump(from)}>
        <${Icon} name="arrow-up" size=${16} /> ${count === null ? "Many new messages" : `${plural(count, "new message")} since ${shortTime(messages[at + 1].timestamp)}`}
      </button>
      <button type="button" class="messages-bar-clear" onClick=${clear}>Mark as read</button>
    </div>
  `;
}

/** Tells screen readers what comes in, which the list itself must not do while it grows upwards. */
function Announcer({ messages }) {
  const last = messages.at(-1);
  const known = useRef(last?.timestamp ?? 0);
  const isNew = last && last.timestamp > known.current && last.user !== me.value;
  if (last) known.current = Math.max(known.current, last.timestamp);
  return html`<div class="visually-hidden" role="status">${isNew ? `${displayName(last.user)}: ${excerpt(last, 240)}` : ""}</div>`;
}

/** Goes to the message that the address names, once for each time that somebody goes there: not after a reconnect. */
function useJump(line, aim, ready, scroller, anchor, setHighlighted, setGone) {
  useEffect(() => {
    if (!aim || !ready || aim === reached) return undefined;
    let current = true;
    setGone(false);
    anchor.current = { stick: false, id: null, top: 0 };
    line.jumpTo(aim.message).then((found) => {
      if (!current || (!found && line.error.peek())) return;
      reached = aim;
      if (!found) {
        setGone(true);
        line.open();
        return;
      }
      requestAnimationFrame(() => {
        const row = rowOf(scroller.current, aim.message);
        row?.scrollIntoView({ block: "center" });
        row?.focus({ preventScroll: true });
        setHighlighted(aim.message);
        setTimeout(() => setHighlighted((shown) => (shown === aim.message ? null : shown)), HIGHLIGHT_MS);
      });
    });
    return () => {
      current = false;
    };
  }, [line, aim, ready]);
}

/** Arrow up in an empty field: which message that is. */
function useEditLast(key, messages) {
  useEffect(() => {
    if (editing.value?.key !== key || !editing.value.last) return;
    const mine = messages.findLast((message) => message.user === me.peek() && !message.state && !message.ephemeral && !message.webhook);
    editing.value = mine ? { key, id: mine.id } : null;
  }, [editing.value]);
}

/** What is before somebody's eyes is read. */
function useWatching(place, key, line, atBottom) {
  useEffect(() => {
    const look = () => {
      const seen = atBottom && line.loaded.peek() && !document.hidden && document.hasFocus();
      if (!seen) {
        if (watched.peek() && placeKey(watched.peek()) === key) watched.value = null;
        return;
      }
      if (held.peek() === key) return;
      watched.value = place;
      if (unreadIn(key).unread_count) acknowledge(place);
    };
    look();
    addEventListener("focus", look);
    addEventListener("blur", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      removeEventListener("focus", look);
      removeEventListener("blur", look);
      document.removeEventListener("visibilitychange", look);
      if (watched.peek() && placeKey(watched.peek()) === key) watched.value = null;
    };
  }, [key, atBottom, line.loaded.value]);
  useEffect(() => () => held.peek() === key && (held.value = null), [key]);
}

/** Arrow keys go from message to message. */
function walk(event) {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("textarea, input, [role=menu]")) return;
  const rows = [...event.currentTarget.querySelectorAll("[data-message]")];
  const at = rows.indexOf(event.target.closest("[data-message]"));
  const next = at === -1 ? rows.at(-1) : rows[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
