// config.json as a form: sections, search, a draft that is checked by the server before it is saved.
import { html, useEffect, useRef, useState } from "../lib.js";
import { names, plural } from "../core/format.js";
import { Button } from "../ui/button.js";
import { confirmDialog } from "../ui/dialog.js";
import { Empty } from "../ui/empty.js";
import { Select, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { check, checked, discard, draft, problems, save } from "./draft.js";
import { shown, useFetched } from "./fetched.js";
import { SettingField } from "./setting-field.js";

const sectionOf = (key) => key.split(".")[0];

/** detail: a section or the name of a setting to begin with. */
export function ConfigurationPage({ detail }) {
  const fetched = useFetched("settings_get");
  return html`<div class="settings-wide configuration">${shown(fetched, (answer) => html`<${Form} answer=${answer} reload=${fetched.load} detail=${detail} />`)}</div>`;
}

function Form({ answer, reload, detail }) {
  const { settings, problems: broken } = answer;
  const sections = sectionsOf(answer);
  const wanted = sections.find(({ id, list }) => id === detail || list.some(({ key }) => key === detail));
  const [section, setSection] = useState((wanted ?? sections[0]).id);
  const [search, setSearch] = useState("");
  const [restart, setRestart] = useState([]);
  const page = useRef(null);
  useEffect(() => {
    if (!wanted) return;
    setSection(wanted.id);
    setSearch("");
    if (detail !== wanted.id) requestAnimationFrame(() => document.getElementById(`setting-${detail}`)?.scrollIntoView({ block: "center" }));
  }, [detail]);
  const words = search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ key, title, description }) => words.every((word) => `${key} ${title} ${description}`.toLowerCase().includes(word));
  const found = words.length ? sections.map((each) => ({ ...each, list: each.list.filter(fits) })).filter(({ list }) => list.length) : sections.filter(({ id }) => id === section);
  const choose = (id) => {
    setSection(id);
    setSearch("");
    page.current.closest(".settings-page")?.scrollTo({ top: 0 });
  };
  const showFirstProblem = () => {
    const [key] = problems.peek().keys();
    const home = sections.find(({ list }) => list.some((entry) => entry.key === key));
    if (!home) return;
    choose(home.id);
    requestAnimationFrame(() => document.getElementById(`setting-${key}`)?.scrollIntoView({ block: "center" }));
  };
  const waits = [...new Set([...restart, ...settings.filter((entry) => "waiting" in entry).map(({ key }) => key)])];
  return html`
    <div class="configuration-top" ref=${page}>
      <${TextField} type="search" label="Find a setting" hideLabel icon="search" placeholder="Find a setting" value=${search} onInput=${setSearch} />
      <div class="configuration-select"><${Select} label="Section" hideLabel value=${words.length ? null : section} placeholder="Sections" options=${sections.map(({ id, title }) => ({ value: id, label: title }))} onInput=${choose} /></div>
    </div>
    ${broken.length > 0 && html`<section class="running-alert" role="alert" data-kind="danger"><${Icon} name="triangle-alert" /><div><strong>config.json has a mistake, so nothing can be saved here.</strong><ul>${broken.map((text) => html`<li key=${text}>${text}</li>`)}</ul></div></section>`}
    ${waits.length > 0 && html`<section class="running-alert" role="status" data-kind="warning"><${Icon} name="rotate-cw" /><div><strong>Restart the server for ${plural(waits.length, "setting")} to count:</strong> ${names(waits, 6)}.</div></section>`}
    <div class="configuration-body">
      <nav class="configuration-nav" aria-label="Sections">
        <ul role="list">${sections.map(({ id, title, list }) => html`<li key=${id}>
          <button type="button" class="settings-link" aria-current=${!words.length && id === section ? "true" : null} onClick=${() => choose(id)}>
            <span class="truncate">${title}</span>${marks(list)}
          </button></li>`)}</ul>
      </nav>
      <div class="configuration-settings">
        ${found.length === 0 && html`<${Empty} icon="search" title="No such setting" text="Search for a name, or for what it is about." />`}
        ${found.map(({ id, title, text, list }) => html`
          <section key=${id} aria-label=${title}>
            <h2>${title}</h2>
            ${text && html`<p class="settings-note">${text}</p>`}
            <div class="setting-rows">${list.map((entry) => html`<${SettingField} key=${entry.key} entry=${entry} />`)}</div>
          </section>`)}
      </div>
    </div>
    ${draft.value.size > 0 && html`<${Bar} settings=${settings} reload=${reload} saved=${setRestart} showProblem=${showFirstProblem} />`}
  `;
}

/** How many settings of a section are edited, or wrong. */
function marks(list) {
  const wrong = list.filter(({ key }) => problems.value.has(key)).length;
  const edited = list.filter(({ key }) => draft.value.has(key)).length;
  if (wrong) return html`<span class="configuration-mark" data-kind="danger">${wrong}<span class="visually-hidden"> wrong</span></span>`;
  return edited > 0 && html`<span class="configuration-mark">${edited}<span class="visually-hidden"> not saved</span></span>`;
}

/** [{id, title, text, list of entries}] in the order of the file; what stands in no section comes with the login. */
function sectionsOf({ settings, sections }) {
  const found = new Map();
  for (const entry of settings) {
    const id = sections[sectionOf(entry.key)] ? sectionOf(entry.key) : "";
    if (!found.has(id)) found.set(id, []);
    found.get(id).push(entry);
  }
  return [...found].map(([id, list]) => ({ id, list, title: sections[id]?.[0] ?? "Accounts", text: sections[id]?.[1] ?? "How people log in, and who may become a member." }));
}

function Bar({ settings, reload, saved, showProblem }) {
  const count = draft.value.size;
  const wrong = problems.value.size;
  const test = async () => {
    try {
      if (!(await check())) showProblem();
    } catch (error) {
      toast(error, "danger");
    }
  };
  const store = async () => {
    try {
      const answer = await save();
      if (!answer) return showProblem();
      saved(answer.restart);
      toast(answer.restart.length ? `Saved. ${plural(answer.restart.length, "setting")} will count after a restart.` : "Saved, and in force", answer.restart.length ? "info" : "success");
      await reload();
    } catch (error) {
      toast(error, "danger");
    }
  };
  const drop = async () => {
    if (count < 2 || (await confirmDialog({ title: `Discard ${plural(count, "change")}?`, confirm: "Discard", danger: true }))) discard();
  };
  const strange = [...problems.value].filter(([key]) => !settings.some((entry) => entry.key === key));
  return html`
    <section class="draft-bar" aria-label="Changes that are not saved" data-wrong=${wrong ? "" : null}>
      <div class="draft-text" role="status">
        <strong>${plural(count, "change")}</strong>
        <span>${verdict(wrong)}</span>
        ${strange.map(([key, reason]) => html`<span key=${key}>${key}: ${reason}</span>`)}
      </div>
      <div class="running-buttons">
        <${Button} kind="quiet" onClick=${drop}>Discard</${Button}>
        <${Button} onClick=${test}>Check</${Button}>
        <${Button} kind="primary" onClick=${store}>Save</${Button}>
      </div>
    </section>
  `;
}

function verdict(wrong) {
  if (wrong) return `${plural(wrong, "of them is", "of them are")} not right yet: see the red text.`;
  if (!checked.value) return "Not saved yet.";
  const { restart } = checked.value;
  return restart.length ? `All right. ${restart.length === 1 ? "One counts" : `${restart.length} count`} after a restart.` : "All right, and in force as soon as they are saved.";
}
