// What the server has told: signals that components read. Only events.js writes them.
import { batch, computed, signal } from "../lib.js";

/** {name, icon?, banner?, owner: {name}, url?} of the handshake. */
export const server = signal({ name: "", owner: { name: "" } });
export const limits = signal({ post_content: 2000, search_results: 30, messages_page: 200, attachments_per_message: 10 });
export const attachmentRules = signal({ enabled: false, max_size: 0, allowed_types: [] });
export const capabilities = signal(new Set());
export const serverPermissions = signal([]);
/** The whole `val` of the last handshake, for what has no signal of its own; null before it. */
export const handshake = signal(null);

/** My username; null before login. */
export const me = signal(null);
/** Channels that I may view, in the order of display. */
export const channels = signal([]);
/** Map name -> Role, the most powerful first. */
export const roles = signal(new Map());
/** Map id -> {id, name, fileName}. */
export const emojis = signal(new Map());
/** Map name -> slash command. */
export const slashCommands = signal(new Map());
/** Set of usernames. */
export const blocked = signal(new Set());
/** Map channel name or "thread/<id>" -> Map username -> time in ms of the last sign of typing. */
export const typing = signal(new Map());

const people = new Map(); // username -> signal of UserEntry
const membership = signal(0); // grows when people come and go
const changes = signal(0); // grows, at most four times a second, when anything about anybody changes
let told = 0;

/** Map username -> UserEntry of all members; read it only where all are shown. */
export const users = computed(() => {
  membership.value;
  changes.value;
  return new Map([...people].map(([username, entry]) => [username, entry.peek()]));
});

export const myUser = computed(() => (me.value === null ? null : userNamed(me.value)));

/** The entry of one member, null for who is none; the reader hears of changes of this one only. */
export function userNamed(username) {
  const entry = people.get(username);
  if (entry) return entry.value;
  membership.value;
  return null;
}

export function channelNamed(name) {
  return channels.value.find((channel) => channel.name === name) ?? null;
}

export function threadById(id) {
  for (const channel of channels.value) {
    const found = channel.threads?.find((thread) => thread.id === id);
    if (found) return found;
  }
  return null;
}

export function roleList(username) {
  return userNamed(username)?.roles ?? [];
}

/** What people see in place of a username: the nickname, or the username without the prefix of local accounts. */
export function displayName(username) {
  return userNamed(username)?.nickname || plainName(username);
}

export function plainName(username) {
  return username.replace(/^USR:local_/, "");
}

/** The color of the first role that has one, or null. */
export function colorOf(username) {
  for (const name of roleList(username)) {
    const color = roles.value.get(name)?.color;
    if (color && /^#[0-9a-f]{3,8}$/i.test(color)) return color;
  }
  return null;
}

/** URL of the picture, if the member has one on this server; pictures elsewhere are not loaded. */
export function avatarUrl(username) {
  return localUrl(userNamed(username)?.pfp);
}

/** The URL if it leads to this server, moved below the page's own address; else null. */
export function localUrl(url) {
  if (!url) return null;
  const own = handshake.value?.server.url;
  const base = globalThis.document ? document.baseURI : "http://localhost/";
  try {
    const full = new URL(url, base);
    if (full.origin === new URL(base).origin) return full.href;
    const kept = !own && full.pathname.match(/\/((?:server-assets|emojis)\/[^/]+)$/); // it does not know its own address
    if (kept) return new URL(kept[1], base).href;
    if (own && full.href.startsWith(own.replace(/\/?$/, "/"))) {
      return new URL(full.href.slice(own.replace(/\/?$/, "/").length), base).href;
    }
  } catch {
    return null;
  }
  return null;
}

export function channelTitle(channel) {
  return channel.display_name || channel.name;
}

// --- writing, for events.js ---

export function setUsers(entries) {
  batch(() => {
    people.clear();
    for (const entry of entries) people.set(entry.username, signal(entry));
    membership.value++;
  });
}

export function putUser(entry) {
  const known = people.get(entry.username);
  if (known) changeUser(entry.username, entry);
  else {
    people.set(entry.username, signal(entry));
    membership.value++;
  }
}

export function changeUser(username, fields) {
  const entry = people.get(username);
  if (!entry) return;
  entry.value = { ...entry.peek(), ...fields };
  told ||= setTimeout(() => {
    told = 0;
    changes.value++;
  }, 250);
}

export function dropUser(username) {
  if (people.delete(username)) membership.value++;
}

export function renameUser(username, renamed) {
  const entry = people.get(username);
  if (!entry || username === renamed) return;
  people.delete(username);
  people.set(renamed, signal({ ...entry.peek(), username: renamed }));
  if (me.peek() === username) me.value = renamed;
  membership.value++;
}

export function changeChannel(name, fields) {
  channels.value = channels.peek().map((channel) => (channel.name === name ? { ...channel, ...fields } : channel));
}
