// A message in one line: for replies, pins, pings and results.
import { plural } from "../core/format.js";
import { toWritten } from "./emoji-text.js";

/** The text without its formatting, or what the message has in place of one. */
export function excerpt(message) {
  const text = plain(message.content ?? "");
  if (text) return text;
  const poll = message.embeds?.find(({ type }) => type === "poll");
  if (poll) return `Poll: ${poll.poll?.question ?? poll.title ?? ""}`;
  const files = message.attachments ?? [];
  if (files.length === 1) return files[0].name;
  if (files.length) return plural(files.length, "file");
  return message.embeds?.length ? message.embeds[0].title || message.embeds[0].description || "Embed" : "Empty message";
}

export function plain(content) {
  return toWritten(content)
    .replace(/```\w*\n?/g, "")
    .replace(/(\*\*|__|~~|\|\||`)/g, "")
    .replace(/^[>#]+ +/gm, "")
    .replace(/\[([^\]\n]+)\]\((?:[^)\s]+)\)/g, "$1")
    .replace(/\s+/g, " ")
    .trim();
}
