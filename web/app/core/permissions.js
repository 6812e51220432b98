// What I may do, by the rules of the server (db/permissions.py). It decides what is offered; the server decides what happens.
import { me, myUser, roles } from "./state.js";

/** What holds for a key without a rule. */
export const DEFAULT_RULES = {
  view: ["owner"], send: ["owner"], delete: ["owner"], delete_own: ["user"], edit_own: ["user"], react: ["user"], pin: ["owner"],
  create_thread: ["owner"],
};
const NEEDS_VOICE = new Set(["send", "edit_own", "create_thread"]); // while the channel is moderated
const IN_DIRECTS = new Set(["view", "send", "react", "edit_own", "delete_own", "pin"]);

export function can(permission) {
  const user = myUser.value;
  if (!user) return false;
  return user.roles.some((name) => {
    if (name === "owner") return true;
    const granted = roles.value.get(name)?.permissions ?? [];
    return granted.includes(permission) || granted.includes("administrator");
  });
}

export function isOwner() {
  return myUser.value?.roles.includes("owner") ?? false;
}

/** key: view, send, delete, delete_own, edit_own, react, pin, create_thread. */
export function canIn(channel, key) {
  const user = myUser.value;
  if (!channel || !user) return false;
  if (channel.members) return channel.members.includes(me.value) && IN_DIRECTS.has(key);
  if (channel.operator || can("administrator")) return true;
  if (channel.moderated && !channel.voice && NEEDS_VOICE.has(key)) return false;
  return decide(channel.permissions[key] ?? DEFAULT_RULES[key], user.roles);
}

/** Whether I could write in a channel if it were not moderated. */
export function needsVoice(channel) {
  return !canIn(channel, "send") && canIn({ ...channel, moderated: false }, "send");
}

/** The first role that the rule names decides: `!role` denies, `role` allows. */
export function decide(rule, roleNames) {
  for (const name of roleNames) {
    if (rule.includes(`!${name}`)) return false;
    if (rule.includes(name)) return true;
  }
  return false;
}

export function rankOf(roleNames) {
  const positions = roleNames.map((name) => roles.value.get(name)?.position).filter((position) => position !== undefined);
  return positions.length ? Math.min(...positions) : 9999;
}

/** Whether I may act on a member. */
export function outranks(user) {
  const mine = myUser.value;
  if (!mine || !user) return false;
  if (mine.roles.includes("owner")) return true;
  return !user.roles.includes("owner") && rankOf(mine.roles) < rankOf(user.roles);
}

/** Whether a role is below mine: may be changed, given and taken by me. */
export function mayManage(role) {
  if (isOwner()) return true;
  return role.name !== "owner" && role.name !== "admin" && role.position > rankOf(myUser.value?.roles ?? []);
}
