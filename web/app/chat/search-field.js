// The field of the search: words, chips of filters, and what completes them.
import { html, useId, useLayoutEffect, useRef, useState } from "../lib.js";
import { ensureStyle } from "../lazy.js";
import { Avatar } from "../ui/avatar.js";
import { IconButton } from "../ui/button.js";
import { Icon } from "../ui/icon.js";
import { FILTERS, filterLabel, suggestFilters, takeFilter, withFilter } from "./search-query.js";

await ensureStyle("search.css");

/** onChange(text, filters); wanted: grows when the field is to be focused. */
export function SearchField({ text, filters, onChange, wanted }) {
  const field = useRef(null);
  const base = useId();
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const { from, isValue, title, options } = suggestFilters(text, filters);
  // filters are not forced on who types words: they come with the first letter of one, or by arrow down
  const shown = open && (isValue || (options.length > 0 && (from < text.length || at >= 0)));

  useLayoutEffect(() => {
    field.current.focus();
    field.current.select();
  }, [wanted]);

  const write = (next) => {
    const { text: rest, filter } = takeFilter(next);
    onChange(rest, filter ? withFilter(filters, filter) : filters);
    setAt(-1);
    setOpen(true);
  };
  const take = (option) => {
    const before = text.slice(0, from);
    if (option.filter) onChange(before, withFilter(filters, option.filter));
    else onChange(before + option.write, filters);
    setAt(-1);
    setOpen(!option.filter);
    field.current.focus();
  };
  const keys = (event) => {
    if (event.isComposing) return;
    const moves = { ArrowDown: at + 1, ArrowUp: at < 0 ? options.length - 1 : at - 1 };
    if (event.key in moves && options.length) {
      setOpen(true);
      setAt(moves[event.key] >= options.length ? -1 : moves[event.key]);
    } else if (event.key === "Enter" && shown && options.length && (at >= 0 || isValue)) take(options[Math.max(at, 0)]);
    else if (event.key === "Enter") setOpen(isValue);
    else if (event.key === "Tab" && !event.shiftKey && shown && (at >= 0 || isValue) && options.length) take(options[Math.max(at, 0)]);
    else if (event.key === "Escape" && shown) setOpen(false);
    else if (event.key === "Backspace" && filters.length && field.current.selectionStart === 0 && field.current.selectionEnd === 0) onChange(text, filters.slice(0, -1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return html`<div class="search-field" onFocusOut=${(event) => !event.currentTarget.contains(event.relatedTarget) && setOpen(false)}>
    <div class="search-box" onClick=${(event) => event.target === event.currentTarget && field.current.focus()}>
      <${Icon} name="search" size=${16} />
      ${filters.map((filter, index) => html`<span class="search-chip" key=${`${filter.key}/${filter.value}`}>
        <span class="search-chip-key">${filter.key}:</span><span class="truncate">${filterLabel(filter)}</span>
        <button type="button" aria-label=${`Remove ${filter.key}: ${filterLabel(filter)}`} onClick=${() => { onChange(text, filters.filter((_, each) => each !== index)); field.current.focus(); }}>
          <${Icon} name="x" size=${13} />
        </button>
      </span>`)}
      <input ref=${field} type="text" role="combobox" aria-label="Search messages" aria-expanded=${String(shown)} aria-autocomplete="list"
        aria-controls=${shown ? base : undefined} aria-activedescendant=${shown && at >= 0 ? `${base}-${at}` : undefined} value=${text} maxlength="1000"
        placeholder=${filters.length ? "" : "Search messages"} autocomplete="off" spellcheck=${false} enterkeyhint="search"
        onInput=${(event) => write(event.currentTarget.value)} onKeyDown=${keys} onFocus=${() => setOpen(true)} onClick=${() => setOpen(true)} />
      ${(text || filters.length > 0) && html`<${IconButton} icon="x" size="s" label="Clear" tip=${false} onClick=${() => { onChange("", []); field.current.focus(); }} />`}
    </div>
    ${shown && html`<div class="search-suggest">
      <p class="completion-title" id="${base}-title">${title}</p>
      <ul class="completion-list scroll" role="listbox" id=${base} aria-labelledby="${base}-title">
        ${options.map((option, index) => html`<li class="completion-option" role="option" key=${option.id} id="${base}-${index}" aria-selected=${String(index === at)}
          onPointerMove=${() => index !== at && setAt(index)} onPointerDown=${(event) => event.preventDefault()} onClick=${() => take(option)}>
          <span class="completion-sign">${option.username ? html`<${Avatar} username=${option.username} size=${22} />` : html`<${Icon} name=${option.icon} size=${16} />`}</span>
          <span class="completion-label truncate">${option.label}</span><span class="completion-hint truncate">${option.hint}</span>
        </li>`)}
      </ul>
      ${!options.length && html`<p class="search-none">Nothing is called like that.</p>`}
    </div>`}
  </div>`;
}

/** What the filters do, for the empty panel. */
export function FilterHelp({ onPick }) {
  return html`<ul class="search-help" role="list" aria-label="Filters">
    ${FILTERS.map(({ key, icon, hint }) => html`<li key=${key}>
      <button type="button" onClick=${() => onPick(`${key}:`)}><${Icon} name=${icon} size=${15} /><b>${key}:</b><span>${hint}</span></button>
    </li>`)}
  </ul>`;
}
