// One setting of the configuration, as a form field by its type, with what is known about it.
import { html } from "../lib.js";
import { isOwner } from "../core/permissions.js";
import { Badge } from "../ui/badge.js";
import { Button } from "../ui/button.js";
import { Icon } from "../ui/icon.js";
import { change, draft, problems, same, savedValue } from "./draft.js";
import { SettingInput, written } from "./setting-input.js";

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
      <${SettingInput} entry=${entry} value=${value} onInput=${(next) => change(entry, next)} disabled=${Boolean(locked)} error=${problems.value.get(key)} hint=${description} label=${title} />
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
