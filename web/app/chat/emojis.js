// Emojis: Unicode ones as text, the community's own as pictures. A custom one is written originChats://<host>/emojis/<id>.
import { computed, html, signal } from "../lib.js";
import { emojis, handshake } from "../core/state.js";

const RECENT = "originchats:recent-emojis";
const MOST_RECENT = 27;
const REFERENCE = /^originChats:\/\/([^/\s]+)\/emojis\/([\w.-]+)$/i;

/** Hosts under which this server is known, the one to write first. */
const hosts = computed(() => {
  const url = handshake.value?.server.url;
  const own = url && URL.canParse(url) ? [new URL(url).host] : [];
  return [...own, location.host];
});

/** Map shortname -> {id, name, fileName}. */
export const emojisByName = computed(() => new Map([...emojis.value.values()].map((emoji) => [emoji.name.toLowerCase(), emoji])));

/** What stands for a custom emoji in messages and reactions. */
export const referenceTo = (id) => `originChats://${hosts.value[0]}/emojis/${id}`;

/** {emoji: {id, name, fileName} or null, host} of a reference, null for any other text. */
export function readReference(text) {
  const found = REFERENCE.exec(text);
  if (!found) return null;
  const own = hosts.value.some((host) => host.toLowerCase() === found[1].toLowerCase());
  return { emoji: (own && emojis.value.get(found[2])) || null, host: found[1] };
}

export const pictureOf = (emoji) => `emojis/${encodeURIComponent(emoji.fileName)}`;

/** The name by which an emoji, as it stands in messages, is spoken and shown in tooltips. */
export function emojiName(value) {
  const reference = readReference(value);
  return reference ? `:${reference.emoji?.name ?? "unknown"}:` : value;
}

/** One emoji as it stands in messages: a Unicode one, or a reference. */
export function Emoji({ value, class: extra = "" }) {
  const reference = readReference(value);
  if (!reference) return html`<span class="emoji ${extra}">${value}</span>`;
  if (!reference.emoji) {
    return html`<span class="emoji-unknown" data-tip="An emoji that was deleted, or of ${reference.host}">:emoji:</span>`;
  }
  return html`<${CustomEmoji} emoji=${reference.emoji} class=${extra} />`;
}

export function CustomEmoji({ emoji, class: extra = "" }) {
  const name = `:${emoji.name}:`;
  return html`<img class="emoji emoji-custom ${extra}" src=${pictureOf(emoji)} alt=${name} title=${name} loading="lazy" decoding="async" draggable=${false} />`;
}

let loading = null;

/** [[emoji, label, [tag, ...], group], ...] in the order of pickers: those that this device can draw. */
export function loadEmojis() {
  loading ??= fetch(new URL("../../vendor/emojis.json", import.meta.url)).then(async (answer) => {
    if (!answer.ok) throw new Error("The emojis could not be loaded.");
    const { drawable } = await import("./drawable-emojis.js");
    return drawable(await answer.json());
  });
  loading.catch(() => (loading = null));
  return loading;
}

/** Those used last, as they stand in messages, the newest first. */
export const recentEmojis = signal(readRecent());

export function noteEmoji(value) {
  recentEmojis.value = [value, ...recentEmojis.peek().filter((other) => other !== value)].slice(0, MOST_RECENT);
  try {
    localStorage.setItem(RECENT, JSON.stringify(recentEmojis.peek()));
  } catch {
    // forgotten with the page
  }
}

function readRecent() {
  try {
    const saved = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
    return Array.isArray(saved) ? saved.filter((value) => typeof value === "string").slice(0, MOST_RECENT) : [];
  } catch {
    return [];
  }
}
