// Times, sizes and lists as people read them, in the language of the browser.
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const STEPS = [["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60]];

/** All take unix seconds. */
export const clockTime = (at) => time.format(at * 1000);
export const dayTitle = (at) => day.format(at * 1000);
export const fullTime = (at) => full.format(at * 1000);

export function shortTime(at, now = Date.now() / 1000) {
  return sameDay(at, now) ? clockTime(at) : sameDay(at, now - 86_400) ? `Yesterday ${clockTime(at)}` : `${shortDay.format(at * 1000)} ${clockTime(at)}`;
}

export function sameDay(a, b) {
  return new Date(a * 1000).toDateString() === new Date(b * 1000).toDateString();
}

/** "in 3 hours", "2 days ago". */
export function ago(at, now = Date.now() / 1000) {
  const distance = at - now;
  const [unit, seconds] = STEPS.find(([, size]) => Math.abs(distance) >= size) ?? ["second", 1];
  return relative.format(Math.round(distance / seconds), unit);
}

export function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log2(count) / 10), units.length - 1);
  return `${(count / 1024 ** power).toLocaleString(undefined, { maximumFractionDigits: power ? 1 : 0 })} ${units[power]}`;
}

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** "Ann", "Ann and Ben", "Ann, Ben and 3 others". */
export function names(list, most = 3) {
  if (list.length <= 1) return list[0] ?? "";
  const shown = list.length > most ? [...list.slice(0, most - 1), `${list.length - most + 1} others`] : list;
  return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}
