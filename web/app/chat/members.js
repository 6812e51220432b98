// Members by role, those online first. Long lists are cut and grow on demand: nobody reads ten thousand names.
import { html, useMemo, useState } from "../lib.js";
import { colorOf, displayName, roles, users } from "../core/state.js";
import { Avatar } from "../ui/avatar.js";
import { Button, IconButton } from "../ui/button.js";
import { Icon } from "../ui/icon.js";
import { walkRows } from "../ui/walk.js";
import { panel } from "./panels.js";
import { openProfile } from "./open-profile.js";

const SHOWN = 150;

export function Members() {
  const [most, setMost] = useState(SHOWN);
  const [filter, setFilter] = useState("");
  const groups = useMemo(() => sorted(users.value, roles.value, filter), [users.value, roles.value, filter]);
  let left = most;
  const shown = groups.map((group) => {
    const list = group.list.slice(0, Math.max(left, 0));
    left -= group.list.length;
    return { ...group, shown: list };
  });
  return html`
    <aside class="panel members" aria-label="Members">
      <header class="panel-head">
        <h2 class="panel-title">Members</h2>
        <${IconButton} icon="x" label="Close" onClick=${() => (panel.value = null)} />
      </header>
      <div class="filter-field">
        <${Icon} name="search" size=${16} />
        <input type="search" placeholder="Find a member" aria-label="Find a member" value=${filter} onInput=${(event) => setFilter(event.currentTarget.value)} />
      </div>
      <div class="panel-body" onKeyDown=${(event) => walkRows(event, "button")}>
        ${shown.filter((group) => group.shown.length).map((group) => html`
          <section key=${group.title} aria-label=${group.title}>
            <h3 class="members-group">${group.title} <span class="members-count">${group.list.length}</span></h3>
            <ul role="list" class="members-list">${group.shown.map((user) => html`<${Member} key=${user.username} user=${user} />`)}</ul>
          </section>
        `)}
        ${groups.length === 0 && html`<p class="panel-note">Nobody is called that.</p>`}
        ${left < 0 && html`<${Button} kind="plain" onClick=${() => setMost(most + 500)}>Show more</${Button}>`}
      </div>
    </aside>
  `;
}

function Member({ user }) {
  const color = colorOf(user.username);
  const away = user.status.status === "offline";
  return html`
    <li>
      <button type="button" class="member" data-away=${away ? "" : null} onClick=${(event) => openProfile(event.currentTarget, user.username)}>
        <${Avatar} username=${user.username} size=${32} status=${true} />
        <span class="member-text">
          <span class=${`member-name ${color ? "role-ink" : ""}`} style=${{ "--role": color ?? "" }}>${displayName(user.username)}</span>
          ${user.status.text && !away && html`<span class="member-status">${user.status.text}</span>`}
        </span>
      </button>
    </li>
  `;
}

/** [{title, list}]: those online under the first of their hoisted roles, then the others online, then the rest. */
function sorted(all, roleTable, filter) {
  const wanted = filter.trim().toLowerCase();
  const groups = new Map();
  for (const user of all.values()) {
    if (wanted && !`${user.nickname ?? ""} ${user.username}`.toLowerCase().includes(wanted)) continue;
    const hoisted = user.roles.find((name) => roleTable.get(name)?.hoisted);
    const title = user.status.status === "offline" ? "Offline" : (hoisted ?? "Online");
    if (!groups.has(title)) groups.set(title, []);
    groups.get(title).push(user);
  }
  const place = (title) => (title === "Offline" ? 1e9 : title === "Online" ? 1e8 : roleTable.get(title).position);
  const key = (user) => (user.nickname || user.username.replace("USR:local_", "")).toLowerCase();
  return [...groups]
    .sort(([a], [b]) => place(a) - place(b))
    .map(([title, list]) => ({ title, list: list.sort((a, b) => (key(a) < key(b) ? -1 : 1)) }));
}
