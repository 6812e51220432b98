// How far something is.
import { html } from "../lib.js";

/** value: 0..1, or null while unknown; label: spoken, and drawn with `shown`; kind: accent | success | warning | danger. */
export function Progress({ value = null, label, shown, kind = "accent", text }) {
  const known = value !== null && value !== undefined;
  const part = known ? Math.max(0, Math.min(1, value)) : 0;
  const percent = Math.round(part * 100);
  return html`<div class="progress" data-kind=${kind}>
    ${shown && html`<div class="progress-head"><span class="truncate">${label}</span><span>${text ?? (known ? `${percent}%` : "")}</span></div>`}
    <div class="progress-track" role="progressbar" aria-label=${label} aria-valuemin=${known ? 0 : undefined}
      aria-valuemax=${known ? 100 : undefined} aria-valuenow=${known ? percent : undefined} aria-valuetext=${text}>
      <div class="progress-bar" data-unknown=${known ? undefined : ""} style=${known ? { inlineSize: `${part * 100}%` } : { inlineSize: "" }}></div>
    </div>
  </div>`;
}
