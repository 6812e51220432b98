// What can be done with the server and with a channel, as menu items.
import { request } from "../core/connection.js";
import { can } from "../core/permissions.js";
import { placeKey } from "../core/place.js";
import { go, link } from "../core/router.js";
import { blocked, capabilities, channelTitle, displayName, me } from "../core/state.js";
import { acknowledge, unreadIn } from "../core/unreads.js";
import { later } from "../lazy.js";
import { confirmDialog } from "../ui/dialog.js";
import { toast } from "../ui/toast.js";
import { copyText } from "./copy.js";
import { levelOf, LEVELS, setLevel } from "./notify-levels.js";

const openModes = later(() => import("../settings/channel-modes.js"), "openModes");

/** Runs a command and tells if it failed. */
export async function attempt(cmd, fields, done) {
  try {
    const answer = await request(cmd, fields);
    if (done) toast(done, "success");
    return answer;
  } catch (error) {
    toast(error, "danger");
    return null;
  }
}

export function serverMenu() {
  const to = (section) => () => go({ page: "settings", section });
  return [
    can("create_invite") && capabilities.value.has("invite_create") && { label: "Invite people", icon: "user-plus", onSelect: to("invites") },
    can("manage_server") && { label: "Server settings", icon: "settings", onSelect: to("server") },
    can("manage_channels") && { label: "Channels", icon: "hash", onSelect: to("channels") },
    can("manage_users") && { label: "Members", icon: "users", onSelect: to("members") },
    can("view_audit_log") && { label: "Audit log", icon: "clipboard", onSelect: to("audit-log") },
    (can("manage_server") || can("manage_channels") || can("manage_users")) && "separator",
    { label: "Your profile", icon: "user", onSelect: to("profile") },
    { label: "Notifications", icon: "bell", onSelect: to("notifications") },
    { label: "Keyboard", icon: "keyboard", hint: "?", onSelect: () => import("./key-sheet.js").then((it) => it.openKeySheet()) },
  ];
}

export function channelMenu(channel) {
  const place = { channel: channel.name };
  const other = channel.members?.find((name) => name !== me.value);
  const written = channel.type === "text";
  return [
    written && unreadIn(placeKey(place)).unread_count > 0 && { label: "Mark as read", icon: "check-check", onSelect: () => acknowledge(place) },
    { label: "Copy link", icon: "link", onSelect: () => copyText(new URL(link({ page: "chat", channel: channel.name }), document.baseURI).href, "Link copied") },
    written && "separator",
    ...(written
      ? [{ heading: "Notifications" }, ...LEVELS.map(({ level, label }) => ({ label, checked: levelOf(channel.name, { direct: Boolean(channel.members) }) === level, onSelect: () => setLevel(channel.name, level) }))]
      : []),
    other && "separator",
    other &&
      (blocked.value.has(other)
        ? { label: `Unblock ${displayName(other)}`, icon: "user-check", onSelect: () => attempt("user_unblock", { user: other }) }
        : { label: `Block ${displayName(other)}`, icon: "ban", danger: true, onSelect: () => block(other) }),
    (channel.operator || can("manage_channels")) && !channel.members && "separator",
    channel.operator && !can("manage_channels") && { label: "Run this channel", icon: "shield", onSelect: () => openModes(channel.name) },
    can("manage_channels") && !channel.members && { label: "Edit channel", icon: "pencil", onSelect: () => go({ page: "settings", section: `channels:${channel.name}` }) },
    channel.invite_only || channel.key || channel.secret ? { label: "Leave channel", icon: "log-out", danger: true, onSelect: () => leave(channel) } : null,
  ].filter(Boolean);
}

export async function block(username) {
  const sure = await confirmDialog({
    title: `Block ${displayName(username)}?`,
    text: "You cannot write to each other any more, and do not hear when they mention you. They are not told.",
    confirm: "Block",
    danger: true,
  });
  if (sure) await attempt("user_block", { user: username });
}

async function leave(channel) {
  const sure = await confirmDialog({ title: `Leave ${channelTitle(channel)}?`, text: "To come back you may need a new invitation.", confirm: "Leave", danger: true });
  if (sure && (await attempt("channel_leave", { channel: channel.name }))) go({ page: "chat" });
}
