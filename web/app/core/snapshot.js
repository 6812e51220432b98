// What was last seen, kept in the browser: the page opens with it at once, and without a connection.
import { batch, effect } from "../lib.js";
import * as state from "./state.js";
import { fillFrom, newestOf } from "./timeline.js";
import { unreads } from "./unreads.js";

const SAVE_AFTER_MS = 4000;
const MOST_PLACES = 25;
const MOST_MESSAGES = 50;

const scope = () => new URL(".", document.baseURI);
const cacheName = () => `originchats-snapshot:${scope().pathname}`;
const key = () => new URL("snapshot.json", scope()).href;

/** Draws what was last seen by this user; false if there is nothing. */
export async function restoreSnapshot(username) {
  const response = await (await store())?.match(key());
  const seen = await response?.json().catch(() => null);
  if (seen?.me !== username || state.me.peek() !== null) return false;
  batch(() => {
    state.server.value = seen.server;
    state.roles.value = new Map(seen.roles);
    state.emojis.value = new Map(seen.emojis);
    state.setUsers(seen.users.map((user) => ({ ...user, status: { ...user.status, status: "offline" } })));
    state.channels.value = seen.channels.map((channel) => ({ ...channel, ...(channel.voice_state && { voice_state: [] }) }));
    unreads.value = new Map(seen.unreads);
    for (const { place, messages } of seen.timelines) fillFrom(place, messages);
    state.me.value = seen.me;
  });
  return true;
}

/** From now on what changes is kept, a few seconds later and when the page is left, as long as wanted() says so. */
export function keepSnapshot(wanted = () => true) {
  let timer = 0;
  const save = () => {
    clearTimeout(timer);
    timer = 0;
    if (wanted()) saveSnapshot();
  };
  effect(() => {
    for (const watched of [state.channels, state.me, state.roles, state.emojis, unreads]) watched.value;
    timer ||= setTimeout(save, SAVE_AFTER_MS);
  });
  document.addEventListener("visibilitychange", () => document.hidden && save());
}

export async function dropSnapshot() {
  await globalThis.caches?.delete(cacheName());
}

async function saveSnapshot() {
  if (state.me.peek() === null) return;
  const timelines = newestOf(MOST_PLACES, MOST_MESSAGES);
  const named = new Set([state.me.peek(), ...timelines.flatMap(({ messages }) => messages.map(({ user }) => user))]);
  for (const channel of state.channels.peek()) for (const name of channel.members ?? []) named.add(name);
  const seen = {
    me: state.me.peek(),
    server: state.server.peek(),
    channels: state.channels.peek(),
    roles: [...state.roles.peek()],
    emojis: [...state.emojis.peek()],
    users: [...named].map((name) => state.users.peek().get(name)).filter(Boolean),
    unreads: [...unreads.peek()],
    timelines,
  };
  await (await store())?.put(key(), new Response(JSON.stringify(seen), { headers: { "Content-Type": "application/json" } }));
}

/** The cache, null where the browser has none (plain HTTP on another machine). */
async function store() {
  try {
    return await caches.open(cacheName());
  } catch {
    return null;
  }
}
