// Who may do what in a channel: a cell for each role and key, and whom that lets in, tried on the server while it is edited.
import { html, useEffect, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { plural } from "../core/format.js";
import { DEFAULT_RULES } from "../core/permissions.js";
import { capabilities, displayName, roles } from "../core/state.js";
import { Icon } from "../ui/icon.js";
import { Spinner } from "../ui/spinner.js";

const KEYS = [
  { key: "view", label: "See it" },
  { key: "send", label: "Write" },
  { key: "react", label: "React" },
  { key: "edit_own", label: "Edit own" },
  { key: "delete_own", label: "Delete own" },
  { key: "delete", label: "Delete any" },
  { key: "pin", label: "Pin" },
  { key: "create_thread", label: "Open threads" },
];
const NEXT = { inherit: "allow", allow: "deny", deny: "inherit" };
const WORDS = { allow: "allowed", deny: "denied", inherit: "not named" };
const ICONS = { allow: "check", deny: "x", inherit: "minus" };
const PAUSE_MS = 250;

const ruleOf = (rules, key) => (rules[key]?.length ? rules[key] : DEFAULT_RULES[key]);
const cellOf = (rule, role) => (rule.includes(`!${role}`) ? "deny" : rule.includes(role) ? "allow" : "inherit");

export function sameRules(a, b) {
  const flat = (rules) => KEYS.map(({ key }) => [...ruleOf(rules, key)].sort().join()).join("|");
  return flat(a) === flat(b);
}

/** rules: key -> names of roles, `!name` denies. onInput(rules). */
export function ChannelRules({ channel, type, rules, onInput }) {
  const keys = type === "separator" ? KEYS.slice(0, 1) : KEYS.filter(({ key }) => key !== "create_thread" || type !== "voice");
  const turn = (key, role) => {
    const rest = ruleOf(rules, key).filter((each) => each !== role && each !== `!${role}`);
    const next = NEXT[cellOf(ruleOf(rules, key), role)];
    onInput({ ...rules, [key]: next === "inherit" ? (rest.length ? rest : [...DEFAULT_RULES[key]]) : [...rest, next === "deny" ? `!${role}` : role] });
  };
  return html`
    <section>
      <h2>Who may do what</h2>
      <p class="settings-note">Of a member's roles, the first that a column names decides. Whoever it does not name may not.</p>
      <div class="rule-legend" aria-hidden="true">
        ${Object.keys(WORDS).map((rule) => html`<span key=${rule}><span class="rule-cell" data-rule=${rule}><${Icon} name=${ICONS[rule]} size=${16} /></span>${WORDS[rule]}</span>`)}
      </div>
      <div class="matrix-scroll" tabindex="0" role="region" aria-label="Permissions of each role">
        <table class="matrix">
          <thead><tr><th scope="col">Role</th>${keys.map(({ key, label }) => html`<th key=${key} scope="col">${label}</th>`)}</tr></thead>
          <tbody>
            ${[...roles.value.values()].map((role) => html`
              <tr key=${role.name}>
                <th scope="row">${role.name}${passesAll(role) && html`<small>always</small>`}</th>
                ${keys.map(({ key, label }) => html`<td key=${key}><${Cell} role=${role} label=${label} rule=${cellOf(ruleOf(rules, key), role.name)} onTurn=${() => turn(key, role.name)} /></td>`)}
              </tr>`)}
          </tbody>
        </table>
      </div>
      ${capabilities.value.has("channel_audience") && html`<${Audience} channel=${channel} rules=${rules} writes=${type !== "separator"} />`}
    </section>
  `;
}

const passesAll = (role) => role.name === "owner" || role.permissions.includes("administrator");

function Cell({ role, label, rule, onTurn }) {
  const always = passesAll(role);
  const shown = always ? "allow" : rule;
  return html`<button type="button" class="rule-cell" data-rule=${shown} disabled=${always}
    aria-label=${`${label}, ${role.name}: ${always ? "always allowed" : WORDS[rule]}`} onClick=${onTurn}><${Icon} name=${ICONS[shown]} size=${17} /></button>`;
}

function Audience({ channel, rules, writes }) {
  const [found, setFound] = useState(null);
  const asked = JSON.stringify(rules);
  useEffect(() => {
    let wanted = true;
    const timer = setTimeout(async () => {
      try {
        const answer = await request("channel_audience", { channel, permissions: rules });
        if (wanted) setFound(answer);
      } catch {
        if (wanted) setFound(null);
      }
    }, PAUSE_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [channel, asked]);
  if (!found) return html`<div class="audience"><div class="audience-part"><${Spinner} /></div></div>`;
  const parts = [["can see it", found.view], ...(writes ? [["can write", found.send]] : [])];
  return html`
    <div class="audience" aria-live="polite" aria-label="Whom these rules let in">
      ${parts.map(([what, part]) => html`
        <div key=${what} class="audience-part">
          <p><span class="audience-count">${part.members.toLocaleString()}</span> ${plural(part.members, "member").replace(/^\S+ /, "")} ${what}</p>
          <p class="audience-names">${people(part)}</p>
        </div>`)}
    </div>
  `;
}

function people({ members, names }) {
  const shown = names.slice(0, 8).map(displayName);
  return [...shown, members > shown.length ? `and ${(members - shown.length).toLocaleString()} more` : null].filter(Boolean).join(", ") || "Nobody";
}
