// The bar above the open place: what it is called, what it is for, and the panels.
import { html } from "../lib.js";
import { channelTitle, displayName, me, users } from "../core/state.js";
import { totalForMe } from "../core/unreads.js";
import { Avatar } from "../ui/avatar.js";
import { IconButton } from "../ui/button.js";
import { openMenu } from "../ui/menu.js";
import { channelMenu } from "./menus.js";
import { panel, sidebarOpen, toggle } from "./panels.js";
import { channelIcon } from "./sidebar.js";

const phone = matchMedia("(max-width: 639px)");
/** On phones there is no room for its button. */
const PINS = { label: "Pinned messages", icon: "pin", onSelect: () => toggle("pins") };

export function Header({ channel, thread }) {
  const other = channel?.members?.find((name) => name !== me.value);
  const pins = channel?.type === "text" || thread;
  const items = channel && !thread ? channelMenu(channel) : [];
  return html`
    <header class="header">
      <${IconButton} class="header-menu" icon="menu" label="Channels" count=${totalForMe.value} onClick=${() => (sidebarOpen.value = true)} />
      ${channel && html`
        <div class="header-title">
          ${other ? html`<${Avatar} username=${other} size=${24} status=${true} />` : html`<span class="channel-icon">${channelIcon(channel)}</span>`}
          <h1 class="header-name">${other ? displayName(other) : channelTitle(channel)}</h1>
          ${channel.description && !thread && html`<p class="header-topic" data-tip=${channel.description}>${channel.description}</p>`}
        </div>
        <div class="header-tools">
          ${pins && html`<${Panel} name="pins" icon="pin" label="Pinned messages" class=${items.length ? "header-wide" : ""} />`}
          <${Panel} name="search" icon="search" label="Search" />
          ${!channel.members && html`<${Panel} name="members" icon="users" label=${`Members (${users.value.size})`} />`}
          ${items.length > 0 && html`<${IconButton} icon="ellipsis" label="More" aria-haspopup="menu" onClick=${(event) => openMenu(event.currentTarget, pins && phone.matches ? [PINS, ...items] : items)} />`}
        </div>
      `}
    </header>
  `;
}

function Panel({ name, icon, label, class: className }) {
  return html`<${IconButton} class=${className} icon=${icon} label=${label} pressed=${panel.value === name} onClick=${() => toggle(name)} />`;
}
