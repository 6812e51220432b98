// A small chart of numbers over time: a line with its area, or two lines. Pointing at it or, with the focus on it, the arrow
// keys read single values; screen readers hear what it shows in one sentence.
import { html, useId, useLayoutEffect, useRef, useState } from "../lib.js";

const HEIGHT = 112;
const PAD = { top: 8, bottom: 18, end: 2 };

/** points: [{at: unix seconds, ...}] oldest first; series: [{key, label, kind: accent | warning | info}], values null where
 *  there is none; format(value): text with its unit; from: unix seconds where the axis begins, if before the first point;
 *  ceiling: the least that the top of the axis is; inBytes: round in powers of 1024. */
export function Chart({ title, points, series, format, from, ceiling = 0, inBytes = false }) {
  const id = useId();
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState(null);
  useLayoutEffect(() => {
    const sizes = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    sizes.observe(box.current);
    return () => sizes.disconnect();
  }, []);

  const values = points.flatMap((point) => series.map(({ key }) => point[key]).filter((value) => value !== null));
  const top = Math.max(rounded(Math.max(0, ...values), inBytes), ceiling);
  const begin = Math.min(from ?? Infinity, points[0]?.at ?? 0);
  const end = points.at(-1)?.at ?? begin + 1;
  const x = (time) => ((time - begin) / Math.max(end - begin, 1)) * (width - PAD.end);
  const y = (value) => HEIGHT - PAD.bottom - (value / top) * (HEIGHT - PAD.top - PAD.bottom);
  const index = at === null ? null : Math.min(at, points.length - 1);
  const read = (point) => `${new Date(point.at * 1000).toLocaleTimeString()}: ${series.map(({ key, label }) => `${series.length > 1 ? `${label} ` : ""}${point[key] === null ? "none" : format(point[key])}`).join(", ")}`;

  const follow = (event) => {
    const time = begin + ((event.clientX - box.current.getBoundingClientRect().left) / Math.max(width, 1)) * (end - begin);
    setAt(points.reduce((best, point, each) => (Math.abs(point.at - time) < Math.abs(points[best].at - time) ? each : best), 0));
  };
  const steer = (event) => {
    const now = index ?? points.length - 1;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now - 10, PageDown: now + 10, Home: 0, End: points.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(to, points.length - 1)));
  };

  const shownIndex = index ?? points.length - 1;
  const drawn = width > 0 && points.length > 1;
  return html`
    <div class="chart" ref=${box} role="slider" tabindex=${points.length ? 0 : undefined} aria-roledescription="chart" aria-label=${title} aria-describedby=${id}
      aria-valuemin="0" aria-valuemax=${Math.max(points.length - 1, 0)} aria-valuenow=${Math.max(shownIndex, 0)} aria-valuetext=${points.length ? read(points[shownIndex]) : "Nothing measured yet"}
      onPointerMove=${points.length ? follow : undefined} onPointerLeave=${() => setAt(null)} onKeyDown=${steer} onBlur=${() => setAt(null)}>
      <span class="visually-hidden" id=${id}>${summary(points, series, format)}</span>
      <svg width=${width} height=${HEIGHT} aria-hidden="true">
        ${[0, top / 2, top].map((value) => html`<line key=${value} class="chart-grid" x1="0" x2=${width} y1=${y(value)} y2=${y(value)} />`)}
        ${drawn && series.map(({ key, kind = "accent" }, order) => html`
          ${order === 0 && html`<path class="chart-area" data-kind=${kind} d=${area(points, key, x, y)} />`}
          <path class="chart-line" data-kind=${kind} d=${line(points, key, x, y)} />`)}
        <text class="chart-label" x="2" y=${y(top) + 11}>${format(top)}</text>
        <text class="chart-label" x="2" y=${HEIGHT - 4}>${points.length ? clock(begin) : ""}</text>
        <text class="chart-label" x=${width - 2} y=${HEIGHT - 4} text-anchor="end">now</text>
        ${index !== null && drawn && html`
          <line class="chart-cursor" x1=${x(points[index].at)} x2=${x(points[index].at)} y1=${PAD.top} y2=${HEIGHT - PAD.bottom} />
          ${series.map(({ key, kind = "accent" }) => points[index][key] !== null && html`<circle class="chart-dot" data-kind=${kind} r="4" cx=${x(points[index].at)} cy=${y(points[index][key])} />`)}`}
      </svg>
      ${index !== null && drawn && html`<span class="chart-value" aria-hidden="true" data-end=${x(points[index].at) > width / 2 ? "" : undefined} style=${{ insetInlineStart: `${x(points[index].at)}px` }}>${read(points[index])}</span>`}
    </div>
  `;
}

/** Neighbours that have a value, as lists. */
function stretches(points, key) {
  const found = [[]];
  for (const point of points) {
    if (point[key] !== null) found.at(-1).push(point);
    else if (found.at(-1).length) found.push([]);
  }
  return found.filter((stretch) => stretch.length);
}

/** The line of one series, interrupted where there is no value; a single one is a dot. */
function line(points, key, x, y) {
  return stretches(points, key)
    .map((known) => `M${known.map((point) => `${x(point.at).toFixed(1)} ${y(point[key]).toFixed(1)}`).join("L")}h0`)
    .join("");
}

function area(points, key, x, y) {
  return stretches(points, key)
    .map((known) => `${line(known, key, x, y)}L${x(known.at(-1).at).toFixed(1)} ${y(0)}L${x(known[0].at).toFixed(1)} ${y(0)}Z`)
    .join("");
}

/** The next of 1, 2, 5, 10, 20, 50 ... ; in bytes of the unit in which they are written. */
function rounded(value, inBytes) {
  if (value <= 0) return 1;
  const unit = inBytes ? 1024 ** Math.floor(Math.log2(value) / 10) : 1;
  const power = 10 ** Math.floor(Math.log10(value / unit)) * unit;
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 1.02) ?? 20 * power;
}

const clock = (at) => new Date(at * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });

function summary(points, series, format) {
  if (!points.length) return "Nothing measured yet.";
  const minutes = Math.max(1, Math.round((points.at(-1).at - points[0].at) / 60));
  const told = series.map(({ key, label }) => {
    const known = points.map((point) => point[key]).filter((value) => value !== null);
    if (!known.length) return `${label}: none.`;
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    return `${label}: now ${format(known.at(-1))}, on average ${format(mean)}, at most ${format(Math.max(...known))}.`;
  });
  return `The last ${minutes === 1 ? "minute" : `${minutes} minutes`}. ${told.join(" ")} Arrow keys read single values.`;
}
