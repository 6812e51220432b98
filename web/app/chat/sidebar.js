// The list of channels by category, direct messages, and the foot with oneself.
import { html, useState } from "../lib.js";
import { call } from "../core/call-state.js";
import { can, canIn } from "../core/permissions.js";
import { go, link, route } from "../core/router.js";
import { blocked, channels, channelTitle, displayName, localUrl, me, myUser, server, userNamed } from "../core/state.js";
import { totalMentions, unreadIn } from "../core/unreads.js";
import { lazy } from "../lazy.js";
import { Avatar } from "../ui/avatar.js";
import { Badge } from "../ui/badge.js";
import { IconButton } from "../ui/button.js";
import { Icon } from "../ui/icon.js";
import { openMenu } from "../ui/menu.js";
import { walkRows } from "../ui/walk.js";
import { channelMenu, serverMenu } from "./menus.js";
import { openOwnMenu } from "./open-profile.js";
import { panel, sidebarOpen, toggle } from "./panels.js";

const ICONS = { text: "hash", voice: "volume-2", forum: "messages-square" };
const CallBar = lazy(() => import("./voice.js"), "CallBar");
const FOLDED = "originchats:folded";

export function Sidebar() {
  const [folded, setFolded] = useState(() => new Set(JSON.parse(localStorage.getItem(FOLDED) ?? "[]")));
  const fold = (name) => {
    const next = new Set(folded);
    if (!next.delete(name)) next.add(name);
    localStorage.setItem(FOLDED, JSON.stringify([...next]));
    setFolded(next);
  };
  const groups = grouped(channels.value.filter((channel) => !channel.members));
  const directs = channels.value.filter((channel) => channel.members);
  return html`
    <nav class="sidebar" aria-label="Channels">
      <${ServerHead} />
      <div class="sidebar-list" onKeyDown=${(event) => walkRows(event, "a, button")}>
        ${groups.map(({ separator, list }) => html`<${Group} key=${separator?.name ?? ""} separator=${separator} list=${list} folded=${folded} fold=${fold} />`)}
        ${directs.length > 0 && html`<${Group} key="directs" separator=${{ name: "\0directs", display_name: "Direct messages" }} list=${newestFirst(directs)} folded=${folded} fold=${fold} />`}
      </div>
      ${call.value && html`<${CallBar} />`}
      <${OwnFoot} />
    </nav>
  `;
}

function ServerHead() {
  const { name, icon } = server.value;
  const picture = localUrl(icon);
  const inbox = totalMentions.value;
  return html`
    <header class="sidebar-head">
      <button type="button" class="sidebar-server" aria-haspopup="menu" onClick=${(event) => openMenu(event.currentTarget, serverMenu())}>
        ${picture ? html`<img class="sidebar-icon" src=${picture} alt="" />` : html`<span class="sidebar-icon" aria-hidden="true">${name.slice(0, 1)}</span>`}
        <span class="sidebar-name">${name}</span>
        <${Icon} name="chevron-down" size=${16} />
      </button>
      <${IconButton} icon="inbox" label="Inbox" count=${inbox} pressed=${panel.value === "pings"} onClick=${openInbox} />
    </header>
  `;
}

function openInbox() {
  toggle("pings");
  sidebarOpen.value = false;
}

function Group({ separator, list, folded, fold }) {
  const isFolded = separator !== null && folded.has(separator.name);
  // folded away is only what has nothing new
  const shown = isFolded ? list.filter((channel) => unreadOf(channel).unread_count || isOpen(channel)) : list;
  const title = separator && (separator.display_name || separator.name);
  return html`
    <section class="sidebar-group" aria-label=${title ?? "Channels"}>
      ${title && html`
        <button type="button" class="sidebar-category" aria-expanded=${!isFolded} onClick=${() => fold(separator.name)}>
          <${Icon} name=${isFolded ? "chevron-right" : "chevron-down"} size=${12} /><span>${title}</span>
        </button>
      `}
      <ul class="sidebar-channels" role="list">
        ${shown.map((channel) => html`<${ChannelRow} key=${channel.name} channel=${channel} />`)}
      </ul>
    </section>
  `;
}

function ChannelRow({ channel }) {
  const { unread_count: count, mentions } = unreadOf(channel);
  const open = isOpen(channel);
  const title = channelTitle(channel);
  const other = channel.members?.find((name) => name !== me.value) ?? channel.members?.[0];
  const badge = mentions || (channel.members ? count : 0);
  const label = [title, channel.type === "voice" && "voice", channel.type === "forum" && "forum", badge ? `${badge} new for you` : count && "unread"].filter(Boolean).join(", ");
  const menu = (event) => {
    const items = channelMenu(channel);
    if (!items.length) return;
    event.preventDefault();
    openMenu({ x: event.clientX, y: event.clientY }, items);
  };
  return html`
    <li>
      <a
        class="channel-row"
        href=${link({ page: "chat", channel: channel.name })}
        aria-current=${open ? "page" : null}
        aria-label=${label}
        data-unread=${count > 0 ? "" : null}
        onClick=${() => (sidebarOpen.value = false)}
        onContextMenu=${menu}
      >
        ${other ? html`<${Avatar} username=${other} size=${24} status=${true} />` : html`<span class="channel-icon">${channelIcon(channel)}</span>`}
        <span class="channel-name">${other && blocked.value.has(other) ? `${title} (blocked)` : title}</span>
        ${!canIn(channel, "send") && channel.type === "text" && html`<span class="channel-mark" data-tip="You can only read here"><${Icon} name="eye" size=${14} /></span>`}
        ${badge > 0 && html`<${Badge} count=${badge} kind="danger" />`}
      </a>
      ${channel.type === "voice" && channel.voice_state?.length > 0 && html`<${VoiceMembers} channel=${channel} />`}
    </li>
  `;
}

/** Who is in a voice channel; who speaks is known only of the own call. */
function VoiceMembers({ channel }) {
  const now = call.value?.channel === channel.name ? call.value : null;
  const speaks = (username) => (username === me.value ? now?.speaking : now?.peers.some((peer) => peer.username === username && peer.speaking));
  return html`
    <ul class="channel-voice" role="list" aria-label=${`In ${channelTitle(channel)}`}>
      ${channel.voice_state.map(({ username, muted }) => html`
        <li key=${username} class="channel-voice-member" data-speaking=${speaks(username) ? "" : null}>
          <${Avatar} username=${username} size=${20} /><span>${displayName(username)}</span>
          ${muted && html`<${Icon} name="mic-off" size=${14} /><span class="visually-hidden">muted</span>`}
        </li>`)}
    </ul>
  `;
}

export function channelIcon(channel) {
  const picture = localUrl(channel.icon);
  if (picture) return html`<img src=${picture} alt="" width="18" height="18" />`;
  const locked = channel.invite_only || channel.key || channel.secret;
  return html`<${Icon} name=${locked ? "lock" : (ICONS[channel.type] ?? "hash")} size=${18} />`;
}

function OwnFoot() {
  const user = myUser.value;
  if (!user) return null;
  return html`
    <footer class="sidebar-foot">
      <button type="button" class="sidebar-me" aria-haspopup="menu" onClick=${(event) => openOwnMenu(event.currentTarget)}>
        <${Avatar} username=${user.username} size=${32} status=${true} />
        <span class="sidebar-me-text">
          <span class="sidebar-me-name">${displayName(user.username)}</span>
          <span class="sidebar-me-status">${user.status.text || statusName(user.status.status)}</span>
        </span>
      </button>
      <${IconButton} icon="settings" label="Settings" onClick=${() => go({ page: "settings", section: can("manage_server") ? "server" : "profile" })} />
    </footer>
  `;
}

export function statusName(status) {
  return { online: "Online", idle: "Away", dnd: "Do not disturb", invisible: "Invisible", offline: "Offline" }[status] ?? status;
}

function unreadOf(channel) {
  const own = unreadIn(channel.name);
  if (channel.type !== "forum") return own;
  const threads = (channel.threads ?? []).map((thread) => unreadIn(`thread/${thread.id}`));
  return threads.reduce(
    (sum, each) => ({ unread_count: sum.unread_count + each.unread_count, mentions: sum.mentions + each.mentions }),
    { unread_count: 0, mentions: 0 },
  );
}

function isOpen(channel) {
  const { page, channel: name, thread } = route.value;
  return page === "chat" && (name === channel.name || (thread !== undefined && Boolean(channel.threads?.some(({ id }) => id === thread))));
}

/** Runs of channels, each after its separator; the first has none. */
export function grouped(list) {
  const groups = [{ separator: null, list: [] }];
  for (const channel of list) {
    if (channel.type === "separator") groups.push({ separator: channel, list: [] });
    else groups.at(-1).list.push(channel);
  }
  return groups.filter(({ separator, list }) => separator || list.length);
}

function newestFirst(directs) {
  const online = (channel) => channel.members.some((name) => name !== me.value && userNamed(name)?.status.status !== "offline");
  return [...directs].sort((a, b) => (b.last_message ?? 0) - (a.last_message ?? 0) || online(b) - online(a));
}
