// Whether one may write in a place, and if not, why.
import { effect, signal } from "../lib.js";
import { on, online, request } from "../core/connection.js";
import { canIn, needsVoice } from "../core/permissions.js";
import { blocked, displayName, me } from "../core/state.js";

/** {until: ms since 1970, timeout: set by a moderator, or just too fast} or null. */
export const waiting = signal(null);

let timer = 0;

on("rate_limit", ({ length, src }) => {
  if (src === undefined) wait(length, true);
  else if (["message_new", "message_edit", "slash_call", "typing"].includes(src) && !waiting.peek()?.timeout) wait(length, false);
});

effect(() => {
  if (online.value !== "online") return;
  request("rate_limit_status").then(
    ({ status }) => status.timeout_remaining > 0 && wait(status.timeout_remaining * 1000, true),
    () => {}, // without it the server says so when something is sent
  );
});

function wait(length, timeout) {
  clearTimeout(timer);
  waiting.value = length > 0 ? { until: Date.now() + length, timeout } : null;
  if (length > 0) timer = setTimeout(() => (waiting.value = null), Math.min(length, 2 ** 31 - 1));
}

/** {icon, text, until?} that says why nothing can be written here, or null. */
export function whyNot(channel, thread) {
  const other = channel.members?.find((name) => name !== me.value);
  if (thread?.locked) return { icon: "lock", text: "This thread is locked." };
  if (other && blocked.value.has(other)) return { icon: "ban", text: `You have blocked ${displayName(other)}.` };
  if (needsVoice(channel)) return { icon: "mic-off", text: "Only operators and people with a voice write here." };
  if (!canIn(channel, "send")) return { icon: "eye", text: "You can read here, but not write." };
  if (waiting.value?.timeout) return { icon: "timer", text: "You are timed out. You can write again in", until: waiting.value.until };
  return null;
}
