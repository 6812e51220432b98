// The service worker: keeps one version of the client for times without a network, and shows what is pushed. The server
// fills in the version and the list of files. It never keeps answers of the API, attachments or pictures of others.
const VERSION = "%VERSION%";
const FILES = "%FILES%".split(" ");
const SCOPE = new URL("./", self.location.href);
const PREFIX = `client ${SCOPE.pathname} `; // other communities may live on this origin below other paths
const SHELL = new URL(`app-${VERSION}/index.html`, SCOPE).href;
const KEPT_VERSIONS = 2; // pages that were opened before an update load what they need from the older one
const PATIENCE_MS = 6000;

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOlder().then(() => self.clients.claim()).then(tellVersion));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) return;
  const path = url.pathname.slice(SCOPE.pathname.length);
  if (request.mode === "navigate" && (path === "" || path === "index.html")) event.respondWith(page(request));
  else if (path.startsWith("app-")) event.respondWith(file(request));
});

async function keep() {
  const cache = await caches.open(PREFIX + VERSION);
  await Promise.all(FILES.map(async (name) => {
    const address = new URL(`app-${VERSION}/${name}`, SCOPE).href;
    const answer = await fetch(address);
    // "no-store" marks a file of a later version: the next worker keeps that one.
    if (!answer.ok || answer.headers.get("Cache-Control") === "no-store") throw new Error(`${name} is not of ${VERSION}`);
    await cache.put(address, answer);
  }));
}

/** Names of caches come in the order in which they were made. */
async function forgetOlder() {
  const versions = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  await Promise.all(versions.slice(0, -KEPT_VERSIONS).map((name) => caches.delete(name)));
}

async function tellVersion() {
  for (const client of await self.clients.matchAll({ type: "window" })) client.postMessage({ version: VERSION });
}

/** From the server, which may have a newer one; what was kept when it cannot be reached or is in trouble. */
async function page(request) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status < 500) return answer;
  } catch {
    // no network
  }
  return (await caches.match(SHELL)) ?? Response.error();
}

async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}

// --- what is pushed; the fields are those of docs/push.md ---------------------------------------------------------

self.addEventListener("push", (event) => {
  const told = read(event.data);
  const place = link(told);
  event.waitUntil(self.registration.showNotification(told.title ?? "New message", {
    body: told.body ?? "",
    tag: told.thread_id ? `thread ${told.thread_id}` : `channel ${told.channel ?? ""}`,
    renotify: true,
    icon: new URL(`app-${VERSION}/icons/icon-192.png`, SCOPE).href,
    badge: new URL(`app-${VERSION}/icons/badge-96.png`, SCOPE).href,
    data: { place },
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data?.place ?? "#/"));
});

function read(data) {
  try {
    return data?.json() ?? {};
  } catch {
    return {};
  }
}

/** As app/core/router.js writes it. */
function link({ channel, thread_id, message_id }) {
  if (!channel && !thread_id) return "#/";
  const parts = [thread_id ? "t" : "c", thread_id || channel, ...(message_id ? [message_id] : [])];
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** In a window that is open, or in a new one. */
async function show(place) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = windows.find((client) => client.url.startsWith(SCOPE.href));
  if (!open) return self.clients.openWindow(new URL(place, SCOPE).href);
  open.postMessage({ place });
  return open.focus();
}
