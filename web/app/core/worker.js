// The service worker: keeps the page for times without a network, brings notifications, and tells of newer versions.
import { effect, signal } from "../lib.js";
import { online } from "./connection.js";

const OWN_VERSION = /\/app-([^/]+)\//.exec(import.meta.url)?.[1];

/** Whether the server has a newer version of this page. */
export const updateReady = signal(false);

/** Needs a secure origin (https or localhost); elsewhere the page works without. */
export function startWorker() {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  workers.addEventListener("message", ({ data }) => {
    if (data?.place) location.hash = data.place;
    if (data?.version && OWN_VERSION && data.version !== OWN_VERSION) updateReady.value = true;
  });
  workers.register(new URL("sw.js", document.baseURI), { updateViaCache: "none" }).then(lookAfterReconnect, () => {});
}

/** A server that was restarted may have another version. */
function lookAfterReconnect(registration) {
  effect(() => {
    if (online.value === "online") registration.update().catch(() => {}); // no network: there will be another time
  });
}
