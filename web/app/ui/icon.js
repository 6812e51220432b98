// Outline icons of web/vendor/icons.js, drawn in the color and at the size of the text around them.
import { html } from "../lib.js";
import icons from "../../vendor/icons.js";

/** name: a key of icons.js; size: pixels; label: spoken, without it the icon is decoration. Unknown names draw a circle. */
export function Icon({ name, size = 18, label, class: extra = "" }) {
  return html`<svg
    class="icon ${extra}" width=${size} height=${size} viewBox="0 0 24 24" fill="none" stroke="currentColor"
    stroke-width="2" stroke-linecap="round" stroke-linejoin="round" focusable="false"
    role=${label ? "img" : undefined} aria-label=${label} aria-hidden=${label ? undefined : "true"}
  >${(icons[name] ?? icons.circle).map(([Tag, attributes]) => html`<${Tag} ...${attributes} />`)}</svg>`;
}
