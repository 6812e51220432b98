// The list above the field that completes what is being written. The focus stays in the field: arrows move, Tab or Enter
// takes, Escape closes.
import { html, useEffect, useId, useRef, useState } from "../lib.js";
import { announce } from "../ui/announce.js";
import { Avatar } from "../ui/avatar.js";
import { Icon } from "../ui/icon.js";
import { pictureOf } from "./emojis.js";
import { channelIcon } from "./sidebar.js";
import { emojisAreHere, fetchEmojis, suggest, triggerAt } from "./suggestions.js";

const TITLES = { member: "Members and roles", channel: "Channels", emoji: "Emojis", command: "Commands" };

/** take(start, end, option): puts it into the text. Gives {list: vnode or null, attributes for the field, look(): after each
 * change of text or caret, onKeyDown(event): true if it has used the key, close()}. */
export function useCompletion(field, channel, take) {
  const base = useId();
  const [open, setOpen] = useState(null); // {kind, start, end, options, at}
  const dismissed = useRef(null); // start of the word for which the list was closed

  const close = () => setOpen(null);
  const look = () => {
    const { value, selectionStart: caret, selectionEnd } = field.current;
    const trigger = caret === selectionEnd ? triggerAt(value, caret) : null;
    if (!trigger || dismissed.current === trigger.start) {
      if (!trigger) dismissed.current = null;
      return close();
    }
    dismissed.current = null;
    if (trigger.kind === "emoji" && !emojisAreHere()) fetchEmojis().then(() => field.current && look(), () => {});
    const options = suggest(trigger.kind, trigger.query, channel);
    if (!options.length) return close();
    setOpen((before) => {
      const at = before?.start === trigger.start ? options.findIndex(({ id }) => id === before.options[before.at]?.id) : 0;
      return { ...trigger, end: caret, options, at: trigger.query === before?.query ? Math.max(at, 0) : 0 };
    });
  };
  const choose = (index) => {
    close();
    take(open.start, open.end, open.options[index]);
  };
  const onKeyDown = (event) => {
    if (!open || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
    const count = open.options.length;
    const moves = { ArrowDown: open.at + 1, ArrowUp: open.at - 1 + count, PageDown: count - 1, PageUp: 0 };
    if (event.key in moves && !event.shiftKey) setOpen({ ...open, at: moves[event.key] % count });
    else if (event.key === "Escape") {
      dismissed.current = open.start;
      close();
    } else if ((event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && !event.shiftKey)) choose(open.at);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };

  useEffect(() => {
    if (open) announce(`${open.options.length} suggestions`);
  }, [open?.kind, open?.options.length]);

  const attributes = {
    "aria-autocomplete": "list",
    "aria-haspopup": "listbox",
    "aria-controls": open ? base : undefined,
    "aria-activedescendant": open ? `${base}-${open.at}` : undefined,
  };
  const list = open && html`<${List} base=${base} open=${open} choose=${choose} point=${(at) => setOpen({ ...open, at })} />`;
  return { list, attributes, look, onKeyDown, close, isOpen: open !== null };
}

function List({ base, open, choose, point }) {
  const box = useRef(null);
  useEffect(() => box.current.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" }), [open.at, open.options]);
  return html`<div class="completion">
    <p class="completion-title" id="${base}-title">${TITLES[open.kind]}</p>
    <ul class="completion-list scroll" role="listbox" id=${base} aria-labelledby="${base}-title" ref=${box}>
      ${open.options.map((option, index) => html`<li class="completion-option" role="option" key=${option.id} id="${base}-${index}"
        aria-selected=${String(index === open.at)} onPointerMove=${() => index !== open.at && point(index)}
        onPointerDown=${(event) => event.preventDefault()} onClick=${() => choose(index)}>
        <${Sign} option=${option} />
        <span class="completion-label truncate">${option.label}</span>
        <span class="completion-hint truncate">${option.hint}</span>
      </li>`)}
    </ul>
  </div>`;
}

/** The picture at the start of a suggestion. */
export function Sign({ option }) {
  switch (option.kind) {
    case "member":
      return html`<${Avatar} username=${option.username} size=${24} status=${option.status} />`;
    case "role":
      return html`<span class="completion-sign"><span class=${option.color ? "role-ink" : ""} style=${{ "--role": option.color ?? "" }}><${Icon} name="at-sign" size=${17} /></span></span>`;
    case "channel":
      return html`<span class="completion-sign">${channelIcon(option.channel)}</span>`;
    case "emoji":
      return html`<span class="completion-sign"><img src=${pictureOf(option.emoji)} alt="" width="22" height="22" /></span>`;
    case "unicode":
      return html`<span class="completion-sign completion-character" aria-hidden="true">${option.character}</span>`;
    default:
      return html`<span class="completion-sign"><${Icon} name=${option.icon ?? "terminal"} size=${17} /></span>`;
  }
}
