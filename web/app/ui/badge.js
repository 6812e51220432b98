// Small facts beside a name: a number, a word, a dot.
import { html } from "../lib.js";
import { Icon } from "./icon.js";

/** kind: neutral | accent | danger | warning | success | info; solid: filled; count: a number (0 draws nothing, above max
 *  "max+"); dot: no text; label: spoken instead of the content. */
export function Badge({ kind = "neutral", solid, count, max = 99, dot, icon, label, children }) {
  if (count === 0) return null;
  const text = count === undefined ? children : count > max ? `${max}+` : count;
  const shape = dot ? "dot" : count === undefined ? "word" : "count";
  return html`<span class="badge" data-kind=${kind} data-shape=${shape} data-solid=${solid || shape !== "word" || undefined}>
    ${icon && html`<${Icon} name=${icon} size=${12} />`}
    ${!dot && html`<span aria-hidden=${label ? "true" : undefined}>${text}</span>`}
    ${label && html`<span class="visually-hidden">${label}</span>`}
  </span>`;
}
