// The card of a member, and one's own menu.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { can, mayManage, outranks } from "../core/permissions.js";
import { randomId } from "../core/random.js";
import { go } from "../core/router.js";
import { logOut } from "../core/session.js";
import { blocked, channels, displayName, me, myUser, plainName, roles, userNamed } from "../core/state.js";
import { Avatar } from "../ui/avatar.js";
import { Button, IconButton } from "../ui/button.js";
import { confirmDialog, DialogActions, openDialog } from "../ui/dialog.js";
import { Select, TextField } from "../ui/field.js";
import { openMenu } from "../ui/menu.js";
import { openPopover } from "../ui/popover.js";
import { toast } from "../ui/toast.js";
import { copyText } from "./copy.js";
import { attempt, block } from "./menus.js";

const STATUSES = [
  { status: "online", label: "Online" },
  { status: "idle", label: "Away" },
  { status: "dnd", label: "Do not disturb", text: "No sounds and no notifications" },
  { status: "invisible", label: "Invisible", text: "You look offline" },
];
const TIMEOUTS = [
  { value: 60, label: "1 minute" }, { value: 600, label: "10 minutes" }, { value: 3600, label: "1 hour" },
  { value: 86_400, label: "1 day" }, { value: 604_800, label: "1 week" },
];

export function openProfile(anchor, username) {
  openPopover(anchor, (close) => html`<${Profile} username=${username} close=${close} />`, { label: `Profile of ${displayName(username)}` });
}

function Profile({ username, close }) {
  const user = userNamed(username);
  const [text, setText] = useState("");
  if (!user) return html`<p class="profile-note">${plainName(username)} is not a member any more.</p>`;
  const mine = username === me.value;
  const isBlocked = blocked.value.has(username);
  const write = async () => {
    const answer = await attempt("direct_message", { user: username, content: text, nonce: randomId() });
    if (answer) {
      close();
      go({ page: "chat", channel: answer.channel });
    }
  };
  return html`
    <article class="profile">
      <header class="profile-head">
        <${Avatar} username=${username} size=${64} status=${true} />
        <div class="profile-names">
          <h2 class="profile-name">${displayName(username)}</h2>
          <p class="profile-username">${plainName(username)}${user.cracked ? "" : " · Rotur"}</p>
        </div>
        <${IconButton} icon="ellipsis" label="More" aria-haspopup="menu" onClick=${(event) => openMenu(event.currentTarget, memberMenu(user, close))} />
      </header>
      ${user.status.text && html`<p class="profile-status">${user.status.text}</p>`}
      <ul class="profile-roles" role="list" aria-label="Roles">
        ${user.roles.map((name) => html`<li key=${name} class="role-chip" style=${{ "--role": roles.value.get(name)?.color ?? "" }}><span class="role-dot"></span>${name}</li>`)}
      </ul>
      ${mine && html`<${Button} kind="secondary" block icon="pencil" onClick=${() => { close(); go({ page: "settings", section: "profile" }); }}>Edit profile</${Button}>`}
      ${!mine && !isBlocked && html`
        <div class="profile-write">
          <${TextField} label=${`Message to ${displayName(username)}`} hideLabel placeholder=${`Message ${displayName(username)}`} value=${text} onInput=${setText} onEnter=${() => text.trim() && write()} maxLength=${2000} />
          <${IconButton} icon="send" label="Send" disabled=${!text.trim()} onClick=${write} />
        </div>`}
      ${isBlocked && html`<${Button} kind="secondary" block onClick=${() => attempt("user_unblock", { user: username })}>Unblock</${Button}>`}
    </article>
  `;
}

function memberMenu(user, close) {
  const { username } = user;
  const mine = username === me.value;
  const acts = !mine && outranks(user);
  return [
    !mine && { label: "Open conversation", icon: "message-circle", onSelect: () => openDirect(username, close) },
    { label: "Mention", icon: "at-sign", onSelect: () => mention(username, close) },
    { label: "Copy username", icon: "copy", onSelect: () => copyText(username, "Username copied") },
    acts && can("manage_users") && "separator",
    can("manage_roles") && { label: "Roles", icon: "shield", onSelect: () => openRoles(username) },
    acts && can("manage_users") && { label: "Time out", icon: "timer", onSelect: () => openTimeout(username) },
    acts && can("manage_users") && { label: "Ban", icon: "ban", danger: true, onSelect: () => ban(username, close) },
    !mine && "separator",
    !mine && !blocked.value.has(username) && { label: "Block", icon: "user-x", danger: true, onSelect: () => block(username) },
  ];
}

async function openDirect(username, close) {
  const known = channels.value.find((channel) => channel.members?.includes(username) && channel.members.includes(me.value));
  const name = known?.name ?? (await attempt("direct_open", { user: username }))?.channel;
  close?.();
  if (name) go({ page: "chat", channel: typeof name === "string" ? name : name.name });
}

function mention(username, close) {
  close();
  const field = document.querySelector(".composer textarea");
  if (!field) return;
  field.setRangeText(`@${plainName(username)} `, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

export function openRoles(username) {
  openDialog((close) => html`<${Roles} username=${username} close=${close} />`, { title: `Roles of ${displayName(username)}`, size: "s" });
}

function Roles({ username, close }) {
  const held = userNamed(username)?.roles ?? [];
  const toggle = (role) => attempt(held.includes(role.name) ? "user_roles_remove" : "user_roles_add", { user: username, roles: [role.name] });
  return html`
    <ul class="profile-role-list" role="list">
      ${[...roles.value.values()].map((role) => html`
        <li key=${role.name}>
          <label class="profile-role">
            <input type="checkbox" checked=${held.includes(role.name)} disabled=${!mayManage(role)} onChange=${() => toggle(role)} />
            <span class="role-chip" style=${{ "--role": role.color ?? "" }}><span class="role-dot"></span>${role.name}</span>
          </label>
        </li>`)}
    </ul>
    <${DialogActions}><${Button} kind="primary" onClick=${() => close()}>Done</${Button}></${DialogActions}>
  `;
}

export function openTimeout(username) {
  openDialog((close) => html`<${Timeout} username=${username} close=${close} />`, {
    title: `Time out ${displayName(username)}`, text: "Until then they can read, but not write.", size: "s",
  });
}

function Timeout({ username, close }) {
  const [seconds, setSeconds] = useState(600);
  const set = async (timeout) => {
    if (await attempt("user_timeout", { user: username, timeout }, timeout ? "Timed out" : "They may write again")) close();
  };
  return html`
    <${Select} label="For how long" value=${seconds} onInput=${(value) => setSeconds(Number(value))} options=${TIMEOUTS} />
    <${DialogActions} start=${html`<${Button} kind="quiet" onClick=${() => set(0)}>Lift a timeout</${Button}>`}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="danger" onClick=${() => set(seconds)}>Time out</${Button}>
    </${DialogActions}>
  `;
}

export async function ban(username, close) {
  const sure = await confirmDialog({
    title: `Ban ${displayName(username)}?`, text: "They are thrown out and cannot come back until you lift the ban. Their messages stay.", confirm: "Ban", danger: true,
  });
  if (sure && (await attempt("user_ban", { user: username }, `${displayName(username)} is banned`))) close?.();
}

// --- oneself ---

export function openOwnMenu(anchor) {
  const now = myUser.value.status.status;
  openMenu(anchor, [
    { heading: "Status" },
    ...STATUSES.map(({ status, label, text }) => ({ label, text, checked: now === status, onSelect: () => setStatus(status) })),
    { label: myUser.value.status.text ? "Change status text" : "Say what you are doing", icon: "pencil", onSelect: openStatusText },
    "separator",
    { label: "Profile and account", icon: "user", onSelect: () => go({ page: "settings", section: "profile" }) },
    { label: "Log out", icon: "log-out", danger: true, onSelect: leave },
  ], { placement: "top-start", label: "You" });
}

async function setStatus(status, text = myUser.value.status.text) {
  try {
    await request("status_set", { status, text });
  } catch (error) {
    toast(error, "danger");
  }
}

function openStatusText() {
  openDialog((close) => html`<${StatusText} close=${close} />`, { title: "What are you doing?", size: "s" });
}

function StatusText({ close }) {
  const [text, setText] = useState(myUser.value.status.text ?? "");
  const save = async () => {
    await setStatus(myUser.value.status.status, text);
    close();
  };
  return html`
    <${TextField} label="Status text" value=${text} onInput=${setText} maxLength=${100} onEnter=${save} placeholder="At lunch" />
    <${DialogActions} start=${html`<${Button} kind="quiet" onClick=${() => setText("")}>Clear</${Button}>`}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" onClick=${save}>Save</${Button}>
    </${DialogActions}>
  `;
}

async function leave() {
  if (await confirmDialog({ title: "Log out?", text: "This browser forgets your login.", confirm: "Log out" })) logOut();
}
