// Emojis of this community in a text: written `:name:`, sent as `originChats://<host>/emojis/<id>`.
import { emojisByName, readReference, referenceTo } from "./emojis.js";

const CODE = /(```[\s\S]*?(?:```|$)|`[^`\n]*`)/;
const MARK = /originChats:\/\/[^\s/]+\/emojis\/[\w-]+/gi;

/** As it is sent. Code stays as it is. */
export function toSent(text) {
  if (!emojisByName.value.size || !text.includes(":")) return text;
  const mark = (whole, name) => {
    const emoji = emojisByName.value.get(name.toLowerCase());
    return emoji ? referenceTo(emoji.id) : whole;
  };
  return text.split(CODE).map((part, index) => (index % 2 ? part : part.replace(/:(\w{1,64}):/g, mark))).join("");
}

/** As it is written; emojis that are not known here stay as they are. */
export function toWritten(text) {
  return text.replace(MARK, (whole) => {
    const emoji = readReference(whole)?.emoji;
    return emoji ? `:${emoji.name}:` : whole;
  });
}
