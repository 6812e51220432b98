// Parts of the page that are loaded when they are first shown.
import { html, signal } from "./lib.js";

/** load: () => import("..."); name: what of the module to draw. fallback: drawn meanwhile. */
export function lazy(load, name, fallback = null) {
  const part = signal(null);
  const problem = signal(false);
  let asked = false;
  const ask = () => {
    asked = true;
    problem.value = false;
    load().then(
      (module) => (part.value = module[name]),
      () => {
        asked = false;
        problem.value = true;
      },
    );
  };
  return function Lazy(props) {
    if (part.value) return html`<${part.value} ...${props} />`;
    if (problem.value) {
      return html`<p class="lazy-problem" role="alert">
        This part could not be loaded. <button type="button" onClick=${ask}>Try again</button>
      </p>`;
    }
    if (!asked) ask();
    return fallback;
  };
}
