// What a place shows when it has nothing, or when something went wrong.
import { html } from "../lib.js";
import { Button } from "./button.js";
import { Icon } from "./icon.js";

/** title, text: sentences; action: {label, icon, onClick} or a vnode; compact: for narrow panels. */
export function Empty({ icon = "inbox", title, text, action, compact, kind = "empty", role }) {
  const button = action?.label
    ? html`<${Button} kind=${kind === "problem" ? "secondary" : "primary"} icon=${action.icon} onClick=${action.onClick}>${action.label}</${Button}>`
    : action;
  return html`<div class="empty" data-kind=${kind} data-compact=${compact || undefined} role=${role}>
    <span class="empty-icon"><${Icon} name=${icon} size=${compact ? 20 : 26} /></span>
    <p class="empty-title">${title}</p>
    ${text && html`<p class="empty-text">${text}</p>`}
    ${button && html`<div class="empty-action">${button}</div>`}
  </div>`;
}

/** The same for an error; onRetry draws a button "Try again" unless action is given. error: an Error whose message is the text. */
export function Problem({ icon = "triangle-alert", title = "That did not work", text, error, action, onRetry, compact }) {
  const retry = onRetry && { label: "Try again", icon: "refresh-cw", onClick: onRetry };
  return html`<${Empty} icon=${icon} title=${title} text=${text ?? error?.message} action=${action ?? retry} compact=${compact}
    kind="problem" role="alert" />`;
}
