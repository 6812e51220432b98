// Who has joined a channel, who runs it, and who is asked in.
import { html, useState } from "../lib.js";
import { displayName, plainName } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Avatar } from "../ui/avatar.js";
import { Badge } from "../ui/badge.js";
import { Button, IconButton } from "../ui/button.js";
import { openMenu } from "../ui/menu.js";
import { shown, useFetched } from "./fetched.js";
import { PersonField, personCalled } from "./person-field.js";

const PAGE = 50;

export function ChannelPeople({ channel }) {
  const name = channel.name;
  const fetched = useFetched("channel_members", { channel: name });
  const [who, setWho] = useState("");
  const [most, setMost] = useState(PAGE);
  const act = async (cmd, fields, done) => {
    if (await attempt(cmd, { channel: name, ...fields }, done)) fetched.load();
  };
  const named = async (cmd, fields, done) => {
    const user = personCalled(who);
    await act(cmd, { user: user?.username ?? who.trim(), ...fields }, done);
    setWho("");
  };
  const invite = () => named("channel_invite", {}, "Invited");
  const menu = (event, { user, operator, voice }) =>
    openMenu(event.currentTarget, [
      { label: "Operator", text: "Passes every rule and mode of the channel", checked: operator, onSelect: () => act("channel_member_set", { user, operator: !operator }) },
      { label: "Voice", text: "Writes while the channel is moderated", checked: voice, onSelect: () => act("channel_member_set", { user, voice: !voice }) },
      "separator",
      { label: "Remove from the channel", icon: "user-minus", danger: true, onSelect: () => act("channel_kick", { user }, "Removed") },
    ], { label: `Actions for ${displayName(user)}` });
  return html`
    <section>
      <h2>Members of the channel</h2>
      <p class="settings-note">Only channels by invitation, secret ones and those with a key have a door. In all others whoever the rules let in is there without joining.</p>
      <div class="add-row">
        <${PersonField} label=${channel.moderated ? "Invite, or give a voice" : "Invite"} value=${who} onInput=${setWho} onEnter=${invite} />
        <${Button} icon="user-plus" disabled=${!who.trim()} onClick=${invite}>Invite</${Button}>
        ${channel.moderated && html`<${Button} icon="mic" disabled=${!who.trim()} onClick=${() => named("channel_member_set", { voice: true }, "They may write now")}>Give a voice</${Button}>`}
      </div>
      ${shown(fetched, ({ members }) => members.length
        ? html`
          <ul class="settings-rows" role="list" aria-label="Members of the channel">
            ${members.slice(0, most).map((each) => html`
              <li key=${each.user} class="settings-row">
                <${Avatar} username=${each.user} size=${32} />
                <div class="settings-row-main">
                  <p class="row-title">${displayName(each.user)} ${each.operator && html`<${Badge} kind="accent">Operator</${Badge}>`} ${each.voice && html`<${Badge}>Voice</${Badge}>`}</p>
                  <p class="row-text">${plainName(each.user)}</p>
                </div>
                <${IconButton} icon="ellipsis" label=${`Actions for ${displayName(each.user)}`} aria-haspopup="menu" onClick=${(event) => menu(event, each)} />
              </li>`)}
          </ul>
          ${members.length > most && html`<div class="pager"><${Button} onClick=${() => setMost(most + PAGE)}>Show more</${Button}></div>`}`
        : html`<p class="settings-note">Nobody has joined it.</p>`)}
    </section>
  `;
}
