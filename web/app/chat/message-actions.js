// What can be done with a message: the bar beside it, its menu, its keys.
import { html, useRef } from "../lib.js";
import { request } from "../core/connection.js";
import { canIn } from "../core/permissions.js";
import { where } from "../core/place.js";
import { link } from "../core/router.js";
import { displayName, me } from "../core/state.js";
import { timeline } from "../core/timeline.js";
import { markUnread as markUnreadFrom } from "../core/unreads.js";
import { IconButton } from "../ui/button.js";
import { confirmDialog } from "../ui/dialog.js";
import { openMenu } from "../ui/menu.js";
import { toast } from "../ui/toast.js";
import { copyText } from "./copy.js";
import { toWritten } from "./emoji-text.js";
import { excerpt } from "./excerpt.js";
import { pickReaction } from "./reactions.js";

const LONG_PRESS_MS = 450;
const MOVED_PX = 10;
const ONCE_MS = 600; // browsers also send contextmenu for a finger that rests

let openedAt = -Infinity;

/** What I may do with a message. context: the props of Message. */
function allowed(message, { channel }) {
  const mine = message.user === me.value && !message.webhook;
  const real = !message.ephemeral && !message.state;
  return {
    react: real && canIn(channel, "react"),
    reply: real && canIn(channel, "send"),
    edit: real && mine && canIn(channel, "edit_own"),
    pin: real && canIn(channel, "pin"),
    remove: real && ((mine && canIn(channel, "delete_own")) || canIn(channel, "delete")),
    unread: real && message.user !== me.value,
    link: real,
  };
}

/** row: ref of the element; latest: ref of the props of Message; hold(promise): the bar stays until then. */
export function Toolbar({ message, row, latest, hold }) {
  const context = latest.current;
  const may = allowed(message, context);
  const more = (event) => hold(openMenu(event.currentTarget, menuItems(message, row.current, context), { placement: "bottom-end", label: "Message" }).closed);
  return html`<div class="message-tools" role="toolbar" aria-label="Message">
    ${may.react && html`<${IconButton} icon="face-slightly-smiling-plus" label="Add reaction" size="s" onClick=${(event) => hold(pickReaction(event.currentTarget, context.place, message))} />`}
    ${may.reply && html`<${IconButton} icon="reply" label="Reply" size="s" onClick=${() => context.onReply?.(message)} />`}
    ${may.edit && html`<${IconButton} icon="pencil" label="Edit" size="s" onClick=${() => context.onEdit?.(message.id)} />`}
    <${IconButton} icon="ellipsis" label="More" size="s" aria-haspopup="menu" onClick=${more} />
  </div>`;
}

function menuItems(message, row, context) {
  const { place } = context;
  const may = allowed(message, context);
  return [
    may.react && { label: "Add reaction", icon: "face-slightly-smiling-plus", hint: "+", onSelect: () => pickReaction(row, place, message) },
    may.reply && { label: "Reply", icon: "reply", hint: "R", onSelect: () => context.onReply?.(message) },
    may.edit && { label: "Edit", icon: "pencil", hint: "E", onSelect: () => context.onEdit?.(message.id) },
    may.pin && { label: message.pinned ? "Unpin" : "Pin", icon: message.pinned ? "pin-off" : "pin", onSelect: () => pin(place, message) },
    message.content && { label: "Copy text", icon: "copy", onSelect: () => copyText(toWritten(message.content), "Text copied") },
    may.link && { label: "Copy link", icon: "link", onSelect: () => copyText(linkTo(place, message), "Link copied") },
    may.unread && { label: "Mark unread from here", icon: "bookmark", onSelect: () => markUnread(place, message) },
    may.remove && "separator",
    may.remove && { label: "Delete", icon: "trash", danger: true, hint: "Del", onSelect: () => deleteMessage(place, message) },
  ];
}

export function openMessageMenu(at, row, message, context) {
  if (performance.now() - openedAt < ONCE_MS) return;
  openedAt = performance.now();
  const items = menuItems(message, row, context).filter(Boolean);
  if (items.length) openMenu(at, items, { label: "Message", title: excerpt(message, 60) });
}

/** R, E, +, Delete and the menu key, while the message itself has the focus. */
export function onMessageKey(event, row, message, context) {
  if (event.target !== row || event.ctrlKey || event.metaKey || event.altKey) return;
  const may = allowed(message, context);
  const actions = {
    r: may.reply && (() => context.onReply?.(message)),
    e: may.edit && (() => context.onEdit?.(message.id)),
    Delete: may.remove && (() => deleteMessage(context.place, message, { ask: !event.shiftKey })),
    "+": may.react && (() => pickReaction(row, context.place, message)),
    ContextMenu: () => openMessageMenu(corner(row), row, message, context),
    F10: event.shiftKey && (() => openMessageMenu(corner(row), row, message, context)),
  };
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

function corner(row) {
  const box = row.getBoundingClientRect();
  return { x: box.left + 64, y: Math.max(box.top, 0) + 16 };
}

/** Handlers that call open({x, y}) when a finger rests on the element. */
export function useLongPress(open) {
  const held = useRef(null);
  const end = () => {
    clearTimeout(held.current?.timer);
    held.current = null;
  };
  return {
    onPointerDown: (event) => {
      end();
      if (event.pointerType !== "touch" || event.target.closest("textarea, input, audio, video")) return;
      const at = { x: event.clientX, y: event.clientY };
      held.current = { at, timer: setTimeout(() => { end(); swallowClick(); open(at); }, LONG_PRESS_MS) };
    },
    onPointerMove: (event) => {
      if (held.current && Math.hypot(event.clientX - held.current.at.x, event.clientY - held.current.at.y) > MOVED_PX) end();
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
}

/** The finger that rested long enough does not also press what is below it when it lifts. */
function swallowClick() {
  const stop = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  const release = () => setTimeout(() => removeEventListener("click", stop, true), 80);
  addEventListener("click", stop, true);
  addEventListener("pointerup", release, { once: true, capture: true });
  addEventListener("pointercancel", release, { once: true, capture: true });
}

// --- commands ---

const complain = (error) => toast(error, "danger");

function pin(place, message) {
  return request(message.pinned ? "message_unpin" : "message_pin", { ...where(place), id: message.id }).catch(complain);
}

/** Deletes, and asks before unless told not to. */
export async function deleteMessage(place, message, { ask = true } = {}) {
  const author = message.webhook?.name ?? displayName(message.user);
  const children = html`<blockquote class="delete-preview"><strong>${author}</strong><p>${excerpt(message, 300)}</p></blockquote>`;
  const sure = !ask || (await confirmDialog({ title: "Delete this message?", text: "It is gone for everybody. Hold Shift to delete without this question.", confirm: "Delete", danger: true, children }));
  if (sure) await request("message_delete", { ...where(place), id: message.id }).catch(complain);
}

export function linkTo(place, message) {
  const target = place.thread_id ? { page: "chat", thread: place.thread_id } : { page: "chat", channel: place.channel };
  return new URL(link({ ...target, message: message.id }), document.baseURI).href;
}

/** From this message on all is unread again, also on other devices, until the place is opened anew. */
async function markUnread(place, message) {
  try {
    const { last_read: last } = await markUnreadFrom(place, message.id);
    timeline(place).unreadFrom.value = last;
    toast("Marked as unread");
  } catch (error) {
    complain(error);
  }
}
