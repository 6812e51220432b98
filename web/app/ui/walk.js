// Arrow keys, Home and End in a column of rows.

/** For keydown on the column. selector: which elements are its rows, in order. */
export function walkRows(event, selector) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const rows = [...event.currentTarget.querySelectorAll(selector)];
  const at = rows.indexOf(document.activeElement);
  const next = { ArrowDown: rows[at + 1], ArrowUp: rows[at - 1], Home: rows[0], End: rows.at(-1) }[event.key];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
