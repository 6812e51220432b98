// The page's place in location.hash, so that it works below any path, survives a reload and is a link:
//   #/c/<channel>[/<message>]   #/t/<thread>[/<message>]   #/settings[/<section>]   #/invite/<code>   #/pings   #/
import { signal } from "../lib.js";

/** {page: "chat", channel?, thread?, message?} | {page: "settings", section, chosen} | {page: "invite", code} | {page: "pings"} */
export const route = signal({ page: "chat" });

export function parse(hash) {
  const [kind = "", ...rest] = hash.replace(/^#\/?/, "").split("/").map(decode);
  switch (kind) {
    case "c":
      return { page: "chat", channel: rest[0], message: rest[1] };
    case "t":
      return { page: "chat", thread: rest[0], message: rest[1] };
    case "settings":
      return { page: "settings", section: rest[0] ?? "profile", chosen: rest[0] !== undefined };
    case "invite":
      return { page: "invite", code: rest[0] ?? "" };
    case "pings":
      return { page: "pings" };
    default:
      return { page: "chat" };
  }
}

export function link(target) {
  const parts = {
    chat: () => (target.thread ? ["t", target.thread, target.message] : target.channel ? ["c", target.channel, target.message] : []),
    settings: () => ["settings", target.section],
    invite: () => ["invite", target.code],
    pings: () => ["pings"],
  }[target.page]();
  return `#/${parts.filter((part) => part !== undefined).map(encodeURIComponent).join("/")}`;
}

let guard = null; // {ask, hash: where it stands}

/** Before the page goes elsewhere, ask() resolves to whether it may. Gives the function that ends this. */
export function guardRoute(ask) {
  const mine = (guard = { ask, hash: location.hash });
  return () => {
    if (guard === mine) guard = null;
  };
}

/** {replace}: without a new entry of the history. */
export async function go(target, { replace = false } = {}) {
  if (guard && link(target) !== guard.hash && !(await passes())) return;
  history[replace ? "replaceState" : "pushState"](null, "", link(target));
  route.value = parse(location.hash);
}

export function startRouter() {
  route.value = parse(location.hash);
  addEventListener("hashchange", arrived);
  addEventListener("popstate", arrived);
}

/** By a link or the browser's own buttons: what is guarded is put back, and left once that may be. */
async function arrived() {
  const wanted = location.hash;
  if (guard && wanted !== guard.hash) {
    history.pushState(null, "", guard.hash || "#/");
    if (!(await passes())) return;
    history.pushState(null, "", wanted);
  }
  route.value = parse(location.hash);
}

async function passes() {
  const asked = guard;
  if (!(await asked.ask())) return false;
  if (guard === asked) guard = null;
  return true;
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
