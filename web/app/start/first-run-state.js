// Whether the new owner is still being led through the first steps; kept over a reload.
import { signal } from "../lib.js";

const KEY = "originchats:first-run";

export const firstRun = signal(globalThis.sessionStorage?.getItem(KEY) === "1");

export function beginFirstRun() {
  sessionStorage.setItem(KEY, "1");
  firstRun.value = true;
}

export function endFirstRun() {
  sessionStorage.removeItem(KEY);
  firstRun.value = false;
}
