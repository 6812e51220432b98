// One channel: what it is called, who may do what in it, its modes, its members, its end.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { go } from "../core/router.js";
import { channelNamed, channelTitle, localUrl } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Avatar } from "../ui/avatar.js";
import { Button } from "../ui/button.js";
import { Empty } from "../ui/empty.js";
import { Select, Switch, TextArea, TextField } from "../ui/field.js";
import { toast } from "../ui/toast.js";
import { MODES } from "./channel-modes.js";
import { ChannelPeople } from "./channel-people.js";
import { ChannelRules, sameRules } from "./channel-rules.js";
import { Back, TYPES } from "./channels.js";
import { confirmTyped } from "./confirm-typed.js";
import { PictureButton } from "./picture-file.js";
import { SaveBar } from "./save-bar.js";

export function ChannelPage({ name }) {
  const channel = channelNamed(name);
  const [draft, setDraft] = useState({});
  const [problem, setProblem] = useState("");
  if (!channel || channel.members) {
    return html`<${Back} /><${Empty} icon="hash" title="There is no such channel" text="It was deleted or renamed, or is not for you." />`;
  }
  const now = {
    name: channel.name, display_name: channel.display_name ?? "", description: channel.description ?? "", icon: channel.icon ?? "", type: channel.type,
    permissions: channel.permissions, ...Object.fromEntries(MODES.map(({ key }) => [key, Boolean(channel[key])])),
  };
  const wanted = { ...now, ...draft };
  const set = (key) => (value) => {
    setDraft({ ...draft, [key]: value });
    setProblem("");
  };
  const differs = (key) => key in draft && (key === "permissions" ? !sameRules(draft[key], now[key]) : draft[key] !== now[key]);
  const changed = Object.keys(draft).filter(differs);
  const save = async () => {
    const modes = pick(draft, changed.filter((key) => key === "key" || MODES.some((mode) => mode.key === key)));
    const picture = draft.icon?.startsWith("data:") ? draft.icon : null;
    const updates = pick(draft, changed.filter((key) => !(key in modes) && !(key === "icon" && picture)));
    for (const key of ["display_name", "icon"]) if (updates[key] === "") updates[key] = null;
    try {
      if (Object.keys(modes).length) await request("channel_modes_set", { channel: channel.name, ...modes });
      if (picture) await request("channel_icon_upload", { channel: channel.name, image: picture });
      if (Object.keys(updates).length) await request("channel_update", { current_name: channel.name, updates });
      toast("Saved", "success");
      setDraft({});
      if (updates.name) setTimeout(() => go({ page: "settings", section: `channels:${updates.name}` }, { replace: true })); // after the guard is gone
    } catch (error) {
      setProblem(error.message);
    }
  };
  const separator = wanted.type === "separator";
  return html`
    <div class="settings-form settings-sections">
      <section class="settings-form">
        <${Back} />
        <h2>${channelTitle(channel)}</h2>
        <${TextField} label="Name" value=${wanted.name} onInput=${set("name")} maxLength=${64} required hint="What links and commands call it." />
        <${TextField} label="Display name" value=${wanted.display_name} onInput=${set("display_name")} maxLength=${100} placeholder=${wanted.name} hint="What people read in place of the name. May hold spaces." />
        ${!separator && html`
          <${TextArea} label="Description" value=${wanted.description} onInput=${set("description")} maxLength=${1000} rows=${2} />
          <${ChannelIcon} name=${wanted.name} icon=${wanted.icon} onInput=${set("icon")} />
          <${Select} label="Kind" value=${wanted.type} onInput=${set("type")} options=${TYPES.filter(({ value }) => value !== "separator")} hint=${wanted.type === now.type ? null : "What was written stays stored, and is shown again when the kind is changed back."} />`}
      </section>
      <${ChannelRules} channel=${channel.name} type=${wanted.type} rules=${wanted.permissions} onInput=${set("permissions")} />
      ${!separator && html`
        <section>
          <h2>Modes</h2>
          <div class="settings-choices">
            ${MODES.map(({ key, label, hint }) => html`<${Switch} key=${key} label=${label} hint=${hint} value=${wanted[key]} onInput=${set(key)} />`)}
            <${TextField} label="Key" value=${draft.key ?? ""} onInput=${set("key")} maxLength=${64} placeholder=${channel.key ? "There is one. Write another to replace it" : "None"} autocomplete="off" hint="Who joins has to know it." />
            ${channel.key && html`<div><${Button} kind="quiet" onClick=${() => attempt("channel_modes_set", { channel: channel.name, key: null }, "The key is removed")}>Remove the key</${Button}></div>`}
          </div>
        </section>
        <${ChannelPeople} channel=${channel} />`}
      <section class="danger-zone">
        <h2>Delete</h2>
        <div class="danger-row">
          <p>${separator ? "The heading goes. The channels below it stay." : "The channel goes with all its messages and threads."}</p>
          <${Button} kind="danger" icon="trash" onClick=${() => remove(channel, () => setDraft({}))}>Delete…</${Button}>
        </div>
      </section>
      <${SaveBar} changed=${changed.length > 0} save=${save} reset=${() => { setDraft({}); setProblem(""); }} problem=${problem} />
    </div>
  `;
}

/** icon: address, data URI of a picture that is to be uploaded, or "" for none. */
function ChannelIcon({ name, icon, onInput }) {
  const shown = icon.startsWith("data:") ? icon : localUrl(icon);
  return html`
    <div class="picture-row">
      <${Avatar} square size=${56} src=${shown} name=${name || "?"} />
      <div class="picture-text">
        <p class="field-label">Icon</p>
        ${icon && !shown && html`<p class="settings-note">Its picture is at ${icon}. Pages of this server load none from elsewhere: upload it to have it shown here.</p>`}
        <div class="settings-buttons">
          <${PictureButton} label=${icon ? "Another icon" : "Upload an icon"} width=${256} height=${256} square onPick=${onInput} />
          ${icon && html`<${Button} kind="quiet" onClick=${() => onInput("")}>Remove the icon</${Button}>`}
        </div>
      </div>
    </div>
  `;
}

function remove(channel, forget) {
  confirmTyped({
    title: `Delete ${channelTitle(channel)}?`,
    text: "Nobody can bring it back.",
    word: channel.name,
    confirm: "Delete",
    run: async () => {
      const done = await attempt("channel_delete", { name: channel.name }, "Deleted");
      if (!done) return false;
      forget();
      setTimeout(() => go({ page: "settings", section: "channels" }, { replace: true }));
      return true;
    },
  });
}

function pick(object, keys) {
  return Object.fromEntries(keys.map((key) => [key, object[key]]));
}
