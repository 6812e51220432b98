// The moderation log: who did what to whom, when; filtered, newest first.
import { html, useEffect, useId, useRef, useState } from "../lib.js";
import { on, online, request } from "../core/connection.js";
import { ago, fullTime, plural } from "../core/format.js";
import { displayName, plainName, users } from "../core/state.js";
import { Button } from "../ui/button.js";
import { Empty, Problem } from "../ui/empty.js";
import { Select, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { Skeleton } from "../ui/spinner.js";
import { actorName, CATEGORIES, detailsOf, iconOf, personName, sentenceOf } from "./audit-words.js";
import { useFetched } from "./fetched.js";

const PAGE = 50;
const PAUSE_MS = 350;
const ANYTHING = { category: null, actor: "", target: "", within: null };
const TIMES = [
  { value: null, label: "Any time" },
  { value: 3600, label: "The last hour" },
  { value: 86_400, label: "The last day" },
  { value: 7 * 86_400, label: "The last week" },
  { value: 30 * 86_400, label: "The last month" },
];

export function AuditLogPage() {
  const [filters, setFilters] = useState(ANYTHING);
  const log = useLog(filters);
  const summary = useFetched("modlog_summary");
  const set = (changes) => setFilters({ ...filters, ...changes });
  const filtered = Object.keys(ANYTHING).some((key) => filters[key] !== ANYTHING[key]);
  useNews(({ entries, count }) => {
    if (count > entries.length) summary.load();
    else summary.edit((answer) => counted(answer, entries));
  });
  const refresh = () => Promise.all([log.load(), summary.load()]);
  return html`
    <div class="settings-form">
      ${summary.answer?.total > 0 && html`<${Summary} summary=${summary.answer} chosen=${filters.category} choose=${(category) => set({ category })} />`}
      <${Filters} filters=${filters} set=${set} />
      <section class="running-section">
        <header class="running-head">
          <h2 aria-live="polite">${log.entries ? plural(log.total, "entry", "entries") : "Entries"}</h2>
          <div class="running-buttons">
            ${filtered && html`<${Button} kind="quiet" icon="x" onClick=${() => setFilters(ANYTHING)}>Clear filters</${Button}>`}
            <${Button} kind="quiet" icon="refresh-cw" onClick=${refresh}>Refresh</${Button}>
          </div>
        </header>
        <${Entries} log=${log} filtered=${filtered} set=${set} />
      </section>
    </div>
  `;
}

/** {entries: newest first or null, total, error, load(): from the newest on, more(): further ones}. */
function useLog(filters) {
  const [state, setState] = useState({ entries: null, total: 0, error: null });
  const latest = useRef(0);
  const ready = online.value === "online";
  const ask = async (before) => {
    const mine = ++latest.current;
    const { category, actor, target, within } = filters;
    const fields = { limit: PAGE, offset: before.length, category, actor: usernameOf(actor), target: usernameOf(target), after: within && Date.now() / 1000 - within };
    try {
      const { entries, total } = await request("modlog_get", fields);
      if (mine !== latest.current) return;
      const known = new Set(before.map(({ id }) => id)); // newer entries move older ones to the next page
      setState({ entries: [...before, ...entries.filter(({ id }) => !known.has(id))], total, error: null });
    } catch (error) {
      if (mine === latest.current) setState((now) => ({ ...now, error }));
    }
  };
  useEffect(() => {
    if (!ready) return undefined;
    const timer = setTimeout(ask, latest.current ? PAUSE_MS : 0, []);
    return () => clearTimeout(timer);
  }, [JSON.stringify(filters), ready]);
  useNews(({ entries, count }) => {
    if (count > entries.length) ask([]); // too many to be told one by one
    else setState((now) => added(now, entries.filter((entry) => fits(entry, filters))));
  });
  return { ...state, load: () => ask([]), more: () => ask(state.entries ?? []) };
}

/** Calls take({entries, count}) with what enters the log while the page is open. */
function useNews(take) {
  const newest = useRef(take);
  newest.current = take;
  useEffect(() => on("modlog_new", (packet) => newest.current(packet)), []);
}

function counted(summary, entries) {
  const totals = { ...summary.category_totals };
  for (const { category } of entries) totals[category] = (totals[category] ?? 0) + 1;
  return { ...summary, category_totals: totals, total: summary.total + entries.length };
}

/** The list with new entries before the others. */
function added(state, news) {
  const known = new Set(state.entries?.map(({ id }) => id));
  const fresh = news.filter(({ id }) => !known.has(id));
  if (!state.entries || !fresh.length) return state; // what is being asked for has them
  return { ...state, entries: [...fresh, ...state.entries], total: state.total + fresh.length };
}

/** Whether a new entry passes the filters. Members are told apart by their names of now: the entry is of now, too. */
function fits(entry, { category, actor, target }) {
  const [by, to] = [usernameOf(actor), usernameOf(target)];
  const isTarget = to === entry.target_id || (to === entry.target_name && users.peek().has(to));
  return (!category || entry.category === category) && (!by || by === entry.actor_id || by === entry.actor_name) && (!to || isTarget);
}

/** The username that a shown name means; other text as it is: it may be the id of what is gone. */
function usernameOf(text) {
  const wanted = text.trim().replace(/^@/, "").toLowerCase();
  if (!wanted) return null;
  const all = [...users.peek().keys()];
  return all.find((name) => name.toLowerCase() === wanted || plainName(name).toLowerCase() === wanted) ?? all.find((name) => displayName(name).toLowerCase() === wanted) ?? text.trim();
}

function Summary({ summary, chosen, choose }) {
  const rows = CATEGORIES.map((each) => ({ ...each, count: summary.category_totals[each.value] ?? 0 })).filter(({ count }) => count);
  const most = Math.max(...rows.map(({ count }) => count));
  return html`
    <section class="audit-summary" aria-label="How often what was done">
      ${rows.map(({ value, label, icon, count }) => html`
        <button key=${value} type="button" class="audit-bar" aria-pressed=${String(chosen === value)} aria-label=${`${label}: ${plural(count, "entry", "entries")}. Show only these`} onClick=${() => choose(chosen === value ? null : value)}>
          <span class="audit-bar-name"><${Icon} name=${icon} size=${16} />${label}</span>
          <span class="audit-bar-track"><span style=${{ inlineSize: `${Math.max((count / most) * 100, 1)}%` }}></span></span>
          <span class="audit-bar-count">${count.toLocaleString()}</span>
        </button>`)}
    </section>
  `;
}

function Filters({ filters, set }) {
  const list = useId();
  const known = [...users.value.keys()].slice(0, 500);
  const person = { icon: "user", list, autocomplete: "off", autocapitalize: "none", spellcheck: false, placeholder: "Anybody" };
  return html`
    <form class="audit-filters" role="search" aria-label="Filters" onSubmit=${(event) => event.preventDefault()}>
      <${Select} label="About" value=${filters.category} options=${[{ value: null, label: "Everything" }, ...CATEGORIES]} onInput=${(category) => set({ category })} />
      <${TextField} label="Done by" value=${filters.actor} onInput=${(actor) => set({ actor })} ...${person} />
      <${TextField} label="Done to" value=${filters.target} onInput=${(target) => set({ target })} ...${person} />
      <${Select} label="When" value=${filters.within} options=${TIMES} onInput=${(within) => set({ within })} />
      <datalist id=${list}>${known.map((name) => html`<option key=${name} value=${plainName(name)}>${displayName(name)}</option>`)}</datalist>
    </form>
  `;
}

function Entries({ log, filtered, set }) {
  const { entries, total, error } = log;
  const end = useRef(null);
  const left = entries ? total - entries.length : 0;
  const more = useRef(log.more);
  more.current = log.more;
  useEffect(() => {
    if (left <= 0 || !end.current || error) return undefined;
    const seen = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && more.current(), { rootMargin: "400px" });
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [entries, left, error]);
  if (!entries) return error ? html`<${Problem} error=${error} onRetry=${log.load} />` : html`<${Skeleton} lines=${6} />`;
  if (!entries.length) {
    return filtered
      ? html`<${Empty} icon="list-filter" title="Nothing like that" text="No entry passes these filters." />`
      : html`<${Empty} icon="clipboard" title="Nothing yet" text="What members with power do to others, to roles, channels and the server, stands here." />`;
  }
  return html`
    <ol class="settings-rows audit-entries" role="list">${entries.map((entry) => html`<${Entry} key=${entry.id} entry=${entry} set=${set} />`)}</ol>
    ${error && html`<${Problem} error=${error} onRetry=${log.more} compact />`}
    ${left > 0 && !error && html`<div class="running-buttons" ref=${end}><${Button} onClick=${log.more}>Show older</${Button}></div>`}
  `;
}

function Entry({ entry, set }) {
  const [actor, ...rest] = sentenceOf(entry);
  const details = detailsOf(entry);
  return html`
    <li class="settings-row audit-entry" data-action=${entry.action}>
      <span class="audit-icon"><${Icon} name=${iconOf(entry)} size=${16} /></span>
      <div class="settings-row-main">
        <p class="audit-sentence">
          ${entry.actor_id
            ? html`<button type="button" class="audit-actor" data-tip=${`Only what ${actorName(entry.actor_name)} did`} onClick=${() => set({ actor: personName(entry.actor_name) })}>${actor.text}</button>`
            : html`<strong>${actor.text}</strong>`}
          ${rest.map(({ text, bold }) => (bold ? html`<strong>${text}</strong>` : text))}
        </p>
        ${details.length > 0 && html`<dl class="audit-details">${details.map(([name, value, old]) => html`<div key=${name}><dt>${name}</dt><dd>${old !== null && html`<span class="audit-old">${old}</span> → `}${value}</dd></div>`)}</dl>`}
      </div>
      <time class="audit-time" datetime=${new Date(entry.timestamp * 1000).toISOString()} data-tip=${fullTime(entry.timestamp)}>${ago(entry.timestamp)}</time>
    </li>
  `;
}
