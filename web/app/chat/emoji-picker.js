// The picker of emojis: the community's own first, then those used last, then all others by group; search, arrow keys.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../lib.js";
import { emojis } from "../core/state.js";
import { ensureStyle } from "../lazy.js";
import { Problem } from "../ui/empty.js";
import { Icon } from "../ui/icon.js";
import { openPopover } from "../ui/popover.js";
import { Spinner } from "../ui/spinner.js";
import { CustomEmoji, loadEmojis, noteEmoji, readReference, recentEmojis, referenceTo } from "./emojis.js";

await ensureStyle("emoji-picker.css");

const COLUMNS = 9;
const MOST_FOUND = 180;
const GROUPS = [
  { id: 0, label: "Smileys", sign: "😀" }, { id: 1, label: "People", sign: "👋" }, { id: 3, label: "Animals and nature", sign: "🐻" },
  { id: 4, label: "Food and drink", sign: "🍔" }, { id: 5, label: "Travel and places", sign: "🚗" }, { id: 6, label: "Activities", sign: "⚽" },
  { id: 7, label: "Objects", sign: "💡" }, { id: 8, label: "Symbols", sign: "❤️" }, { id: 9, label: "Flags", sign: "🏁" },
];

/** onPick(emoji): a Unicode emoji or originChats://<host>/emojis/<id>; the picker has closed by then. */
export function openEmojiPicker(anchor, onPick) {
  return openPopover(
    anchor,
    (close) => html`<${Picker} onPick=${(value) => { close(); noteEmoji(value); onPick(value); }} />`,
    { label: "Emojis", placement: "top-end", padded: false },
  );
}

function Picker({ onPick }) {
  const [all, setAll] = useState(null);
  const [problem, setProblem] = useState(null);
  const load = () => {
    setProblem(null);
    loadEmojis().then(setAll, setProblem);
  };
  useEffect(load, []);
  if (problem) return html`<div class="picker"><${Problem} compact title="The emojis could not be loaded" onRetry=${load} /></div>`;
  if (!all) return html`<div class="picker picker-wait"><${Spinner} /></div>`;
  return html`<${Ready} all=${all} onPick=${onPick} />`;
}

/** Entries {value, label, custom?} by section {id, label, sign, entries}. */
function sectionsOf(all) {
  const labels = new Map(all.map(([value, label]) => [value, label]));
  const custom = [...emojis.value.values()].map(entryOf);
  const recent = recentEmojis.value.flatMap((value) => {
    const reference = readReference(value);
    if (reference) return reference.emoji ? [entryOf(reference.emoji)] : [];
    return [{ value, label: labels.get(value) ?? "" }];
  });
  return [
    { id: "custom", label: "Of this community", icon: "sparkles", entries: custom },
    { id: "recent", label: "Used last", icon: "clock", entries: recent },
    ...GROUPS.map((group) => ({ ...group, entries: all.filter((row) => row[3] === group.id).map(([value, label]) => ({ value, label })) })),
  ].filter(({ entries }) => entries.length);
}

const entryOf = (emoji) => ({ value: referenceTo(emoji.id), label: `:${emoji.name}:`, custom: emoji });

/** Those whose name begins with the words come before those that only have them among their tags. */
function find(all, query) {
  const words = query.toLowerCase().replaceAll(":", " ").split(/[\s_]+/).filter(Boolean);
  const rank = (name, tags) => {
    const texts = [name, ...tags].map((text) => text.toLowerCase());
    if (!words.every((word) => texts.some((text) => text.includes(word)))) return 0;
    if (texts[0].startsWith(words[0])) return 3;
    return words.every((word) => texts.some((text) => text.split(/[\s_]/).some((part) => part.startsWith(word)))) ? 2 : 1;
  };
  const custom = [...emojis.value.values()].map((emoji) => [rank(emoji.name, []) * 4, entryOf(emoji)]);
  const others = all.map(([value, label, tags]) => [rank(label, tags), { value, label }]);
  return [...custom, ...others].filter(([points]) => points).sort((a, b) => b[0] - a[0]).slice(0, MOST_FOUND).map(([, entry]) => entry);
}

function Ready({ all, onPick }) {
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(null); // {section, index}
  const scroller = useRef(null);
  const field = useRef(null);
  const browsed = useMemo(() => sectionsOf(all), [all, emojis.value, recentEmojis.value]);
  const sections = useMemo(
    () => (query.trim() ? [{ id: "found", label: "Found", entries: find(all, query) }].filter(({ entries }) => entries.length) : browsed),
    [query, all, browsed],
  );
  const current = active && sections[active.section]?.entries[active.index];
  const shown = current ?? (query.trim() ? sections[0]?.entries[0] : null);

  useLayoutEffect(() => {
    if (matchMedia("(pointer: fine)").matches) field.current.focus({ preventScroll: true });
  }, []);
  useLayoutEffect(() => {
    if (current && !active.pointed) scroller.current.querySelector("[data-active]")?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const search = (event) => {
    setQuery(event.currentTarget.value);
    setActive(null);
    scroller.current.scrollTop = 0;
  };
  const keys = (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (shown) onPick(shown.value);
      return;
    }
    const inText = query && !active && (event.key === "ArrowLeft" || event.key === "ArrowRight");
    if (!event.key.startsWith("Arrow") || inText || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = step(sections, active, event.key);
    if (next === undefined) return;
    event.preventDefault();
    setActive(next);
  };
  const jump = (id) => {
    setQuery("");
    setActive(null);
    requestAnimationFrame(() => scroller.current?.querySelector(`[data-section="${id}"]`)?.scrollIntoView({ block: "start" }));
  };

  return html`<div class="picker">
    <div class="picker-search">
      <${Icon} name="search" size=${16} />
      <input type="text" ref=${field} role="combobox" aria-expanded="true" aria-controls="picker-grid" aria-autocomplete="list" aria-label="Search emojis"
        aria-activedescendant=${current ? `picker-${active.section}-${active.index}` : undefined} placeholder="Search" spellcheck=${false} autocomplete="off"
        value=${query} onInput=${search} onKeyDown=${keys} />
    </div>
    <div class="picker-tabs scroll" role="toolbar" aria-label="Groups">
      ${browsed.map((section) => html`<button type="button" class="picker-tab" key=${section.id} aria-label=${section.label} data-tip=${section.label} onClick=${() => jump(section.id)}>
        ${section.icon ? html`<${Icon} name=${section.icon} size=${17} />` : section.sign}
      </button>`)}
    </div>
    <div class="picker-scroll scroll" id="picker-grid" role="listbox" aria-label="Emojis" ref=${scroller}>
      ${sections.map((section, index) => html`<${Section} key=${section.id} section=${section} number=${index} scroller=${scroller}
        active=${active?.section === index ? active.index : null} onPick=${onPick} onPoint=${(at) => setActive({ section: index, index: at, pointed: true })} />`)}
      ${sections.length === 0 && html`<p class="picker-none" role="status">No emoji is called that.</p>`}
    </div>
    <footer class="picker-foot" aria-hidden="true">
      ${shown ? html`<span class="picker-large">${shown.custom ? html`<${CustomEmoji} emoji=${shown.custom} />` : shown.value}</span><span class="truncate">${shown.label}</span>` : "Choose an emoji"}
    </footer>
  </div>`;
}

/** Buttons only once they come near: there are two thousand. */
function Section({ section, number, scroller, active, onPick, onPoint }) {
  const [near, setNear] = useState(number < 2);
  const box = useRef(null);
  const { entries } = section;
  useEffect(() => {
    if (near) return undefined;
    const watch = new IntersectionObserver(([seen]) => seen.isIntersecting && setNear(true), { root: scroller.current, rootMargin: "240px" });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [near]);
  const grid = useMemo(
    () => (near || active !== null) && entries.map((entry, index) => ({ entry, index })),
    [near, active !== null, entries],
  );
  return html`<section class="picker-section" ref=${box} data-section=${section.id} role="group" aria-label=${section.label}>
    <h3 class="picker-heading" aria-hidden="true">${section.label}</h3>
    <div class="picker-grid" style=${{ "--rows": String(Math.ceil(entries.length / COLUMNS)) }}>
      ${grid && grid.map(({ entry, index }) => html`<${Cell} key=${entry.value} id="picker-${number}-${index}" entry=${entry} active=${index === active} index=${index} onPick=${onPick} onPoint=${onPoint} />`)}
    </div>
  </section>`;
}

function Cell({ id, entry, active, index, onPick, onPoint }) {
  return html`<button type="button" class="picker-cell" id=${id} role="option" tabindex="-1" aria-selected=${String(active)} data-active=${active || undefined}
    aria-label=${entry.label} onClick=${() => onPick(entry.value)} onPointerMove=${(event) => event.pointerType === "mouse" && !active && onPoint(index)}>
    ${entry.custom ? html`<${CustomEmoji} emoji=${entry.custom} />` : entry.value}
  </button>`;
}

/** Where an arrow leads; null: nowhere is active; undefined: the key is not for the grid. */
function step(sections, active, key) {
  if (!sections.length) return undefined;
  if (!active) return key === "ArrowDown" || key === "ArrowRight" ? { section: 0, index: 0 } : undefined;
  let { section, index } = active;
  const size = () => sections[section].entries.length;
  if (key === "ArrowRight") index++;
  else if (key === "ArrowLeft") index--;
  else {
    const column = index % COLUMNS;
    index += key === "ArrowDown" ? COLUMNS : -COLUMNS;
    if (index >= size() && Math.floor(index / COLUMNS) <= Math.floor((size() - 1) / COLUMNS)) index = size() - 1;
    else if (index >= size()) return section + 1 < sections.length ? { section: section + 1, index: Math.min(column, sections[section + 1].entries.length - 1) } : active;
    else if (index < 0 && section > 0) {
      const above = sections[section - 1].entries.length;
      const last = Math.floor((above - 1) / COLUMNS) * COLUMNS + column;
      return { section: section - 1, index: Math.min(last, above - 1) };
    }
  }
  if (index >= size()) return section + 1 < sections.length ? { section: section + 1, index: 0 } : active;
  if (index < 0) return section > 0 ? { section: section - 1, index: sections[section - 1].entries.length - 1 } : null;
  return { section, index };
}
