// A list put in order by dragging its handles, or by keyboard: Space takes a row, arrows move it, Space drops it, Escape
// puts it back; arrows alone walk over the handles. Every step is spoken.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { announce } from "./announce.js";
import { Icon } from "./icon.js";

const EDGE = 48;

/** items: in order; keyOf(item): unique text; nameOf(item): its spoken name; render(item, index); onMove(from, to): to is
 *  the index after the move; fixed(item): stays where it is, and nothing passes it; label: spoken name of the list. */
export function DragList({ items, keyOf, nameOf = keyOf, render, onMove, fixed = () => false, label }) {
  const list = useRef(null);
  const focusKey = useRef(null);
  const [held, setHeld] = useState(null); // {from, to, by: "pointer" | "keyboard", offset: px, tops, sizes}
  const keyboard = useRef(false); // a row is held by keyboard: moving its element in the page blurs it, which drops nothing
  const rows = () => [...list.current.children];
  const handle = (index) => rows()[index]?.querySelector(".drag-handle");

  const bounds = (from) => {
    let low = from;
    let high = from;
    while (low > 0 && !fixed(items[low - 1])) low -= 1;
    while (high < items.length - 1 && !fixed(items[high + 1])) high += 1;
    return [low, high];
  };
  const measure = () => rows().map((row) => ({ top: row.offsetTop, height: row.offsetHeight }));

  const finish = (drop) => {
    if (!held || !keyboard.current) return;
    const { from, to } = held;
    keyboard.current = false;
    setHeld(null);
    if (drop && from !== to) {
      focusKey.current = keyOf(items[from]);
      onMove(from, to);
    }
    announce(drop ? `${nameOf(items[from])} dropped at ${to + 1} of ${items.length}.` : `${nameOf(items[from])} put back.`, "assertive");
  };

  useLayoutEffect(() => {
    if (focusKey.current === null) return;
    const index = items.findIndex((item) => keyOf(item) === focusKey.current);
    focusKey.current = null;
    handle(index)?.focus();
  }, [items]);

  // A list that changes below the hand lets go.
  const keys = items.map(keyOf).join("\n");
  useEffect(() => setHeld(null), [keys]);

  const grab = (event, from) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const target = event.currentTarget;
    target.focus();
    target.setPointerCapture(event.pointerId);
    const boxes = measure();
    const [low, high] = bounds(from);
    const scroller = scrollerOf(list.current);
    const start = event.clientY + scroller.scrollTop;
    let last = event.clientY;
    let to = from;
    let frame = 0;
    const move = () => {
      const offset = last + scroller.scrollTop - start;
      const middle = boxes[from].top + boxes[from].height / 2 + offset;
      to = from;
      for (let i = from + 1; i <= high && middle > boxes[i].top + boxes[i].height / 2 - boxes[from].height / 2; i += 1) to = i;
      for (let i = from - 1; i >= low && middle < boxes[i].top + boxes[i].height / 2 + boxes[from].height / 2; i -= 1) to = i;
      setHeld({ from, to, by: "pointer", offset, boxes });
    };
    const scroll = () => {
      const box = scroller.getBoundingClientRect();
      const top = Math.max(box.top, 0);
      const bottom = Math.min(box.bottom, innerHeight);
      const by = last < top + EDGE ? -8 : last > bottom - EDGE ? 8 : 0;
      if (by) {
        const was = scroller.scrollTop;
        scroller.scrollTop += by;
        if (scroller.scrollTop !== was) move();
      }
      frame = requestAnimationFrame(scroll);
    };
    const track = (moved) => {
      last = moved.clientY;
      move();
    };
    const end = (ended) => {
      cancelAnimationFrame(frame);
      target.removeEventListener("pointermove", track);
      for (const name of ["pointerup", "pointercancel", "keydown"]) target.removeEventListener(name, over);
      setHeld(null);
      if (ended.type === "pointerup" && to !== from) {
        onMove(from, to);
        announce(`${nameOf(items[from])} moved to ${to + 1} of ${items.length}.`);
      }
    };
    const over = (ended) => {
      if (ended.type === "keydown" && ended.key !== "Escape") return;
      ended.preventDefault();
      end(ended);
    };
    target.addEventListener("pointermove", track);
    for (const name of ["pointerup", "pointercancel", "keydown"]) target.addEventListener(name, over);
    setHeld({ from, to, by: "pointer", offset: 0, boxes });
    frame = requestAnimationFrame(scroll);
  };

  const steer = (event, index) => {
    const taken = held?.by === "keyboard";
    if (held?.by === "pointer") return;
    if (event.key === " " || event.key === "Enter") {
      if (taken) finish(true);
      else {
        keyboard.current = true;
        setHeld({ from: index, to: index, by: "keyboard", offset: 0, boxes: measure() });
        announce(`${nameOf(items[index])} taken, ${index + 1} of ${items.length}. Arrows move it, Space drops it, Escape puts it back.`, "assertive");
      }
    } else if (event.key === "Escape" && taken) finish(false);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const by = event.key === "ArrowUp" ? -1 : 1;
      if (!taken) {
        const free = items.map((_, i) => i).filter((i) => handle(i));
        handle(free[free.indexOf(index) + by])?.focus();
      } else {
        const [low, high] = bounds(held.from);
        const to = Math.max(low, Math.min(high, held.to + by));
        setHeld({ ...held, to });
        announce(`${to + 1} of ${items.length}`, "assertive");
      }
    } else return;
    event.preventDefault();
  };

  return html`<ul class="drag-list" aria-label=${label} ref=${list} data-held=${held?.by}>
    ${items.map((item, index) => html`<li class="drag-row" key=${keyOf(item)} data-held=${held?.from === index ? "" : undefined}
      style=${{ transform: shift(held, index) }}>
      ${fixed(item)
        ? html`<span class="drag-fixed"></span>`
        : html`<button type="button" class="drag-handle" aria-label="Move ${nameOf(item)}" aria-pressed=${held?.from === index ? "true" : "false"}
            onPointerDown=${(event) => grab(event, index)} onKeyDown=${(event) => steer(event, index)}
            onBlur=${() => finish(false)}><${Icon} name="grip-vertical" size=${16} /></button>`}
      <div class="drag-content">${render(item, index)}</div>
    </li>`)}
  </ul>`;
}

/** Where row `index` is drawn while one is held: the held one at the hand or at its target, those between make room. */
function shift(held, index) {
  if (!held) return "";
  const { from, to, boxes } = held;
  const gap = boxes.length > 1 ? boxes[1].top - boxes[0].top - boxes[0].height : 0;
  const step = boxes[from].height + gap;
  if (index === from) {
    if (held.by === "pointer") return `translateY(${held.offset}px)`;
    const between = boxes.slice(Math.min(from, to) + (to < from ? 0 : 1), Math.max(from, to) + (to < from ? 0 : 1));
    const way = between.reduce((sum, box) => sum + box.height + gap, 0);
    return `translateY(${to < from ? -way : way}px)`;
  }
  if (index > from && index <= to) return `translateY(${-step}px)`;
  return index < from && index >= to ? `translateY(${step}px)` : "";
}

function scrollerOf(element) {
  for (let parent = element.parentElement; parent; parent = parent.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(parent).overflowY) && parent.scrollHeight > parent.clientHeight) return parent;
  }
  return document.scrollingElement;
}
