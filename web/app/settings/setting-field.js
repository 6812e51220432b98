// One setting of the configuration, as a form field by its type, with what is known about it.
import { html, useState } from "../lib.js";
import { isOwner } from "../core/permissions.js";
import { Badge } from "../ui/badge.js";
import { Button } from "../ui/button.js";
import { Checkbox, NumberField, Select, Switch, TextArea, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { change, draft, problems, same, savedValue } from "./draft.js";

/** entry: of settings_get. */
export function SettingField({ entry }) {
  const { key, title, description, fixed_by: fixed, effect } = entry;
  const edited = draft.value.has(key);
  const value = edited ? draft.value.get(key) : savedValue(entry);
  const locked = lockOf(entry);
  const isDefault = entry.secret || same(value, entry.default);
  return html`
    <article class="setting" data-edited=${edited ? "" : null} id=${`setting-${key}`} aria-label=${title}>
      <header class="setting-head">
        <code class="setting-key">${key}</code>
        ${edited && html`<${Badge} kind="accent" icon="pencil">Not saved</${Badge}>`}
        ${!isDefault && !edited && html`<${Badge}>Changed</${Badge}>`}
        ${effect === "restart" && html`<${Badge} kind="info" icon="rotate-cw">Needs a restart</${Badge}>`}
        ${"waiting" in entry && !edited && html`<${Badge} kind="warning" icon="clock">Waits for a restart</${Badge}>`}
      </header>
      <${Input} entry=${entry} value=${value} disabled=${Boolean(locked)} error=${problems.value.get(key)} hint=${description} label=${title} />
      <footer class="setting-foot">
        ${locked
          ? html`<p class="setting-lock"><${Icon} name="lock" size=${14} />${locked}</p>`
          : !entry.secret && html`<p>Default: <span class="setting-default">${written(entry.default, entry)}</span></p>`}
        ${"waiting" in entry && html`<p>Now in force: ${written(entry.value, entry)}</p>`}
        ${edited && html`<${Button} size="s" kind="plain" onClick=${() => change(entry, savedValue(entry))} aria-label=${`Undo the change of ${title}`}>Undo</${Button}>`}
        ${!locked && !isDefault && html`<${Button} size="s" kind="plain" onClick=${() => change(entry, entry.default)} aria-label=${`Use the default of ${title}`}>Use the default</${Button}>`}
      </footer>
    </article>
  `;
}

/** Why it cannot be changed here; null where it can. */
function lockOf({ fixed_by: fixed, changed_by: who }) {
  if (fixed) return `Set by ${fixed}, whatever the file says.`;
  if (who === "host") return "Changed in config.json only, by who hosts the server.";
  return who === "owners" && !isOwner() ? "Changed by owners only." : null;
}

function Input({ entry, value, disabled, ...field }) {
  const { type, nullable, choices, minimum, maximum, max_length: maxLength, unit, secret } = entry;
  const put = (next) => change(entry, next);
  if (secret) {
    return html`<${TextField} type="password" ...${field} disabled=${disabled} value=${value ?? ""} placeholder="Not shown" autocomplete="new-password" onInput=${put} />`;
  }
  switch (type) {
    case "boolean":
      return html`<${Switch} ...${field} disabled=${disabled} value=${value} onInput=${put} />`;
    case "choice":
      return html`<${Select} ...${field} disabled=${disabled} value=${value} options=${nullable ? [{ value: null, label: "none" }, ...choices] : choices} onInput=${put} />`;
    case "integer":
    case "number":
      return html`<${NumberField} ...${field} disabled=${disabled} value=${value} min=${minimum} max=${maximum} step=${type === "integer" ? 1 : 0.5} unit=${unit} optional=${nullable} onInput=${put} />`;
    case "list":
      return html`<${ListField} ...${field} disabled=${disabled} value=${value} nullable=${nullable} onInput=${put} />`;
    default:
      return html`<${TextField} ...${field} disabled=${disabled} value=${value ?? ""} maxLength=${maxLength} placeholder=${nullable ? "None" : undefined} autocomplete="off" autocapitalize="none" spellcheck=${false}
        onInput=${(text) => put(nullable && text === "" ? null : text)} />`;
  }
}

/** Texts, one on each line. nullable: there may be no list at all, which is something else than an empty one. */
function ListField({ value, nullable, onInput, disabled, label, hint, ...field }) {
  // what is typed, as long as it means the value: spaces and empty lines stay while they are written
  const [typed, setTyped] = useState("");
  const meant = linesOf(typed);
  const text = same(meant, value ?? []) ? typed : (value ?? []).join("\n");
  const none = nullable && value === null;
  return html`
    <div class="setting-list">
      <${TextArea} ...${field} label=${label} hint=${`${hint} One on each line.`} disabled=${disabled || none} value=${text} rows=${Math.min(Math.max((value ?? []).length, 2), 8)} spellcheck=${false}
        placeholder=${none ? "" : "Empty"} onInput=${(entered) => { setTyped(entered); onInput(linesOf(entered)); }} />
      ${nullable && html`<${Checkbox} label="No list (null)" aria-label=${`${label}: no list`} disabled=${disabled} value=${none} onInput=${(on) => onInput(on ? null : [])} />`}
    </div>
  `;
}

const linesOf = (text) => text.split("\n").map((each) => each.trim()).filter(Boolean);

/** A value as text. */
export function written(value, { unit } = {}) {
  if (value === null) return "none";
  if (value === true) return "on";
  if (value === false) return "off";
  if (value === "" || (Array.isArray(value) && !value.length)) return "empty";
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "number" ? `${value.toLocaleString()}${unit ? ` ${unit}` : ""}` : value;
}
