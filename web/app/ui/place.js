// Where a floating panel goes: beside its anchor, on the side that has room, always inside the viewport.

const MARGIN = 8;

const rectOf = (anchor) =>
  anchor.getBoundingClientRect?.() ?? { left: anchor.x, right: anchor.x, top: anchor.y, bottom: anchor.y, width: 0, height: 0 };

const clamp = (value, low, high) => Math.max(low, Math.min(value, high));

function along(start, end, size, align) {
  if (align === "start") return start;
  return align === "end" ? end - size : (start + end - size) / 2;
}

/** Sets --x, --y and --max-height (pixels) and data-side of `panel` once. anchor: an element or {x, y} of the viewport;
 *  placement: top | bottom | left | right, with -start or -end for the aligned edge. */
export function place(panel, anchor, placement = "bottom-start", gap = 6) {
  const width = document.documentElement.clientWidth;
  const height = visualViewport?.height ?? innerHeight;
  const box = rectOf(anchor);
  let [side, align] = placement.split("-");
  panel.style.setProperty("--max-height", `${height - 2 * MARGIN}px`);
  const size = { width: panel.offsetWidth, height: panel.offsetHeight };
  const room = { top: box.top, bottom: height - box.bottom, left: box.left, right: width - box.right };
  const opposite = { top: "bottom", bottom: "top", left: "right", right: "left" }[side];
  const upright = side === "top" || side === "bottom";
  const needs = (upright ? size.height : size.width) + gap + MARGIN;
  if (room[side] < needs && room[opposite] > room[side]) side = opposite;
  const spot = upright
    ? { x: along(box.left, box.right, size.width, align), y: side === "top" ? box.top - gap - size.height : box.bottom + gap }
    : { x: side === "left" ? box.left - gap - size.width : box.right + gap, y: along(box.top, box.bottom, size.height, align) };
  const x = clamp(spot.x, MARGIN, Math.max(MARGIN, width - size.width - MARGIN));
  const y = clamp(spot.y, MARGIN, Math.max(MARGIN, height - size.height - MARGIN));
  panel.style.setProperty("--x", `${Math.round(x)}px`);
  panel.style.setProperty("--y", `${Math.round(y)}px`);
  panel.dataset.side = side;
}

/** Places now and whenever page, anchor or panel change; returns the function that ends it. */
export function follow(panel, anchor, placement, gap) {
  let planned = 0;
  const now = () => place(panel, anchor, placement, gap);
  const later = () => {
    cancelAnimationFrame(planned);
    planned = requestAnimationFrame(now);
  };
  now();
  const sizes = new ResizeObserver(later);
  sizes.observe(panel);
  if (anchor instanceof Element) sizes.observe(anchor);
  addEventListener("resize", later);
  addEventListener("scroll", later, true);
  return () => {
    cancelAnimationFrame(planned);
    sizes.disconnect();
    removeEventListener("resize", later);
    removeEventListener("scroll", later, true);
  };
}
