// Who may become a member: shown to everybody who invites, changed by those who manage the server.
import { html, useId } from "../lib.js";
import { can } from "../core/permissions.js";
import { handshake } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Icon } from "../ui/icon.js";
import { useFetched } from "./fetched.js";

const CHOICES = [
  { value: "open", icon: "globe", title: "Everybody", text: "Whoever finds this address can make an account." },
  { value: "invite", icon: "user-plus", title: "Invited people", text: "Only with one of the links below." },
  { value: "closed", icon: "lock", title: "Nobody", text: "No new accounts. Members log in as always." },
];

/** {value: "open" | "invite" | "closed", setting: its entry or null where I do not manage the server, accounts: whether local
 *  ones may be made, reload()}. The handshake is of the time when the page connected. */
export function useRegistration() {
  const { answer, load } = useFetched("settings_get", {}, { enabled: can("manage_server") });
  const entry = (key) => answer?.settings.find((each) => each.key === key) ?? null;
  const setting = entry("registration");
  return { value: setting?.value ?? handshake.value?.registration, setting, accounts: entry("cracked.allow_registration")?.value ?? true, reload: load };
}

/** registration: what useRegistration gave. */
export function Registration({ registration }) {
  const name = useId();
  const { value, setting, accounts, reload } = registration;
  const fixed = setting?.fixed_by;
  const choose = async (wanted) => {
    await attempt("settings_update", { changes: { registration: wanted } }, "Saved");
    await reload();
  };
  if (!can("manage_server")) {
    const { icon, title, text } = CHOICES.find((choice) => choice.value === value) ?? CHOICES[0];
    return html`<p class="running-banner"><${Icon} name=${icon} /><span><strong>Who may join: ${title.toLowerCase()}.</strong> ${text}</span></p>`;
  }
  return html`
    <fieldset class="running-cards" disabled=${!setting || Boolean(fixed)}>
      <legend><h2>Who may join</h2></legend>
      ${CHOICES.map((choice) => html`
        <label key=${choice.value} class="running-card" data-checked=${choice.value === value ? "" : null}>
          <input type="radio" name=${name} value=${choice.value} checked=${choice.value === value} onChange=${() => choose(choice.value)} />
          <span class="running-card-text"><strong><${Icon} name=${choice.icon} size=${16} /> ${choice.title}</strong><small>${choice.text}</small></span>
        </label>`)}
    </fieldset>
    ${fixed && html`<p class="settings-note">Set by ${fixed}, so it cannot be changed here.</p>`}
    ${!accounts && html`<p class="settings-note">New local accounts are switched off by the setting cracked.allow_registration: only people with another login can join.</p>`}
  `;
}
