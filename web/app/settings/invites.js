// Invitations: links by which people come, and who may become a member at all.
import { html, useEffect, useState } from "../lib.js";
import { ago, fullTime, plural } from "../core/format.js";
import { can, isOwner, mayManage } from "../core/permissions.js";
import { link } from "../core/router.js";
import { displayName, roles } from "../core/state.js";
import { on, request } from "../core/connection.js";
import { attempt } from "../chat/menus.js";
import { copyText } from "../chat/copy.js";
import { Badge } from "../ui/badge.js";
import { Button, IconButton } from "../ui/button.js";
import { confirmDialog, DialogActions, openDialog } from "../ui/dialog.js";
import { Empty } from "../ui/empty.js";
import { Checkbox, Select, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { shown, useFetched } from "./fetched.js";
import { Registration, useRegistration } from "./registration.js";

const DAY = 86_400;
const TIMES = [
  { value: 1800, label: "30 minutes" },
  { value: 6 * 3600, label: "6 hours" },
  { value: DAY, label: "1 day" },
  { value: 7 * DAY, label: "7 days" },
  { value: 30 * DAY, label: "30 days" },
  { value: null, label: "Until it is withdrawn" },
];
const USES = [
  { value: 1, label: "1 person" },
  ...[5, 10, 25, 100].map((value) => ({ value, label: `${value} people` })),
  { value: null, label: "Any number" },
];
const ONLY_BY_OWNERS = new Set(["owner", "admin"]);

export const addressOf = (code) => new URL(link({ page: "invite", code }), document.baseURI).href;

export function InvitesPage() {
  const fetched = useInvites();
  const registration = useRegistration();
  const closed = registration.value === "closed";
  const create = () => openDialog((close) => html`<${Create} close=${close} made=${fetched.load} closed=${closed} />`, { title: "Invite people", size: "s" });
  return html`
    <div class="settings-form">
      <${Registration} registration=${registration} />
      <section class="running-section">
        <header class="running-head">
          <h2>Links</h2>
          <${Button} kind="primary" icon="plus" onClick=${create}>New invitation</${Button}>
        </header>
        ${shown(fetched, ({ invites }) => html`<${Invites} invites=${invites} reload=${fetched.load} create=${create} />`)}
      </section>
    </div>
  `;
}

/** The list as the server tells of it: invitations that are made, used and withdrawn, by whomever. */
function useInvites() {
  const fetched = useFetched("invites_list");
  useEffect(() => {
    const change = (edit) => (packet) => fetched.edit((answer) => ({ ...answer, invites: edit(answer.invites, packet) }));
    const without = (invites, code) => invites.filter((each) => each.code !== code);
    const stops = [
      on("invite_create", change((invites, { invite }) => [...without(invites, invite.code), invite])),
      on("invite_update", change((invites, { invite }) => invites.map((each) => (each.code === invite.code ? invite : each)))),
      on("invite_delete", change((invites, { code }) => without(invites, code))),
    ];
    return () => stops.forEach((stop) => stop());
  }, []);
  return fetched;
}

function Invites({ invites, reload, create }) {
  if (!invites.length) {
    return html`<${Empty} icon="user-plus" title="No invitations yet" text="An invitation is a link that you send to people. Whoever opens it can join." action=${{ label: "New invitation", icon: "plus", onClick: create }} />`;
  }
  const newest = invites.toReversed();
  const over = newest.filter(({ valid }) => !valid);
  const list = (some) => html`<ul class="settings-rows" role="list">${some.map((invite) => html`<${Row} key=${invite.code} invite=${invite} reload=${reload} />`)}</ul>`;
  return html`
    ${over.length < newest.length ? list(newest.filter(({ valid }) => valid)) : html`<p class="settings-note">None of them is open any more.</p>`}
    ${over.length > 0 && html`<h3 class="running-sub">No longer open</h3>${list(over)}`}
  `;
}

function Row({ invite, reload }) {
  const { code, created_by: maker, uses, max_uses: most, expires_at: end, note, roles: given, valid } = invite;
  const withdraw = async () => {
    const sure = !valid || (await confirmDialog({ title: "Withdraw this invitation?", text: "Nobody comes by its link any more. Who came by it stays.", confirm: "Withdraw", danger: true }));
    if (sure && (await attempt("invite_delete", { code }, valid ? "Invitation withdrawn" : "Removed"))) await reload();
  };
  const facts = [
    `by ${displayName(maker)}`,
    most === null ? `${plural(uses, "person", "people")} came` : `${uses} of ${plural(most, "person", "people")} came`,
    end === null ? "does not expire" : end * 1000 < Date.now() ? `expired ${ago(end)}` : `expires ${ago(end)}`,
  ];
  return html`
    <li class="settings-row invite-row" data-over=${valid ? null : ""}>
      <span class="settings-row-main">
        <span class="running-title">${note || html`<code class="invite-code">${code}</code>`}</span>
        <span class="running-facts">
          <span title=${end && fullTime(end)}>${facts.join(" · ")}</span>
          ${!valid && html`<${Badge} kind="warning">${why(invite)}</${Badge}>`}
          ${given.map((name) => html`<${Badge} key=${name} icon="shield">${name}</${Badge}>`)}
        </span>
      </span>
      ${valid && html`<${Button} size="s" icon="copy" aria-label=${`Copy the link of ${note || code}`} onClick=${() => copyText(addressOf(code), "Link copied")}>Copy link</${Button}>`}
      <${IconButton} icon="trash" label=${`${valid ? "Withdraw" : "Remove"} ${note || code}`} tip=${valid ? "Withdraw" : "Remove"} onClick=${withdraw} />
    </li>
  `;
}

function why({ expires_at: end, uses, max_uses: most }) {
  if (end !== null && end * 1000 < Date.now()) return "Expired";
  return most !== null && uses >= most ? "Used up" : "Not open";
}

/** Roles that an invitation of mine may give. */
function grantable() {
  if (!can("manage_roles")) return [];
  const fits = (role) => mayManage(role) && (isOwner() || role.permissions.every(can));
  return [...roles.value.values()].filter((role) => !ONLY_BY_OWNERS.has(role.name) && role.name !== "user" && fits(role));
}

function Create({ close, made, closed }) {
  const [lasts, setLasts] = useState(7 * DAY);
  const [most, setMost] = useState(null);
  const [note, setNote] = useState("");
  const [given, setGiven] = useState(() => new Set());
  const [problem, setProblem] = useState("");
  const [code, setCode] = useState("");
  const choices = grantable();
  const toggle = (name) => {
    const changed = new Set(given);
    if (!changed.delete(name)) changed.add(name);
    setGiven(changed);
  };
  const create = async () => {
    setProblem("");
    try {
      const { invite } = await request("invite_create", { expires_in_s: lasts, max_uses: most, note: note.trim(), roles: [...given] });
      setCode(invite.code);
      made();
    } catch (error) {
      setProblem(error.message);
    }
  };
  if (code) return html`<${Made} code=${code} close=${close} closed=${closed} />`;
  return html`
    <div class="settings-form running-tight">
      <${Select} label="Open for" value=${lasts} options=${TIMES} onInput=${setLasts} />
      <${Select} label="How many may come" value=${most} options=${USES} onInput=${setMost} />
      <${TextField} label="Note" hint="For those who manage invitations; nobody else sees it." value=${note} maxLength=${200} onInput=${setNote} onEnter=${create} />
      ${choices.length > 0 && html`<fieldset class="running-choices">
        <legend>Roles they are given</legend>
        ${choices.map(({ name }) => html`<${Checkbox} key=${name} label=${name} value=${given.has(name)} onInput=${() => toggle(name)} />`)}
      </fieldset>`}
      ${problem && html`<p class="running-problem" role="alert"><${Icon} name="circle-alert" size=${16} />${problem}</p>`}
    </div>
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" onClick=${create}>Make the link</${Button}>
    </${DialogActions}>
  `;
}

function Made({ code, close, closed }) {
  return html`
    <p class="settings-note" role="status">Send this link to whom you want to invite.</p>
    <div class="running-secret"><output aria-label="Link">${addressOf(code)}</output><${Button} icon="copy" data-autofocus onClick=${() => copyText(addressOf(code), "Link copied")}>Copy</${Button}></div>
    ${closed && html`<p class="running-problem"><${Icon} name="triangle-alert" size=${16} />Registration is closed: nobody can join by it until that is changed.</p>`}
    <${DialogActions}><${Button} kind="primary" onClick=${() => close()}>Done</${Button}></${DialogActions}>
  `;
}
