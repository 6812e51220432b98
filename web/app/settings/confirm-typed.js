// A question whose answer has to be written: for what cannot be undone.
import { html, useState } from "../lib.js";
import { Button } from "../ui/button.js";
import { DialogActions, openDialog } from "../ui/dialog.js";
import { TextField } from "../ui/field.js";

/** word: what is to be written. run: returns a promise of whether it worked, which closes the dialog. */
export function confirmTyped({ title, text, word, confirm, run }) {
  openDialog((close) => html`<${Typed} ...${{ word, confirm, run, close }} />`, { title, text, size: "s" });
}

function Typed({ word, confirm, run, close }) {
  const [typed, setTyped] = useState("");
  const fits = typed.trim().toLowerCase() === word.toLowerCase();
  const act = async () => {
    if (fits && (await run())) close();
  };
  return html`
    <${TextField} label=${html`Write <strong>${word}</strong> to go on`} value=${typed} onInput=${setTyped} onEnter=${act} autocomplete="off" spellcheck=${false} data-autofocus="" />
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="danger" disabled=${!fits} onClick=${act}>${confirm}</${Button}>
    </${DialogActions}>
  `;
}
