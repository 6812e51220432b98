// Webhooks: addresses by which programs post into channels.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { plural, shortTime } from "../core/format.js";
import { channelNamed, channels, channelTitle, handshake } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { copyText } from "../chat/copy.js";
import { Avatar } from "../ui/avatar.js";
import { Button, IconButton } from "../ui/button.js";
import { confirmDialog, DialogActions, openDialog } from "../ui/dialog.js";
import { Empty } from "../ui/empty.js";
import { Select, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { openMenu } from "../ui/menu.js";
import { shown, useFetched } from "./fetched.js";

export function WebhooksPage() {
  const fetched = useFetched("webhook_list");
  const create = () => openDialog((close) => html`<${Create} close=${close} made=${fetched.load} />`, { title: "New webhook", size: "s" });
  return html`
    <div class="settings-form">
      <header class="running-head">
        <p class="settings-note">A webhook is an address to which a program posts messages: a build server, a monitor, a code host. Whoever knows the address can post.</p>
        <${Button} kind="primary" icon="plus" onClick=${create}>New webhook</${Button}>
      </header>
      ${shown(fetched, ({ webhooks }) => {
        if (!webhooks.length) return html`<${Empty} icon="webhook" title="No webhooks yet" text="Make one for a channel, and paste its address where the messages come from." action=${{ label: "New webhook", icon: "plus", onClick: create }} />`;
        return [...Map.groupBy(webhooks, ({ channel }) => channel)].map(([channel, list]) => html`
          <section key=${channel} class="running-section">
            <h2>${titleOf(channel)}</h2>
            <ul class="settings-rows" role="list">${list.map((webhook) => html`<${Row} key=${webhook.id} webhook=${webhook} reload=${fetched.load} />`)}</ul>
          </section>`);
      })}
    </div>
  `;
}

const titleOf = (channel) => `#${channelNamed(channel) ? channelTitle(channelNamed(channel)) : channel}`;

function addressOf({ token }) {
  const base = handshake.value?.server.url;
  return new URL(`webhooks?token=${token}`, base && URL.canParse(base) && base.startsWith("https:") ? base.replace(/\/?$/, "/") : document.baseURI).href;
}

function Row({ webhook, reload }) {
  const { id, name, token, created_at: made } = webhook;
  const use = () => openUse(webhook);
  const renew = async () => {
    const sure = await confirmDialog({ title: `A new address for ${name}?`, text: "The present one stops working at once. What uses it needs the new one.", confirm: "New address", danger: true });
    const answer = sure && (await attempt("webhook_regenerate", { id }));
    if (!answer) return;
    await reload();
    openUse(answer.webhook);
  };
  const remove = async () => {
    const sure = await confirmDialog({ title: `Delete ${name}?`, text: "Its address stops working at once. Messages that it wrote stay.", confirm: "Delete", danger: true });
    if (sure && (await attempt("webhook_delete", { id }, `${name} deleted`))) await reload();
  };
  const rename = () => openDialog((close) => html`<${Rename} webhook=${webhook} close=${close} reload=${reload} />`, { title: `Rename ${name}`, size: "s" });
  const menu = (event) =>
    openMenu(event.currentTarget, [
      { label: "Rename", icon: "pencil", onSelect: rename },
      { label: "New address", icon: "rotate-cw", onSelect: renew },
      "separator",
      { label: "Delete", icon: "trash", danger: true, onSelect: remove },
    ], { label: name, placement: "bottom-end" });
  return html`
    <li class="settings-row">
      <${Avatar} username=${name} name=${name} src=${null} size=${36} />
      <span class="settings-row-main">
        <span class="running-title">${name}</span>
        <span class="running-facts">${token ? `made ${shortTime(made)}` : "came with an import: its address is not known until it gets a new one"}</span>
      </span>
      ${token
        ? html`<${IconButton} icon="copy" label=${`Copy the address of ${name}`} tip="Copy address" onClick=${() => copyText(addressOf(webhook), "Address copied")} />
            <${Button} size="s" onClick=${use} aria-label=${`How to use ${name}`}>Use</${Button}>`
        : html`<${Button} size="s" onClick=${renew}>New address</${Button}>`}
      <${IconButton} icon="ellipsis" label=${`More for ${name}`} tip=${false} aria-haspopup="menu" onClick=${menu} />
    </li>
  `;
}

function Create({ close, made }) {
  const places = channels.value.filter(({ type, members }) => type === "text" && !members).map((channel) => ({ value: channel.name, label: `#${channelTitle(channel)}` }));
  const [name, setName] = useState("");
  const [channel, setChannel] = useState(places[0]?.value);
  const [problem, setProblem] = useState("");
  const create = async () => {
    if (!name.trim()) return setProblem("Write a name.");
    try {
      const { webhook } = await request("webhook_create", { name: name.trim(), channel });
      made();
      close();
      openUse(webhook);
    } catch (error) {
      setProblem(error.message);
    }
  };
  return html`
    <div class="settings-form running-tight">
      <${TextField} label="Name" hint="Stands above its messages." placeholder="Build server" value=${name} error=${problem} maxLength=${80} onInput=${(text) => { setName(text); setProblem(""); }} onEnter=${create} />
      <${Select} label="Channel" value=${channel} options=${places} onInput=${setChannel} />
    </div>
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" disabled=${!channel} onClick=${create}>Make it</${Button}>
    </${DialogActions}>
  `;
}

function Rename({ webhook, close, reload }) {
  const [name, setName] = useState(webhook.name);
  const [problem, setProblem] = useState("");
  const save = async () => {
    if (!name.trim()) return setProblem("Write a name.");
    try {
      await request("webhook_update", { id: webhook.id, name: name.trim() });
      close();
      await reload();
    } catch (error) {
      setProblem(error.message);
    }
  };
  return html`
    <${TextField} label="Name" value=${name} error=${problem} maxLength=${80} onInput=${(text) => { setName(text); setProblem(""); }} onEnter=${save} />
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" onClick=${save}>Rename</${Button}>
    </${DialogActions}>
  `;
}

const openUse = (webhook) => openDialog((close) => html`<${Use} webhook=${webhook} close=${close} />`, { title: webhook.name, text: `Posts into ${titleOf(webhook.channel)}.` });

const CODE_HOSTS = [
  ["GitHub", "Settings, Webhooks, Add webhook: the address as Payload URL, the secret as Secret, just the push event."],
  ["Gitea, Forgejo", "Settings, Webhooks: the address as Target URL, the secret as Secret, push events."],
  ["GitLab", "Settings, Webhooks: the address as URL, the secret as Secret token, push events."],
];

function Use({ webhook, close }) {
  const address = addressOf(webhook);
  const example = `curl -H 'Content-Type: application/json' \\\n  -d '{"content": "Build 7 is done"}' \\\n  '${address}'`;
  return html`
    <div class="settings-form running-tight">
      <section>
        <h3>Address</h3>
        <p class="settings-note">It is a secret like a password: whoever knows it can post.</p>
        <${Secret} text=${address} name="Address" />
      </section>
      <section>
        <h3>Try it</h3>
        <div class="running-code"><pre class="scroll" tabindex="0" role="region" aria-label="Example"><code>${example}</code></pre><${IconButton} icon="copy" size="s" label="Copy the example" onClick=${() => copyText(example, "Example copied")} /></div>
      </section>
      <details class="running-more">
        <summary><${Icon} name="chevron-right" size=${16} />Pushes to a repository (${plural(CODE_HOSTS.length, "way")})</summary>
        <p class="settings-note">Pushes appear as a card with their commits. The secret signs them, so that nobody can forge one:</p>
        <${Secret} text=${webhook.token} name="Secret" />
        <dl class="running-facts-list">${CODE_HOSTS.map(([host, text]) => html`<div key=${host}><dt>${host}</dt><dd>${text}</dd></div>`)}</dl>
      </details>
    </div>
    <${DialogActions}><${Button} kind="primary" onClick=${() => close()}>Done</${Button}></${DialogActions}>
  `;
}

function Secret({ text, name }) {
  return html`<div class="running-secret"><output aria-label=${name}>${text}</output><${Button} icon="copy" onClick=${() => copyText(text, `${name} copied`)}>Copy</${Button}></div>`;
}
