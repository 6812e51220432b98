// What stands beside the messages, and on phones which of the columns is in sight.
import { signal } from "../lib.js";

/** null | "members" | "search" | "pins" | "pings" */
export const panel = signal(globalThis.matchMedia?.("(min-width: 1024px)").matches ? "members" : null);
/** On phones: whether the list of channels covers the chat. */
export const sidebarOpen = signal(false);

export function toggle(name) {
  panel.value = panel.value === name ? null : name;
}
