// How others see me: picture, name, status, and the roles that everybody may take.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { avatarUrl, capabilities, handshake, limits, me, myUser, plainName, roles } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Avatar } from "../ui/avatar.js";
import { Button } from "../ui/button.js";
import { Switch, TextField } from "../ui/field.js";
import { toast } from "../ui/toast.js";
import { useFetched } from "./fetched.js";
import { PictureButton } from "./picture-file.js";
import { SaveBar } from "./save-bar.js";

export function ProfilePage() {
  const user = myUser.value;
  const [nickname, setNickname] = useState(null);
  const [text, setText] = useState(null);
  if (!user) return null;
  const wanted = { nickname: nickname ?? user.nickname ?? "", text: text ?? user.status.text ?? "" };
  const renamed = wanted.nickname.trim() !== (user.nickname ?? "");
  const said = wanted.text.trim() !== (user.status.text ?? "");
  const reset = () => {
    setNickname(null);
    setText(null);
  };
  const save = async () => {
    try {
      if (renamed) await (wanted.nickname.trim() ? request("nickname_update", { nickname: wanted.nickname.trim() }) : request("nickname_remove"));
      if (said) await request("status_set", { status: user.status.status, text: wanted.text.trim() });
      reset();
      toast("Profile saved", "success");
    } catch (error) {
      toast(error, "danger");
    }
  };
  return html`
    <div class="settings-split">
      <div class="settings-form">
        <${Picture} />
        <${TextField} label="Nickname" hint="What others read in place of your username. Empty: your username." value=${wanted.nickname} onInput=${setNickname} maxLength=${limits.value.nickname} placeholder=${plainName(user.username)} />
        <${TextField} label="Status text" hint="Beside your name in the list of members." value=${wanted.text} onInput=${setText} maxLength=${limits.value.status_text} placeholder="What are you doing?" />
        <${SelfRoles} />
        <${SaveBar} changed=${renamed || said} save=${save} reset=${reset} />
      </div>
      <section class="settings-preview" aria-label="Preview">
        <h2>As others see you</h2>
        <${Card} user=${user} nickname=${wanted.nickname.trim()} text=${wanted.text.trim()} />
      </section>
    </div>
  `;
}

function Picture() {
  const fixed = handshake.value?.auth_mode === "rotur";
  const url = avatarUrl(me.value);
  if (fixed || !capabilities.value.has("pfp_upload")) {
    return html`<div class="picture-row"><${Avatar} username=${me.value} size=${88} /><p class="settings-note">Your picture is the one of your Rotur account.</p></div>`;
  }
  return html`
    <div class="picture-row">
      <${Avatar} username=${me.value} size=${88} />
      <div class="picture-text">
        <div class="settings-buttons">
          <${PictureButton} label=${url ? "Another picture" : "Upload a picture"} width=${512} height=${512} square onPick=${(image) => attempt("pfp_upload", { image }, "Your picture is changed")} />
          ${url && html`<${Button} kind="quiet" onClick=${() => attempt("pfp_set", { url: "" }, "Your picture is removed")}>Remove</${Button}>`}
        </div>
        <p class="settings-note">PNG, JPEG, WebP or GIF. It is cut square, and details such as the place where it was taken are removed.</p>
      </div>
    </div>
  `;
}

function Card({ user, nickname, text }) {
  return html`
    <article class="profile profile-preview">
      <header class="profile-head">
        <${Avatar} username=${user.username} name=${nickname || plainName(user.username)} size=${64} status=${user.status} />
        <div class="profile-names">
          <p class="profile-name">${nickname || plainName(user.username)}</p>
          <p class="profile-username">${plainName(user.username)}${user.cracked ? "" : " · Rotur"}</p>
        </div>
      </header>
      ${text && html`<p class="profile-status">${text}</p>`}
      <ul class="profile-roles" role="list" aria-label="Roles">
        ${user.roles.map((name) => html`<li key=${name} class="role-chip" style=${{ "--role": roles.value.get(name)?.color ?? "" }}><span class="role-dot"></span>${name}</li>`)}
      </ul>
    </article>
  `;
}

function SelfRoles() {
  const fetched = useFetched("self_roles_list");
  const open = fetched.answer?.roles ?? [];
  if (!open.length) return null;
  const held = new Set(myUser.value.roles);
  const toggle = (role, on) => attempt(on ? "self_role_add" : "self_role_remove", { role: role.name });
  const groups = Map.groupBy ? Map.groupBy(open, (role) => role.category ?? "") : new Map([["", open]]);
  return html`
    <section>
      <h2>Roles you can take</h2>
      ${[...groups].map(([category, list]) => html`
        <div key=${category} class="settings-choices">
          ${category && html`<h3>${category}</h3>`}
          ${list.map((role) => html`<${Switch} key=${role.id} label=${role.name} hint=${role.description} value=${held.has(role.name)} onInput=${(on) => toggle(role, on)} />`)}
        </div>`)}
    </section>
  `;
}
