// Buttons. A button whose onClick returns a promise shows itself busy until that settles.
import { html, useState } from "../lib.js";
import { Icon } from "./icon.js";
import { Spinner } from "./spinner.js";
import "./tooltip.js";

function usePress(onClick, busy, disabled) {
  const [waiting, setWaiting] = useState(false);
  const blocked = busy || waiting;
  const press = (event) => {
    if (blocked || disabled) return event.preventDefault();
    const result = onClick?.(event);
    if (typeof result?.then !== "function") return;
    setWaiting(true);
    const done = () => setWaiting(false);
    result.then(done, done);
  };
  return [blocked, press];
}

/** kind: primary | secondary | quiet | danger | plain; size: s | m | l; icon, iconEnd: names; block: full width;
 *  busy keeps the focus but does nothing; href makes it a link. */
export function Button({
  kind = "secondary", size = "m", icon, iconEnd, busy, disabled, block, onClick, href, type = "button",
  class: extra = "", children, ...rest
}) {
  const [waiting, press] = usePress(onClick, busy, disabled);
  const Tag = href ? "a" : "button";
  const own = href ? { href } : { type, disabled };
  return html`<${Tag} ...${own} ...${rest} class="button ${extra}" data-kind=${kind} data-size=${size}
    data-block=${block || undefined} aria-busy=${waiting ? "true" : undefined} aria-disabled=${waiting ? "true" : undefined}
    onClick=${press}>
    ${waiting && html`<span class="button-busy"><${Spinner} size=${17} label="" /></span>`}
    ${icon && html`<${Icon} name=${icon} size=${size === "l" ? 19 : 17} />`}
    ${children && html`<span class="button-text">${children}</span>`}
    ${iconEnd && html`<${Icon} name=${iconEnd} size=${17} />`}
  </${Tag}>`;
}

/** A square button with an icon; label is its name and its tooltip (tip replaces the tooltip, tip=${false} removes it);
 *  pressed makes it a toggle; count draws a number on its corner (0 none). */
export function IconButton({
  icon, label, tip, kind = "plain", size = "m", busy, disabled, pressed, count, onClick, type = "button",
  iconSize = size === "s" ? 16 : 19, class: extra = "", ...rest
}) {
  const [waiting, press] = usePress(onClick, busy, disabled);
  return html`<button ...${rest} type=${type} class="icon-button ${extra}" data-kind=${kind} data-size=${size}
    disabled=${disabled} aria-label=${count ? `${label} (${count})` : label} data-tip=${tip === false ? undefined : tip ?? label}
    aria-pressed=${pressed === undefined ? undefined : String(pressed)}
    aria-busy=${waiting ? "true" : undefined} aria-disabled=${waiting ? "true" : undefined} onClick=${press}>
    ${waiting ? html`<${Spinner} size=${iconSize} label="" />` : html`<${Icon} name=${icon} size=${iconSize} />`}
    ${count ? html`<span class="icon-button-count" aria-hidden="true">${count > 99 ? "99+" : count}</span>` : null}
  </button>`;
}
