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
  if (!/[@#:]/.test(text)) return text;
  const parts = [];
  let done = 0;
  MARK.lastIndex = 0;
  for (let found = MARK.exec(text); found; found = MARK.exec(text)) {
    const piece = draw(found[0], text, found.index);
    if (!piece) {
      MARK.lastIndex = found.index + (found[0].startsWith(":") ? 1 : found[0].length);
      continue;
    }
    parts.push(text.slice(done, found.index), piece.vnode);
    done = found.index + piece.length;
    MARK.lastIndex = done;
  }
  parts.push(text.slice(done));
  return parts;
}

/** {vnode, length} of what begins with a mark, or null. */
function draw(mark, text, at) {
  if (mark.length > 2 && !mark.startsWith(":")) return { vnode: html`<${Emoji} value=${mark} />`, length: mark.length };
  if (mark.length > 2) {
    const emoji = emojisByName.value.get(mark.slice(1, -1).toLowerCase());
    return emoji ? { vnode: html`<${CustomEmoji} emoji=${emoji} />`, length: mark.length } : null;
  }
  const rest = text.slice(at + mark.length, at + mark.length + LONGEST_NAME + 1);
  if (mark === "#") return drawChannel(rest, at > 0 && /[\w#&/]/.test(text[at - 1]));
  if (mark === "@" && text[at - 1] === "&") return null;
  return mark === "@" ? drawUser(rest) : drawRole(rest);
}

function drawUser(rest) {
  const [username, length] = longest(rest, userCalled);
  if (!username) return null;
  const mine = username === me.value;
  const open = (event) => openProfile(event.currentTarget, username);
  const vnode = html`<button type="button" class="mention" data-mine=${mine || undefined} onClick=${open}>@${displayName(username)}</button>`;
  return { vnode, length: length + 1 };
}

function drawRole(rest) {
  const [role, length] = longest(rest, (name) => roles.value.get(name) ?? null);
  if (!role) return null;
  const mine = me.value !== null && roleList(me.value).includes(role.name);
  const vnode = html`<span class="mention ${role.color ? "role-ink" : ""}" data-mine=${mine || undefined} style=${{ "--role": role.color ?? "" }}>@${role.name}</span>`;
  return { vnode, length: length + 2 };
}

function drawChannel(rest, glued) {
  if (glued || !channelNames.value) return null;
  const [channel, length] = longest(rest, (name) => channels.peek().find((each) => each.name === name && each.type !== "separator" && !each.members) ?? null);
  if (!channel) return null;
  const vnode = html`<a class="mention" href=${link({ page: "chat", channel: channel.name })}>#${channelTitle(channel)}</a>`;
  return { vnode, length: length + 1 };
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
