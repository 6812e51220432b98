// The page's side of the service worker (web/sw.js): it makes the client open without a network and receives pushes.
import { signal } from "../lib.js";

const VERSION = import.meta.url.match(/\/app-([^/]+)\//)?.[1] ?? null;

/** Whether the server has a newer client than this page; a reload brings it. */
export const newVersion = signal(false);

/** onPlace: called with a hash such as "#/c/general" when a notification was clicked. Browsers offer workers only on
 * https and on this machine; elsewhere nothing happens. */
export async function startWorker(onPlace = (hash) => (location.hash = hash)) {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  workers.addEventListener("message", ({ data }) => {
    if (data?.place) onPlace(data.place);
    if (data?.version) newVersion.value = data.version !== VERSION;
  });
  try {
    await workers.register("sw.js", { updateViaCache: "none" });
  } catch (error) {
    console.info("The chat will not open without a network:", error.message);
  }
}

/** Ask the server whether there is a newer client; worth it after each lost connection. */
export async function lookForUpdate() {
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.update().catch(() => {}); // no network: there will be another time
}
