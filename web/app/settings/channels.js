// The channels in their order, under their categories; and a page for each. detail: the name of one, or "new".
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { go, link } from "../core/router.js";
import { channels, channelTitle } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Badge } from "../ui/badge.js";
import { Button } from "../ui/button.js";
import { DragList } from "../ui/drag-list.js";
import { Empty } from "../ui/empty.js";
import { Select, TextArea, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { ChannelPage } from "./channel-page.js";

export const TYPES = [
  { value: "text", label: "Text", icon: "hash", text: "Messages, one after the other" },
  { value: "forum", label: "Forum", icon: "messages-square", text: "A thread for each subject" },
  { value: "voice", label: "Voice", icon: "volume-2", text: "Talk" },
  { value: "separator", label: "Category", icon: "minus", text: "A heading above the channels that follow it" },
];
export const iconOf = (type) => TYPES.find(({ value }) => value === type)?.icon ?? "hash";

export function ChannelsPage({ detail }) {
  if (detail === "new") return html`<${NewChannel} />`;
  if (detail) return html`<${ChannelPage} key=${detail} name=${detail} />`;
  return html`<${ChannelOrder} />`;
}

const listed = () => channels.value.filter((channel) => !channel.members);

function ChannelOrder() {
  const [moved, setMoved] = useState(null); // the order on its way to the server
  const list = listed();
  const shown = moved && sameNames(moved, list) ? moved : list;
  const move = async (from, to) => {
    const next = [...shown];
    next.splice(to, 0, ...next.splice(from, 1));
    setMoved(next);
    await attempt("channel_move", { name: shown[from].name, position: to });
    setMoved(null);
  };
  return html`
    <div>
      <div class="page-head">
        <p class="settings-note">Drag a handle, or focus it and press Space, to move a channel. A category heads the channels that follow it.</p>
        <${Button} kind="primary" icon="plus" onClick=${() => go({ page: "settings", section: "channels:new" })}>New channel</${Button}>
      </div>
      ${shown.length
        ? html`<${DragList} label="Channels" items=${shown} keyOf=${(channel) => channel.name} nameOf=${channelTitle} onMove=${move} render=${(channel) => html`<${Row} channel=${channel} />`} />`
        : html`<${Empty} icon="hash" title="No channels" text="Nobody can talk here yet." />`}
    </div>
  `;
}

function Row({ channel }) {
  const locked = channel.invite_only || channel.key || channel.secret;
  return html`
    <a class="order-row" data-kind=${channel.type} href=${link({ page: "settings", section: `channels:${channel.name}` })}>
      <${Icon} name=${locked ? "lock" : iconOf(channel.type)} size=${18} />
      <span class="order-row-main">${channelTitle(channel)}</span>
      ${channel.moderated && html`<${Badge}>Moderated</${Badge}>`}
      ${channel.secret && html`<${Badge}>Secret</${Badge}>`}
      <${Icon} name="chevron-right" size=${16} />
    </a>
  `;
}

const sameNames = (a, b) => a.length === b.length && new Set([...a, ...b].map(({ name }) => name)).size === a.length;

function NewChannel() {
  const [name, setName] = useState("");
  const [type, setType] = useState("text");
  const [description, setDescription] = useState("");
  const [after, setAfter] = useState(""); // name of the category, "" for the end
  const [who, setWho] = useState("everybody");
  const [problem, setProblem] = useState("");
  const list = listed();
  const categories = list.filter((channel) => channel.type === "separator");
  const plain = type === "separator" ? name.trim() : name.trim().toLowerCase().replace(/\s+/g, "-");
  const create = async () => {
    try {
      const { channel } = await request("channel_create", {
        name: plain, type, ...(description.trim() && type !== "separator" ? { description: description.trim() } : {}), permissions: rulesFor(who, type),
      });
      if (after && type !== "separator") await request("channel_move", { name: channel.name, position: endOf(list, after) });
      toast(`${channel.name} is there`, "success");
      go({ page: "settings", section: `channels:${channel.name}` }, { replace: true });
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
      <h2>New channel</h2>
      <${Select} label="Kind" value=${type} onInput=${setType} options=${TYPES.map(({ value, label, text }) => ({ value, label: `${label}: ${text.toLowerCase()}` }))} />
      <${TextField} label="Name" value=${name} onInput=${write} error=${problem} maxLength=${64} required onEnter=${create}
        hint=${plain && plain !== name.trim() ? `It will be called ${plain}.` : "Letters, digits, emoji, hyphens and underscores."} />
      ${type !== "separator" && html`
        <${TextArea} label="Description" value=${description} onInput=${setDescription} maxLength=${1000} rows=${2} hint="What it is for. It stands above the channel." />
        ${categories.length > 0 && html`<${Select} label="Category" value=${after} onInput=${setAfter} options=${[{ value: "", label: "At the end of the list" }, ...categories.map((each) => ({ value: each.name, label: channelTitle(each) }))]} />`}`}
      <${Select} label="Who is it for" value=${who} onInput=${setWho} options=${AUDIENCES} hint="A beginning: its own page sets each role." />
      <div class="settings-buttons">
        <${Button} kind="primary" disabled=${!plain} onClick=${create}>Create</${Button}>
        <${Button} kind="quiet" onClick=${() => go({ page: "settings", section: "channels" })}>Cancel</${Button}>
      </div>
    </div>
  `;
}

const AUDIENCES = [
  { value: "everybody", label: "Everybody reads and writes" },
  { value: "news", label: "Everybody reads, moderators write" },
  { value: "staff", label: "Moderators only" },
  { value: "owners", label: "Owners and administrators only" },
];

function rulesFor(who, type) {
  const team = ["admin", "moderator"];
  const own = { delete: team, pin: team, delete_own: ["user"], edit_own: ["user"], react: ["user"] };
  const thread = (roles) => (type === "forum" ? { create_thread: roles } : {});
  return {
    everybody: { view: ["user"], send: ["user"], ...own, ...thread(["user"]) },
    news: { view: ["user"], send: team, ...own, ...thread(team) },
    staff: { view: team, send: team, ...own, react: team, ...thread(team) },
    owners: {},
  }[who];
}

/** The position behind the last channel of a category. */
function endOf(list, category) {
  const start = list.findIndex((channel) => channel.name === category);
  const next = list.findIndex((channel, index) => index > start && channel.type === "separator");
  return next < 0 ? list.length : next;
}

export function Back() {
  return html`<div><${Button} kind="plain" class="page-back" icon="arrow-left" onClick=${() => go({ page: "settings", section: "channels" })}>All channels</${Button}></div>`;
}

