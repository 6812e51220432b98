// The one tooltip: any element with data-tip shows it when pointed at or focused by keyboard. data-tip-side: top (default),
// bottom, left, right. Touch does not show it: what it says must also be the element's name or stand nearby.
import { follow } from "./place.js";

const DELAY = 450;
const AGAIN = 350;
let tip, shownFor, timer, stop;
let hiddenAt = -Infinity;

function show(target) {
  clearTimeout(timer);
  const text = target.dataset.tip;
  if (!text || !target.isConnected) return;
  if (shownFor) hide();
  if (!tip) {
    tip = Object.assign(document.createElement("div"), { id: "tooltip", className: "tip", role: "tooltip" });
    tip.dataset.above = "";
    document.body.append(tip);
  }
  shownFor = target;
  tip.textContent = text;
  tip.dataset.shown = "";
  if (target.getAttribute("aria-label") !== text && !target.hasAttribute("aria-describedby")) {
    target.setAttribute("aria-describedby", "tooltip");
  }
  stop = follow(tip, target, target.dataset.tipSide ?? "top");
}

function hide() {
  clearTimeout(timer);
  if (!shownFor) return;
  stop();
  delete tip.dataset.shown;
  if (shownFor.getAttribute("aria-describedby") === "tooltip") shownFor.removeAttribute("aria-describedby");
  shownFor = null;
  hiddenAt = performance.now();
}

const tipped = (event) => event.target.closest?.("[data-tip]");

document.addEventListener("pointerover", (event) => {
  const target = tipped(event);
  if (event.pointerType === "touch" || target === shownFor || event.target === tip) return;
  if (shownFor) hide();
  clearTimeout(timer);
  if (target) timer = setTimeout(show, performance.now() - hiddenAt < AGAIN ? 0 : DELAY, target);
});
document.documentElement.addEventListener("pointerleave", hide);
document.addEventListener("focusin", (event) => {
  const target = tipped(event);
  if (target?.matches(":focus-visible")) show(target);
  else hide();
});
document.addEventListener("focusout", hide);
document.addEventListener("pointerdown", hide, true);
document.addEventListener("keydown", (event) => event.key === "Escape" && hide(), true);
