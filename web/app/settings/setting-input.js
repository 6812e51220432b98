// The input of a setting by its type, for the configuration and the settings of plugins.
import { html, useId, useState } from "../lib.js";
import { channels, roles } from "../core/state.js";
import { Button, IconButton } from "../ui/button.js";
import { Checkbox, Field, NumberField, Select, Switch, TextArea, TextField } from "../ui/field.js";

/** From so many characters on, a text of a plugin has several lines. */
const LONG = 500;
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** entry: of settings_get or plugin_settings_get; label, hint, error as fields have them. onInput(value) is called with what
 *  the command takes; null for an empty text that may be null. */
export function SettingInput({ entry, value, ...field }) {
  const { type, nullable, choices, minimum, maximum, max_length: maxLength, pattern, unit, secret, is_set: isSet, suggest } = entry;
  if (secret && type !== "table") {
    const typeable = type === "text"; // a secret of another kind cannot be typed as one text
    return html`<${TextField} type="password" ...${field} value=${value ?? ""} disabled=${field.disabled || !typeable} placeholder=${!typeable ? "Only in the file" : isSet === false ? "None" : "Not shown"} autocomplete="new-password" />`;
  }
  const text = { ...field, value: value ?? "", maxLength, onInput: (entered) => field.onInput(nullable && entered === "" ? null : entered) };
  const plain = { autocomplete: "off", autocapitalize: "none", spellcheck: false, placeholder: nullable ? "None" : undefined };
  switch (type) {
    case "boolean":
      return html`<${Switch} ...${field} value=${value} />`;
    case "choice":
      return html`<${Select} ...${field} value=${value} options=${nullable ? [{ value: null, label: "none" }, ...choices] : choices} />`;
    case "integer":
    case "number":
      return html`<${NumberField} ...${field} value=${value} min=${minimum} max=${maximum} step=${type === "integer" ? 1 : 0.5} unit=${unit} optional=${nullable} />`;
    case "list":
      return html`<${ListField} ...${field} value=${value} nullable=${nullable} suggest=${suggest} />`;
    case "table":
      return html`<${TableField} ...${field} value=${value ?? {}} secret=${secret} suggest=${suggest} />`;
    case "other":
      return html`<${JsonField} ...${field} value=${value} />`;
    default:
      if (!("effect" in entry) && !suggest && !pattern && maxLength >= LONG) return html`<${TextArea} ...${text} rows=${2} />`;
      return suggest ? html`<${Suggested} ...${text} ...${plain} suggest=${suggest} />` : html`<${TextField} ...${text} ...${plain} />`;
  }
}

/** The names that an entry's `suggest` stands for. */
function namesOf(suggest) {
  return suggest === "role" ? [...roles.value.keys()] : channels.value.filter(({ type, members }) => type !== "separator" && !members).map(({ name }) => name);
}

function Suggested({ suggest, ...field }) {
  const id = useId();
  return html`<div>
    <${TextField} ...${field} list=${id} />
    <datalist id=${id}>${namesOf(suggest).map((name) => html`<option key=${name} value=${name}></option>`)}</datalist>
  </div>`;
}

/** Texts, one on each line. nullable: there may be no list at all, which is something else than an empty one. */
function ListField({ value, nullable, onInput, disabled, label, hint, suggest, ...field }) {
  // what is typed, as long as it means the value: spaces and empty lines stay while they are written
  const [typed, setTyped] = useState("");
  const list = value ?? [];
  const text = same(linesOf(typed), list) ? typed : list.join("\n");
  const none = nullable && value === null;
  const missing = suggest ? namesOf(suggest).filter((name) => !list.includes(name)) : [];
  return html`
    <div class="setting-list">
      <${TextArea} ...${field} label=${label} hint=${`${hint} One on each line.`} disabled=${disabled || none} value=${text} rows=${Math.min(Math.max(list.length, 2), 8)} spellcheck=${false}
        placeholder=${none ? "" : "Empty"} onInput=${(entered) => { setTyped(entered); onInput(linesOf(entered)); }} />
      ${missing.length > 0 && html`<${Select} label=${`Add to ${label}`} hideLabel value=${null} placeholder=${`Add a ${suggest}`} disabled=${disabled || none} options=${missing} onInput=${(name) => onInput([...list, name])} />`}
      ${nullable && html`<${Checkbox} label="No list (null)" aria-label=${`${label}: no list`} disabled=${disabled} value=${none} onInput=${(on) => onInput(on ? null : [])} />`}
    </div>
  `;
}

const linesOf = (text) => text.split("\n").map((each) => each.trim()).filter(Boolean);

/** Names with a text each. secret: texts that are set are null, and stay what they are as long as nothing else is written. */
function TableField({ value, secret, suggest, onInput, disabled, label, hint, error }) {
  const [rows, setRows] = useState([]); // [name, text, what the text was at first]; rows without a name stay while they are written
  const list = useId();
  const meant = (some) => Object.fromEntries(some.filter(([name]) => name).map(([name, text]) => [name, text]));
  const shown = same(meant(rows), value) ? rows : Object.entries(value).map(([name, text]) => [name, text, text]);
  const put = (next) => {
    setRows(next);
    onInput(meant(next));
  };
  const change = (at, name, text) => put(shown.map((row, index) => (index === at ? [name, text, row[2]] : row)));
  return html`
    <${Field} label=${label} hint=${hint} error=${error}>
      ${(id, described) => html`
        <div class="setting-table" id=${id} role="group" aria-label=${label} aria-describedby=${described}>
          ${shown.map(([name, text, first], at) => html`
            <div class="setting-table-row" key=${at}>
              <${TextField} label=${`${label}: name ${at + 1}`} hideLabel value=${name} disabled=${disabled} list=${list} autocomplete="off" spellcheck=${false} placeholder=${suggest ?? "Name"} onInput=${(entered) => change(at, entered.trim(), text)} />
              <${TextField} label=${name ? `${label}: value of ${name}` : `${label}: value ${at + 1}`} hideLabel value=${text ?? ""} disabled=${disabled} autocomplete="off" spellcheck=${false}
                placeholder=${secret && first === null ? "Set, not shown" : "Value"} onInput=${(entered) => change(at, name, secret && first === null && entered === "" ? null : entered)} />
              <${IconButton} icon="trash" label=${`Remove ${name || `row ${at + 1}`}`} tip="Remove" disabled=${disabled} onClick=${() => put(shown.filter((_, index) => index !== at))} />
            </div>`)}
          <div><${Button} size="s" icon="plus" disabled=${disabled} onClick=${() => setRows([...shown, ["", "", ""]])}>Add</${Button}></div>
          ${suggest && html`<datalist id=${list}>${namesOf(suggest).map((name) => html`<option key=${name} value=${name}></option>`)}</datalist>`}
        </div>`}
    </${Field}>
  `;
}

/** Any other value, as JSON; what is no JSON is told and not passed on. */
function JsonField({ value, onInput, error, ...field }) {
  const [typed, setTyped] = useState(null);
  const meant = typed === null ? undefined : parsed(typed);
  const text = typed !== null && (meant === undefined || same(meant, value)) ? typed : JSON.stringify(value, null, 2);
  const wrong = text === typed && meant === undefined ? "Write JSON." : undefined;
  return html`<${TextArea} ...${field} error=${error ?? wrong} value=${text} spellcheck=${false} onInput=${(entered) => {
    setTyped(entered);
    if (parsed(entered) !== undefined) onInput(parsed(entered));
  }} />`;
}

/** undefined for what is no JSON. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A value as text. */
export function written(value, { unit } = {}) {
  if (value === null) return "none";
  if (value === true) return "on";
  if (value === false) return "off";
  if (value === "" || (Array.isArray(value) && !value.length)) return "empty";
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  return typeof value === "number" ? `${value.toLocaleString()}${unit ? ` ${unit}` : ""}` : value;
}
