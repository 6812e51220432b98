// Parts of the page that are loaded when they are first shown.
import { html, signal } from "./lib.js";

const styles = new Map(); // name -> promise

/** The module once the styles it needs are there. names: of files in styles/ that index.html does not name. */
export async function styled(loading, ...names) {
  const [module] = await Promise.all([loading, ...names.map(loadStyle)]);
  return module;
}

function loadStyle(name) {
  if (!styles.has(name)) {
    const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(`../styles/${name}`, import.meta.url).href });
    const loaded = new Promise((resolve, reject) => Object.assign(sheet, { onload: resolve, onerror: reject }));
    loaded.catch(() => {
      styles.delete(name);
      sheet.remove();
    });
    styles.set(name, loaded);
    document.head.append(sheet);
  }
  return styles.get(name);
}

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
