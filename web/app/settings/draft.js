// Changes of the configuration that are not saved yet. They stay while other pages are looked at.
import { request } from "../core/connection.js";
import { computed, signal } from "../lib.js";

/** Map key -> wanted value. */
export const draft = signal(new Map());
/** Map key -> why the server does not take it. */
export const problems = signal(new Map());
/** What a check said: {live: [key], restart: [key]}, null when something changed since. */
export const checked = signal(null);

export const changesOf = computed(() => Object.fromEntries(draft.value));

/** What the file says: what counts after a restart, where that differs from what counts now. */
export const savedValue = (entry) => ("waiting" in entry ? entry.waiting : entry.value);
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export function change(entry, value) {
  const next = new Map(draft.peek());
  if (same(value, savedValue(entry)) && !entry.secret) next.delete(entry.key);
  else next.set(entry.key, value);
  draft.value = next;
  checked.value = null;
  if (problems.peek().has(entry.key)) problems.value = new Map([...problems.peek()].filter(([key]) => key !== entry.key));
}

export function discard() {
  draft.value = new Map();
  problems.value = new Map();
  checked.value = null;
}

/** Asks the server about the draft; true if it would take all of it. Rejects with RequestError. */
export async function check() {
  const changes = changesOf.peek();
  const answer = await request("settings_update", { changes, dry_run: true });
  problems.value = new Map(answer.problems.map(({ key, reason }) => [ownerOf(key, Object.keys(changes)), reason]));
  checked.value = answer.problems.length ? null : { live: answer.changed, restart: answer.restart };
  return !answer.problems.length;
}

/** Saves all of it or, where something is wrong, nothing; {changed, restart} or null. Rejects with RequestError. */
export async function save() {
  if (!(await check())) return null;
  const answer = await request("settings_update", { changes: changesOf.peek() });
  discard();
  return answer;
}

/** The changed setting that a problem at `path` belongs to: one at "a.list[2]" is of "a.list"; any other path as it is. */
function ownerOf(path, keys) {
  return keys.find((key) => path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`)) ?? path;
}
