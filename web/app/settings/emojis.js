// The community's own emojis: seen, added (several at once), renamed, deleted.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { emojis, limits } from "../core/state.js";
import { pictureOf, referenceTo } from "../chat/emojis.js";
import { attempt } from "../chat/menus.js";
import { copyText } from "../chat/copy.js";
import { Button, IconButton } from "../ui/button.js";
import { confirmDialog, DialogActions, openDialog } from "../ui/dialog.js";
import { Empty } from "../ui/empty.js";
import { TextField } from "../ui/field.js";
import { openMenu } from "../ui/menu.js";
import { nameProblem, NewEmojis } from "./new-emojis.js";

const SEARCH_FROM = 12;

export function EmojisPage() {
  const [search, setSearch] = useState("");
  const all = [...emojis.value.values()].sort((a, b) => a.name.localeCompare(b.name));
  const found = all.filter(({ name }) => name.toLowerCase().includes(search.trim().toLowerCase()));
  const { emojis: most, emoji_types: types } = limits.value;
  return html`
    <div class="settings-form">
      <${NewEmojis} types=${types} room=${most - all.length} />
      <section class="running-section">
        <header class="running-head">
          <h2>${all.length} of ${most.toLocaleString()}</h2>
          ${all.length >= SEARCH_FROM && html`<${TextField} type="search" label="Find an emoji" hideLabel icon="search" placeholder="Find" value=${search} onInput=${setSearch} />`}
        </header>
        ${!all.length
          ? html`<${Empty} icon="face-slightly-smiling-plus" title="No emojis yet" text="Add pictures, and members write them as :name: and react with them." />`
          : !found.length
            ? html`<${Empty} icon="search" title="No such emoji" text="None has this in its name." compact />`
            : html`<ul class="emoji-tiles" role="list">${found.map((emoji) => html`<${Tile} key=${emoji.id} emoji=${emoji} />`)}</ul>`}
      </section>
    </div>
  `;
}

function Tile({ emoji }) {
  const { id, name } = emoji;
  const rename = () => openDialog((close) => html`<${Rename} emoji=${emoji} close=${close} />`, { title: `Rename :${name}:`, size: "s" });
  const remove = async () => {
    const sure = await confirmDialog({ title: `Delete :${name}:?`, text: "Messages that show it keep their text; in its place stands that it is gone.", confirm: "Delete", danger: true });
    if (sure) await attempt("emoji_delete", { emoji_id: id }, `:${name}: deleted`);
  };
  const menu = (event) =>
    openMenu(event.currentTarget, [
      { label: "Rename", icon: "pencil", onSelect: rename },
      { label: "Copy for messages", icon: "copy", onSelect: () => copyText(referenceTo(id), "Copied") },
      "separator",
      { label: "Delete", icon: "trash", danger: true, onSelect: remove },
    ], { label: `:${name}:`, placement: "bottom-end" });
  return html`
    <li class="emoji-tile">
      <img src=${pictureOf(emoji)} alt="" width="48" height="48" loading="lazy" decoding="async" draggable=${false} />
      <span class="truncate" title=${`:${name}:`}>:${name}:</span>
      <${IconButton} icon="ellipsis" size="s" label=${`More for :${name}:`} tip=${false} aria-haspopup="menu" onClick=${menu} />
    </li>
  `;
}

function Rename({ emoji, close }) {
  const [name, setName] = useState(emoji.name);
  const [refused, setRefused] = useState("");
  const others = [...emojis.value.values()].filter(({ id }) => id !== emoji.id);
  const problem = nameProblem(name, others) ?? refused;
  const save = async () => {
    if (nameProblem(name, others)) return;
    if (name === emoji.name) return close();
    try {
      await request("emoji_update", { emoji_id: emoji.id, name });
      close();
    } catch (error) {
      setRefused(error.message);
    }
  };
  return html`
    <${TextField} label="Name" hint="Letters a to z, digits and underscores." value=${name} error=${problem} maxLength=${64} autocapitalize="none" spellcheck=${false} autocomplete="off"
      onInput=${(text) => { setName(text); setRefused(""); }} onEnter=${save} />
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" disabled=${Boolean(nameProblem(name, others))} onClick=${save}>Rename</${Button}>
    </${DialogActions}>
  `;
}
