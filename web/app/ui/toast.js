// Short news at the edge of the page: spoken by screen readers, gone by themselves, staying while pointed at or focused.
import { html, render, signal } from "../lib.js";
import { announce } from "./announce.js";
import { IconButton } from "./button.js";
import { Icon } from "./icon.js";

const ICONS = { info: "info", success: "circle-check", warning: "triangle-alert", danger: "circle-alert" };
const MOST = 4;
const toasts = signal([]);
let count = 0;
let host;

/** message: a text or an Error; kind: info | success | warning | danger; action: {label, onSelect}; duration: milliseconds,
 *  Infinity stays. The same text again replaces the earlier one. Returns the function that removes it. */
export function toast(message, kind = "info", { action, duration } = {}) {
  const text = message instanceof Error || message?.message ? message.message : String(message);
  const lasts = duration ?? (kind === "danger" || action ? 9000 : 4500);
  const entry = { id: ++count, text, kind, action, lasts };
  entry.dismiss = () => (toasts.value = toasts.value.filter((other) => other !== entry));
  if (!host) {
    host = Object.assign(document.createElement("section"), { className: "toasts" });
    host.dataset.above = "";
    host.setAttribute("aria-label", "Notices");
    document.body.append(host);
    render(html`<${Toasts} />`, host);
  }
  toasts.value = [...toasts.value.filter((other) => other.text !== text), entry].slice(-MOST);
  announce(text, kind === "danger" ? "assertive" : "polite");
  entry.resume = () => {
    if (lasts !== Infinity) entry.timer = setTimeout(entry.dismiss, lasts);
  };
  entry.pause = () => clearTimeout(entry.timer);
  entry.resume();
  return entry.dismiss;
}

function Toasts() {
  return toasts.value.map((entry) => html`<div class="toast" key=${entry.id} data-kind=${entry.kind}
    onPointerEnter=${entry.pause} onPointerLeave=${entry.resume} onFocusIn=${entry.pause} onFocusOut=${entry.resume}>
    <${Icon} name=${ICONS[entry.kind] ?? "info"} size=${18} />
    <p class="toast-text">${entry.text}</p>
    ${entry.action && html`<button type="button" class="toast-action" onClick=${() => { entry.dismiss(); entry.action.onSelect(); }}>
      ${entry.action.label}</button>`}
    <${IconButton} icon="x" label="Dismiss" size="s" tip=${false} onClick=${entry.dismiss} />
  </div>`);
}
