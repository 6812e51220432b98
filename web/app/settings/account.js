// The account: its password, where it is logged in, its data, and its end.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { ago, fullTime } from "../core/format.js";
import { isOwnToken, logOut, renewLogin } from "../core/session.js";
import { capabilities, handshake, me, myUser, plainName, server } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Badge } from "../ui/badge.js";
import { Button } from "../ui/button.js";
import { confirmDialog } from "../ui/dialog.js";
import { TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { confirmTyped } from "./confirm-typed.js";
import { shown, useFetched } from "./fetched.js";

export function AccountPage() {
  const user = myUser.value;
  const sessions = useFetched("sessions_list");
  if (!user) return null;
  const local = user.cracked && handshake.value?.auth_mode !== "rotur" && capabilities.value.has("password_change");
  return html`
    <div class="settings-form settings-sections">
      <section>
        <h2>Logged in as ${plainName(user.username)}</h2>
        <div class="settings-buttons"><${Button} icon="log-out" onClick=${leaveBrowser}>Log out</${Button}></div>
      </section>
      <section>
        <h2>Devices</h2>
        <p class="settings-note">Where your account is open, or stays logged in. End what you do not know, then change your password.</p>
        ${shown(sessions, (answer) => html`<${Devices} list=${answer.sessions} reload=${sessions.load} />`)}
      </section>
      ${local && html`<${Password} changed=${sessions.load} />`}
      <${Data} />
      <${End} user=${user} />
    </div>
  `;
}

async function leaveBrowser() {
  if (await confirmDialog({ title: "Log out?", text: "This browser forgets your login.", confirm: "Log out" })) logOut();
}

function Devices({ list, reload }) {
  const mine = (each) => each.current || (each.token && isOwnToken(each.id));
  const sorted = [...list].sort((a, b) => Number(mine(b)) - Number(mine(a)) || b.last_seen - a.last_seen);
  const end = async (each) => {
    if (mine(each) && !(await confirmDialog({ title: "End this one?", text: "It is what you use right now: you will have to log in again.", confirm: "End it", danger: true }))) return;
    if (await attempt("session_end", { id: each.id }, "Ended")) reload();
  };
  return html`
    <ul class="settings-rows device-list" role="list" aria-label="Devices">
      ${sorted.map((each) => html`
        <li key=${each.id} class="settings-row">
          <span class="row-icon"><${Icon} name=${each.token ? "lock" : "monitor"} size=${18} /></span>
          <div class="settings-row-main">
            <p class="row-title">${deviceName(each)} ${mine(each) && html`<${Badge} kind="accent">This one</${Badge}>`}${each.connected && !each.current ? html`<${Badge} kind="success">Open now</${Badge}>` : ""}</p>
            <p class="row-text">${[each.token ? "Stays logged in" : each.address, each.connected ? null : `last used ${ago(each.last_seen)}`, `since ${ago(each.created_at)}`].filter(Boolean).join(" · ")}</p>
          </div>
          <${Button} kind="quiet" size="s" aria-label=${`End ${deviceName(each)}`} onClick=${() => end(each)}>End</${Button}>
        </li>`)}
    </ul>
  `;
}

/** A name for people from what a client calls itself. */
function deviceName({ agent, token }) {
  if (token) return agent.replace(/^access token:? ?/, "").replace(/ [0-9a-f-]{4}$/, "") || "A token";
  const browser = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([mark]) => agent.includes(mark));
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac", "Linux"].find((name) => agent.includes(name));
  return browser ? `${browser[1]}${system ? ` on ${system}` : ""}` : agent || "Unknown client";
}

function Password({ changed }) {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const [problem, setProblem] = useState({});
  const save = async () => {
    if (fresh.length < 8) return setProblem({ fresh: "At least 8 characters." });
    if (fresh !== again) return setProblem({ again: "This is not the same." });
    try {
      const { ended } = await request("password_change", { old_password: old, new_password: fresh });
      await renewLogin();
      setOld("");
      setFresh("");
      setAgain("");
      setProblem({});
      toast(ended ? "Password changed, other devices are logged out" : "Password changed", "success");
      changed();
    } catch (error) {
      setProblem(error.code === "invalid_password" ? { old: "This is not your password." } : { fresh: error.message });
    }
    return undefined;
  };
  const edit = (set) => (value) => {
    set(value);
    setProblem({});
  };
  return html`
    <section>
      <h2>Password</h2>
      <form class="settings-narrow" aria-label="Password" onSubmit=${(event) => event.preventDefault()}>
        <input type="text" name="username" autocomplete="username" value=${plainName(me.value)} hidden readonly />
        <${TextField} label="Old password" type="password" autocomplete="current-password" value=${old} onInput=${edit(setOld)} error=${problem.old} maxLength=${128} />
        <${TextField} label="New password" type="password" autocomplete="new-password" hint="Longer is better: some words that only you put together." value=${fresh} onInput=${edit(setFresh)} error=${problem.fresh} maxLength=${128} />
        <${TextField} label="New password again" type="password" autocomplete="new-password" value=${again} onInput=${edit(setAgain)} onEnter=${save} error=${problem.again} maxLength=${128} />
        <div class="settings-buttons"><${Button} kind="primary" disabled=${!old || !fresh || !again} onClick=${save}>Change password</${Button}></div>
      </form>
      <p class="settings-note">All other devices are logged out by it.</p>
    </section>
  `;
}

function Data() {
  const [made, setMade] = useState(null);
  const make = async () => {
    const answer = await attempt("user_export", {});
    if (answer) setMade(answer);
  };
  return html`
    <section>
      <h2>Your data</h2>
      <p class="settings-note">Everything that this server holds of you, as a ZIP file: messages, uploads, sessions and more.</p>
      <div class="settings-buttons">
        ${made
          ? html`<${Button} kind="primary" icon="download" href=${ownUrl(made.url)} download onClick=${() => setMade(null)}>Download</${Button}
              ><span class="settings-note">The link opens once, until ${fullTime(made.expires_at)}.</span>`
          : html`<${Button} icon="archive" onClick=${make}>Prepare the archive</${Button}>`}
      </div>
    </section>
  `;
}

/** A path of this server, below the page's own address. */
export function ownUrl(path) {
  return new URL(path.replace(/^\//, ""), document.baseURI).href;
}

function End({ user }) {
  const name = plainName(user.username);
  const end = (erase) => async () => {
    const done = await attempt("user_leave", { erase });
    if (done) logOut();
    return Boolean(done);
  };
  return html`
    <section class="danger-zone">
      <h2>Leave ${server.value.name}</h2>
      <div class="danger-row">
        <p><strong>Leave.</strong> Your account ends. What you wrote stays.</p>
        <${Button} onClick=${() => confirmTyped({ title: `Leave ${server.value.name}?`, text: "Your account ends, and with it your roles and settings. Your messages stay.", word: name, confirm: "Leave", run: end(false) })}>Leave…</${Button}>
      </div>
      <div class="danger-row">
        <p><strong>Delete everything.</strong> Your account ends, and messages, reactions, votes and files of yours are erased.</p>
        <${Button} kind="danger" onClick=${() => confirmTyped({ title: "Delete everything?", text: "Your account and all you ever wrote or uploaded here are erased. Nobody can bring that back.", word: name, confirm: "Delete everything", run: end(true) })}>Delete…</${Button}>
      </div>
    </section>
  `;
}
