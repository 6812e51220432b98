// Pictures of people; without one, their initials on a color that belongs to the name.
import { html, signal, useState } from "../lib.js";

/** Set once at the start: username -> {url: string or null, name: shown name, status}. Read while drawing, so signals work. */
export const avatarSource = signal(() => ({}));

export const STATUS_LABELS = {
  online: "Online", idle: "Idle", dnd: "Do not disturb", offline: "Offline", invisible: "Invisible",
};

/** A hue of 0..359 that stays the same for a name. */
export function hueOf(name) {
  let hash = 2166136261;
  for (const letter of name.toLowerCase()) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
  return ((hash >>> 0) % 24) * 15;
}

const letters = new Intl.Segmenter();

export function initialsOf(name) {
  const words = name.trim().split(/[\s._-]+/u).filter(Boolean);
  const first = (word) => letters.segment(word)[Symbol.iterator]().next().value.segment.toUpperCase();
  return words.length > 1 ? first(words[0]) + first(words.at(-1)) : words.length ? first(words[0]) : "?";
}

/** The dot alone. status: a key of STATUS_LABELS or {status}. */
export function StatusDot({ status }) {
  const state = (status?.status ?? status) || "offline";
  return html`<span class="status-dot" role="img" data-status=${state} aria-label=${STATUS_LABELS[state] ?? state}></span>`;
}

/** size: pixels; status: draws the dot (true: what avatarSource says); src and name replace what avatarSource says (src=${null}: initials); square: for
 *  communities. The picture is decoration, the dot is spoken. */
export function Avatar({ username = "", size = 36, status, src, name, square, class: extra = "" }) {
  const [broken, setBroken] = useState(null);
  const known = avatarSource.value(username) ?? {};
  const url = src === undefined ? known.url : src;
  const shown = name ?? known.name ?? username;
  return html`<span class="avatar ${extra}" data-square=${square || undefined} data-dotted=${status ? "" : undefined}
    style=${{ "--size": `${size}px`, "--hue": String(hueOf(username || shown)) }}>
    <span class="avatar-picture" aria-hidden="true">
      ${url && url !== broken
        ? html`<img src=${url} alt="" width=${size} height=${size} loading="lazy" decoding="async" draggable=${false} onError=${() => setBroken(url)} />`
        : html`<span class="avatar-initials">${initialsOf(shown)}</span>`}
    </span>
    ${status && html`<${StatusDot} status=${status === true ? known.status : status} />`}
  </span>`;
}
