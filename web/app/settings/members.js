// All members: found, filtered, and acted upon. Long lists come in pages.
import { html, useMemo, useState } from "../lib.js";
import { plural } from "../core/format.js";
import { can, isOwner, mayManage, outranks } from "../core/permissions.js";
import { capabilities, displayName, me, plainName, roles, users } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { copyText } from "../chat/copy.js";
import { ban, openRoles, openTimeout } from "../chat/profile.js";
import { Avatar } from "../ui/avatar.js";
import { Button, IconButton } from "../ui/button.js";
import { confirmDialog, DialogActions, openDialog } from "../ui/dialog.js";
import { Empty } from "../ui/empty.js";
import { Select, TextField } from "../ui/field.js";
import { openMenu } from "../ui/menu.js";
import { ownUrl } from "./account.js";
import { confirmTyped } from "./confirm-typed.js";
import { shown, useFetched } from "./fetched.js";

const PAGE = 50;

export function MembersPage() {
  const [filter, setFilter] = useState("");
  const [role, setRole] = useState("");
  const [state, setState] = useState("all");
  const [page, setPage] = useState(0);
  const banned = useFetched("users_banned_list", {}, { enabled: can("manage_users") });
  const narrow = (set) => (value) => {
    set(value);
    setPage(0);
  };
  return html`
    <div>
      <div class="member-filters">
        <${TextField} label="Find" type="search" icon="search" placeholder="Name or nickname" value=${filter} onInput=${narrow(setFilter)} />
        <${Select} label="Show" value=${state} onInput=${narrow(setState)} options=${[
          { value: "all", label: "All members" }, { value: "online", label: "Online now" }, ...(can("manage_users") ? [{ value: "banned", label: "Banned" }] : []),
        ]} />
        ${state !== "banned" && html`<${Select} label="With role" value=${role} onInput=${narrow(setRole)} options=${[{ value: "", label: "Any" }, ...[...roles.value.keys()].map((name) => ({ value: name, label: name }))]} />`}
      </div>
      ${state === "banned"
        ? shown(banned, (answer) => html`<${Banned} list=${answer.users} filter=${filter} reload=${banned.load} />`)
        : html`<${MemberList} ...${{ filter, role, state, page, setPage }} changed=${banned.load} />`}
    </div>
  `;
}

function MemberList({ filter, role, state, page, setPage, changed }) {
  const found = useMemo(() => matching(users.value, filter, role, state), [users.value, filter, role, state]);
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  const at = Math.min(page, pages - 1);
  if (!found.length) return html`<${Empty} icon="users" title="Nobody found" text="Try another name or role." />`;
  return html`
    <p class="settings-note page-head" aria-live="polite">${plural(found.length, "member")}</p>
    <ul class="settings-rows" role="list" aria-label="Members">
      ${found.slice(at * PAGE, (at + 1) * PAGE).map((user) => html`<${Member} key=${user.username} user=${user} changed=${changed} />`)}
    </ul>
    ${pages > 1 && html`
      <nav class="pager" aria-label="Pages">
        <${IconButton} icon="chevron-left" label="Page before" disabled=${at === 0} onClick=${() => setPage(at - 1)} />
        <span>Page ${at + 1} of ${pages}</span>
        <${IconButton} icon="chevron-right" label="Next page" disabled=${at === pages - 1} onClick=${() => setPage(at + 1)} />
      </nav>`}
  `;
}

function Member({ user, changed }) {
  const name = displayName(user.username);
  return html`
    <li class="settings-row members-row">
      <${Avatar} username=${user.username} size=${36} status=${user.status} />
      <div class="settings-row-main">
        <p class="row-title">${name}</p>
        <p class="row-text">${plainName(user.username)}${user.cracked ? "" : " · not a local account"}</p>
      </div>
      <ul class="member-roles" role="list" aria-label=${`Roles of ${name}`}>
        ${user.roles.filter((each) => each !== "user").map((each) => html`<li key=${each} class="role-chip" style=${{ "--role": roles.value.get(each)?.color ?? "" }}><span class="role-dot"></span>${each}</li>`)}
      </ul>
      <${IconButton} icon="ellipsis" label=${`Actions for ${name}`} aria-haspopup="menu" onClick=${(event) => openMenu(event.currentTarget, actions(user, changed), { label: `Actions for ${name}` })} />
    </li>
  `;
}

function actions(user, changed) {
  const { username } = user;
  const mine = username === me.value;
  const below = !mine && outranks(user);
  const manages = can("manage_users") && (below || mine);
  const roleHolder = (can("manage_roles") || can("manage_users")) && [...roles.value.values()].some(mayManage);
  return [
    { label: "Copy username", icon: "copy", onSelect: () => copyText(username, "Username copied") },
    roleHolder && { label: "Roles", icon: "shield", onSelect: () => openRoles(username) },
    manages && { label: "Nickname", icon: "pencil", onSelect: () => openNickname(user) },
    (mine || manages) && { label: "Export data", icon: "download", onSelect: () => exportData(username) },
    isOwner() && below && user.cracked && capabilities.value.has("password_reset") && { label: "New password", icon: "lock", onSelect: () => resetPassword(username) },
    below && can("manage_users") && "separator",
    below && can("manage_users") && { label: "Time out", icon: "timer", onSelect: () => openTimeout(username) },
    below && can("manage_users") && { label: "Ban", icon: "ban", danger: true, onSelect: () => ban(username, changed) },
    below && can("manage_users") && { label: "Delete", icon: "trash", danger: true, onSelect: () => openDelete(username) },
    !below && !mine && { label: "At or above your position", icon: "lock", disabled: true },
  ];
}

function openNickname(user) {
  openDialog((close) => html`<${Nickname} user=${user} close=${close} />`, { title: `Nickname of ${displayName(user.username)}`, size: "s" });
}

function Nickname({ user, close }) {
  const [text, setText] = useState(user.nickname ?? "");
  const save = async () => {
    if (await attempt("user_update", { user: user.username, updates: { nickname: text.trim() || null } }, "Saved")) close();
  };
  return html`
    <${TextField} label="Nickname" value=${text} onInput=${setText} maxLength=${32} onEnter=${save} placeholder=${plainName(user.username)} />
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" onClick=${save}>Save</${Button}>
    </${DialogActions}>
  `;
}

async function exportData(user) {
  const made = await attempt("user_export", { user });
  if (!made) return;
  openDialog((close) => html`
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" icon="download" href=${ownUrl(made.url)} download onClick=${() => close()}>Download</${Button}>
    </${DialogActions}>`, { title: `Data of ${displayName(user)}`, text: "The link opens once. Whoever has the archive can read what is in it.", size: "s" });
}

async function resetPassword(user) {
  const sure = await confirmDialog({
    title: `A new password for ${displayName(user)}?`, text: "The old one ends now, and every device is logged out. You are shown the new one once, to hand it over.", confirm: "Make one", danger: true,
  });
  const made = sure && (await attempt("password_reset", { user }));
  if (!made) return;
  openDialog((close) => html`
    <div class="once-secret"><code>${made.password}</code><${IconButton} icon="copy" label="Copy" onClick=${() => copyText(made.password, "Password copied")} /></div>
    <${DialogActions}><${Button} kind="primary" onClick=${() => close()}>Done</${Button}></${DialogActions}>`,
  { title: `New password of ${displayName(user)}`, text: "It is shown this once. Ask for it to be changed after the first login.", size: "s", dismissable: false });
}

function openDelete(username) {
  openDialog((close) => {
    const go = (erase) => () => {
      close();
      confirmTyped({
        title: erase ? "Delete everything?" : "Delete the account?", word: plainName(username), confirm: "Delete",
        text: erase ? "The account and all that was ever written or uploaded by it are erased." : "The account ends. What was written stays.",
        run: async () => Boolean(await attempt("user_delete", { user: username, erase }, "Deleted")),
      });
    };
    return html`
      <div class="danger-row"><p><strong>Only the account.</strong> Messages stay.</p><${Button} onClick=${go(false)}>Delete account…</${Button}></div>
      <div class="danger-row"><p><strong>Everything.</strong> Messages, reactions and files go, too.</p><${Button} kind="danger" onClick=${go(true)}>Erase…</${Button}></div>`;
  }, { title: `Delete ${displayName(username)}`, size: "s" });
}

function Banned({ list, filter, reload }) {
  const wanted = filter.trim().toLowerCase();
  const found = list.filter((username) => plainName(username).toLowerCase().includes(wanted));
  const lift = async (user) => {
    if (await attempt("user_unban", { user }, `${plainName(user)} may come back`)) reload();
  };
  if (!found.length) return html`<${Empty} icon="ban" title="Nobody is banned" text="Who is banned stands here, and may be let in again." />`;
  return html`
    <ul class="settings-rows" role="list" aria-label="Banned">
      ${found.slice(0, 500).map((username) => html`
        <li key=${username} class="settings-row">
          <${Avatar} username=${username} name=${plainName(username)} size=${36} />
          <div class="settings-row-main"><p class="row-title">${plainName(username)}</p></div>
          <${Button} onClick=${() => lift(username)}>Lift the ban</${Button}>
        </li>`)}
    </ul>
  `;
}

function matching(all, filter, role, state) {
  const wanted = filter.trim().toLowerCase();
  const found = [];
  for (const user of all.values()) {
    if (role && !user.roles.includes(role)) continue;
    if (state === "online" && user.status.status === "offline") continue;
    if (wanted && !`${user.nickname ?? ""} ${plainName(user.username)}`.toLowerCase().includes(wanted)) continue;
    found.push(user);
  }
  const key = (user) => (user.nickname || plainName(user.username)).toLowerCase();
  return found.sort((a, b) => key(a).localeCompare(key(b)));
}
