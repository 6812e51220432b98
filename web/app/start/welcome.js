// What a visitor sees: whose server this is, and the ways in.
import { html, useEffect, useState } from "../lib.js";
import { loginProblem } from "../core/connection.js";
import { shortTime } from "../core/format.js";
import { go, route } from "../core/router.js";
import { logIn } from "../core/session.js";
import { handshake, limits, localUrl, server } from "../core/state.js";
import { ensureStyle } from "../lazy.js";
import { Button } from "../ui/button.js";
import { Checkbox, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { Spinner } from "../ui/spinner.js";
import { Tabs } from "../ui/tabs.js";
import { beginFirstRun } from "./first-run-state.js";
import { goToRotur, takeRoturToken, validatorFor } from "./rotur.js";

await ensureStyle("welcome.css");

const CLOSED = {
  closed: "This community takes no new members at the moment.",
  invite: "New members need an invitation. Open the link that you were sent.",
};
const NAME = /^[A-Za-z0-9_-]{2,32}$/;

export function Welcome() {
  const facts = handshake.value;
  const invite = useInvite();
  const [tab, setTab] = useState(invite.code || facts?.claimable ? "register" : "login");
  useRoturReturn(invite.code);
  if (!facts) return html`<div class="welcome"><${Spinner} size=${28} label="Connecting" /></div>`;

  const local = facts.auth_mode !== "rotur";
  const rotur = facts.auth_mode !== "cracked-only";
  const mayRegister = local && (facts.registration === "open" || facts.claimable || (facts.registration === "invite" && invite.card?.valid !== false));
  const tabs = [{ id: "login", label: "Log in" }, mayRegister && { id: "register", label: "Create account" }].filter(Boolean);
  return html`
    <main class="welcome">
      <section class="welcome-card">
        <${Head} invite=${invite} />
        ${loginProblem.value && html`<p class="welcome-problem" role="alert"><${Icon} name="circle-alert" size=${18} /> ${loginProblem.value}</p>`}
        ${!facts.claimable && !invite.code && CLOSED[facts.registration] && html`<p class="welcome-closed"><${Icon} name="lock" size=${18} /> ${CLOSED[facts.registration]}</p>`}
        ${local && tabs.length > 1
          ? html`<${Tabs} tabs=${tabs} value=${tab} onSelect=${setTab} label="Ways in">
              ${tab === "register" ? html`<${Register} facts=${facts} invite=${invite} />` : html`<${Login} facts=${facts} />`}
            </${Tabs}>`
          : local && html`<${Login} facts=${facts} />`}
        ${rotur && html`
          ${local && html`<div class="welcome-or"><span>or</span></div>`}
          <${Button} kind=${local ? "secondary" : "primary"} size="l" block icon="globe" onClick=${() => goToRotur(invite.code)}>Continue with Rotur</${Button}>
          <p class="welcome-note">Opens rotur.dev, which tells this server who you are.</p>`}
      </section>
    </main>
  `;
}

function Head({ invite }) {
  const { name, icon, description } = { ...server.value, ...handshake.value.server };
  const picture = localUrl(icon);
  const { card } = invite;
  return html`
    <header class="welcome-head">
      ${picture ? html`<img class="welcome-icon" src=${picture} alt="" />` : html`<span class="welcome-icon" aria-hidden="true">${name.slice(0, 1)}</span>`}
      ${card?.valid && html`<p class="welcome-invite">${card.inviter ? `${card.inviter} invites you to` : "You are invited to"}</p>`}
      <h1>${name}</h1>
      ${description && html`<p class="welcome-text">${description}</p>`}
      ${card?.valid && card.expires_at && html`<p class="welcome-note">The invitation holds until ${shortTime(card.expires_at)}.</p>`}
      ${card && !card.valid && html`<p class="welcome-problem" role="alert"><${Icon} name="circle-alert" size=${18} /> This invitation is used up, expired or was withdrawn. Ask for a new one.</p>`}
    </header>
  `;
}

function Login() {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [keep, setKeep] = useState(true);
  const [problem, setProblem] = useState("");
  const submit = async () => {
    setProblem("");
    try {
      await logIn({ cmd: "login", username: username.trim(), password }, { keep });
    } catch (error) {
      setProblem(error.message);
    }
  };
  return html`
    <${Form} onSubmit=${submit} label="Log in" problem=${problem} disabled=${!username.trim() || !password}>
      <${TextField} label="Name" value=${username} onInput=${setUsername} autocomplete="username" autocapitalize="none" spellcheck=${false} size="l" />
      <${TextField} label="Password" type="password" value=${password} onInput=${setPassword} autocomplete="current-password" size="l" />
      <${Checkbox} label="Stay logged in on this device" value=${keep} onInput=${setKeep} />
    </${Form}>
  `;
}

function Register({ facts, invite }) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [claim, setClaim] = useState("");
  const [problem, setProblem] = useState("");
  const nameProblem = username && !NAME.test(username) ? "2 to 32 letters, digits, hyphens or underscores" : "";
  const submit = async () => {
    setProblem("");
    const fields = { username: username.trim(), password };
    if (invite.code) fields.invite = invite.code;
    if (claim.trim()) fields.claim = claim.trim();
    try {
      await logIn({ cmd: "register", ...fields });
      if (fields.claim) beginFirstRun();
      else if (invite.code) go({ page: "chat" }, { replace: true });
    } catch (error) {
      setProblem(error.message);
    }
  };
  const ready = NAME.test(username) && password.length >= 4 && (!facts.claimable || facts.registration === "open" || claim.trim() || invite.code);
  return html`
    <${Form} onSubmit=${submit} label=${claim.trim() ? "Create account and take over" : "Create account"} problem=${problem} disabled=${!ready}>
      ${facts.claimable && html`
        <div class="welcome-claim">
          <p><strong>This server has no owner yet.</strong> If you started it, enter the claim code from its start screen, and it is yours.</p>
          <${TextField} label="Claim code" value=${claim} onInput=${setClaim} autocomplete="off" autocapitalize="none" spellcheck=${false} size="l" hint=${facts.registration === "open" ? "Leave empty to join as a member." : ""} />
        </div>`}
      <${TextField} label="Name" value=${username} onInput=${setUsername} error=${nameProblem} hint="How others mention you. You can show a nickname." autocomplete="username" autocapitalize="none" spellcheck=${false} size="l" maxLength=${Math.min(32, limits.value.username ?? 32)} />
      <${TextField} label="Password" type="password" value=${password} onInput=${setPassword} hint="A sentence is easy to remember and hard to guess." autocomplete="new-password" size="l" />
    </${Form}>
  `;
}

function Form({ onSubmit, label, problem, disabled, children }) {
  const [busy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    if (busy || disabled) return;
    setBusy(true);
    await onSubmit();
    setBusy(false);
  };
  return html`
    <form class="welcome-form" aria-label=${label} onSubmit=${send} novalidate>
      ${children}
      ${problem && html`<p class="welcome-problem" role="alert"><${Icon} name="circle-alert" size=${18} /> ${problem}</p>`}
      <${Button} kind="primary" size="l" block type="submit" busy=${busy} disabled=${disabled}>${label}</${Button}>
    </form>
  `;
}

/** {code, card}: the invitation that the address names, and what the server says of it (null until it has). */
function useInvite() {
  const code = route.value.page === "invite" ? route.value.code : "";
  const [card, setCard] = useState(null);
  useEffect(() => {
    if (!code) return undefined;
    const stop = new AbortController();
    fetch(`invites/${encodeURIComponent(code)}`, { signal: stop.signal })
      .then(async (response) => setCard(response.ok ? await response.json() : response.status === 404 ? { valid: false } : null))
      .catch(() => {});
    return () => stop.abort();
  }, [code]);
  return { code, card };
}

/** Back from rotur.dev: the token in the address becomes a login. */
function useRoturReturn() {
  const connected = handshake.value !== null;
  useEffect(() => {
    if (!connected) return;
    const back = takeRoturToken();
    if (!back) return;
    validatorFor(back.token, handshake.value.validator_key)
      .then((validator) => logIn({ cmd: "auth", validator, ...(back.invite ? { invite: back.invite } : {}) }))
      .catch((error) => (loginProblem.value = error.message));
  }, [connected]);
}
