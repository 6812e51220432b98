// The settings of one plugin as a form, from what the server tells of their types.
import { html, useEffect, useState } from "../lib.js";
import { on, request } from "../core/connection.js";
import { go } from "../core/router.js";
import { Button } from "../ui/button.js";
import { Empty } from "../ui/empty.js";
import { toast } from "../ui/toast.js";
import { shown, useFetched } from "./fetched.js";
import { SaveBar } from "./save-bar.js";
import { SettingInput, written } from "./setting-input.js";

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** id: name of its file. */
export function PluginPage({ id }) {
  const fetched = useFetched("plugin_settings_get", { plugin: id });
  useEffect(() => on("plugin_settings_changed", ({ plugin }) => plugin === id && fetched.load()), [id]);
  return html`
    <div class="settings-form settings-sections">
      <div><${Button} kind="plain" class="page-back" icon="arrow-left" onClick=${() => go({ page: "settings", section: "plugins" })}>All plugins</${Button}></div>
      ${shown(fetched, (answer) => html`<${Form} id=${id} answer=${answer} saved=${fetched.put} />`)}
    </div>
  `;
}

function Form({ id, answer, saved }) {
  const [draft, setDraft] = useState({});
  const [began, setBegan] = useState({}); // what was in force when each of the draft was first edited
  const [problem, setProblem] = useState(null); // {key, text}; key null: of none of them
  const { settings } = answer;
  const changed = settings.filter((entry) => differs(entry, draft));
  const set = (entry) => (value) => {
    setDraft((before) => ({ ...before, [entry.key]: value }));
    if (!(entry.key in draft)) setBegan((before) => ({ ...before, [entry.key]: entry.value }));
    if (problem?.key === entry.key || problem?.key === null) setProblem(null);
  };
  const reset = () => {
    setDraft({});
    setProblem(null);
  };
  const save = async () => {
    try {
      const changes = Object.fromEntries(changed.map(({ key }) => [key, draft[key]]));
      saved(await request("plugin_settings_update", { plugin: id, changes }));
      reset();
      toast("Saved, and in force", "success");
    } catch (error) {
      const found = problemOf(error, changed);
      setProblem(found);
      if (found.key) document.getElementById(`setting-${found.key}`)?.scrollIntoView({ block: "center" });
    }
  };
  if (!settings.length) return html`<${Empty} icon="sliders-horizontal" title="Nothing to set" text=${`${id} has no settings, or could not be loaded.`} />`;
  return html`
    ${groups(id, answer).map(({ section, title, text, list }) => html`
      <section key=${section} aria-label=${title}>
        <h2>${title}</h2>
        ${text && html`<p class="settings-note">${text}</p>`}
        <div class="setting-rows">
          ${list.map((entry) => html`<${Row} key=${entry.key} entry=${entry} value=${valueOf(entry, draft)} edited=${changed.includes(entry)} overtaken=${changed.includes(entry) && !same(began[entry.key], entry.value)} onInput=${set(entry)} error=${problem?.key === entry.key ? problem.text : undefined} />`)}
        </div>
      </section>`)}
    <p class="settings-note">They stand in <code>plugins/${id}.json</code> of the data folder, where they may be edited as well.</p>
    <${SaveBar} changed=${changed.length > 0} save=${save} reset=${reset} problem=${problem && (problem.key ? "One of them is not right yet." : problem.text)} />
  `;
}

/** [{section, title, text, list of entries}] in the order of the settings. */
function groups(id, { settings, sections }) {
  const found = new Map();
  for (const entry of settings) {
    const section = entry.key.split(".").slice(0, -1).join(".");
    if (!found.has(section)) found.set(section, []);
    found.get(section).push(entry);
  }
  return [...found].map(([section, list]) => ({ section, list, title: sections[section]?.[0] ?? `Settings of ${id}`, text: sections[section]?.[1] }));
}

function Row({ entry, value, edited, overtaken, onInput, error }) {
  const { key, title, description, secret } = entry;
  const resettable = secret ? isHidden(entry) && entry.is_set && value !== null : !same(value, entry.default);
  return html`
    <article class="setting" id=${`setting-${key}`} aria-label=${title} data-edited=${edited ? "" : null}>
      <${SettingInput} entry=${entry} value=${value} onInput=${onInput} label=${title} hint=${description} error=${error} />
      <footer class="setting-foot">
        ${overtaken && html`<p role="status">Changed meanwhile${!secret && html`, to <span class="setting-default">${written(entry.value, entry)}</span>`}: saving replaces it.</p>`}
        ${!secret && !same(value, entry.default) && html`<p>Default: <span class="setting-default">${written(entry.default, entry)}</span></p>`}
        ${resettable && html`<${Button} size="s" kind="plain" onClick=${() => onInput(secret ? null : entry.default)} aria-label=${secret ? `Remove ${title}` : `Use the default of ${title}`}>${secret ? "Remove" : "Use the default"}</${Button}>`}
      </footer>
    </article>
  `;
}

/** A secret of which nothing is known: "" is nothing written, null takes it away. */
const isHidden = ({ secret, type }) => secret && type !== "table";
const valueOf = (entry, draft) => (entry.key in draft ? draft[entry.key] : isHidden(entry) ? "" : entry.value);

function differs(entry, draft) {
  if (!(entry.key in draft)) return false;
  return isHidden(entry) ? draft[entry.key] !== "" : !same(draft[entry.key], entry.value);
}

/** {key, text} of what the server does not take: `changes.words[1]: expected ...` is of `words`. */
function problemOf({ message, packet }, entries) {
  const where = packet?.field?.replace(/^changes\./, "") ?? "";
  const entry = entries.find(({ key }) => where === key || where.startsWith(`${key}.`) || where.startsWith(`${key}[`));
  if (!entry) return { key: null, text: message };
  const reason = capital(message.slice(packet.field.length + 2));
  const inside = /^\[(.+)\]$/.exec(where.slice(entry.key.length))?.[1];
  if (inside === undefined) return { key: entry.key, text: reason };
  return { key: entry.key, text: `${entry.type === "list" ? `Line ${Number(inside) + 1}` : inside}: ${reason}` };
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
