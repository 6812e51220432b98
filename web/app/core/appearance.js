// Theme, size of text and density, kept in this browser and told to the stylesheets by attributes of the root.
import { effect, signal } from "../lib.js";

const KEY = "originchats:appearance";
const DEFAULTS = { theme: "system", size: "normal", compact: false };

export const appearance = signal({ ...DEFAULTS, ...read() });

export function setAppearance(changes) {
  appearance.value = { ...appearance.peek(), ...changes };
  localStorage.setItem(KEY, JSON.stringify(appearance.peek()));
}

export function startAppearance() {
  effect(() => {
    const { theme, size, compact } = appearance.value;
    const { dataset } = document.documentElement;
    if (theme === "system") delete dataset.theme;
    else dataset.theme = theme;
    dataset.size = size;
    dataset.density = compact ? "compact" : "normal";
  });
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}
