// How the server does: figures of now, asked every few seconds while the page is looked at, and charts of the last hour.
import { html, useEffect, useRef, useState } from "../lib.js";
import { online, request } from "../core/connection.js";
import { bytes, fullTime, plural } from "../core/format.js";
import { Chart } from "../ui/chart.js";
import { Problem } from "../ui/empty.js";
import { Icon } from "../ui/icon.js";
import { Skeleton } from "../ui/spinner.js";

const EVERY_MS = 5000;
const HOUR_S = 3600;
const GB = 1024 ** 3;

const count = (value) => value.toLocaleString(undefined, { maximumFractionDigits: 0 });
const rate = (value) => `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 })}/s`;
const ms = (value) => `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 })} ms`;
const percent = (value) => `${count(value)} %`;

/** high, bad: from where on it is called so; below: the other way round. words: what to call it. */
const FIGURES = [
  { id: "connections", title: "Connections", icon: "wifi", format: count, series: [{ key: "connections", label: "Connections" }], note: (now) => plural(now.sessions, "session") },
  { id: "users_online", title: "Members online", icon: "users", format: count, series: [{ key: "users_online", label: "Members" }], note: () => "connected just now" },
  { id: "messages_per_s", title: "Messages", icon: "message-square", format: rate, series: [{ key: "messages_per_s", label: "Messages" }], note: () => "stored" },
  { id: "deliveries_per_s", title: "Deliveries", icon: "send", format: rate, series: [{ key: "deliveries_per_s", label: "Deliveries" }], note: () => "events handed to sessions" },
  {
    id: "commit_p99_ms", title: "Time to store", icon: "database", format: ms, high: 100, bad: 500, words: "slow",
    series: [{ key: "commit_p99_ms", label: "slowest 1 %", kind: "warning" }, { key: "commit_p50_ms", label: "median", kind: "accent" }],
    note: (now) => (now.commit_p50_ms === null ? "nothing stored just now" : `99 of 100 within this; half within ${ms(now.commit_p50_ms)}`),
  },
  { id: "loop_lag_ms", title: "Lag", icon: "timer", format: ms, high: 100, bad: 500, words: "late", series: [{ key: "loop_lag_ms", label: "Lag" }], note: () => "how late the server is for what is due" },
  { id: "cpu_percent", title: "Processor", icon: "chart-column", format: percent, high: 70, bad: 90, words: "busy", ceiling: 100, series: [{ key: "cpu_percent", label: "Processor" }], note: () => "of one processor" },
  { id: "memory_bytes", title: "Memory", icon: "server", format: bytes, series: [{ key: "memory_bytes", label: "Memory" }], note: () => "of the server process" },
  { id: "queue", title: "Waiting to be stored", icon: "inbox", format: count, high: 500, bad: 5000, words: "long", series: [{ key: "queue", label: "Waiting" }], note: () => "operations" },
  { id: "disk_free_bytes", title: "Disk free", icon: "archive", format: bytes, high: 2 * GB, bad: GB / 2, below: true, words: "low", series: [{ key: "disk_free_bytes", label: "Free" }], note: () => "beside the data", unknown: 0 },
  { id: "database_bytes", title: "Database", icon: "database", format: bytes, series: [{ key: "database_bytes", label: "Database" }], note: () => "size of it", unknown: 0 },
];

export function StatusPage() {
  const { status, history, error, load } = useStatus();
  if (!status) return error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<div role="status" aria-label="Loading"><${Skeleton} lines=${8} /></div>`;
  const { now } = status;
  const from = Math.max(status.started_at, now.at - HOUR_S);
  return html`
    <div class="settings-form settings-wide status-page">
      <${Headline} status=${status} error=${error} />
      <ul class="status-tiles" role="list">
        ${FIGURES.map((figure) => html`<${Tile} key=${figure.id} figure=${figure} now=${now} history=${history} from=${from} />`)}
      </ul>
      <p class="settings-note">Measured every ${plural(status.interval_s, "second")}; rates and times are those of the ten seconds before. For alarms there is /metrics, see the setting service.metrics.</p>
    </div>
  `;
}

/** {status: the newest answer or null, history: samples of the last hour, error, load()}. */
function useStatus() {
  const [state, setState] = useState({ status: null, history: [], error: null });
  const kept = useRef([]);
  const ready = online.value === "online";
  const load = async () => {
    try {
      const status = await request("server_status", { after: kept.current.at(-1)?.at ?? 0 });
      const known = kept.current.at(-1)?.at ?? 0;
      kept.current = [...kept.current, ...status.history.filter(({ at }) => at > known)].filter(({ at }) => at > status.now.at - HOUR_S);
      setState({ status, history: kept.current, error: null });
    } catch (error) {
      setState((before) => ({ ...before, error }));
    }
  };
  useEffect(() => {
    if (!ready) return undefined;
    load();
    const timer = setInterval(() => document.hidden || load(), EVERY_MS);
    const back = () => document.hidden || load();
    document.addEventListener("visibilitychange", back);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", back);
    };
  }, [ready]);
  return { ...state, load };
}

function Headline({ status, error }) {
  const wrong = FIGURES.map((figure) => ({ figure, level: levelOf(figure, status.now) })).filter(({ level }) => level);
  const worst = wrong.some(({ level }) => level === "bad") ? "bad" : wrong.length ? "high" : "good";
  const lost = online.value !== "online" || error;
  const text = lost
    ? "Not connected: these figures are old."
    : { good: "All is well.", high: `Keep an eye on: ${listed(wrong)}.`, bad: `Needs attention: ${listed(wrong)}.` }[worst];
  return html`
    <section class="status-head" data-level=${lost ? "high" : worst}>
      <p class="status-verdict" role="status"><${Icon} name=${worst === "good" && !lost ? "circle-check" : "triangle-alert"} size=${20} />${text}</p>
      <dl class="status-facts">
        <div><dt>Up for</dt><dd title=${`since ${fullTime(status.started_at)}`}>${upFor(status.uptime_s)}</dd></div>
        <div><dt>Version</dt><dd>${status.version}</dd></div>
        <div><dt>Database</dt><dd>${{ sqlite: "SQLite", postgresql: "PostgreSQL" }[status.database] ?? status.database}</dd></div>
        <div><dt>Refused as too fast</dt><dd>${count(status.now.refusals)}</dd></div>
      </dl>
    </section>
  `;
}

const listed = (wrong) => wrong.map(({ figure }) => figure.title.toLowerCase()).join(", ");

function Tile({ figure, now, history, from }) {
  const { id, title, icon, format, series, note, words, unknown, ceiling } = figure;
  const value = now[id];
  const known = value !== null && value !== unknown;
  const level = levelOf(figure, now);
  const points = unknown === undefined ? history : history.filter((sample) => sample[id] !== unknown);
  return html`
    <li class="status-tile" data-level=${level || "good"} data-figure=${id}>
      <header class="status-tile-head">
        <h2><${Icon} name=${icon} size=${16} />${title}</h2>
        ${level && html`<span class="status-word"><${Icon} name="triangle-alert" size=${14} />${level === "bad" ? `too ${words}` : words}</span>`}
      </header>
      <p class="status-value">${known ? format(value) : "–"}${!known && html`<span class="visually-hidden">not known</span>`}</p>
      <p class="status-note">${note?.(now) ?? ""}</p>
      <${Chart} title=${title} points=${points} series=${series} format=${format} from=${from} ceiling=${ceiling} inBytes=${format === bytes} />
    </li>
  `;
}

/** "high", "bad", or null where all is well or nothing is known. */
function levelOf({ id, high, bad, below, unknown }, now) {
  const value = now[id];
  if (high === undefined || value === null || value === unknown) return null;
  const past = (limit) => (below ? value < limit : value >= limit);
  return past(bad) ? "bad" : past(high) ? "high" : null;
}

function upFor(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${plural(days, "day")}, ${plural(hours, "hour")}`;
  return hours ? `${plural(hours, "hour")}, ${plural(minutes, "minute")}` : minutes ? plural(minutes, "minute") : plural(Math.floor(seconds), "second");
}
