// Emojis of this community in a text: written `:name:`, sent as `originChats://<host>/emojis/<id>`.
import { emojis, handshake } from "../core/state.js";

const CODE = /(```[\s\S]*?(?:```|$)|`[^`\n]*`)/;
const MARK = /originChats:\/\/[^\s/]+\/emojis\/([\w-]+)/gi;

/** What a message says for an emoji of the community. */
export function emojiMark(id) {
  const own = handshake.value?.server.url;
  const host = own ? new URL(own, location.href).host : location.host;
  return `originChats://${host}/emojis/${id}`;
}

/** As it is sent. Code stays as it is. */
export function toSent(text) {
  if (!emojis.value.size || !text.includes(":")) return text;
  const ids = new Map([...emojis.value.values()].map(({ name, id }) => [name, id]));
  const marked = (part) => part.replace(/:([^\s:]+):/g, (whole, name) => (ids.has(name) ? emojiMark(ids.get(name)) : whole));
  return text.split(CODE).map((part, index) => (index % 2 ? part : marked(part))).join("");
}

/** As it is written; emojis that are gone stay as they are. */
export function toWritten(text) {
  return text.replace(MARK, (whole, id) => (emojis.value.has(id) ? `:${emojis.value.get(id).name}:` : whole));
}
