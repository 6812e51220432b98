// Where somebody reads in a list that grows at both ends, and whose rows change their height.
import { useEffect } from "../lib.js";

/** The topmost message of which something is in sight, and how far below the upper edge it begins, in pixels. Rows stand
 *  in the order of their positions, so a few measurements find it. */
export function firstInSight(box) {
  const top = box.getBoundingClientRect().top;
  const rows = box.firstElementChild.children;
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].getBoundingClientRect().bottom > top) high = middle;
    else low = middle + 1;
  }
  while (low < rows.length && !rows[low].dataset.message) low++;
  return low < rows.length ? { id: rows[low].dataset.message, top: rows[low].getBoundingClientRect().top - top } : { id: null, top: 0 };
}

/** Scrolls so that the same is in sight as before. anchor: {stick} at the end of the list, else {id, top} as
 *  `firstInSight` gave it. */
export function keepPlace(box, anchor) {
  if (!box) return;
  const { stick, id, top } = anchor;
  if (stick) {
    box.scrollTop = box.scrollHeight;
    anchor.at = box.scrollTop;
    return;
  }
  const row = id && rowOf(box, id);
  if (!row) return;
  const moved = row.getBoundingClientRect().top - box.getBoundingClientRect().top - top;
  if (Math.abs(moved) > 1) box.scrollTop += moved;
}

/** The element of a message; undefined or null where there is none. */
export function rowOf(box, id) {
  return box?.querySelector(`[data-message="${CSS.escape(id)}"]`);
}

/** Calls `settle` whenever the box or what it holds changes its height. */
export function useResize(scroller, settle) {
  useEffect(() => {
    const observer = new ResizeObserver(settle);
    observer.observe(scroller.current);
    observer.observe(scroller.current.firstElementChild);
    return () => observer.disconnect();
  }, []);
}
