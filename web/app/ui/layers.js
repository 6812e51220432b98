// What lies over the page: dialogs, menus and popovers, in one stack. Each layer is a child of <body> with its own root.
// The topmost one owns Escape and Tab; below a modal one everything is inert, except elements with data-above.
import { render } from "../lib.js";

const FOCUSABLE =
  "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, " +
  "audio[controls], video[controls], [contenteditable=true], [tabindex]";
const stack = [];

export function focusables(within) {
  return [...within.querySelectorAll(FOCUSABLE)].filter(
    (element) => element.tabIndex >= 0 && !element.closest("[inert]") && element.getClientRects().length,
  );
}

/** Draws view(close), one element, over the page and moves the focus into it.
 *  anchor: an element which, pressed again, closes the layer; modal: inert page below; dismissable: by Escape and by
 *  pressing beside it; focus: false leaves the focus where it is; onClose: called once, when closing begins.
 *  Returns {panel, close, update(view), closed: promise}; close() gives the focus back at once and may be called twice. */
export function openLayer(view, { kind = "popover", anchor, modal = false, dismissable = true, focus = true, onClose } = {}) {
  const open = anchor && stack.find((layer) => layer.anchor === anchor);
  if (open) {
    open.close();
    return open;
  }
  const host = document.createElement("div");
  host.className = "layer";
  host.dataset.kind = kind;
  document.body.append(host);
  const before = document.activeElement;
  let settle;
  const layer = { host, anchor, modal, dismissable, closed: new Promise((resolve) => (settle = resolve)) };

  layer.update = (next) => render(next(layer.close), host);
  layer.close = () => {
    const at = stack.indexOf(layer);
    if (at < 0) return;
    const focused = host.contains(document.activeElement) || document.activeElement === document.body;
    stack.splice(at, 1);
    host.dataset.closing = "";
    host.inert = true;
    host.ariaHidden = "true"; // what only fades is gone for readers that do not know inert
    markInert();
    if (focus && focused && before?.isConnected) before.focus({ preventScroll: true });
    onClose?.();
    settle();
    const motions = host.getAnimations({ subtree: true }).filter((motion) => motion.effect.getComputedTiming().endTime < 5000);
    Promise.allSettled(motions.map((motion) => motion.finished)).then(() => {
      render(null, host);
      host.remove();
    });
  };

  stack.push(layer);
  layer.update(view);
  layer.panel = host.firstElementChild;
  markInert();
  let pressed = null;
  host.addEventListener("pointerdown", (event) => (pressed = event.target));
  host.addEventListener("click", (event) => {
    if (event.target === host && pressed === host && layer.dismissable) layer.close();
  });
  if (focus) focusInto(layer.panel);
  return layer;
}

function focusInto(panel) {
  const fine = matchMedia("(pointer: fine)").matches;
  const target =
    panel.querySelector("[autofocus], [data-autofocus]") ??
    (fine && panel.querySelector("select:not(:disabled), input:not([type=checkbox], [type=radio], [type=file], :disabled), textarea:not(:disabled)")) ??
    null;
  if (!panel.hasAttribute("tabindex")) panel.tabIndex = -1;
  (target || panel).focus({ preventScroll: true });
}

function markInert() {
  const modal = stack.findLast((layer) => layer.modal);
  const free = modal ? stack.slice(stack.indexOf(modal)).map((layer) => layer.host) : null;
  for (const element of document.body.children) {
    if ("above" in element.dataset || "closing" in element.dataset) continue;
    const inert = free !== null && !free.includes(element);
    if (element.inert !== inert) element.inert = inert;
  }
}

function keepTab(event, panel) {
  const ring = focusables(panel);
  if (!ring.length) return event.preventDefault();
  const at = ring.indexOf(document.activeElement);
  const edge = event.shiftKey ? at <= 0 : at === ring.length - 1 || !panel.contains(document.activeElement);
  if (!edge) return;
  event.preventDefault();
  ring.at(event.shiftKey ? -1 : 0).focus();
}

document.addEventListener("keydown", (event) => {
  const layer = stack.at(-1);
  if (!layer || event.defaultPrevented || event.isComposing) return;
  if (event.key === "Escape" && layer.dismissable) {
    event.preventDefault();
    event.stopImmediatePropagation();
    layer.close();
  } else if (event.key === "Tab" && (layer.modal || layer.host.contains(document.activeElement))) {
    keepTab(event, layer.panel);
  }
});

document.addEventListener("pointerdown", (event) => {
  if (event.target.closest?.("[data-above]")) return;
  for (const layer of stack.toReversed()) {
    if (layer.modal || layer.host.contains(event.target) || layer.anchor?.contains?.(event.target)) return;
    layer.close();
  }
}, true);

addEventListener("popstate", () => {
  for (const layer of stack.toReversed()) if (!layer.modal) layer.close();
});
