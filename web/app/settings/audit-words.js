// The moderation log as sentences. An entry has the names of its time; details depend on the action (docs/moderation-log.md).
import { displayName, plainName, userNamed } from "../core/state.js";

export const CATEGORIES = [
  { value: "user_moderation", label: "Members", icon: "users" },
  { value: "role_management", label: "Roles", icon: "shield" },
  { value: "channel_management", label: "Channels", icon: "hash" },
  { value: "message_moderation", label: "Messages", icon: "message-square" },
  { value: "server_management", label: "Server", icon: "server" },
  { value: "other", label: "Other", icon: "circle" },
];

/** action -> what was done. {target} and {<detail>} stand for names; a detail that is named in it is not listed again. */
const SENTENCES = {
  user_ban: "banned {target}",
  user_unban: "lifted the ban of {target}",
  user_timeout: (details) => (details.timeout > 0 ? "muted {target}" : "lifted the timeout of {target}"),
  user_roles_set: "changed the roles of {target}",
  user_update: "changed the name of {target}",
  user_delete: (details) => (details.erase ? "deleted {target} and everything of theirs" : "deleted the account of {target}"),
  user_export: "fetched the archive of {target}",
  channel_kick: "removed {target} from {channel}",
  access_token_create: "made an access token for {target}",
  role_create: "made the role {target}",
  role_update: "changed the role {target}",
  role_delete: "deleted the role {target}",
  role_reorder: "put the roles in another order",
  role_permissions_set: "changed what the role {target} may do",
  self_role_add: "took the role {role}",
  self_role_remove: "gave back the role {role}",
  channel_create: "made the channel {target}",
  channel_update: "changed the channel {target}",
  channel_move: "moved the channel {target}",
  channel_delete: "deleted the channel {target}",
  channel_modes_set: "changed the modes of {target}",
  channel_member_set: "changed what {target} may do in {channel}",
  message_delete: "deleted a message of {target} in {channel}",
  message_pin: "pinned a message of {target} in {channel}",
  message_unpin: "unpinned a message of {target} in {channel}",
  poll_end: "ended the poll {target}",
  attachment_delete: "deleted the file {target}",
  server_update: "changed name or pictures of the server",
  settings_update: "changed the configuration",
  backup_create: "made the backup {target}",
  emoji_add: "added the emoji {target}",
  emoji_update: "changed the emoji {target}",
  emoji_delete: "deleted the emoji {target}",
  webhook_create: "made the webhook {target} in {channel}",
  webhook_update: "changed the webhook {target} in {channel}",
  webhook_delete: "deleted the webhook {target} in {channel}",
  webhook_regenerate: "gave the webhook {target} in {channel} a new address",
  invite_create: "made the invitation {target}",
  invite_delete: "withdrew the invitation {target}",
  plugins_reload: (details) => (details.plugin === "all" ? "loaded all plugins anew" : "loaded the plugin {plugin} anew"),
  plugin_settings_update: "changed settings of the plugin {plugin}",
  plugin_set_enabled: (details) => (details.enabled ? "switched the plugin {plugin} on" : "switched the plugin {plugin} off"),
  rate_limit_reset: "lifted the message limit of {target}",
  claim_owner: "became the owner",
};
const ICONS = {
  ban: "ban", unban: "user-check", timeout: "timer", delete: "trash", create: "plus", add: "plus", pin: "pin", unpin: "pin-off", kick: "user-x", export: "download",
  regenerate: "rotate-cw", reload: "refresh-cw", backup: "archive", claim: "crown", move: "arrow-up", reorder: "arrow-up",
};
/** Details that the sentence says already, or that say nothing to people. */
const SILENT = new Set(["id", "message_id", "thread_id", "channel_id", "plugin", "enabled", "erase", "author"]);
const SETTINGS = new Set(["settings_update", "plugin_settings_update"]);
const PICTURES = new Set(["Icon", "Banner", "Wallpaper", "Avatar"]);
const NAMES = {
  expires_at: "Expires", max_uses: "Uses", send: "Who sends", view: "Who reads", muted_until: "Muted until", created_by: "Made by", timeout: "For",
};

/** [{text} | {text, bold: true}] that begin with who did it. */
export function sentenceOf({ action, actor_id: actorId, actor_name: actor, target_id: targetId, target_name: target, details }) {
  const known = SENTENCES[action];
  const words = (typeof known === "function" ? known(details) : known) ?? `did ${action.replaceAll("_", " ")}${target ? " to {target}" : ""}`;
  const values = { ...details, target };
  const parts = words.split(/(\{\w+\})/).map((part) => {
    const slot = /^\{(\w+)\}$/.exec(part)?.[1];
    if (!slot) return { text: part };
    const value = values[slot];
    return { text: slot === "channel" ? (value ? `#${value}` : "a direct channel") : slot === "target" ? (actorId && targetId === actorId ? "themselves" : targetName(action, value)) : String(value ?? "unknown"), bold: true };
  });
  return [{ text: actorName(actor), bold: true }, { text: " " }, ...parts];
}

export function iconOf({ action }) {
  const words = action.split("_");
  return ICONS[words.at(-1)] ?? ICONS[words[0]] ?? "pencil";
}

/** [name, value, what it was before] of what changed, for people; the last is null where it is not known, or the same. */
export function detailsOf({ action, details, before = {} }) {
  const named = String(typeof SENTENCES[action] === "function" ? "" : (SENTENCES[action] ?? ""));
  const settings = SETTINGS.has(action) && details.changes;
  const was = settings ? (before.changes ?? {}) : before;
  const fields = settings ? { ...details.changes, ...(details.secrets && { secrets: details.secrets }) } : details;
  return Object.entries(fields)
    .filter(([name, value]) => !SILENT.has(name) && !named.includes(`{${name}}`) && value !== undefined)
    .flatMap(([name, value]) => parts(name, value, was))
    .map(([name, value, old]) => [settings ? (name === "secrets" ? "Secret" : name) : (NAMES[name] ?? capital(name.replaceAll("_", " "))), shownValue(name, value), old === undefined ? null : shownValue(name, old)])
    .map(([name, value, old]) => (old === value ? [name, PICTURES.has(name) ? "another one" : value, null] : [name, value, old]));
}

/** [[name, value, old]]; an object as its entries, without those that stayed; old: undefined where it is not known. */
function parts(name, value, was) {
  const old = was[name];
  if (!value || typeof value !== "object" || Array.isArray(value)) return [[name, value, name in was ? old : undefined]];
  if (!old || typeof old !== "object") return Object.entries(value).map(([inner, one]) => [`${name}.${inner}`, one, undefined]);
  return [...new Set([...Object.keys(old), ...Object.keys(value)])]
    .filter((inner) => JSON.stringify(old[inner]) !== JSON.stringify(value[inner]))
    .map((inner) => [`${name}.${inner}`, value[inner] ?? null, old[inner] ?? null]);
}

export function actorName(name) {
  return name === "on disk" ? "Somebody who edited the files" : personName(name);
}

export function personName(name) {
  return userNamed(name) ? displayName(name) : plainName(name);
}

function targetName(action, name) {
  if (!name) return "somebody";
  if (action.startsWith("channel_") && !/kick|member/.test(action)) return `#${name}`;
  if (action.startsWith("emoji_")) return `:${name}:`;
  return personName(name);
}

const NOTHING = { expires_at: "never", max_uses: "any number" };

function shownValue(name, value) {
  if (value === null && name in NOTHING) return NOTHING[name];
  if (value === null || value === "") return "none";
  if (name === "position") return String(value + 1);
  if (/^(icon|banner|wallpaper|avatar)$/.test(name)) return "a picture";
  if (value === true) return "yes";
  if (value === false) return "no";
  if (Array.isArray(value)) return value.length ? value.map(String).join(", ") : "none";
  if (/(_at|until)$/.test(name) && typeof value === "number") return new Date(value * 1000).toLocaleString();
  if (name === "timeout") return duration(value);
  if (typeof value === "object") return JSON.stringify(value);
  return /^(author|created_by|uploader)$/.test(name) ? personName(String(value)) : String(value);
}

function duration(seconds) {
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, each]) => seconds >= each) ?? units.at(-1);
  const count = Math.round(seconds / size);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
