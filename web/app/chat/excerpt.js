// A message in one line: for replies, pins, pings and results.
import { plural } from "../core/format.js";
import { toWritten } from "./emoji-text.js";
import { plainText } from "./markdown-parse.js";
import { sayText } from "./mentions.js";

/** The text without its formatting and with names as they are shown, or what the message has in place of one. most:
 *  characters. */
export function excerpt(message, most = 160) {
  return sayText(writtenExcerpt(message, most));
}

/** The same with names as they are written, such as `@&team`. */
export function writtenExcerpt(message, most = 160) {
  const text = plainText(toWritten(message.content ?? ""), most);
  if (text) return text;
  const poll = message.embeds?.find(({ type }) => type === "poll");
  if (poll) return `Poll: ${poll.poll?.question ?? poll.title ?? ""}`;
  const files = message.attachments ?? [];
  if (files.length === 1) return files[0].name;
  if (files.length) return plural(files.length, "file");
  return message.embeds?.length ? message.embeds[0].title || message.embeds[0].description || "Embed" : "Empty message";
}
