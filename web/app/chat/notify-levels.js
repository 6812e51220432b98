// How loud each channel is in this browser. Kept here: the server knows nothing of it.
import { signal } from "../lib.js";

const KEY = "originchats:notify";
export const LEVELS = [
  { level: "all", label: "All messages" },
  { level: "pings", label: "Only pings" },
  { level: "none", label: "Nothing" },
];

const levels = signal(read());

/** "all" | "pings" | "none" for a place key; direct messages are told of, the rest only where it calls somebody. */
export function levelOf(key, { direct = false } = {}) {
  return levels.value[key] ?? (direct ? "all" : "pings");
}

export function setLevel(key, level) {
  levels.value = { ...levels.peek(), [key]: level };
  localStorage.setItem(KEY, JSON.stringify(levels.peek()));
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}
