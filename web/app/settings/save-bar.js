// What is not saved yet: a bar that stays in sight, and a question before the page is left.
import { html, useEffect, useRef } from "../lib.js";
import { guardRoute } from "../core/router.js";
import { Button } from "../ui/button.js";
import { confirmDialog } from "../ui/dialog.js";

/** changed: whether there is anything; save: returns a promise; reset: forgets it; problem: why it cannot be saved. */
export function SaveBar({ changed, save, reset, problem }) {
  const bar = useRef(null);
  useEffect(() => {
    if (!changed) return undefined;
    const stop = guardRoute(() => {
      bar.current?.animate?.([{ transform: "translateX(-4px)" }, { transform: "translateX(4px)" }, { transform: "none" }], { duration: 160 });
      return confirmDialog({ title: "Leave without saving?", text: "What you changed here is lost.", confirm: "Leave", cancel: "Stay", danger: true });
    });
    const warn = (event) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => {
      stop();
      removeEventListener("beforeunload", warn);
    };
  }, [changed]);
  if (!changed) return null;
  return html`
    <div class="save-bar" role="region" aria-label="Unsaved changes" ref=${bar}>
      <p class="save-bar-text" data-problem=${problem ? "" : null} role=${problem ? "alert" : null}>${problem || "You have unsaved changes."}</p>
      <${Button} kind="quiet" onClick=${reset}>Reset</${Button}>
      <${Button} kind="primary" onClick=${save}>Save</${Button}>
    </div>
  `;
}
