// Messages on their way. Each has a nonce, under which the server stores it at most once: what was not confirmed when the
// connection broke, or the page was closed, is simply sent again.
import { signal } from "../lib.js";
import { request } from "./connection.js";
import { randomId } from "./random.js";
import { placeKey, where } from "./place.js";
import { me } from "./state.js";

const LONGEST_WAIT_MS = 60_000;

const pending = signal([]); // {nonce, place, command, state, problem, timestamp, ...} oldest first
const running = new Set(); // place keys whose first message is on its way
let storage = null;

export function pendingIn(key) {
  return pending.value.filter((entry) => entry.key === key).map((entry) => entry.message);
}

/** store: has getItem and setItem; keeps what is unsent over a reload. */
export function restore(store, name) {
  storage = { store, name };
  try {
    pending.value = JSON.parse(store.getItem(name) ?? "[]");
  } catch {
    pending.value = [];
  }
}

/** Shows a message at once and sends it. fields: content, reply_to? ({id, user}), attachments? (uploads), ping?, embeds? */
export function post(place, { reply_to, attachments, ...fields }) {
  const nonce = randomId();
  const command = { ...where(place), ...fields, nonce };
  if (reply_to) command.reply_to = reply_to.id;
  if (attachments?.length) command.attachments = attachments.map(({ id }) => ({ id }));
  const message = {
    id: nonce, nonce, user: me.peek(), timestamp: Date.now() / 1000, type: "message", state: "sending",
    content: fields.content ?? "", reply_to, attachments,
  };
  put([...pending.peek(), { nonce, key: placeKey(place), command, message }]);
  flush(placeKey(place));
}

export function retry(nonce) {
  change(nonce, { state: "sending", problem: null });
  const entry = pending.peek().find((each) => each.nonce === nonce);
  if (entry) flush(entry.key);
}

export function discard(nonce) {
  put(pending.peek().filter((entry) => entry.nonce !== nonce));
}

/** Forgets what somebody else wrote, who was logged in on this page before; at once after a login. */
export function keepOnlyMine() {
  const mine = pending.peek().filter(({ message }) => message.user === me.peek());
  if (mine.length !== pending.peek().length) put(mine);
}

/** Somebody has another name. */
export function renameUser(username, renamed) {
  if (!pending.peek().some(({ message }) => message.user === username)) return;
  put(pending.peek().map((entry) => (entry.message.user === username ? { ...entry, message: { ...entry.message, user: renamed } } : entry)));
}

/** Sends everything that is unconfirmed; after a login. */
export function flushAll() {
  for (const key of new Set(pending.peek().map((entry) => entry.key))) flush(key);
}

/** The server has stored it. */
export function confirmed(nonce) {
  if (pending.peek().some((entry) => entry.nonce === nonce)) discard(nonce);
}

/** One after the other, so that the order stays. */
async function flush(key) {
  if (running.has(key)) return;
  running.add(key);
  try {
    for (;;) {
      const entry = pending.peek().find((each) => each.key === key && each.message.state === "sending");
      if (!entry) return;
      try {
        await request("message_new", entry.command);
        confirmed(entry.nonce);
      } catch (error) {
        if (error.code === "offline") return;
        const wait = waitMs(error);
        if (wait === null) change(entry.nonce, { state: "failed", problem: error.message });
        else await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  } finally {
    running.delete(key);
  }
}

/** How long to wait before the same again, or null if that is of no use. */
function waitMs(error) {
  if (error.code === "unavailable" || error.code === "timeout") return 3000;
  const told = error.code === "rate_limit" && /([\d.]+) seconds/.exec(error.message);
  const wait = told ? Number(told[1]) * 1000 + 100 : null;
  return wait !== null && wait <= LONGEST_WAIT_MS ? wait : null;
}

function change(nonce, fields) {
  put(pending.peek().map((entry) => (entry.nonce === nonce ? { ...entry, message: { ...entry.message, ...fields } } : entry)));
}

function put(entries) {
  pending.value = entries;
  try {
    storage?.store.setItem(storage.name, JSON.stringify(entries));
  } catch {
    // a full or forbidden storage only means that a reload forgets
  }
}
