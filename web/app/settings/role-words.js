// What the permissions of roles mean, in words; and which of them I may pass on.
import { can, isOwner } from "../core/permissions.js";
import { serverPermissions } from "../core/state.js";

/** Permissions without power over others: whoever manages roles may pass them on (EVERYDAY in db/permissions.py). */
const EVERYDAY = new Set([
  "send_messages", "read_message_history", "add_reactions", "attach_files", "embed_links", "external_emojis", "connect", "speak", "stream",
  "use_voice_activity", "change_nickname", "create_invite", "use_slash_commands",
]);

const GROUPS = [
  ["Running the server", ["administrator", "manage_server", "view_audit_log"]],
  ["Running the community", ["manage_roles", "manage_channels", "manage_users", "manage_messages", "manage_threads", "create_invite", "mention_everyone"]],
  ["Writing", ["send_messages", "read_message_history", "embed_links", "attach_files", "add_reactions", "external_emojis", "use_slash_commands"]],
  ["Voice", ["connect", "speak", "stream", "use_voice_activity"]],
];

const WORDS = {
  administrator: ["Administrator", "Passes every check. Give it only to people whom you trust with everything."],
  manage_server: ["Manage the server", "Name, looks, emojis, webhooks"],
  view_audit_log: ["Read the audit log", "Who did what, and when"],
  manage_roles: ["Manage roles", "Roles below their own"],
  manage_channels: ["Manage channels", "Make, change, order and delete them"],
  manage_users: ["Manage members", "Time out, ban, rename and remove members below; give and take roles below their own"],
  manage_messages: ["Manage messages", "Delete what others wrote"],
  manage_threads: ["Manage threads", "Lock, archive and delete threads of others"],
  create_invite: ["Invite people", "Make links for newcomers"],
  mention_everyone: ["Mention everyone", "Ping all members at once"],
  send_messages: ["Write messages", "Where the channel lets them"],
  read_message_history: ["Read older messages", ""],
  embed_links: ["Links with a preview", ""],
  attach_files: ["Attach files", ""],
  add_reactions: ["React", ""],
  external_emojis: ["Emojis of other servers", ""],
  use_slash_commands: ["Use commands", ""],
  connect: ["Join calls", ""],
  speak: ["Speak in calls", ""],
  stream: ["Share the screen in calls", ""],
  use_voice_activity: ["Speak without a key", ""],
};

/** [{title, list: [{id, label, text}]}] of what this server knows. */
export function permissionGroups() {
  const known = serverPermissions.value;
  const named = new Set(GROUPS.flatMap(([, list]) => list));
  const others = known.filter((id) => !named.has(id));
  return [...GROUPS, ["Other", others]]
    .map(([title, ids]) => ({ title, list: ids.filter((id) => known.includes(id)).map((id) => ({ id, label: WORDS[id]?.[0] ?? id, text: WORDS[id]?.[1] ?? "" })) }))
    .filter(({ list }) => list.length);
}

/** Why I may not switch a permission of a role that I manage; "" if I may. */
export function whyNot(role, id) {
  if (role.name === "owner") return "Owners may do everything";
  if (role.permissions.includes(id) || isOwner() || can(id) || EVERYDAY.has(id)) return "";
  return "You do not have it yourself, so you cannot pass it on";
}

export const mayBeSelfAssignable = (role, permissions) => !["owner", "admin", "moderator"].includes(role.name) && permissions.every((id) => EVERYDAY.has(id));
