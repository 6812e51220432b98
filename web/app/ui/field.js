// Form fields. All take label, hint, error, value, onInput(value), disabled; hideLabel keeps the label for screen readers
// only; what else they are given goes to the input element.
import { html, useId, useState } from "../lib.js";
import { ensureStyle } from "../lazy.js";
import { IconButton } from "./button.js";
import { Icon } from "./icon.js";

await ensureStyle("fields.css", "choices.css");

/** The frame around an input. children(id, described): the input, with id and aria-describedby. */
export function Field({ label, hint, error, hideLabel, required, end, children }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return html`<div class="field" data-invalid=${error ? "" : undefined}>
    ${(label || end) && html`<div class="field-head ${hideLabel ? "visually-hidden" : ""}">
      <label class="field-label" for=${id}>${label}${required && html`<span class="field-required" aria-hidden="true"> *</span>`}</label>
      ${end && html`<span class="field-end">${end}</span>`}
    </div>`}
    ${children(id, described)}
    ${hint && html`<p class="field-hint" id="${id}-hint">${hint}</p>`}
    <div aria-live="polite">${error && html`<p class="field-error" id="${id}-error"><${Icon} name="circle-alert" size=${14} />${error}</p>`}</div>
  </div>`;
}

/** How much of maxLength is left, said from the last fifth on. */
function remaining(value, maxLength) {
  const left = maxLength - [...(value ?? "")].length;
  return maxLength && left <= Math.max(10, maxLength / 5) ? html`<span data-short=${left <= 0 || undefined}>${left} left</span>` : null;
}

/** type: text | password | search | email | url; icon: a name at its start; suffix: text at its end; size: m | l;
 *  onEnter(value). Passwords can be shown, searches cleared. */
export function TextField({
  label, hint, error, hideLabel, value = "", onInput, onEnter, onKeyDown, type = "text", icon, suffix, size = "m",
  required, maxLength, disabled, ...rest
}) {
  const [seen, setSeen] = useState(false);
  const keys = (event) => {
    onKeyDown?.(event);
    if (onEnter && event.key === "Enter" && !event.isComposing && !event.defaultPrevented) {
      event.preventDefault();
      onEnter(event.currentTarget.value);
    }
  };
  return html`<${Field} ...${{ label, hint, error, hideLabel, required }} end=${remaining(value, maxLength)}>
    ${(id, described) => html`<div class="field-box" data-size=${size} data-disabled=${disabled || undefined}>
      ${icon && html`<${Icon} name=${icon} size=${16} />`}
      <input ...${rest} id=${id} type=${seen ? "text" : type} value=${value} required=${required} maxlength=${maxLength}
        disabled=${disabled} aria-describedby=${described} aria-invalid=${error ? "true" : undefined}
        onInput=${(event) => onInput?.(event.currentTarget.value)} onKeyDown=${keys} />
      ${suffix && html`<span class="field-suffix">${suffix}</span>`}
      ${type === "password" && html`<${IconButton} icon=${seen ? "eye-off" : "eye"} label=${seen ? "Hide" : "Show"} size="s"
        disabled=${disabled} onClick=${() => setSeen(!seen)} />`}
      ${type === "search" && value && html`<${IconButton} icon="x" label="Clear" size="s" tip=${false} onClick=${(event) => {
        event.currentTarget.closest(".field-box").querySelector("input").focus();
        onInput?.("");
      }} />`}
    </div>`}
  </${Field}>`;
}

/** rows: the height at first; grows with the text. */
export function TextArea({ label, hint, error, hideLabel, value = "", onInput, rows = 3, required, maxLength, ...rest }) {
  return html`<${Field} ...${{ label, hint, error, hideLabel, required }} end=${remaining(value, maxLength)}>
    ${(id, described) => html`<textarea ...${rest} class="field-area scroll" style=${{ "--rows": rows }} id=${id} rows=${rows} value=${value} required=${required}
      maxlength=${maxLength} aria-describedby=${described} aria-invalid=${error ? "true" : undefined}
      onInput=${(event) => onInput?.(event.currentTarget.value)}></textarea>`}
  </${Field}>`;
}

/** options: texts or {value, label, disabled}; values of any type, compared as texts. placeholder: shown while value is none of them. */
export function Select({ label, hint, error, hideLabel, value, onInput, options = [], placeholder, required, ...rest }) {
  const all = options.map((option) => (typeof option === "object" ? option : { value: option, label: option }));
  const at = all.findIndex((option) => String(option.value) === String(value));
  return html`<${Field} ...${{ label, hint, error, hideLabel, required }}>
    ${(id, described) => html`<div class="field-select">
      <select ...${rest} id=${id} value=${at} aria-describedby=${described} aria-invalid=${error ? "true" : undefined}
        onChange=${(event) => onInput?.(all[event.currentTarget.value].value)}>
        ${at < 0 && html`<option value="-1" disabled hidden selected>${placeholder ?? "Choose…"}</option>`}
        ${all.map((option, index) => html`<option key=${index} value=${index} disabled=${option.disabled} selected=${index === at}>${option.label}</option>`)}
      </select>
      <${Icon} name="chevron-down" size=${16} />
    </div>`}
  </${Field}>`;
}

function Choice({ role, label, hint, error, hideLabel, value = false, onInput, mixed, disabled, ...rest }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const input = html`<input ...${rest} class=${role === "switch" ? "switch" : "checkbox"} type="checkbox" role=${role === "switch" ? role : undefined}
    id=${id} checked=${Boolean(value)} indeterminate=${Boolean(mixed)} disabled=${disabled} aria-describedby=${described}
    aria-invalid=${error ? "true" : undefined} onChange=${(event) => onInput?.(event.currentTarget.checked)} />`;
  return html`<div class="choice" data-kind=${role} data-disabled=${disabled || undefined} data-bare=${hideLabel || undefined}>
    ${input}
    <div class="choice-text ${hideLabel ? "visually-hidden" : ""}">
      <label for=${id}>${label}</label>
      ${hint && html`<p class="field-hint" id="${id}-hint">${hint}</p>`}
      ${error && html`<p class="field-error" id="${id}-error" role="alert"><${Icon} name="circle-alert" size=${14} />${error}</p>`}
    </div>
  </div>`;
}

/** Takes effect at once; the label stands before it. */
export const Switch = (props) => html`<${Choice} role="switch" ...${props} />`;

/** mixed: neither on nor off. */
export const Checkbox = (props) => html`<${Choice} role="checkbox" ...${props} />`;

const HEX = /^#[0-9a-f]{6}$/i;

/** value: "#rrggbb" or "" for none (where `optional`); swatches: colors to pick at once. Calls onInput only with a whole color. */
export function ColorField({ label, hint, error, hideLabel, value = "", onInput, swatches = [], optional, disabled }) {
  const [draft, setDraft] = useState(null);
  const take = (text) => {
    const color = text && !text.startsWith("#") ? `#${text}` : text;
    setDraft(color);
    if (HEX.test(color) || (optional && !color)) onInput?.(color.toLowerCase());
  };
  const wrong = draft !== null && draft !== "" && !HEX.test(draft) ? "Write a color like #3b82f6." : undefined;
  return html`<${Field} ...${{ label, hint, hideLabel }} error=${error ?? wrong}>
    ${(id, described) => html`<div class="color-field">
      <div class="field-box" data-disabled=${disabled || undefined}>
        <span class="color-well" data-none=${value ? undefined : ""} style=${{ backgroundColor: value || "" }}>
          <input type="color" aria-label="${label}: picker" value=${HEX.test(value) ? value : "#808080"} disabled=${disabled}
            onInput=${(event) => { setDraft(null); onInput?.(event.currentTarget.value); }} />
        </span>
        <input id=${id} type="text" value=${draft ?? value} maxlength="7" spellcheck=${false} autocomplete="off" disabled=${disabled}
          placeholder=${optional ? "None" : "#rrggbb"} aria-describedby=${described} aria-invalid=${error || wrong ? "true" : undefined}
          onInput=${(event) => take(event.currentTarget.value.trim())} onBlur=${() => setDraft(null)} />
        ${optional && value && html`<${IconButton} icon="x" label="No color" size="s" disabled=${disabled} onClick=${() => { setDraft(null); onInput?.(""); }} />`}
      </div>
      ${swatches.length > 0 && html`<div class="swatches" role="group" aria-label="${label}: suggestions">
        ${swatches.map((color) => html`<button type="button" class="swatch" key=${color} aria-label=${color} disabled=${disabled}
          aria-pressed=${String(color.toLowerCase() === value.toLowerCase())} style=${{ backgroundColor: color }}
          onClick=${() => { setDraft(null); onInput?.(color); }}></button>`)}
      </div>`}
    </div>`}
  </${Field}>`;
}

/** value: a number or null (empty, where `optional`); min, max, step; unit: text at its end. Out of bounds is told and not passed on. */
export function NumberField({
  label, hint, error, hideLabel, value, onInput, min, max, step = 1, unit, optional, disabled, ...rest
}) {
  const [draft, setDraft] = useState(null);
  const text = draft ?? (value ?? "").toString();
  const problem = (entry) => {
    if (entry === "") return optional ? undefined : "Write a number.";
    const number = Number(entry);
    if (Number.isNaN(number) || (Number.isInteger(step) && !Number.isInteger(number))) return "Write a whole number.";
    if (min !== undefined && number < min) return `At least ${min}.`;
    return max !== undefined && number > max ? `At most ${max}.` : undefined;
  };
  const take = (entry) => {
    setDraft(entry);
    if (!problem(entry)) onInput?.(entry === "" ? null : Number(entry));
  };
  const nudge = (by) => {
    const next = Math.min(max ?? Infinity, Math.max(min ?? -Infinity, (Number(text) || 0) + by));
    setDraft(null);
    onInput?.(Number(next.toFixed(6)));
  };
  const wrong = draft === null ? undefined : problem(draft);
  const steer = (event) => {
    const by = { ArrowUp: step, ArrowDown: -step, PageUp: step * 10, PageDown: -step * 10 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    nudge(by);
  };
  return html`<${Field} ...${{ label, hint, hideLabel }} error=${error ?? wrong}>
    ${(id, described) => html`<div class="field-box number-field" data-disabled=${disabled || undefined}>
      <input ...${rest} id=${id} type="text" role="spinbutton" inputmode=${Number.isInteger(step) && !(min < 0) ? "numeric" : "text"}
        autocomplete="off" value=${text} disabled=${disabled} aria-valuenow=${text === "" ? undefined : text} aria-valuemin=${min}
        aria-valuemax=${max} aria-describedby=${described} aria-invalid=${error || wrong ? "true" : undefined}
        onInput=${(event) => take(event.currentTarget.value.trim())} onKeyDown=${steer} onBlur=${() => setDraft(null)} />
      ${unit && html`<span class="field-suffix">${unit}</span>`}
      <span class="number-steps" aria-hidden="true">
        <button type="button" tabindex="-1" disabled=${disabled || value <= min} onClick=${() => nudge(-step)}><${Icon} name="minus" size=${14} /></button>
        <button type="button" tabindex="-1" disabled=${disabled || value >= max} onClick=${() => nudge(step)}><${Icon} name="plus" size=${14} /></button>
      </span>
    </div>`}
  </${Field}>`;
}
