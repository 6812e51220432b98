// How the page looks in this browser.
import { html } from "../lib.js";
import { appearance, setAppearance } from "../core/appearance.js";
import { Select, Switch } from "../ui/field.js";

const THEMES = [
  { value: "system", label: "As the device" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];
const SIZES = [
  { value: "small", label: "Small" },
  { value: "normal", label: "Normal" },
  { value: "large", label: "Large" },
];

export function AppearancePage() {
  const { theme, size, compact } = appearance.value;
  return html`
    <div class="settings-form">
      <${Select} label="Theme" value=${theme} onInput=${(value) => setAppearance({ theme: value })} options=${THEMES} />
      <${Select} label="Size of text" value=${size} onInput=${(value) => setAppearance({ size: value })} options=${SIZES} />
      <${Switch} label="Compact messages" hint="Less space between messages, no pictures beside them." value=${compact} onInput=${(value) => setAppearance({ compact: value })} />
      <p class="settings-note">Kept in this browser. Motion follows the device: switch it off there, and nothing moves here.</p>
    </div>
  `;
}
