// Parts of the page that are loaded when they are first shown.
import { html, signal } from "./lib.js";
import { toast } from "./ui/toast.js";

const STYLES = new URL("../styles/", import.meta.url);
const styles = new Map(); // name -> promise

/** load: () => import("..."); name: what of the module to draw. fallback: drawn meanwhile, or a component that is. */
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
    return typeof fallback === "function" ? fallback(props) : fallback;
  };
}

/** A function of a module that is loaded when it is first called; resolves with what it returns, undefined where the
 *  module could not be had, which a toast says. */
export function later(load, name) {
  return async (...given) => {
    let module;
    try {
      module = await load();
    } catch {
      toast("This part could not be loaded. Try again.", "danger");
      return undefined;
    }
    return module[name](...given);
  };
}

/** For modules that are loaded later than the page: `await ensureStyle("poll.css")` at the top of the module, which then
 *  counts as loaded when its styles do. names: of files in styles/ that index.html does not name. What cannot be had is
 *  done without, and tried again with the next module that needs it. */
export async function ensureStyle(...names) {
  await Promise.all(names.map((name) => styles.get(name) ?? loadStyle(name)));
}

function loadStyle(name) {
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(name, STYLES).href });
  const loaded = new Promise((resolve) => {
    sheet.onload = resolve;
    sheet.onerror = () => {
      styles.delete(name);
      sheet.remove();
      resolve();
    };
  });
  styles.set(name, loaded);
  document.head.append(sheet);
  return loaded;
}
