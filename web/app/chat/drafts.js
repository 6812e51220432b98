// What is being written, by place; kept over a reload, and forgotten when somebody else logs in.
import { signal } from "../lib.js";
import { me } from "../core/state.js";

const NAME = `originchats:drafts:${new URL(".", document.baseURI).pathname}`;
const MOST = 100;
const SAVE_MS = 300;

const drafts = new Map(); // place key -> signal of text
let owner = null;
let saving = 0;

/** The signal of the text that is being written in a place. */
export function draftOf(key) {
  load();
  if (!drafts.has(key)) drafts.set(key, signal(""));
  return drafts.get(key);
}

export function setDraft(key, text) {
  draftOf(key).value = text;
  clearTimeout(saving);
  saving = setTimeout(save, SAVE_MS);
}

function load() {
  if (owner === me.peek()) return;
  owner = me.peek();
  drafts.clear();
  try {
    const saved = JSON.parse(localStorage.getItem(NAME) ?? "null");
    if (saved?.user !== owner) return;
    for (const [key, text] of saved.texts) drafts.set(key, signal(String(text)));
  } catch {
    // what cannot be read counts as nothing written
  }
}

function save() {
  clearTimeout(saving);
  if (owner === null || owner !== me.peek()) return; // logged out: nothing stays behind
  const texts = [...drafts].map(([key, text]) => [key, text.peek()]).filter(([, text]) => text.trim());
  try {
    if (texts.length) localStorage.setItem(NAME, JSON.stringify({ user: owner, texts: texts.slice(-MOST) }));
    else localStorage.removeItem(NAME);
  } catch {
    // without storage a draft ends with the page
  }
}

addEventListener("pagehide", save);
