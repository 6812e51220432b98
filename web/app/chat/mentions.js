// Runs of plain text inside messages: who and what is named in them. The same rule as the server's: the longest known name
// behind an @ or # counts, if no letter, digit or underscore follows it.
import { computed, html } from "../lib.js";
import { link } from "../core/router.js";
import { channels, channelTitle, displayName, me, roleList, roles, userNamed, users } from "../core/state.js";
import { CustomEmoji, Emoji, emojisByName } from "./emojis.js";
import { openProfile } from "./open-profile.js";

const LOCAL = "USR:local_";
const LONGEST_NAME = 64;
const MARK = /originChats:\/\/[^/\s]+\/emojis\/[\w.-]+|:[\w-]{2,32}:|@&?|#/gi;
const WORD = /[A-Za-z0-9_]/;

const channelNames = computed(() => channels.value.map((channel) => `${channel.name}/${channelTitle(channel)}`).join("\n"));
const folded = new WeakMap(); // Map of users -> Map lower-case name -> username

/** text: a string. Gives strings and vnodes. */
export function drawText(text) {
  return partsOf(text).map((part) => (typeof part === "string" ? part : vnodeOf(part)));
}

/** A text of one line as people say it: members, roles and channels by the names that are shown. */
export function sayText(text) {
  return partsOf(text).map((part) => (typeof part === "string" ? part : part.label)).join("");
}

/** Strings, and {kind, named, label, mine?, length} of what is named: kind "emoji", "user", "role" or "channel". */
export function partsOf(text) {
  if (!/[@#:]/.test(text)) return [text];
  const parts = [];
  let done = 0;
  MARK.lastIndex = 0;
  for (let found = MARK.exec(text); found; found = MARK.exec(text)) {
    const part = read(found[0], text, found.index);
    if (!part) {
      MARK.lastIndex = found.index + (found[0].startsWith(":") ? 1 : found[0].length);
      continue;
    }
    parts.push(text.slice(done, found.index), part);
    done = found.index + part.length;
    MARK.lastIndex = done;
  }
  parts.push(text.slice(done));
  return parts;
}

/** What begins with a mark, or null. */
function read(mark, text, at) {
  if (mark.length > 2) {
    const byName = mark.startsWith(":") && emojisByName.value.get(mark.slice(1, -1).toLowerCase());
    return mark.startsWith(":") && !byName ? null : { kind: "emoji", named: byName || mark, label: mark, length: mark.length };
  }
  const rest = text.slice(at + mark.length, at + mark.length + LONGEST_NAME + 1);
  if (mark === "#") return readChannel(rest, at > 0 && /[\w#&/]/.test(text[at - 1]));
  if (mark === "@" && text[at - 1] === "&") return null;
  return mark === "@" ? readUser(rest) : readRole(rest);
}

function readUser(rest) {
  const [username, length] = longest(rest, userCalled);
  return username && { kind: "user", named: username, label: `@${displayName(username)}`, mine: username === me.value, length: length + 1 };
}

function readRole(rest) {
  const [role, length] = longest(rest, (name) => roles.value.get(name) ?? null);
  return role && { kind: "role", named: role, label: `@${role.name}`, mine: me.value !== null && roleList(me.value).includes(role.name), length: length + 2 };
}

function readChannel(rest, glued) {
  if (glued || !channelNames.value) return null;
  const [channel, length] = longest(rest, (name) => channels.peek().find((each) => each.name === name && each.type !== "separator" && !each.members) ?? null);
  return channel && { kind: "channel", named: channel, label: `#${channelTitle(channel)}`, length: length + 1 };
}

function vnodeOf({ kind, named, label, mine }) {
  switch (kind) {
    case "emoji":
      return typeof named === "string" ? html`<${Emoji} value=${named} />` : html`<${CustomEmoji} emoji=${named} />`;
    case "user":
      return html`<button type="button" class="mention" data-mine=${mine || undefined} onClick=${(event) => openProfile(event.currentTarget, named)}>${label}</button>`;
    case "role":
      return html`<span class="mention ${named.color ? "role-ink" : ""}" data-mine=${mine || undefined} style=${{ "--role": named.color ?? "" }}>${label}</span>`;
    default:
      return html`<a class="mention" href=${link({ page: "chat", channel: named.name })}>${label}</a>`;
  }
}

/** [what the longest known name at the beginning means, its length]. */
function longest(rest, meaning) {
  const line = rest.split(/[@\n]/, 1)[0].slice(0, LONGEST_NAME);
  for (let end = line.length; end > 0; end--) {
    if (WORD.test(rest[end] ?? "") || /\s/.test(line[end - 1])) continue;
    const found = meaning(line.slice(0, end));
    if (found !== null) return [found, end];
  }
  return [null, 0];
}

/** The username behind a name as it is mentioned, in whatever case; null for nobody. */
export function userCalled(name) {
  const direct = userNamed(name) ?? userNamed(LOCAL + name);
  if (direct) return direct.username;
  const all = users.peek();
  if (!folded.has(all)) folded.set(all, new Map([...all.keys()].map((username) => [username.toLowerCase(), username])));
  const lower = name.toLowerCase();
  return folded.get(all).get(lower) ?? folded.get(all).get(LOCAL.toLowerCase() + lower) ?? null;
}

/** Whether a text calls me, by name or by one of my roles. */
export function namesMe(text) {
  if (!text.includes("@") || me.value === null) return false;
  for (const found of text.matchAll(/@(&?)/g)) {
    const rest = text.slice(found.index + found[0].length, found.index + found[0].length + LONGEST_NAME + 1);
    if (found[1]) {
      const [role] = longest(rest, (name) => (roles.value.has(name) ? name : null));
      if (role && roleList(me.value).includes(role)) return true;
    } else if (text[found.index - 1] !== "&" && longest(rest, userCalled)[0] === me.value) return true;
  }
  return false;
}
