// Formatting by keyboard, and putting text into a field so that the browser's undo knows of it.

const WRAPS = { b: "**", i: "*", e: "`" };

/** Replaces from..to of the field by text; the caret stands behind it. */
export function insert(field, text, from = field.selectionStart, to = field.selectionEnd) {
  field.focus();
  field.setSelectionRange(from, to);
  // the only way to write into a field that keeps its undo
  const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (done) return;
  field.setRangeText(text, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Ctrl or Cmd with B, I, E wraps what is selected, or takes the signs away again; true if it was one of them. */
export function format(event) {
  const sign = WRAPS[event.key.toLowerCase()];
  if (!sign || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return false;
  event.preventDefault();
  const field = event.currentTarget;
  const { selectionStart: from, selectionEnd: to, value } = field;
  const inside = value.slice(from, to);
  const size = sign.length;
  if (value.slice(from - size, from) === sign && value.slice(to, to + size) === sign) {
    insert(field, inside, from - size, to + size);
    field.setSelectionRange(from - size, to - size);
  } else {
    insert(field, `${sign}${inside}${sign}`, from, to);
    field.setSelectionRange(from + size, to + size);
  }
  return true;
}
