// The sheet of all keys.
import { html } from "../lib.js";
import { openDialog } from "../ui/dialog.js";
import { LOCAL_SHORTCUTS, SHORTCUTS } from "./keys.js";

export function openKeySheet() {
  openDialog(
    () => html`
      <div class="key-sheet">
        <${Keys} title="Everywhere" list=${SHORTCUTS} />
        <${Keys} title="Writing and reading" list=${LOCAL_SHORTCUTS} />
      </div>
    `,
    { title: "Keyboard", size: "l" },
  );
}

function Keys({ title, list }) {
  return html`
    <section>
      <h3>${title}</h3>
      <dl class="key-sheet-list">
        ${list.map(({ keys, does }) => html`
          <div key=${does} class="key-sheet-row"><dt>${does}</dt><dd>${keys.map((key) => html`<kbd key=${key}>${key}</kbd> `)}</dd></div>`)}
      </dl>
    </section>
  `;
}
