// The search: a panel beside the messages.
import { html, signal, useEffect, useRef, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { plural } from "../core/format.js";
import { Button, IconButton } from "../ui/button.js";
import { Empty, Problem } from "../ui/empty.js";
import { Skeleton } from "../ui/spinner.js";
import { FoundByPlace, FoundMessage } from "./found-message.js";
import { panel } from "./panels.js";
import { FilterHelp, SearchField } from "./search-field.js";
import { queryOf, searchFields } from "./search-query.js";

const PAUSE_MS = 300;

// They outlive the panel, so that a result can be looked at and the search gone on with.
const asked = signal({ text: "", filters: [] });
const found = signal(null); // {results, cursor, complete, query} or null
const wanted = signal(0);

/** Opens the panel, or goes to its field. */
export function openSearch() {
  panel.value = "search";
  wanted.value++;
}

export function Search() {
  const { text, filters } = asked.value;
  const query = queryOf(text);
  const [state, setState] = useState("idle"); // idle | searching | more
  const [problem, setProblem] = useState(null);
  const running = useRef(0);
  const first = useRef(found.peek() !== null);

  const search = async (cursor) => {
    const fields = searchFields(query, filters);
    const mine = ++running.current;
    setProblem(null);
    if (!fields) {
      found.value = null;
      setState("idle");
      return;
    }
    setState(cursor ? "more" : "searching");
    try {
      const answer = await request("messages_search", cursor ? { ...fields, cursor } : fields);
      if (mine !== running.current) return;
      const before = cursor ? found.peek().results : [];
      found.value = { ...answer, results: [...before, ...answer.results] };
    } catch (error) {
      if (mine === running.current) setProblem(error);
    }
    if (mine === running.current) setState("idle");
  };
  useEffect(() => {
    if (first.current) {
      first.current = false; // the results of before are still there
      return undefined;
    }
    const timer = setTimeout(search, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query, filters]);
  useEffect(() => () => void running.current++, []);

  const change = (nextText, nextFilters) => (asked.value = { text: nextText, filters: nextFilters });
  const pick = (key) => {
    change(`${text.trimEnd()}${text.trim() ? " " : ""}${key}`, filters);
    wanted.value++;
  };
  return html`<aside class="panel found-panel search-panel" aria-label="Search">
    <header class="search-head">
      <${SearchField} ...${{ text, filters }} wanted=${wanted.value} onChange=${change} />
      <${IconButton} icon="x" label="Close" onClick=${() => (panel.value = null)} />
    </header>
    <div class="panel-body" aria-busy=${String(state === "searching")}>
      ${body({ state, problem, search, pick, query })}
    </div>
  </aside>`;
}

function body({ state, problem, search, pick, query }) {
  const results = found.value;
  if (problem && (!results || state === "idle")) {
    return html`${problem.code === "bad_value"
      ? html`<${Empty} compact icon="search" title="This cannot be searched for" text=${problem.message} />`
      : html`<${Problem} compact title="The search did not work" error=${problem} onRetry=${() => search()} />`}`;
  }
  if (!results) {
    return state === "searching"
      ? html`<div class="found-loading"><${Skeleton} lines=${8} /></div>`
      : html`<${Empty} compact icon="search" title="Find what was said" text="In all channels you can read. Words narrow it down, and so do filters:" /><${FilterHelp} onPick=${pick} />`;
  }
  if (!results.results.length && state !== "searching") {
    return html`<${Empty} compact icon="search" title="Nothing found" text="Try fewer words, or take a filter away." />`;
  }
  const words = query ? [query] : [];
  return html`
    <p class="search-summary" role="status">${state === "searching" ? "Searching …" : `${plural(results.results.length, "message")}${results.cursor ? " and more" : ""}`}</p>
    <div data-old=${state === "searching" || undefined} class="search-results">
      <${FoundByPlace} messages=${results.results} render=${(message) => html`<${FoundMessage} key=${message.id} message=${message} words=${words} />`} />
    </div>
    ${results.cursor && html`<div class="found-more"><${Button} kind="quiet" busy=${state === "more"} onClick=${() => search(results.cursor)}>Load older ones</${Button}></div>`}
    ${!results.complete && html`<p class="panel-note">Older messages were not looked at. Narrow the search to reach them.</p>`}
  `;
}
