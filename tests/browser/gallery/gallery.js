// Every component in every state, for eyes and for the tests. ?theme=light|dark; ?open=dialog|confirm|menu|popover|toasts|tip
// opens one of the things that lie above the page.
import { html, render, signal } from "../../../web/app/lib.js";
import { Avatar, StatusDot } from "../../../web/app/ui/avatar.js";
import { Badge } from "../../../web/app/ui/badge.js";
import { Button, IconButton } from "../../../web/app/ui/button.js";
import { DialogActions, confirmDialog, openDialog } from "../../../web/app/ui/dialog.js";
import { DragList } from "../../../web/app/ui/drag-list.js";
import { Empty, Problem } from "../../../web/app/ui/empty.js";
import { Checkbox, ColorField, NumberField, Select, Switch, TextArea, TextField } from "../../../web/app/ui/field.js";
import { Icon } from "../../../web/app/ui/icon.js";
import { openMenu } from "../../../web/app/ui/menu.js";
import { Popover, openPopover } from "../../../web/app/ui/popover.js";
import { Progress } from "../../../web/app/ui/progress.js";
import { Skeleton, Spinner } from "../../../web/app/ui/spinner.js";
import { Tabs } from "../../../web/app/ui/tabs.js";
import { toast } from "../../../web/app/ui/toast.js";

const asked = new URLSearchParams(location.search);
if (asked.has("theme")) document.documentElement.dataset.theme = asked.get("theme");

const name = signal("Riverside Makers");
const about = signal("A place for people who build things by the water.");
const kind = signal("text");
const flags = signal({ open: true, invite: false, media: true, links: false });
const color = signal("#2a9d8f");
const size = signal(25);
const tab = signal("overview");
const view = signal("list");
const query = signal("deploy");
const carded = signal(false);
const channels = signal([
  { name: "welcome", icon: "megaphone", unread: 0, fixed: true },
  { name: "general", icon: "hash", unread: 3 },
  { name: "workshop", icon: "hash", unread: 0 },
  { name: "show-and-tell", icon: "messages-square", unread: 120 },
  { name: "evening call", icon: "volume-2", unread: 0 },
]);

const SWATCHES = ["#e5484d", "#e07a2f", "#d6a419", "#46a758", "#2a9d8f", "#3b82f6", "#8e6bd8", "#d0569b"];
const PEOPLE = ["Ada Lovelace", "mira", "Tomasz", "jun_park", "Noor", "okello", "Bea Quinn", "dario"];
const STATUSES = ["online", "idle", "dnd", "offline"];
const flag = (key) => ({ value: flags.value[key], onInput: (on) => (flags.value = { ...flags.value, [key]: on }) });
const wait = () => new Promise((resolve) => setTimeout(resolve, 1500));

const Card = ({ title, children }) => html`<section class="gallery-card"><h2>${title}</h2>${children}</section>`;
const Row = ({ children }) => html`<div class="gallery-row">${children}</div>`;

function Colors() {
  const neutrals = Array.from({ length: 12 }, (_, i) => `--neutral-${i + 1}`);
  const fills = ["accent", "danger", "warning", "success", "info"];
  return html`<${Card} title="Color">
    <div class="gallery-colors">${neutrals.map((token) => html`<span key=${token} style=${{ background: `var(${token})` }}></span>`)}</div>
    <${Row}>${fills.map((fill) => html`<span key=${fill} class="badge" data-shape="word"
      style=${{ background: `var(--${fill})`, color: `var(--on-${fill})` }}>${fill}</span>`)}</${Row}>
    <div class="gallery-inks">
      <p>Text <span style=${{ color: "var(--text-muted)" }}>muted</span> <span style=${{ color: "var(--text-faint)" }}>faint</span> <a href="#top">a link</a> <mark>found</mark></p>
      ${fills.map((fill) => html`<p key=${fill} style=${{ background: `var(--${fill}-soft)`, color: `var(--${fill}-text)` }}>Words on the tint of ${fill}</p>`)}
    </div>
  </${Card}>`;
}

function Type() {
  return html`<${Card} title="Type">
    <h1>Good conversations</h1><h2>Where everyone finds a seat</h2><h3>Tuesday, 14 May</h3>
    <p>Chat text is 15 pixels with tabular numbers: 11:09, 20:48, 1,024. <code>inline code</code>, keys <span style=${{ whiteSpace: "nowrap" }}><kbd>Ctrl</kbd> <kbd>K</kbd></span>.</p>
    <small>Small print for hints and times.</small>
  </${Card}>`;
}

function Buttons() {
  return html`<${Card} title="Buttons">
    <${Row}>
      <${Button} kind="primary" icon="plus">Create channel</${Button}><${Button}>Edit</${Button}><${Button} kind="quiet">Cancel</${Button}>
      <${Button} kind="danger" icon="trash">Delete</${Button}><${Button} kind="plain">Learn more</${Button}>
    </${Row}>
    <${Row}>
      <${Button} kind="primary" busy>Saving</${Button}><${Button} busy>Saving</${Button}>
      <${Button} kind="primary" disabled>Save</${Button}><${Button} disabled>Edit</${Button}>
      <${Button} onClick=${wait}>Takes a moment</${Button}>
    </${Row}>
    <${Row}>
      <${Button} kind="primary" size="s">Small</${Button}><${Button} size="s" iconEnd="chevron-down">Sort</${Button}>
      <${Button} kind="primary" size="l" iconEnd="forward">Continue</${Button}><${Button} href="#top" icon="external-link">Open</${Button}>
    </${Row}>
    <${Row}>
      <${IconButton} icon="face-slightly-smiling-plus" label="Add reaction" id="reaction" /><${IconButton} icon="reply" label="Reply" />
      <${IconButton} icon="pin" label="Pinned" pressed=${true} /><${IconButton} icon="bell" label="Pings" count=${7} />
      <${IconButton} icon="trash" label="Delete" kind="danger" /><${IconButton} icon="send" label="Send" kind="primary" />
      <${IconButton} icon="settings" label="Settings" kind="quiet" /><${IconButton} icon="mic" label="Mute" disabled />
      <${IconButton} icon="refresh-cw" label="Reload" busy /><${IconButton} icon="ellipsis" label="More" size="s" />
    </${Row}>
  </${Card}>`;
}

function Fields() {
  return html`
    <${Card} title="Fields">
      <${TextField} label="Name of the server" hint="Shown to everybody who opens it." value=${name.value} onInput=${(text) => (name.value = text)} maxLength=${20} required />
      <${TextField} label="Username" value="ada lovelace" error="Letters, digits and underscores only." />
      <${TextField} label="Password" type="password" value="correct horse" autocomplete="new-password" />
      <${TextField} label="Search messages" hideLabel type="search" icon="search" placeholder="Search messages" value=${query.value} onInput=${(text) => (query.value = text)} />
      <${TextField} label="Address" value="chat.example.org" disabled />
      <${TextArea} label="About" value=${about.value} onInput=${(text) => (about.value = text)} placeholder="What is this place?" />
    </${Card}>
    <${Card} title="Choices">
      <${Select} label="Kind of channel" value=${kind.value} onInput=${(value) => (kind.value = value)}
        options=${[{ value: "text", label: "Text" }, { value: "forum", label: "Forum" }, { value: "voice", label: "Voice" }]} />
      <${Select} label="Role" value=${null} placeholder="Choose a role" options=${["member", "moderator"]} error="Choose one." />
      <${Switch} label="Anybody may register" hint="Otherwise only people with an invitation." ...${flag("open")} />
      <${Switch} label="Slow mode" ...${flag("invite")} />
      <${Switch} label="Web push" hint="Needs HTTPS." value=${true} disabled />
      <${Checkbox} label="Attach files" ...${flag("media")} /><${Checkbox} label="Show previews of links" hint="Fetched by the server." ...${flag("links")} />
      <${Checkbox} label="All channels" mixed /><${Checkbox} label="Owner only" value=${true} disabled />
    </${Card}>
    <${Card} title="Colors and numbers">
      <${ColorField} label="Color of the role" value=${color.value} onInput=${(value) => (color.value = value)} swatches=${SWATCHES} optional />
      <${NumberField} label="Largest upload" unit="MB" min=${1} max=${500} value=${size.value} onInput=${(value) => (size.value = value)} hint="1 to 500." />
      <${NumberField} label="Messages per minute" value=${0} min=${0} error="Members could not write at all." />
    </${Card}>`;
}

function Above() {
  return html`<${Card} title="Above the page">
    <${Row}>
      <${Button} id="dialog" onClick=${showDialog}>Dialog</${Button}>
      <${Button} id="confirm" onClick=${() => void showConfirm()}>Confirm</${Button}>
      <${Button} id="menu" iconEnd="chevron-down" aria-haspopup="menu" onClick=${(event) => void showMenu(event.currentTarget)}>Menu</${Button}>
      <${Button} id="popover" onClick=${(event) => void openPopover(event.currentTarget, () => html`<${Profile} />`, { label: "Profile" })}>Popover</${Button}>
      <${Button} id="toasts" onClick=${showToasts}>Toasts</${Button}>
      <${Button} id="tip" data-tip="Copied as Markdown, with the names of those who wrote it.">Tooltip</${Button}>
      <${Button} id="component" onClick=${() => (carded.value = !carded.value)}>Component</${Button}>
    </${Row}>
    ${carded.value && html`<${Popover} anchor=${document.getElementById("component")} label="Counter" onClose=${() => (carded.value = false)}>
      <p>Largest upload: ${size.value} MB</p></${Popover}>`}
  </${Card}>`;
}

function Profile() {
  return html`<div style=${{ inlineSize: "16rem" }}>
    <${Row}><${Avatar} username="Ada Lovelace" size=${56} status="online" /><div><h3>Ada Lovelace</h3><small>@ada</small></div></${Row}>
    <p style=${{ marginBlock: "var(--space-3)" }}>Writes programs for engines nobody has built yet.</p>
    <${Button} block kind="primary" icon="message-circle">Message</${Button}>
  </div>`;
}

function showDialog() {
  openDialog((close) => html`
    <${TextField} label="Name" icon="hash" value="workshop" />
    <${TextArea} label="Topic" hint="Shown at the top of the channel." value="" />
    <${Select} label="Kind" value="text" options=${[{ value: "text", label: "Text" }]} />
    <${Switch} label="Only for some roles" hint="Everybody else does not see it." />
    <${DialogActions} start=${html`<${IconButton} icon="trash" label="Delete" kind="danger" onClick=${() => void showConfirm()} />`}>
      <${Button} kind="quiet" onClick=${close}>Cancel</${Button}><${Button} kind="primary" onClick=${close}>Create channel</${Button}>
    </${DialogActions}>`, { title: "New channel" });
}

async function showConfirm() {
  const yes = await confirmDialog({
    title: "Delete #workshop?", text: "Its 1,204 messages and 38 files are removed for everybody. This cannot be undone.",
    confirm: "Delete channel", danger: true,
  });
  toast(yes ? "Deleted" : "Kept", yes ? "danger" : "info");
}

function showMenu(anchor) {
  return openMenu(anchor, [
    { label: "Reply", icon: "reply", hint: "R" }, { label: "Copy text", icon: "copy", hint: "C" },
    { label: "Mark as unread", icon: "bookmark" }, "separator", { heading: "Notify me of" },
    { label: "All messages", checked: false }, { label: "Mentions", checked: true, text: "And replies to me" },
    { label: "Pin", icon: "pin", disabled: true }, "separator", { label: "Delete message", icon: "trash", danger: true },
  ], { label: "Message" });
}

function showToasts() {
  toast("Invitation copied", "success");
  toast("Reconnected; nothing was lost");
  toast("The message is too long", "warning");
  toast("Could not save the channel: no answer from the server.", "danger", { action: { label: "Try again", onSelect() {} } });
}

function People() {
  return html`<${Card} title="People and facts">
    <${Row}>${PEOPLE.map((person, i) => html`<${Avatar} key=${person} username=${person} size=${40} status=${STATUSES[i % 4]} />`)}</${Row}>
    <${Row}>${[20, 24, 32, 48, 80].map((px, i) => html`<${Avatar} key=${px} username=${PEOPLE[i + 1]} size=${px} status=${i ? STATUSES[i - 1] : undefined} />`)}
      <${Avatar} username="Riverside Makers" size=${48} square /><${StatusDot} status="online" /><${StatusDot} status="idle" /><${StatusDot} status="dnd" /></${Row}>
    <${Row}>
      <${Badge}>bot</${Badge}><${Badge} kind="accent" icon="shield-check">owner</${Badge}><${Badge} kind="danger">banned</${Badge}>
      <${Badge} kind="warning">muted</${Badge}><${Badge} kind="success">running</${Badge}><${Badge} kind="info">new</${Badge}>
    </${Row}>
    <${Row}>
      <${Badge} count=${3} /><${Badge} kind="accent" count=${12} /><${Badge} kind="danger" count=${120} label="120 mentions" />
      <${Badge} kind="accent" dot label="Unread" /><${Badge} kind="warning" solid>beta</${Badge}><${Badge} kind="success" solid>live</${Badge}>
    </${Row}>
  </${Card}>`;
}

function Waiting() {
  return html`<${Card} title="Waiting">
    <${Row}><${Spinner} size=${16} /><${Spinner} /><${Spinner} size=${32} /></${Row}>
    <div style=${{ display: "flex", gap: "var(--space-3)" }}><${Skeleton} width="40px" height="40px" round /><div style=${{ flex: 1 }}><${Skeleton} lines=${3} /></div></div>
    <${Progress} value=${0.62} label="harbour.jpg" shown text="6.2 of 10 MB" /><${Progress} value=${1} label="Backup" shown kind="success" />
    <${Progress} value=${0.94} label="Disk" shown kind="danger" /><${Progress} label="Loading" />
  </${Card}>`;
}

function move(from, to) {
  const next = [...channels.value];
  next.splice(to, 0, ...next.splice(from, 1));
  channels.value = next;
}

function Gallery() {
  const tabs = [
    { id: "overview", label: "Overview", icon: "info" }, { id: "members", label: "Members", icon: "users", count: 48 },
    { id: "roles", label: "Roles" }, { id: "audit", label: "Audit log", disabled: true },
  ];
  return html`<main class="gallery" id="top">
    <header class="gallery-head"><h1>Components</h1>
      <${Tabs} kind="pill" label="Theme" value=${document.documentElement.dataset.theme ?? "auto"} onSelect=${(theme) => {
        if (theme === "auto") delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = theme;
        view.value = theme;
      }} tabs=${[{ id: "light", label: "Light", icon: "sun" }, { id: "dark", label: "Dark", icon: "moon" }, { id: "auto", label: view.value && "Device", icon: "monitor" }]} />
    </header>
    <div class="gallery-grid">
      <${Colors} /><${Type} /><${Buttons} /><${Fields} /><${Above} /><${People} /><${Waiting} />
      <${Card} title="Tabs"><${Tabs} label="Settings" tabs=${tabs} value=${tab.value} onSelect=${(id) => (tab.value = id)}><p>The panel of ${tab.value}.</p></${Tabs}></${Card}>
      <${Card} title="A list that drags"><${DragList} label="Channels" items=${channels.value} keyOf=${(channel) => channel.name} fixed=${(channel) => channel.fixed} onMove=${move}
        render=${(channel) => html`<div class="gallery-drag"><${Icon} name=${channel.icon} /><span class="truncate">${channel.name}</span><span><${Badge} kind="accent" count=${channel.unread} /></span></div>`} /></${Card}>
      <${Card} title="Nothing here"><${Empty} icon="message-circle" title="This is the start of #workshop" text="Say what you are working on, or bring a picture." action=${{ label: "Write something", onClick() {} }} /></${Card}>
      <${Card} title="A problem"><${Problem} title="The members could not be loaded" text="The server did not answer in time." onRetry=${wait} /><${Empty} compact icon="pin" title="No pins yet" text="Pinned messages are kept here." /></${Card}>
      <${Card} title="What scrolls"><div class="scroll gallery-scroll" tabindex="0" role="region" aria-label="Scrolls">${Array.from({ length: 20 }, (_, i) => html`<p key=${i}>Line ${i + 1}</p>`)}</div></${Card}>
    </div>
  </main>`;
}

render(html`<${Gallery} />`, document.body);

const open = asked.get("open");
if (open === "tip") document.getElementById("tip").dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "mouse" }));
else if (open) document.getElementById(open).click();
