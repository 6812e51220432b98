// Dialogs: modal, closed by Escape, the cross or pressing beside them; on phones a sheet from below.
import { html } from "../lib.js";
import { Button, IconButton } from "./button.js";
import { openLayer } from "./layers.js";

let count = 0;

/** draw(close) gives the content (put its buttons into DialogActions). size: s | m | l | full; text: a line below the title;
 *  dismissable: false leaves closing to the content. Returns {close, closed: promise}. */
export function openDialog(draw, { title, text, size = "m", dismissable = true, role = "dialog", onClose } = {}) {
  const id = `dialog-${++count}`;
  const view = (close) => html`<section class="dialog" role=${role} aria-modal="true" aria-labelledby=${id}
    aria-describedby=${text ? `${id}-text` : undefined} data-size=${size} tabindex="-1">
    <div class="dialog-header">
      <div class="dialog-heading">
        <h2 id=${id}>${title}</h2>
        ${text && html`<p class="dialog-text" id="${id}-text">${text}</p>`}
      </div>
      ${dismissable && role === "dialog" && html`<${IconButton} icon="x" label="Close" tip=${false} class="dialog-close" onClick=${() => close()} />`}
    </div>
    <div class="dialog-body scroll"><${Content} draw=${draw} close=${close} /></div>
  </section>`;
  return openLayer(view, { kind: "dialog", modal: true, dismissable, onClose });
}

// A component of its own, so that hooks and signals used in draw work.
function Content({ draw, close }) {
  return draw(close);
}

/** The row of buttons at the end of a dialog; stays in sight while the content scrolls. start: what stands at its beginning. */
export function DialogActions({ start, children }) {
  return html`<div class="dialog-actions">${start && html`<div class="dialog-actions-start">${start}</div>`}${children}</div>`;
}

/** Resolves to true when confirmed, to false on any other way out. children: more content below the text. */
export function confirmDialog({ title, text, confirm = "OK", cancel = "Cancel", danger = false, children }) {
  return new Promise((resolve) => {
    let answer = false;
    openDialog(
      (close) => html`
        ${children}
        <${DialogActions}>
          <${Button} kind="quiet" data-autofocus=${danger ? "" : undefined} onClick=${() => close()}>${cancel}</${Button}>
          <${Button} kind=${danger ? "danger" : "primary"} data-autofocus=${danger ? undefined : ""}
            onClick=${() => { answer = true; close(); }}>${confirm}</${Button}>
        </${DialogActions}>`,
      { title, text, size: "s", role: "alertdialog", onClose: () => resolve(answer) },
    );
  });
}
