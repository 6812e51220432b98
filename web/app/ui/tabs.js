// Tabs: arrows, Home and End move and select.
import { html, useId, useRef } from "../lib.js";
import { Icon } from "./icon.js";

/** tabs: [{id, label, icon, count, disabled}]; value: the selected id; label: spoken name of the row; kind: line | pill;
 *  children: the panel of the selected tab. */
export function Tabs({ tabs, value, onSelect, label, kind = "line", children }) {
  const base = useId();
  const row = useRef(null);
  const steer = (event) => {
    const usable = tabs.filter((tab) => !tab.disabled);
    const at = usable.findIndex((tab) => tab.id === value);
    const moves = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: usable.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const next = usable.at(moves[event.key] % usable.length);
    onSelect(next.id);
    row.current.querySelector(`[data-tab="${CSS.escape(next.id)}"]`)?.focus();
  };
  return html`
    <div class="tabs scroll" data-kind=${kind} role="tablist" aria-label=${label} ref=${row} onKeyDown=${steer}>
      ${tabs.map((tab) => html`<button type="button" role="tab" class="tab" key=${tab.id} data-tab=${tab.id}
        id="${base}-${tab.id}" aria-selected=${String(tab.id === value)} tabindex=${tab.id === value ? 0 : -1}
        aria-controls=${children && tab.id === value ? `${base}-panel` : undefined} disabled=${tab.disabled}
        onClick=${() => onSelect(tab.id)}>
        ${tab.icon && html`<${Icon} name=${tab.icon} size=${16} />`}<span>${tab.label}</span>
        ${tab.count ? html`<span class="tab-count">${tab.count}</span>` : null}
      </button>`)}
    </div>
    ${children && html`<div class="tab-panel" role="tabpanel" id="${base}-panel" aria-labelledby="${base}-${value}">${children}</div>`}`;
}
