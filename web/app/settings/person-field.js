// A field for the name of a member, with suggestions.
import { html, useId } from "../lib.js";
import { displayName, plainName, userNamed, users } from "../core/state.js";
import { TextField } from "../ui/field.js";

const MOST = 12;

/** value: what is written; onInput(text). */
export function PersonField({ value, ...rest }) {
  const id = useId();
  const wanted = value.trim().toLowerCase();
  const found = wanted ? matching(wanted) : [];
  return html`
    <div>
      <${TextField} ...${rest} value=${value} icon="search" placeholder="Name of a member" list=${id} autocomplete="off" />
      <datalist id=${id}>${found.map((user) => html`<option key=${user.username} value=${plainName(user.username)}>${displayName(user.username)}</option>`)}</datalist>
    </div>
  `;
}

/** The member who is called so, by username or nickname; or null. */
export function personCalled(text) {
  const name = text.trim();
  if (!name) return null;
  const exact = userNamed(name) ?? userNamed(`USR:local_${name.toLowerCase()}`);
  if (exact) return exact;
  for (const user of users.value.values()) if (user.nickname?.toLowerCase() === name.toLowerCase()) return user;
  return null;
}

function matching(wanted) {
  const found = [];
  for (const user of users.value.values()) {
    if (`${user.nickname ?? ""} ${plainName(user.username)}`.toLowerCase().includes(wanted)) found.push(user);
    if (found.length === MOST) break;
  }
  return found;
}
