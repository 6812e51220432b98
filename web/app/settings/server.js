// What the community is called and looks like, with the card that invited people see.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { plural } from "../core/format.js";
import { localUrl, server, users } from "../core/state.js";
import { Avatar } from "../ui/avatar.js";
import { Button } from "../ui/button.js";
import { TextArea, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { PictureButton } from "./picture-file.js";
import { SaveBar } from "./save-bar.js";

export function ServerPage() {
  const [draft, setDraft] = useState({});
  const now = { name: server.value.name, description: server.value.description ?? "", icon: server.value.icon || null, banner: server.value.banner || null };
  const wanted = { ...now, ...draft };
  const set = (key) => (value) => setDraft({ ...draft, [key]: value });
  const changes = Object.fromEntries(Object.entries(draft).filter(([key, value]) => value !== now[key]));
  const save = async () => {
    try {
      await request("server_update", changes);
      setDraft({});
      toast("Saved", "success");
    } catch (error) {
      toast(error, "danger");
    }
  };
  const show = (value) => (value?.startsWith("data:") ? value : localUrl(value));
  const problem = wanted.name.trim() ? "" : "The name must not be empty.";
  return html`
    <div class="settings-split">
      <div class="settings-form">
        <div class="picture-row">
          <${Avatar} square size=${88} src=${show(wanted.icon)} name=${wanted.name || "?"} />
          <div class="picture-text">
            <p class="field-label">Icon</p>
            <div class="settings-buttons">
              <${PictureButton} label=${wanted.icon ? "Another icon" : "Upload an icon"} width=${512} height=${512} square onPick=${set("icon")} />
              ${wanted.icon && html`<${Button} kind="quiet" onClick=${() => set("icon")(null)}>Remove</${Button}>`}
            </div>
          </div>
        </div>
        <${TextField} label="Name" value=${wanted.name} onInput=${set("name")} maxLength=${100} error=${problem} required />
        <${TextArea} label="Description" hint="What the community is about. Who has an invitation reads it before joining." value=${wanted.description} onInput=${set("description")} maxLength=${500} />
        <div>
          <p class="field-label">Banner</p>
          <div class="banner-preview" data-empty=${show(wanted.banner) ? null : ""}>
            ${show(wanted.banner) ? html`<img src=${show(wanted.banner)} alt="" />` : html`<${Icon} name="image" size=${26} />`}
          </div>
          <div class="settings-buttons">
            <${PictureButton} label=${wanted.banner ? "Another banner" : "Upload a banner"} width=${1600} height=${900} onPick=${set("banner")} />
            ${wanted.banner && html`<${Button} kind="quiet" onClick=${() => set("banner")(null)}>Remove</${Button}>`}
          </div>
        </div>
        <${SaveBar} changed=${Object.keys(changes).length > 0} save=${problem ? () => {} : save} reset=${() => setDraft({})} problem=${problem} />
      </div>
      <section class="settings-preview" aria-label="Preview">
        <h2>The invitation</h2>
        <article class="invite-card">
          ${show(wanted.banner) && html`<img class="invite-card-banner" src=${show(wanted.banner)} alt="" />`}
          <${Avatar} square size=${56} src=${show(wanted.icon)} name=${wanted.name || "?"} />
          <p class="invite-card-name">${wanted.name || "No name"}</p>
          ${wanted.description && html`<p class="invite-card-text">${wanted.description}</p>`}
          <p class="settings-note">${plural(users.value.size, "member")}</p>
          <span class="button" data-kind="primary" data-size="m" data-block aria-hidden="true">Join</span>
        </article>
      </section>
    </div>
  `;
}
