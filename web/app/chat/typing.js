// Who is typing, and telling others that one is.
import { html, useEffect, useState } from "../lib.js";
import { tell } from "../core/connection.js";
import { names } from "../core/format.js";
import { placeKey, where } from "../core/place.js";
import { blocked, displayName, typing } from "../core/state.js";

const TELL_EVERY_MS = 3000;
const SHOWN_MS = 6000;

const told = new Map(); // place key -> time in ms

export function tellTyping(place) {
  const key = placeKey(place);
  if (Date.now() - (told.get(key) ?? 0) < TELL_EVERY_MS) return;
  told.set(key, Date.now());
  tell("typing", where(place));
}

/** After sending: the next key tells at once. */
export function typed(place) {
  told.delete(placeKey(place));
}

export function TypingLine({ place }) {
  const [, draw] = useState(0);
  const now = Date.now();
  const there = [...(typing.value.get(placeKey(place)) ?? [])];
  const recent = there.filter(([name, at]) => now - at < SHOWN_MS && !blocked.value.has(name));
  const next = recent.length ? Math.min(...recent.map(([, at]) => at)) + SHOWN_MS - now : 0;
  useEffect(() => {
    if (!next) return undefined;
    const timer = setTimeout(() => draw((count) => count + 1), next + 50);
    return () => clearTimeout(timer);
  });
  const who = recent.map(([name]) => displayName(name));
  return html`<div class="typing-line" data-shown=${who.length ? "" : undefined}>
    ${who.length > 0 && html`
      <span class="typing-dots" aria-hidden="true"><i></i><i></i><i></i></span>
      <span class="truncate"><b>${names(who)}</b> ${who.length === 1 ? "is" : "are"} typing</span>
    `}
  </div>`;
}
