// Keys that work everywhere in the chat. The sheet that `?` opens is made from this list.
import { call } from "../core/call-state.js";
import { go, route } from "../core/router.js";
import { channels, me } from "../core/state.js";
import { unreadIn } from "../core/unreads.js";
import { panel, sidebarOpen, toggle } from "./panels.js";

const mac = globalThis.navigator?.platform?.startsWith("Mac") ?? false;
const MOD = mac ? "⌘" : "Ctrl";

/** keys: as shown. matches: of the event. */
export const SHORTCUTS = [
  { keys: [MOD, "K"], does: "Go to a channel or person", matches: (event) => mod(event) && event.key === "k", run: () => import("./switcher.js").then((it) => it.openSwitcher()) },
  { keys: [MOD, "F"], does: "Search messages", matches: (event) => mod(event) && event.key === "f", run: () => import("./search.js").then((it) => it.openSearch()) },
  { keys: ["Alt", "↑"], does: "Previous channel", matches: (event) => event.altKey && event.key === "ArrowUp", run: () => step(-1) },
  { keys: ["Alt", "↓"], does: "Next channel", matches: (event) => event.altKey && event.key === "ArrowDown", run: () => step(1) },
  { keys: ["Alt", "Shift", "↓"], does: "Next unread channel", matches: (event) => event.altKey && event.shiftKey && event.key === "ArrowDown", run: () => step(1, true) },
  { keys: [MOD, "Shift", "I"], does: "Inbox of pings", matches: (event) => mod(event) && event.shiftKey && event.key.toLowerCase() === "i", run: () => toggle("pings") },
  { keys: [MOD, "U"], does: "Show or hide members", matches: (event) => mod(event) && event.key === "u", run: () => toggle("members") },
  { keys: [MOD, "Shift", "M"], does: "Mute or unmute yourself, in a call", matches: (event) => mod(event) && event.shiftKey && event.key.toLowerCase() === "m", run: mute },
  { keys: [MOD, ","], does: "Settings", matches: (event) => mod(event) && event.key === ",", run: () => go({ page: "settings" }) },
  { keys: ["?"], does: "This sheet", matches: (event) => event.key === "?" && !writing(event), run: () => import("./key-sheet.js").then((it) => it.openKeySheet()) },
  { keys: ["Esc"], does: "Close what is open", matches: (event) => event.key === "Escape", run: close, quiet: true },
];

/** Those that single parts of the page handle themselves. */
export const LOCAL_SHORTCUTS = [
  { keys: ["Enter"], does: "Send" },
  { keys: ["Shift", "Enter"], does: "New line" },
  { keys: ["↑"], does: "Edit your last message, from an empty field" },
  { keys: ["@", "#", ":", "/"], does: "Complete members, channels, emojis, commands" },
  { keys: ["↑", "↓"], does: "From message to message, in the list" },
  { keys: ["R"], does: "Reply, on a message" },
  { keys: ["E"], does: "Edit, on a message" },
  { keys: ["+"], does: "React, on a message" },
  { keys: ["Delete"], does: "Delete, on a message" },
  { keys: ["Shift", "F10"], does: "All that can be done, on a message" },
];

export function onKey(event) {
  if (event.defaultPrevented || event.isComposing || me.peek() === null) return;
  // the more particular first: Alt Shift ↓ before Alt ↓
  const found = SHORTCUTS.filter((each) => each.matches(event)).sort((a, b) => b.keys.length - a.keys.length)[0];
  if (found) {
    if (found.run() !== false && !found.quiet) event.preventDefault();
    return;
  }
  const typed = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (typed && !writing(event) && document.activeElement === document.body) {
    document.querySelector(".composer textarea")?.focus();
  }
}

function mod(event) {
  return mac ? event.metaKey : event.ctrlKey;
}

function writing(event) {
  return event.target.closest?.("input, textarea, select, [contenteditable]") !== null;
}

function step(by, unread = false) {
  const list = channels.peek().filter(({ type }) => type !== "separator");
  const at = list.findIndex(({ name }) => name === route.peek().channel);
  for (let moved = 1; moved <= list.length; moved++) {
    const next = list[(at + by * moved + list.length * 2) % list.length];
    if (!unread || unreadIn(next.name).unread_count) {
      go({ page: "chat", channel: next.name });
      return;
    }
  }
}

function mute() {
  if (!call.peek()) return false;
  return import("../core/call.js").then((it) => it.setMuted(!call.peek()?.muted));
}

function close() {
  if (document.querySelector("dialog[open], [popover]:popover-open, .menu, .popover")) return;
  if (sidebarOpen.peek()) sidebarOpen.value = false;
  else if (panel.peek() && panel.peek() !== "members") panel.value = null;
}
