// The settings: sections at the side, one page each, loaded when it is opened. On phones the list of sections comes first.
import { html, useLayoutEffect } from "../lib.js";
import { call } from "../core/call-state.js";
import { can, isOwner } from "../core/permissions.js";
import { go, link, route } from "../core/router.js";
import { capabilities, server } from "../core/state.js";
import { ensureStyle, lazy } from "../lazy.js";
import { IconButton } from "../ui/button.js";
import { Empty } from "../ui/empty.js";
import { Icon } from "../ui/icon.js";
import { Skeleton } from "../ui/spinner.js";

await ensureStyle("settings.css", "settings-pages.css", "settings-running.css");

const CallStrip = lazy(() => import("../chat/voice.js"), "CallStrip");
const page = (load, name) => lazy(load, name, html`<div class="settings-loading"><${Skeleton} lines=${6} /></div>`);

/** may: whether it is shown to this member. needs: a command that the server must have. */
const SECTIONS = [
  { group: "You" },
  { id: "profile", label: "Profile", icon: "user", Page: page(() => import("./profile.js"), "ProfilePage") },
  { id: "account", label: "Account and devices", icon: "lock", Page: page(() => import("./account.js"), "AccountPage") },
  { id: "appearance", label: "Appearance", icon: "monitor", Page: page(() => import("./appearance.js"), "AppearancePage") },
  { id: "notifications", label: "Notifications", icon: "bell", Page: page(() => import("./notifications.js"), "NotificationsPage") },
  { group: "Community" },
  { id: "server", label: "Name and looks", icon: "house", may: () => can("manage_server"), Page: page(() => import("./server.js"), "ServerPage") },
  { id: "channels", label: "Channels", icon: "hash", may: () => can("manage_channels"), Page: page(() => import("./channels.js"), "ChannelsPage") },
  { id: "roles", label: "Roles", icon: "shield", may: () => can("manage_roles"), Page: page(() => import("./roles.js"), "RolesPage") },
  { id: "members", label: "Members", icon: "users", may: () => can("manage_users") || can("manage_roles"), Page: page(() => import("./members.js"), "MembersPage") },
  { id: "invites", label: "Invitations", icon: "user-plus", may: () => can("create_invite"), needs: "invite_create", Page: page(() => import("./invites.js"), "InvitesPage") },
  { id: "emojis", label: "Emojis", icon: "face-slightly-smiling", may: () => can("manage_server"), Page: page(() => import("./emojis.js"), "EmojisPage") },
  { id: "webhooks", label: "Webhooks", icon: "webhook", may: () => can("manage_server"), needs: "webhook_list", Page: page(() => import("./webhooks.js"), "WebhooksPage") },
  { group: "Running it", may: () => can("manage_server") || can("view_audit_log") || can("manage_users") },
  { id: "audit-log", label: "Audit log", icon: "clipboard", may: () => can("view_audit_log") || can("manage_users"), needs: "modlog_get", Page: page(() => import("./audit-log.js"), "AuditLogPage") },
  { id: "status", label: "Status", icon: "chart-column", may: () => can("administrator"), needs: "server_status", Page: page(() => import("./status.js"), "StatusPage") },
  { id: "plugins", label: "Plugins", icon: "puzzle", may: () => can("administrator"), needs: "plugins_list", Page: page(() => import("./plugins.js"), "PluginsPage") },
  { id: "backups", label: "Backups", icon: "archive", may: () => can("administrator"), needs: "backups_list", Page: page(() => import("./backups.js"), "BackupsPage") },
  { id: "configuration", label: "Configuration", icon: "sliders-horizontal", may: () => isOwner() || can("administrator"), needs: "settings_get", Page: page(() => import("./configuration.js"), "ConfigurationPage") },
];

/** section: "<id>" or "<id>:<what of it>". */
export function Settings({ section }) {
  const [id, detail] = split(section);
  const shown = SECTIONS.filter((each) => (each.may?.() ?? true) && (!each.needs || capabilities.value.has(each.needs)));
  const current = shown.find((each) => each.id === id);
  const { chosen } = route.value;
  // with the first drawing: who opens them may close them at once
  useLayoutEffect(() => {
    const leave = (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && !event.target.closest?.("input, textarea, select") && !document.querySelector("[data-layer]")) close();
    };
    addEventListener("keydown", leave);
    return () => removeEventListener("keydown", leave);
  }, []);
  return html`
    <div class="settings" data-chosen=${chosen ? "" : null}>
      ${call.value && html`<${CallStrip} />`}
      <nav class="settings-nav" aria-label="Settings">
        <header class="settings-head">
          <h1>Settings</h1>
          <${IconButton} icon="x" label="Close settings" onClick=${close} />
        </header>
        <p class="settings-of">${server.value.name}</p>
        ${groups(shown).map(({ title, list }) => html`
          <section key=${title} aria-label=${title}>
            <h2 class="settings-group">${title}</h2>
            <ul role="list">
              ${list.map((each) => html`
                <li key=${each.id}>
                  <a class="settings-link" href=${link({ page: "settings", section: each.id })} aria-current=${each.id === id ? "page" : null}>
                    <${Icon} name=${each.icon} size=${18} /> ${each.label}
                  </a>
                </li>`)}
            </ul>
          </section>`)}
      </nav>
      <main class="settings-main" id="settings-main">
        <header class="settings-bar">
          <${IconButton} class="settings-back" icon="arrow-left" label="All settings" onClick=${() => go({ page: "settings" })} />
          <h1 class="settings-title" tabindex="-1">${current?.label ?? "Settings"}</h1>
          <${IconButton} icon="x" label="Close settings" onClick=${close} />
        </header>
        <div class="settings-page" key=${id}>
          ${current
            ? html`<${current.Page} detail=${detail} />`
            : html`<${Empty} icon="lock" title="Not for you" text="You may not see this page, or this server does not have it." />`}
        </div>
      </main>
    </div>
  `;
}

export function close() {
  go({ page: "chat" });
}

function split(section) {
  const at = section.indexOf(":");
  return at < 0 ? [section, null] : [section.slice(0, at), section.slice(at + 1)];
}

function groups(shown) {
  const found = [];
  for (const each of shown) {
    if (each.group) found.push({ title: each.group, list: [] });
    else found.at(-1).list.push(each);
  }
  return found.filter(({ list }) => list.length);
}
