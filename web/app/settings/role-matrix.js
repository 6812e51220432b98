// All roles and all permissions of the server in one table; each switch counts at once.
import { Fragment, html } from "../lib.js";
import { mayManage } from "../core/permissions.js";
import { roles } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Checkbox } from "../ui/field.js";
import { permissionGroups, whyNot } from "./role-words.js";

export function RoleMatrix() {
  const list = [...roles.value.values()];
  return html`
    <p class="settings-note page-head">A change counts at once. Greyed switches are those of roles at or above yours, and what you may not pass on.</p>
    <div class="matrix-scroll" tabindex="0" role="region" aria-label="Permissions of all roles">
      <table class="matrix">
        <thead><tr><th scope="col">Permission</th>${list.map((role) => html`<th key=${role.name} scope="col">${role.name}</th>`)}</tr></thead>
        <tbody>
          ${permissionGroups().map((group) => html`
            <${Fragment} key=${group.title}>
              <tr class="matrix-group"><th scope="rowgroup">${group.title}</th><td colspan=${list.length}></td></tr>
              ${group.list.map((permission) => html`
                <tr key=${permission.id}>
                  <th scope="row">${permission.label}${permission.text && html`<small>${permission.text}</small>`}</th>
                  ${list.map((role) => html`<td key=${role.name}><${Cell} role=${role} permission=${permission} /></td>`)}
                </tr>`)}
            </${Fragment}>`)}
        </tbody>
      </table>
    </div>
  `;
}

function Cell({ role, permission }) {
  const holds = role.name === "owner" || role.permissions.includes(permission.id);
  const why = mayManage(role) ? whyNot(role, permission.id) : "This role is at or above yours";
  const turn = (on) => attempt("role_permissions_set", { id: role.id, permissions: on ? [...role.permissions, permission.id] : role.permissions.filter((id) => id !== permission.id) });
  return html`<span data-tip=${why || null}><${Checkbox} hideLabel label=${`${permission.label}, ${role.name}${why ? ` (${why})` : ""}`} value=${holds} disabled=${Boolean(why)} onInput=${turn} /></span>`;
}
