// What stands where something is still loading.
import { html } from "../lib.js";

/** label: spoken; pass "" where the text beside it says the same. */
export function Spinner({ size = 20, label = "Loading" }) {
  return html`<span class="spinner" role=${label ? "status" : undefined} style=${{ fontSize: `${size}px` }}>
    <svg viewBox="0 0 24 24" width="1em" height="1em" fill="none" aria-hidden="true">
      <circle class="spinner-track" cx="12" cy="12" r="9" /><path class="spinner-arc" d="M21 12a9 9 0 0 0-9-9" />
    </svg>
    ${label && html`<span class="visually-hidden">${label}</span>`}
  </span>`;
}

const ROWS = [2, 3, 1, 2, 1, 3];

/** In place of messages: pictures with lines beside them. */
export function MessageSkeletons() {
  return ROWS.map((lines, row) => html`<div key=${row} class="skeleton-message" aria-hidden="true">
    <${Skeleton} round width="40px" height="40px" /><div><${Skeleton} width="${90 + row * 12}px" /><${Skeleton} lines=${lines} /></div>
  </div>`);
}

const WIDTHS = ["92%", "100%", "78%", "96%", "64%"];

/** One shape of width x height (CSS lengths; `round` for pictures), or `lines` rows of text. */
export function Skeleton({ width = "100%", height = "0.8em", round = false, lines }) {
  if (lines) {
    return html`<span class="skeleton-lines" aria-hidden="true">
      ${Array.from({ length: lines }, (_, row) => html`<${Skeleton} key=${row} width=${WIDTHS[row % WIDTHS.length]} />`)}
    </span>`;
  }
  return html`<span class="skeleton" data-round=${round || undefined} aria-hidden="true"
    style=${{ inlineSize: width, blockSize: height }}></span>`;
}
