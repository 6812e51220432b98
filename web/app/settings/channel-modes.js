// What may hold in a channel, and the dialog in which its operators decide that who do not manage all channels.
import { html } from "../lib.js";
import { channelNamed, channelTitle } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { ensureStyle } from "../lazy.js";
import { openDialog } from "../ui/dialog.js";
import { Switch } from "../ui/field.js";
import { ChannelPeople } from "./channel-people.js";

await ensureStyle("settings.css", "settings-pages.css");

export const MODES = [
  { key: "invite_only", label: "By invitation", hint: "Who joins needs an invitation. Everybody else does not see the channel." },
  { key: "secret", label: "Secret", hint: "Not listed for those outside; who knows its name may join." },
  { key: "moderated", label: "Moderated", hint: "Only operators and members with a voice write." },
  { key: "topic_locked", label: "Description locked", hint: "Only operators change the description." },
  { key: "members_only", label: "Writing for members", hint: "Where people join channels, such as in other protocols, only who has joined writes." },
];

export function openModes(name) {
  openDialog(() => html`<${Modes} name=${name} />`, { title: `Run ${channelTitle(channelNamed(name))}`, text: "What you change holds at once." });
}

function Modes({ name }) {
  const channel = channelNamed(name);
  if (!channel?.operator) return html`<p>You are no operator of this channel any more.</p>`;
  const set = (key) => (value) => attempt("channel_modes_set", { channel: name, [key]: value });
  return html`
    <div class="settings-choices">
      ${MODES.map(({ key, label, hint }) => html`<${Switch} key=${key} label=${label} hint=${hint} value=${Boolean(channel[key])} onInput=${set(key)} />`)}
    </div>
    <${ChannelPeople} channel=${channel} />
  `;
}
