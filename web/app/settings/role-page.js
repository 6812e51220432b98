// One role: how it looks, what it may do, who has it.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { mayManage, outranks } from "../core/permissions.js";
import { go } from "../core/router.js";
import { displayName, me, plainName, users } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Avatar } from "../ui/avatar.js";
import { Button, IconButton } from "../ui/button.js";
import { ColorField, Switch, TextArea, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { confirmTyped } from "./confirm-typed.js";
import { PersonField, personCalled } from "./person-field.js";
import { mayBeSelfAssignable, permissionGroups, whyNot } from "./role-words.js";
import { Back, COLORS } from "./roles.js";
import { SaveBar } from "./save-bar.js";

const FIELDS = ["name", "color", "description", "category", "hoisted", "self_assignable", "permissions"];
const PROTECTED = ["owner", "admin", "user"];
const PAGE = 50;

export function RolePage({ role }) {
  const [draft, setDraft] = useState({});
  const [problem, setProblem] = useState("");
  const editable = mayManage(role);
  const wanted = { ...role, ...draft };
  const set = (key) => (value) => {
    setDraft({ ...draft, [key]: value });
    setProblem("");
  };
  const text = (value) => value ?? "";
  const same = (key) => (key === "permissions" ? [...draft[key]].sort().join() === [...role[key]].sort().join() : text(draft[key]) === text(role[key]));
  const changed = FIELDS.filter((key) => key in draft && !same(key));
  const save = async () => {
    const data = Object.fromEntries(changed.map((key) => [key, draft[key] === "" ? null : draft[key]]));
    try {
      await request("role_set", { id: role.id, data });
      setDraft({});
      toast("Saved", "success");
    } catch (error) {
      setProblem(error.message);
    }
  };
  const togglePermission = (id, on) => set("permissions")(on ? [...wanted.permissions, id] : wanted.permissions.filter((each) => each !== id));
  const free = mayBeSelfAssignable(role, wanted.permissions);
  return html`
    <div class="settings-form settings-sections">
      <section class="settings-form">
        <${Back} />
        <h2><span class="role-chip" style=${{ "--role": text(wanted.color) }}><span class="role-dot"></span>${wanted.name}</span></h2>
        ${!editable && html`<p class="page-notice"><${Icon} name="lock" size=${18} /> This role is at or above yours: you can look at it, and not change it.</p>`}
        <${TextField} label="Name" value=${wanted.name} onInput=${set("name")} maxLength=${64} disabled=${!editable || PROTECTED.includes(role.name)} hint=${PROTECTED.includes(role.name) ? "A role of the system keeps its name." : null} />
        <${ColorField} label="Color" value=${text(wanted.color)} onInput=${set("color")} swatches=${COLORS} optional disabled=${!editable} />
        <${TextArea} label="Description" value=${text(wanted.description)} onInput=${set("description")} maxLength=${1000} rows=${2} disabled=${!editable} />
        <${TextField} label="Category" value=${text(wanted.category)} onInput=${set("category")} maxLength=${64} disabled=${!editable} hint="Groups roles that members take themselves, such as languages." />
        <${Switch} label="List its members apart" value=${wanted.hoisted} onInput=${set("hoisted")} disabled=${!editable} />
        <${Switch} label="Members take it themselves" value=${wanted.self_assignable} onInput=${set("self_assignable")} disabled=${!editable || (!free && !wanted.self_assignable)}
          hint=${free ? "In their own profile." : "Not for roles with power over others."} />
      </section>
      <section>
        <h2>Permissions</h2>
        ${permissionGroups().map((group) => html`
          <div key=${group.title} class="settings-choices">
            <h3>${group.title}</h3>
            ${group.list.map(({ id, label, text: hint }) => {
              const why = editable ? whyNot(role, id) : "";
              return html`<${Switch} key=${id} label=${label} hint=${[hint, why].filter(Boolean).join(". ")} value=${role.name === "owner" || wanted.permissions.includes(id)} disabled=${!editable || Boolean(why)} onInput=${(on) => togglePermission(id, on)} />`;
            })}
          </div>`)}
      </section>
      <${Holders} role=${role} editable=${editable} />
      ${editable && !PROTECTED.includes(role.name) && html`
        <section class="danger-zone">
          <h2>Delete</h2>
          <div class="danger-row">
            <p>Members lose the role. Channels whose rules name it have to be changed before.</p>
            <${Button} kind="danger" icon="trash" onClick=${() => remove(role, () => setDraft({}))}>Delete…</${Button}>
          </div>
        </section>`}
      <${SaveBar} changed=${changed.length > 0} save=${save} reset=${() => { setDraft({}); setProblem(""); }} problem=${problem} />
    </div>
  `;
}

function remove(role, forget) {
  confirmTyped({
    title: `Delete ${role.name}?`, text: "Nobody can bring it back.", word: role.name, confirm: "Delete",
    run: async () => {
      if (!(await attempt("role_delete", { id: role.id }, "Deleted"))) return false;
      forget();
      setTimeout(() => go({ page: "settings", section: "roles" }, { replace: true }));
      return true;
    },
  });
}

function Holders({ role, editable }) {
  const [who, setWho] = useState("");
  const [most, setMost] = useState(PAGE);
  const list = [...users.value.values()].filter((user) => user.roles.includes(role.name));
  const may = (user) => editable && (outranks(user) || user.username === me.value);
  const add = async () => {
    const user = personCalled(who);
    if (!user) return toast("Nobody is called that.", "danger");
    if (await attempt("user_roles_add", { user: user.username, roles: [role.name] }, `${displayName(user.username)} is ${role.name} now`)) setWho("");
    return undefined;
  };
  return html`
    <section>
      <h2>Members with this role · ${list.length.toLocaleString()}</h2>
      ${editable && html`
        <div class="add-row">
          <${PersonField} label="Add a member" value=${who} onInput=${setWho} onEnter=${add} />
          <${Button} icon="user-plus" disabled=${!who.trim()} onClick=${add}>Add</${Button}>
        </div>`}
      ${list.length > 0
        ? html`
          <ul class="settings-rows" role="list" aria-label="Members with this role">
            ${list.slice(0, most).map((user) => html`
              <li key=${user.username} class="settings-row">
                <${Avatar} username=${user.username} size=${32} />
                <div class="settings-row-main"><p class="row-title">${displayName(user.username)}</p><p class="row-text">${plainName(user.username)}</p></div>
                <${IconButton} icon="x" label=${`Take ${role.name} from ${displayName(user.username)}`} disabled=${!may(user)} onClick=${() => attempt("user_roles_remove", { user: user.username, roles: [role.name] })} />
              </li>`)}
          </ul>
          ${list.length > most && html`<div class="pager"><${Button} onClick=${() => setMost(most + PAGE)}>Show more</${Button}></div>`}`
        : html`<p class="settings-note">Nobody has it.</p>`}
    </section>
  `;
}
