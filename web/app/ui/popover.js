// A panel beside an element: pickers, profile cards.
import { html, useEffect, useRef } from "../lib.js";
import { openLayer } from "./layers.js";
import { follow } from "./place.js";

/** anchor: an element or {x, y}; draw(close) gives the content. The same anchor again closes it. label: its spoken name;
 *  sheet: from below on phones; padded: space around the content. Returns {close, update(draw), closed}. */
export function openPopover(
  anchor, draw, { placement = "bottom-start", label, sheet = true, padded = true, focus = true, onClose } = {},
) {
  let stop;
  const frame = (content) => (close) => html`<div class="popover" role="dialog" aria-label=${label}
    data-sheet=${sheet || undefined} data-padded=${padded || undefined}>${content(close)}</div>`;
  const layer = openLayer(frame(draw), {
    kind: sheet ? "sheet" : "popover",
    anchor: anchor instanceof Element ? anchor : undefined,
    focus,
    onClose: () => {
      stop?.();
      onClose?.();
    },
  });
  if ("closing" in layer.host.dataset) return layer;
  stop = follow(layer.panel, anchor, placement);
  return { ...layer, update: (next) => layer.update(frame(next)) };
}

/** The same as a component: open as long as it is drawn. anchor: an element or a ref; onClose: the parent stops drawing it. */
export function Popover({ anchor, onClose, children, ...options }) {
  const layer = useRef(null);
  const latest = useRef(onClose);
  latest.current = onClose;
  useEffect(() => {
    let drawn = true;
    const opened = openPopover(anchor?.current ?? anchor, () => children, { ...options, onClose: () => drawn && latest.current?.() });
    layer.current = opened;
    return () => {
      drawn = false;
      layer.current = null;
      opened.close();
    };
  }, []);
  useEffect(() => layer.current?.update(() => children), [children]);
  return null;
}
