// Menus: arrows, Home, End, the first letters of a label, Enter, Escape. On phones they come from below.
import { html } from "../lib.js";
import { Icon } from "./icon.js";
import { openLayer } from "./layers.js";
import { follow } from "./place.js";

/** anchor: the button (pressed again closes) or {x, y} of a right click. items: "separator", {heading: text} or
 *  {label, icon, hint, text, danger, disabled, checked, onSelect}: hint stands at the end (a key), text below the label,
 *  checked (boolean) makes it a choice. onSelect is called after the menu has closed. Falsy items are left out. */
export function openMenu(anchor, items, { placement = "bottom-start", label = "Menu", title } = {}) {
  const element = anchor instanceof Element ? anchor : undefined;
  const shown = items.filter(Boolean);
  const byKeyboard = document.activeElement?.matches(":focus-visible:not(input, textarea, [contenteditable])");
  let stop;
  const view = (close) => html`<div class="menu" role="menu" aria-label=${label} onKeyDown=${steer} tabindex="-1"
    onContextMenu=${(event) => event.preventDefault()}>
    ${title && html`<div class="menu-title" role="presentation">${title}</div>`}
    ${shown.map((item, index) => html`<${Item} key=${index} item=${item} close=${close} />`)}
  </div>`;
  const layer = openLayer(view, {
    kind: "sheet",
    anchor: element,
    onClose: () => {
      stop?.();
      element?.removeAttribute("aria-expanded");
    },
  });
  if ("closing" in layer.host.dataset) return layer;
  element?.setAttribute("aria-expanded", "true");
  stop = follow(layer.panel, anchor, placement, element ? 6 : 2);
  if (byKeyboard) step(layer.panel, 0);
  return layer;
}

function Item({ item, close }) {
  if (item === "separator") return html`<div class="menu-separator" role="separator"></div>`;
  if (item.heading) return html`<div class="menu-heading" role="presentation">${item.heading}</div>`;
  const select = () => {
    if (item.disabled) return;
    close();
    item.onSelect?.();
  };
  return html`<button type="button" class="menu-item" tabindex="-1" data-danger=${item.danger || undefined}
    role=${item.checked === undefined ? "menuitem" : "menuitemcheckbox"}
    aria-checked=${item.checked === undefined ? undefined : String(item.checked)}
    aria-disabled=${item.disabled ? "true" : undefined} onClick=${select}
    onPointerMove=${(event) => event.pointerType === "mouse" && event.currentTarget.focus({ preventScroll: true })}>
    ${item.icon && html`<${Icon} name=${item.icon} size=${17} />`}
    <span class="menu-label"><span>${item.label}</span>${item.text && html`<small>${item.text}</small>`}</span>
    ${item.checked && html`<${Icon} name="check" size=${16} class="menu-check" />`}
    ${item.hint && html`<kbd>${item.hint}</kbd>`}
  </button>`;
}

const entries = (panel) => [...panel.querySelectorAll(".menu-item")];

function step(panel, index) {
  const all = entries(panel);
  all.at(((index % all.length) + all.length) % all.length)?.focus();
}

let typed = "";
let typedAt = 0;

function steer(event) {
  const panel = event.currentTarget;
  const all = entries(panel);
  const at = all.indexOf(document.activeElement);
  const moves = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1, Home: 0, End: -1 };
  if (event.key in moves) {
    step(panel, moves[event.key]);
  } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
    typed = event.timeStamp - typedAt > 700 ? event.key : typed + event.key;
    typedAt = event.timeStamp;
    const from = typed.length === 1 ? at + 1 : Math.max(at, 0);
    const round = [...all.slice(from), ...all.slice(0, from)];
    round.find((item) => item.innerText.trim().toLowerCase().startsWith(typed.toLowerCase()))?.focus();
  } else if (event.key !== "Tab") {
    return;
  }
  event.preventDefault();
}
