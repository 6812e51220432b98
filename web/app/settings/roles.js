// The roles in their order of power, a matrix of what they may do, and a page for each. detail: the id of one, or "new".
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { plural } from "../core/format.js";
import { mayManage } from "../core/permissions.js";
import { go, link } from "../core/router.js";
import { roles, users } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Badge } from "../ui/badge.js";
import { Button } from "../ui/button.js";
import { DragList } from "../ui/drag-list.js";
import { Empty } from "../ui/empty.js";
import { ColorField, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { Tabs } from "../ui/tabs.js";
import { toast } from "../ui/toast.js";
import { RoleMatrix } from "./role-matrix.js";
import { RolePage } from "./role-page.js";

export const COLORS = ["#e5484d", "#f76b15", "#e2a336", "#46a758", "#12a594", "#0090ff", "#6e56cf", "#d6409f", "#8b8d98"];

export function RolesPage({ detail }) {
  if (detail === "new") return html`<${NewRole} />`;
  if (detail && detail !== "permissions") {
    const role = [...roles.value.values()].find(({ id }) => id === detail);
    return role ? html`<${RolePage} key=${role.id} role=${role} />` : html`<${Back} /><${Empty} icon="shield" title="There is no such role" text="It was deleted." />`;
  }
  const tab = detail ?? "order";
  return html`
    <div class="settings-wide">
      <${Tabs} label="Roles" value=${tab} onSelect=${(id) => go({ page: "settings", section: id === "order" ? "roles" : "roles:permissions" }, { replace: true })}
        tabs=${[{ id: "order", label: "Roles", icon: "shield" }, { id: "permissions", label: "Permissions", icon: "square-check" }]}>
        ${tab === "order" ? html`<${RoleOrder} />` : html`<${RoleMatrix} />`}
      </${Tabs}>
    </div>
  `;
}

function RoleOrder() {
  const [moved, setMoved] = useState(null);
  const list = [...roles.value.values()];
  const shown = moved && moved.length === list.length ? moved.map(({ name }) => roles.value.get(name)).filter(Boolean) : list;
  const counts = new Map();
  for (const user of users.value.values()) for (const name of user.roles) counts.set(name, (counts.get(name) ?? 0) + 1);
  const move = async (from, to) => {
    const next = [...shown];
    next.splice(to, 0, ...next.splice(from, 1));
    setMoved(next);
    await attempt("role_reorder", { roles: next.filter(mayManage).map(({ id }) => id) });
    setMoved(null);
  };
  return html`
    <div class="page-head">
      <p class="settings-note">Above is more powerful: who manages roles and members reaches only those below. Roles at or above yours stay where they are.</p>
      <${Button} kind="primary" icon="plus" onClick=${() => go({ page: "settings", section: "roles:new" })}>New role</${Button}>
    </div>
    <${DragList} label="Roles" items=${shown} keyOf=${(role) => role.name} onMove=${move} fixed=${(role) => !mayManage(role) || role.name === "owner"}
      render=${(role) => html`
        <a class="order-row" href=${link({ page: "settings", section: `roles:${role.id}` })}>
          <span class="role-dot" style=${{ "--role": role.color ?? "" }}></span>
          <span class="order-row-main">${role.name} ${role.self_assignable && html`<${Badge}>Free to take</${Badge}>`}</span>
          <span class="order-row-note">${plural(counts.get(role.name) ?? 0, "member")}</span>
          <${Icon} name=${mayManage(role) ? "chevron-right" : "lock"} size=${16} label=${mayManage(role) ? undefined : "At or above yours"} />
        </a>`} />
  `;
}

function NewRole() {
  const [name, setName] = useState("");
  const [color, setColor] = useState("");
  const [problem, setProblem] = useState("");
  const create = async () => {
    try {
      const { id } = await request("role_create", { name: name.trim(), ...(color ? { color } : {}) });
      toast(`${name.trim()} is there`, "success");
      go({ page: "settings", section: `roles:${id}` }, { replace: true });
    } catch (error) {
      setProblem(error.message);
    }
  };
  const write = (value) => {
    setName(value);
    setProblem("");
  };
  return html`
    <div class="settings-form">
      <${Back} />
      <h2>New role</h2>
      <${TextField} label="Name" value=${name} onInput=${write} error=${problem} maxLength=${64} required onEnter=${create} />
      <${ColorField} label="Color" value=${color} onInput=${setColor} swatches=${COLORS} optional />
      <p class="settings-note">It begins at the end of the list, without permissions.</p>
      <div class="settings-buttons">
        <${Button} kind="primary" disabled=${!name.trim()} onClick=${create}>Create</${Button}>
        <${Button} kind="quiet" onClick=${() => go({ page: "settings", section: "roles" })}>Cancel</${Button}>
      </div>
    </div>
  `;
}

export function Back() {
  return html`<div><${Button} kind="plain" class="page-back" icon="arrow-left" onClick=${() => go({ page: "settings", section: "roles" })}>All roles</${Button}></div>`;
}
