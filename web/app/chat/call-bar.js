// What steers a call: the bar at the foot of the channels, wherever one is, and the same buttons in the voice channel.
import { html } from "../lib.js";
import * as calls from "../core/call.js";
import { call } from "../core/call.js";
import { link } from "../core/router.js";
import { channelNamed, channelTitle } from "../core/state.js";
import { IconButton } from "../ui/button.js";
import { Icon } from "../ui/icon.js";
import { openMenu } from "../ui/menu.js";
import { toast } from "../ui/toast.js";
import { sidebarOpen } from "./panels.js";

const QUALITY = { good: "Good connection", fair: "Fair connection", poor: "Poor connection" };

export function CallBar() {
  const now = call.value;
  if (!now) return null;
  const channel = channelNamed(now.channel);
  const state = wordOf(now);
  const quality = now.peers.some((peer) => peer.state === "failed") ? "poor" : now.quality;
  return html`
    <section class="call-bar" aria-label="Call" data-state=${now.state} data-quality=${quality}>
      <a class="call-bar-place" href=${link({ page: "chat", channel: now.channel })} onClick=${() => (sidebarOpen.value = false)}>
        <span class="call-bar-state"><${Icon} name=${now.state === "connected" ? "wifi" : "wifi-off"} size=${14} /><span>${state}</span></span>
        <span class="call-bar-name">${channel ? channelTitle(channel) : now.channel}</span>
      </a>
      <${Controls} now=${now} size="s" />
    </section>
  `;
}

/** On phones, above another place than that of the call, while the channels are out of sight. open: name of the channel
 *  there; none in the settings. */
export function CallStrip({ open }) {
  const now = call.value;
  if (!now || open === now.channel) return null;
  const channel = channelNamed(now.channel);
  const well = now.state === "connected" && !now.peers.some((peer) => peer.state === "failed");
  return html`
    <section class="call-strip" aria-label="Running call" data-state=${now.state}>
      <a class="call-strip-place" href=${link({ page: "chat", channel: now.channel })}>
        <${Icon} name=${channel?.type === "voice" ? "volume-2" : "phone"} size=${16} />
        <span class="truncate">${channel ? channelTitle(channel) : now.channel}${!well && html`, ${wordOf(now)}`}</span>
      </a>
      <${Controls} now=${now} size="m" />
    </section>
  `;
}

function wordOf(now) {
  if (now.state === "joining") return "Connecting…";
  if (now.state === "reconnecting") return "Reconnecting…";
  if (now.peers.some(({ state }) => state === "failed")) return "Not all reached";
  if (now.peers.length && now.peers.every(({ state }) => state === "connecting")) return "Connecting…";
  return QUALITY[now.quality] ?? "In the call";
}

/** size: "l" in the channel, with the choice of devices; "s" in the bar. */
export function Controls({ now, size }) {
  const large = size === "l";
  const iconSize = large ? 22 : 17;
  return html`
    <div class="call-controls" data-size=${size} role="group" aria-label="Microphone and sound">
      <${IconButton} icon=${now.muted ? "mic-off" : "mic"} label=${now.muted ? "Unmute" : "Mute"} size=${size} iconSize=${iconSize}
        data-off=${now.muted ? "" : null} onClick=${() => calls.setMuted(!now.muted)} />
      <${IconButton} icon=${now.deafened ? "volume-x" : "headphones"} label=${now.deafened ? "Turn sound on" : "Turn sound off"} size=${size}
        iconSize=${iconSize} data-off=${now.deafened ? "" : null} onClick=${() => calls.setDeafened(!now.deafened)} />
      ${large && html`<${IconButton} icon="sliders-horizontal" label="Devices" size=${size} iconSize=${iconSize} aria-haspopup="menu"
        onClick=${(event) => openDevices(event.currentTarget)} />`}
      <${IconButton} icon="phone-off" label="Leave the call" kind="danger" size=${size} iconSize=${iconSize} onClick=${calls.leave} />
    </div>
  `;
}

async function openDevices(anchor) {
  const { inputs, outputs } = await calls.devices();
  const choice = (choose) => ({ id, label, chosen }) => ({ label, checked: chosen, onSelect: () => choose(id).catch(tellTrouble) });
  const none = { label: "None was found", disabled: true };
  openMenu(anchor, [
    { heading: "Microphone" },
    ...(inputs.length ? inputs.map(choice(calls.chooseInput)) : [none]),
    outputs.length > 0 && "separator",
    outputs.length > 0 && { heading: "Sound" },
    ...outputs.map(choice(calls.chooseOutput)),
  ], { placement: "top", label: "Devices" });
}

function tellTrouble(error) {
  toast(error.kind ? "This device cannot be used. Is it plugged in, and allowed for this page?" : error, "danger");
}
