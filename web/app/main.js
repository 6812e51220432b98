// The page: connects, and draws what the state says.
import { effect, html, render } from "./lib.js";
import { Chat } from "./chat/layout.js";
import { online } from "./core/connection.js";
import { route, startRouter } from "./core/router.js";
import { start } from "./core/session.js";
import { avatarUrl, channels, displayName, me, server, userNamed } from "./core/state.js";
import { startAppearance } from "./core/appearance.js";
import { totalForMe } from "./core/unreads.js";
import { startWorker } from "./core/worker.js";
import { firstRun } from "./start/first-run-state.js";
import { lazy } from "./lazy.js";
import { avatarSource } from "./ui/avatar.js";
import "./ui/tooltip.js";

const Welcome = lazy(() => import("./start/welcome.js"), "Welcome", html`<${Splash} />`);
const FirstRun = lazy(() => import("./start/first-run.js"), "FirstRun", html`<${Splash} />`);
const Settings = lazy(() => import("./settings/settings.js"), "Settings", html`<${Splash} />`);

function Page() {
  if (me.value === null) return online.value === "logged-out" ? html`<${Welcome} />` : html`<${Splash} />`;
  if (!channels.value.length && online.value !== "online") return html`<${Splash} />`;
  if (firstRun.value) return html`<${FirstRun} />`;
  const inSettings = route.value.page === "settings";
  return html`
    <${Chat} hidden=${inSettings} />
    ${inSettings && html`<${Settings} section=${route.value.section} />`}
  `;
}

function Splash() {
  return html`<div class="splash" role="status"><span class="splash-mark" aria-hidden="true"></span> <span class="visually-hidden">Loading</span></div>`;
}

effect(() => {
  const name = server.value.name || "OriginChats";
  document.title = totalForMe.value ? `(${totalForMe.value}) ${name}` : name;
});

avatarSource.value = (username) => ({ url: avatarUrl(username), name: displayName(username), status: userNamed(username)?.status });
startAppearance();
startRouter();
start();
import("./chat/joining.js").then(({ startInvitations }) => startInvitations(), reportError);
import("./core/notifications.js").then(({ startNotices }) => startNotices(), reportError);
startWorker();
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${Page} />`, root);
