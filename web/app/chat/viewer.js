// One picture over the whole page: zoom, move, and on to the next one of the place.
import { html, useEffect, useRef, useState } from "../lib.js";
import { bytes, shortTime } from "../core/format.js";
import { displayName } from "../core/state.js";
import { timeline } from "../core/timeline.js";
import { Button, IconButton } from "../ui/button.js";
import { openLayer } from "../ui/layers.js";
import { isPicture, urlOf } from "./attachments.js";

const CLOSEST = 8;
const REST = { scale: 1, x: 0, y: 0 };

/** Opens the picture with this id of a message; the arrows go through those of the place as far as they are loaded. */
export function openViewer({ place, message, id }) {
  const loaded = timeline(place).messages.peek();
  const messages = loaded.some((each) => each.id === message.id) ? loaded : [message];
  const pictures = messages.flatMap((each) => (each.attachments ?? []).filter((file) => isPicture(file) && urlOf(file)).map((file) => ({ file, message: each })));
  const start = Math.max(0, pictures.findIndex((each) => each.message.id === message.id && each.file.id === id));
  openLayer((close) => html`<${Viewer} pictures=${pictures} start=${start} close=${close} />`, { kind: "viewer", modal: true });
}

function Viewer({ pictures, start, close }) {
  const [at, setAt] = useState(start);
  const [view, setView] = useState(REST);
  const [broken, setBroken] = useState(false);
  const stage = useRef(null);
  const { file, message } = pictures[at];
  const url = urlOf(file);

  const step = (by) => {
    setAt(Math.max(0, Math.min(pictures.length - 1, at + by)));
    setView(REST);
    setBroken(false);
  };
  const zoom = (factor, point) => setView((now) => zoomed(now, factor, point, stage.current));
  const { beside, ...hands } = usePointers(stage, view, setView, zoom, step);

  useEffect(() => {
    const box = stage.current;
    const wheel = (event) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), { x: event.clientX, y: event.clientY });
    };
    box.addEventListener("wheel", wheel, { passive: false });
    return () => box.removeEventListener("wheel", wheel);
  }, []);

  const keys = (event) => {
    const actions = {
      ArrowLeft: () => step(-1), ArrowRight: () => step(1), Home: () => step(-pictures.length), End: () => step(pictures.length),
      "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => setView(REST),
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    actions[event.key]();
  };
  const author = message.webhook?.name ?? displayName(message.user);
  return html`<section class="viewer" role="dialog" aria-modal="true" aria-label="Picture ${file.name}" tabindex="-1" onKeyDown=${keys}>
    <header class="viewer-bar">
      <div class="viewer-about">
        <p class="viewer-name truncate">${file.name}</p>
        <p class="viewer-from truncate">${author} · ${shortTime(message.timestamp)} · ${bytes(file.size)}${file.width ? ` · ${file.width} × ${file.height}` : ""}</p>
      </div>
      ${pictures.length > 1 && html`<span class="viewer-count" role="status">${at + 1} of ${pictures.length}</span>`}
      <div class="viewer-zoom">
        <${IconButton} icon="minus" label="Smaller" data-tip-side="bottom" disabled=${view.scale <= 1} onClick=${() => zoom(1 / 1.5)} />
        <${IconButton} icon="plus" label="Larger" data-tip-side="bottom" disabled=${view.scale >= CLOSEST} onClick=${() => zoom(1.5)} />
      </div>
      <${Button} kind="plain" icon="external-link" aria-label="Original" href=${url} target="_blank" rel="noopener" class="viewer-button">Original</${Button}>
      <${Button} kind="plain" icon="download" aria-label="Save" href=${url} download=${file.name} class="viewer-button">Save</${Button}>
      <${IconButton} icon="x" label="Close" data-tip-side="bottom" onClick=${() => close()} />
    </header>
    <div class="viewer-stage" ref=${stage} data-zoomed=${view.scale > 1 || undefined} ...${hands}
      onClick=${() => beside() && close()}
      onDblClick=${(event) => (view.scale > 1 ? setView(REST) : zoom(2.5, { x: event.clientX, y: event.clientY }))}>
      ${broken
        ? html`<p class="viewer-broken">This picture is no longer available.</p>`
        : html`<img key=${file.id} class="viewer-picture" src=${url} alt=${file.name} width=${file.width} height=${file.height} draggable=${false} onError=${() => setBroken(true)}
            style=${{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }} />`}
    </div>
    ${at > 0 && html`<${IconButton} icon="chevron-left" label="Previous picture" class="viewer-step viewer-previous" iconSize=${26} onClick=${() => step(-1)} />`}
    ${at < pictures.length - 1 && html`<${IconButton} icon="chevron-right" label="Next picture" class="viewer-step viewer-next" iconSize=${26} onClick=${() => step(1)} />`}
  </section>`;
}

/** Scales around a point of the viewport (default: the middle), which stays where it is. */
function zoomed(now, factor, point, box) {
  const scale = Math.max(1, Math.min(CLOSEST, now.scale * factor));
  if (scale === 1) return REST;
  const bounds = box.getBoundingClientRect();
  const dx = point ? point.x - bounds.left - bounds.width / 2 : 0;
  const dy = point ? point.y - bounds.top - bounds.height / 2 : 0;
  const grown = scale / now.scale;
  return inside({ scale, x: dx - (dx - now.x) * grown, y: dy - (dy - now.y) * grown }, bounds);
}

function inside({ scale, x, y }, { width, height }) {
  const far = (size) => (size * (scale - 1)) / 2;
  return { scale, x: Math.max(-far(width), Math.min(far(width), x)), y: Math.max(-far(height), Math.min(far(height), y)) };
}

/** Dragging moves, two fingers zoom, a swipe at rest goes on. */
function usePointers(stage, view, setView, zoom, step) {
  const now = useRef({ points: new Map(), moved: 0 }).current;
  const end = (event) => {
    if (!now.points.delete(event.pointerId)) return;
    if (event.type === "pointerup" && event.pointerType === "touch" && !now.points.size && !now.pinched && view.scale === 1 && Math.abs(now.swiped) > 60) step(now.swiped < 0 ? 1 : -1);
  };
  return {
    beside: () => now.beside && now.moved < 6,
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      now.beside = event.target === stage.current;
      if (!now.points.size) Object.assign(now, { moved: 0, swiped: 0, pinched: false });
      now.points.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (event.target !== stage.current) stage.current.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event) => {
      const last = now.points.get(event.pointerId);
      if (!last) return;
      const next = { x: event.clientX, y: event.clientY };
      const other = [...now.points.entries()].find(([id]) => id !== event.pointerId)?.[1];
      now.points.set(event.pointerId, next);
      now.moved += Math.hypot(next.x - last.x, next.y - last.y);
      if (other) {
        now.pinched = true;
        const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
        zoom(apart(next) / apart(last), { x: (next.x + other.x) / 2, y: (next.y + other.y) / 2 });
      } else if (view.scale > 1) {
        setView((then) => inside({ ...then, x: then.x + next.x - last.x, y: then.y + next.y - last.y }, stage.current.getBoundingClientRect()));
      } else now.swiped += next.x - last.x;
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
}
