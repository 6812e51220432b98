// How much is unread, by place key. Counts come from the server at login and are kept by the events after that.
import { computed, signal } from "../lib.js";
import { request } from "./connection.js";
import { placeKey, placeOf, where } from "./place.js";
import { blocked, channels, me, roleList } from "./state.js";

const ACKNOWLEDGE_AFTER_MS = 400;

/** Map place key -> {last_read, unread_count, mentions}. */
export const unreads = signal(new Map());
/** The place whose newest messages are before somebody's eyes, or null. */
export const watched = signal(null);
/** Key of an open place in which something was made unread: it stays so until the place is left, or null. */
export const held = signal(null);

export const totalMentions = computed(() => [...unreads.value.values()].reduce((sum, { mentions }) => sum + mentions, 0));

/** What waits for me: mentions, and all that is new in direct messages. */
export const totalForMe = computed(() => {
  const directs = new Set(channels.value.filter(({ members }) => members).map(({ name }) => name));
  return [...unreads.value].reduce((sum, [key, { mentions, unread_count: count }]) => sum + (directs.has(key) ? count : mentions), 0);
});

const acknowledging = new Map(); // place key -> timer

export function unreadIn(key) {
  return unreads.value.get(key) ?? { last_read: null, unread_count: 0, mentions: 0 };
}

/** The last read message if there is something unread behind it, else null. */
export function markerOf(key) {
  const entry = unreads.peek().get(key);
  return entry?.unread_count ? entry.last_read : null;
}

export function callsMe(message) {
  const pings = message.pings;
  if (!pings) return false;
  const mine = me.peek();
  return pings.users?.includes(mine) || pings.replies?.includes(mine) || pings.roles?.some((role) => roleList(mine).includes(role)) || false;
}

export function setAll(all) {
  unreads.value = new Map(
    Object.entries(all).map(([key, { last_read, unread_count, mentions = 0 }]) => [key, { last_read, unread_count, mentions }]),
  );
}

export function came({ message, ...packet }) {
  const key = placeKey(placeOf(packet));
  if (message.user === me.peek()) {
    put(key, { last_read: message.id, unread_count: 0, mentions: 0 });
    acknowledge(placeOf(packet));
  } else if (watched.peek() && placeKey(watched.peek()) === key) acknowledge(watched.peek());
  else if (!blocked.peek().has(message.user)) {
    const entry = unreads.peek().get(key) ?? { last_read: null, unread_count: 0, mentions: 0 };
    put(key, { ...entry, unread_count: entry.unread_count + 1, mentions: entry.mentions + (callsMe(message) ? 1 : 0) });
  }
}

/** Takes where the marker is now. */
export function read(packet) {
  const key = placeKey(placeOf(packet));
  const count = packet.unread_count ?? 0;
  if (count && watched.peek() && placeKey(watched.peek()) === key) {
    held.value = key;
    watched.value = null;
  }
  put(key, { last_read: packet.last_read, unread_count: count, mentions: packet.mentions ?? 0 });
}

/** Marks all of a place as read, here at once and a moment later on the server. */
export function acknowledge(place) {
  const key = placeKey(place);
  const entry = unreads.peek().get(key);
  if (held.peek() === key) held.value = null;
  if (entry?.unread_count) put(key, { ...entry, unread_count: 0, mentions: 0 });
  if (acknowledging.has(key)) return;
  const send = () => {
    acknowledging.delete(key);
    request("unreads_ack", where(place)).catch(() => {});
  };
  acknowledging.set(key, setTimeout(send, ACKNOWLEDGE_AFTER_MS));
}

/** Makes a message and all behind it unread, on all devices; resolves to the answer. Rejects with RequestError. */
export async function markUnread(place, id) {
  const key = placeKey(place);
  clearTimeout(acknowledging.get(key));
  acknowledging.delete(key);
  const before = { held: held.peek(), watched: watched.peek() };
  held.value = key;
  watched.value = null;
  try {
    return await request("unreads_mark", { ...where(place), message_id: id });
  } catch (error) {
    held.value = before.held;
    watched.value = before.watched;
    throw error;
  }
}

export function keepOnly(keys) {
  if ([...unreads.peek().keys()].some((key) => !keys.has(key))) {
    unreads.value = new Map([...unreads.peek()].filter(([key]) => keys.has(key)));
  }
}

function put(key, entry) {
  unreads.value = new Map(unreads.peek()).set(key, entry);
}
