// Reactions below a message, and what adds and removes them.
import { html } from "../lib.js";
import { request } from "../core/connection.js";
import { names } from "../core/format.js";
import { where } from "../core/place.js";
import { displayName, me } from "../core/state.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { Emoji, emojiName, noteEmoji } from "./emojis.js";

const LEFT_OUT = new Set(["already_reacted", "not_reacted"]);

/** allowed: whether I may react here. onAdd(anchor): opens the picker. */
export function Reactions({ message, place, allowed, onAdd }) {
  const all = Object.entries(message.reactions ?? {}).filter(([, users]) => users.length);
  if (!all.length) return null;
  return html`<div class="reactions" role="group" aria-label="Reactions">
    ${all.map(([emoji, users]) => html`<${Reaction} key=${emoji} emoji=${emoji} users=${users} allowed=${allowed}
      onToggle=${() => toggleReaction(place, message, emoji)} />`)}
    ${allowed && html`<button type="button" class="reaction reaction-add" aria-label="Add reaction" data-tip="Add reaction"
      onClick=${(event) => onAdd(event.currentTarget)}><${Icon} name="face-slightly-smiling-plus" size=${16} /></button>`}
  </div>`;
}

function Reaction({ emoji, users, allowed, onToggle }) {
  const mine = users.includes(me.value);
  const who = names(users.map((user) => (user === me.value ? "you" : displayName(user))), 8);
  const name = emojiName(emoji);
  return html`<button type="button" class="reaction" aria-pressed=${String(mine)} aria-disabled=${allowed ? undefined : "true"}
    aria-label="${name}, ${users.length}: ${who}" data-tip="${who} reacted with ${name}" onClick=${() => allowed && onToggle()}>
    <${Emoji} value=${emoji} /><span class="reaction-count">${users.length}</span>
  </button>`;
}

/** Adds my reaction, or takes it back. */
export async function toggleReaction(place, message, emoji) {
  const mine = message.reactions?.[emoji]?.includes(me.peek());
  try {
    await request(mine ? "message_react_remove" : "message_react_add", { ...where(place), id: message.id, emoji });
    if (!mine) noteEmoji(emoji);
  } catch (error) {
    if (!LEFT_OUT.has(error.code)) toast(error, "danger");
  }
}

/** Opens the picker; what is picked becomes my reaction. Resolves when the picker has closed. */
export async function pickReaction(anchor, place, message) {
  try {
    const { openEmojiPicker } = await import("./emoji-picker.js");
    const picker = openEmojiPicker(anchor, (emoji) => {
      if (!message.reactions?.[emoji]?.includes(me.peek())) toggleReaction(place, message, emoji);
    });
    await picker.closed;
  } catch {
    toast("The emojis could not be loaded. Try again.", "danger");
  }
}
