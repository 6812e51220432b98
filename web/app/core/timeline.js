// Windows on the messages of places. A window is a run of messages without holes; it grows at both ends as the reader
// scrolls, and forgets at the other end, so that a channel of any length costs the same.
import { computed, signal } from "../lib.js";
import { request } from "./connection.js";
import { pendingIn } from "./outbox.js";
import { placeKey, placeOf, where } from "./place.js";
import { markerOf } from "./unreads.js";

const FIRST = 40; // fills a screen; drawn before anything else
const PAGE = 20; // few enough to be drawn between two frames of scrolling
const AROUND = 20; // on either side of a message that is jumped to
export const WINDOW = 240; // higher than a tall screen and what is loaded ahead of it on both sides

const timelines = new Map(); // place key -> timeline

/** The window of a place; the same object each time. Nothing is loaded before `open()`. */
export function timeline(place) {
  const key = placeKey(place);
  if (!timelines.has(key)) timelines.set(key, makeTimeline(place));
  return timelines.get(key);
}

function makeTimeline(place) {
  const stored = signal([]);
  const line = {
    place,
    stored,
    /** Oldest first; the unsent ones of this page last. */
    messages: computed(() => {
      const unsent = line.atEnd.value ? pendingIn(placeKey(place)) : [];
      return unsent.length ? [...stored.value, ...unsent] : stored.value;
    }),
    loaded: signal(false),
    atStart: signal(false),
    atEnd: signal(true),
    /** null | "first" | "older" | "newer" | "jump" */
    loading: signal(null),
    /** RequestError of the last load, or null. */
    error: signal(null),
    /** Id of the last message read before the place was opened; the line of new messages stands behind it. */
    unreadFrom: signal(null),
    stale: false,
    turn: 0, // grows when the window goes elsewhere: what was asked for before is no longer next to it

    /** Loads the newest page, unless it is there. */
    async open() {
      if (line.loading.peek() || (line.loaded.peek() && !line.stale)) return;
      await load(line, "first", { start: 0, limit: FIRST, mark_read: false }, (page) => {
        if (!line.loaded.peek()) line.unreadFrom.value = markerOf(placeKey(place));
        line.stale = false;
        line.loaded.value = true;
        line.atEnd.value = true;
        line.atStart.value = page.length < FIRST;
        stored.value = merge(page, stored.peek().filter((message) => message.ephemeral));
      });
    },

    async loadOlder() {
      const oldest = stored.peek().find((message) => !message.ephemeral);
      if (line.loading.peek() || line.atStart.peek() || !oldest) return;
      await load(line, "older", { start: oldest.id }, (page) => {
        line.atStart.value = page.length < PAGE;
        const whole = merge(page, stored.peek());
        if (whole.length > WINDOW) line.atEnd.value = false;
        stored.value = whole.slice(0, WINDOW);
      });
    },

    async loadNewer() {
      const newest = stored.peek().findLast((message) => !message.ephemeral);
      if (line.loading.peek() || line.atEnd.peek() || !newest) return;
      await loadAround(line, "newer", newest.id, { above: PAGE, below: 0 }, (page) => {
        line.atEnd.value = page.length <= PAGE;
        const whole = merge(stored.peek(), page);
        if (whole.length > WINDOW) line.atStart.value = false;
        stored.value = whole.slice(-WINDOW);
      });
    },

    /** Makes the window stand around a message; false when it is gone. */
    async jumpTo(id) {
      if (line.loaded.peek() && stored.peek().some((message) => message.id === id)) return true;
      await loadAround(line, "jump", id, { above: AROUND, below: AROUND }, (page) => {
        const at = page.findIndex((message) => message.id === id);
        line.loaded.value = true;
        line.stale = false;
        line.atStart.value = at < AROUND;
        line.atEnd.value = page.length - 1 - at < AROUND;
        stored.value = page;
      });
      return stored.peek().some((message) => message.id === id);
    },

    async jumpToEnd() {
      if (line.atEnd.peek()) return;
      line.loaded.value = false;
      line.loading.value = null;
      stored.value = [];
      await line.open();
    },
  };
  return line;
}

async function load(line, what, fields, take) {
  await run(line, what, "messages_get", { ...where(line.place), limit: PAGE, ...fields }, take);
}

async function loadAround(line, what, id, bounds, take) {
  await run(line, what, "messages_around", { ...where(line.place), around: id, bounds }, take);
}

async function run(line, what, cmd, fields, take) {
  if (what === "first" || what === "jump") line.turn++;
  const turn = line.turn;
  line.loading.value = what;
  line.error.value = null;
  try {
    const { messages } = await request(cmd, fields);
    if (turn === line.turn) take(messages);
  } catch (error) {
    if (turn === line.turn) line.error.value = error;
  } finally {
    if (turn === line.turn) line.loading.value = null;
  }
}

/** Two runs in one, each message once, the later run's copy; ordered by time. */
function merge(first, second) {
  if (!first.length || !second.length) return first.length ? first : second;
  const ids = new Set(second.map((message) => message.id));
  const whole = [...first.filter((message) => !ids.has(message.id)), ...second];
  if (whole.some((message, index) => index && whole[index - 1].timestamp > message.timestamp)) {
    whole.sort((a, b) => a.timestamp - b.timestamp);
  }
  return whole;
}

// --- for events.js ---

/** Takes a new message into the window of its place; false if it is there already. */
export function add(packet) {
  const line = timelines.get(placeKey(placeOf(packet)));
  if (!line?.loaded.peek()) return true;
  if (line.stored.peek().some((message) => message.id === packet.message.id)) return false;
  if (line.atEnd.peek()) {
    const whole = [...line.stored.peek(), packet.message];
    if (whole.length > WINDOW + PAGE) line.atStart.value = false;
    line.stored.value = whole.length > WINDOW + PAGE ? whole.slice(-WINDOW) : whole;
  }
  return true;
}

export function change(packet, id, edit) {
  changeIn(timelines.get(placeKey(placeOf(packet))), id, edit);
}

export function changeAnywhere(id, edit) {
  for (const line of timelines.values()) changeIn(line, id, edit);
}

function changeIn(line, id, edit) {
  if (!line?.stored.peek().some((message) => message.id === id)) return;
  line.stored.value = line.stored.peek().map((message) => (message.id === id ? edit(message) : message));
}

export function remove(packet, id) {
  const line = timelines.get(placeKey(placeOf(packet)));
  if (line) line.stored.value = line.stored.peek().filter((message) => message.id !== id);
}

export function renameUser(username, renamed) {
  for (const line of timelines.values()) {
    line.stored.value = line.stored.peek().map((message) => (message.user === username ? { ...message, user: renamed } : message));
  }
}

/** What is shown may have holes: it is fetched again where it is looked at. */
export function makeStale() {
  for (const line of timelines.values()) {
    line.stale = true;
    line.loaded.value = false;
  }
}

/** [{place, messages}] of the places looked at last, the newest messages of each. */
export function newestOf(places, most) {
  return [...timelines.values()]
    .filter((line) => line.atEnd.peek() && line.stored.peek().length)
    .slice(-places)
    .map(({ place, stored }) => ({ place, messages: stored.peek().filter((message) => !message.ephemeral).slice(-most) }));
}

/** Messages from an earlier visit, to be shown until the server can be asked. */
export function fillFrom(place, messages) {
  const line = timeline(place);
  line.stored.value = messages;
  line.stale = true;
}

export function keepOnly(keys) {
  for (const key of timelines.keys()) if (!keys.has(key)) drop(key);
}

export function drop(key) {
  timelines.delete(key);
}
