// What is searched for: words and filters such as from:ann, and what may be meant while one is typed.
import { channelNamed, channels, channelTitle, displayName, me, plainName, userNamed, users } from "../core/state.js";

/** In the order in which they are offered. */
export const FILTERS = [
  { key: "from", icon: "user", hint: "somebody", title: "Written by" },
  { key: "in", icon: "hash", hint: "a channel", title: "Written in" },
  { key: "has", icon: "paperclip", hint: "image, file, link, poll …", title: "Which carries" },
  { key: "before", icon: "calendar", hint: "a day, like 2026-01-31", title: "Before the day" },
  { key: "after", icon: "calendar", hint: "a day, like 2026-01-31", title: "From the day on" },
  { key: "pinned", icon: "pin", hint: "yes or no", title: "Pinned" },
];
const HAS = { image: "image", file: "paperclip", link: "link", embed: "message-square-text", poll: "chart-column", reaction: "face-slightly-smiling" };
const ONCE = new Set(["from", "before", "after", "pinned"]);
const MOST = 8;
const DAY_MS = 86_400_000;
const TOKEN = /(^|\s)(from|in|has|before|after|pinned):("[^"]+"|\S+)(?=\s)/i;
const UNFINISHED = /(?:^|\s)(?:from|in|has|before|after|pinned):\S*$/i;
const LAST = /(?:^|\s)(?:(from|in|has|before|after|pinned):)?(\S*)$/i;

/** Takes the first whole filter out of a text; {text, filter: {key, value} or null}. A filter that means nothing stays text. */
export function takeFilter(text) {
  const found = TOKEN.exec(text);
  if (!found) return { text, filter: null };
  const key = found[2].toLowerCase();
  const value = valueOf(key, found[3].replace(/^"|"$/g, ""));
  if (value === null) return { text, filter: null };
  const at = found.index + found[1].length;
  return { text: (text.slice(0, at) + text.slice(at + found[2].length + 1 + found[3].length)).replace(/^\s+/, ""), filter: { key, value } };
}

/** The proper form of what was typed behind a filter, or null. */
export function valueOf(key, typed) {
  const lower = typed.toLowerCase();
  switch (key) {
    case "from": {
      if (lower === "me" && !userNamed("me")) return me.peek();
      const all = [...users.peek().values()];
      const wanted = lower.replace(/^@/, "");
      const called = all.find(({ username }) => username.toLowerCase() === wanted || plainName(username).toLowerCase() === wanted);
      return (called ?? all.find(({ nickname }) => nickname?.toLowerCase() === wanted))?.username ?? null;
    }
    case "in": {
      const wanted = lower.replace(/^#/, "");
      return searchable().find((channel) => channel.name.toLowerCase() === wanted || channelTitle(channel).toLowerCase() === wanted)?.name ?? null;
    }
    case "has":
      return lower in HAS ? lower : null;
    case "pinned":
      return { yes: "yes", true: "yes", no: "no", false: "no" }[lower] ?? null;
    default:
      return /^\d{4}-\d{2}-\d{2}$/.test(typed) && !Number.isNaN(startOfDay(typed)) ? typed : null;
  }
}

export function filterLabel({ key, value }) {
  if (key === "from") return displayName(value);
  if (key === "in") return nameOf(channelNamed(value)) ?? value;
  return value;
}

/** Adds a filter; of those that can stand once only, it replaces the earlier one. */
export function withFilter(filters, added) {
  const others = filters.filter(({ key, value }) => key !== added.key || (!ONCE.has(key) && value !== added.value));
  return [...others, added];
}

/** The text without a filter at its end that is still being typed, on one line. */
export function queryOf(text) {
  return text.replace(UNFINISHED, "").replace(/\s+/g, " ").trim();
}

/** The fields of messages_search, or null if there is nothing to look for. */
export function searchFields(query, filters) {
  if (!query && !filters.length) return null;
  const fields = { query };
  for (const { key, value } of filters) {
    if (key === "in") fields.channels = [...(fields.channels ?? []), value];
    else if (key === "has") fields.has = [...(fields.has ?? []), value];
    else if (key === "pinned") fields.pinned = value === "yes";
    else fields[key] = key === "from" ? value : startOfDay(value) / 1000;
  }
  // a channel alone finds everything in it, for which the server wants at least a time
  if (!query && filters.every(({ key }) => key === "in")) fields.before = Date.now() / 1000 + 60;
  return fields;
}

/** What may be meant by the end of the text: {from: index where it begins, isValue: of a filter, title, options: [{id, icon,
 * label, hint, filter? | write?}]}. */
export function suggestFilters(text, filters) {
  const [whole, key, typed] = LAST.exec(text);
  const from = text.length - whole.trimStart().length;
  if (key) return { from, isValue: true, title: FILTERS.find((each) => each.key === key.toLowerCase()).title, options: values(key.toLowerCase(), typed.toLowerCase()) };
  const open = FILTERS.filter((each) => !(ONCE.has(each.key) && filters.some((other) => other.key === each.key)));
  const fitting = open.filter((each) => each.key.startsWith(typed.toLowerCase()));
  return { from, isValue: false, title: "Narrow it down", options: fitting.map((each) => ({ id: each.key, icon: each.icon, label: `${each.key}:`, hint: each.hint, write: `${each.key}:` })) };
}

function values(key, typed) {
  const list = { from: people, in: places, has: carried, before: days, after: days, pinned: () => [option("pinned", "yes", "pin", "yes"), option("pinned", "no", "pin-off", "no")] }[key](typed, key);
  return list.slice(0, MOST);
}

function option(key, value, icon, label, hint = "") {
  return { id: `${key}/${value}`, icon, label, hint, filter: { key, value } };
}

function people(typed) {
  const wanted = typed.replace(/^@/, "");
  const found = [...users.peek().values()].filter(({ username, nickname }) => `${nickname ?? ""} ${plainName(username)}`.toLowerCase().includes(wanted));
  found.sort((a, b) => starts(b, wanted) - starts(a, wanted) || (displayName(a.username) < displayName(b.username) ? -1 : 1));
  return found.map(({ username }) => ({ ...option("from", username, "user", displayName(username), plainName(username)), username }));
}

function starts({ username, nickname }, wanted) {
  return plainName(username).toLowerCase().startsWith(wanted) || nickname?.toLowerCase().startsWith(wanted) ? 1 : 0;
}

function places(typed) {
  const wanted = typed.replace(/^#/, "");
  const found = searchable().filter((channel) => `${channel.name} ${nameOf(channel)}`.toLowerCase().includes(wanted));
  return found.map((channel) => option("in", channel.name, channel.members ? "at-sign" : channel.type === "forum" ? "messages-square" : "hash", nameOf(channel)));
}

const carried = (typed) => Object.entries(HAS).filter(([name]) => name.startsWith(typed)).map(([name, icon]) => option("has", name, icon, name));

function days(typed, key) {
  const now = Date.now();
  const named = [["today", 0], ["yesterday", 1], ["a week ago", 7], ["a month ago", 30], ["a year ago", 365]];
  const found = named.map(([label, count]) => option(key, isoDay(now - count * DAY_MS), "calendar", isoDay(now - count * DAY_MS), label));
  return found.filter(({ label, hint }) => label.startsWith(typed) || hint.startsWith(typed));
}

function isoDay(at) {
  const day = new Date(at);
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`;
}

/** ms since 1970 of the beginning of a day where the reader lives; NaN for what is no day. */
function startOfDay(text) {
  return new Date(`${text}T00:00:00`).getTime();
}

function searchable() {
  return channels.peek().filter(({ type }) => type === "text" || type === "forum");
}

function nameOf(channel) {
  if (!channel) return null;
  const other = channel.members?.find((name) => name !== me.peek());
  return other ? displayName(other) : channelTitle(channel);
}
