// A voice channel: who is in it, and how to enter. What stands at the foot of the channels while in a call is call-bar.js.
import { html } from "../lib.js";
import * as calls from "../core/call.js";
import { call, callProblem } from "../core/call.js";
import { volumeOf } from "../core/call-volumes.js";
import { on } from "../core/connection.js";
import { channelTitle, displayName, me } from "../core/state.js";
import { ensureStyle } from "../lazy.js";
import { announce } from "../ui/announce.js";
import { Avatar } from "../ui/avatar.js";
import { Button, IconButton } from "../ui/button.js";
import { Icon } from "../ui/icon.js";
import { openPopover } from "../ui/popover.js";
import { Spinner } from "../ui/spinner.js";
import { Controls } from "./call-bar.js";

await ensureStyle("voice.css");

export { CallBar, CallStrip } from "./call-bar.js";

const PROBLEMS = {
  denied: { icon: "mic-off", title: "The microphone is not allowed", text: "Allow it for this page, at the lock or the settings beside the address, and try again. You can also only listen." },
  missing: { icon: "mic-off", title: "No microphone was found", text: "Plug one in and try again, or only listen." },
  busy: { icon: "mic-off", title: "The microphone cannot be used", text: "Another program may be using it. Close that and try again, or only listen." },
  insecure: { icon: "lock", title: "Browsers give no microphone to this page", text: "They do so only over https. Ask whoever runs this server to set that up. You can listen." },
  full: { icon: "users", title: "This channel is full", text: "Try again when somebody has left." },
  moved: { icon: "phone", title: "You are on another device", text: "The call goes on there. Join to bring it here." },
};

export function VoiceRoom({ channel }) {
  const now = call.value?.channel === channel.name ? call.value : null;
  return html`
    <section class="voice" data-state=${now?.state ?? "out"} aria-label=${`Voice channel ${channelTitle(channel)}`}>
      ${now ? html`<${Call} now=${now} />` : html`<${Lobby} channel=${channel} />`}
    </section>
  `;
}

/** From outside: who is in there, and the way in. */
function Lobby({ channel }) {
  const there = channel.voice_state ?? [];
  const problem = callProblem.value?.channel === channel.name ? callProblem.value : null;
  const join = () => calls.join(channel.name);
  const listen = problem && ["denied", "missing", "busy", "insecure"].includes(problem.kind);
  return html`
    <div class="voice-lobby">
      ${there.length
        ? html`<ul class="voice-faces" role="list" aria-label="In the channel">
            ${there.map(({ username }) => html`<li key=${username} data-tip=${displayName(username)}><${Avatar} username=${username} size=${56} /><span class="visually-hidden">${displayName(username)}</span></li>`)}
          </ul>`
        : html`<span class="voice-mark"><${Icon} name="volume-2" size=${34} /></span>`}
      <h2 class="voice-title">${there.length ? presence(there) : "Nobody is here yet"}</h2>
      ${!problem && html`<p class="voice-text">${there.length ? "Come in and say hello." : "Join, and others see that you are here to talk."}</p>`}
      ${problem && html`<${Trouble} problem=${problem} />`}
      <div class="voice-actions">
        <${Button} kind="primary" size="l" icon="phone" onClick=${join}>${problem ? "Try again" : call.value ? "Switch to this channel" : "Join voice"}</${Button}>
        ${listen && html`<${Button} size="l" icon="headphones" onClick=${() => calls.join(channel.name, { listening: true })}>Only listen</${Button}>`}
      </div>
    </div>
  `;
}

function Trouble({ problem }) {
  const { icon = "triangle-alert", title = "That did not work", text = problem.message } = PROBLEMS[problem.kind] ?? {};
  return html`<div class="voice-trouble" role="alert">
    <${Icon} name=${icon} size=${20} />
    <div><p class="voice-trouble-title">${title}</p><p>${text}</p></div>
  </div>`;
}

function presence(there) {
  const names = there.map(({ username }) => displayName(username));
  if (names.length === 1) return `${names[0]} is here`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are here`;
  return `${names[0]}, ${names[1]} and ${names.length - 2} more are here`;
}

/** From inside. */
function Call({ now }) {
  const own = { username: me.value, muted: now.muted, speaking: now.speaking, state: now.state === "connected" ? "connected" : "connecting" };
  const problem = callProblem.value?.channel === now.channel ? callProblem.value : null;
  return html`
    ${now.state === "reconnecting" && html`<p class="voice-note" role="status"><${Spinner} size=${16} label="" /> The connection was lost. You are back as soon as there is one.</p>`}
    ${now.silent && html`<div class="voice-note" role="alert">
      <span>Your browser waits for a click before it plays sound.</span>
      <${Button} kind="primary" size="s" icon="volume-2" onClick=${calls.playAll}>Turn on sound</${Button}>
    </div>`}
    ${problem && html`<${Trouble} problem=${problem} />`}
    <ul class="voice-tiles scroll" role="list" tabindex="0" aria-label="In the call" data-count=${Math.min(now.peers.length + 1, 5)}>
      <${Tile} who=${own} own=${true} listening=${now.listening} />
      ${now.peers.map((peer) => html`<${Tile} key=${peer.peer_id} who=${peer} />`)}
    </ul>
    ${now.state === "connected" && now.peers.length === 0 && html`<p class="voice-alone">You are alone here. Others can see you in the list of channels.</p>`}
    <${Controls} now=${now} size="l" />
  `;
}

const STATES = { connecting: "Connecting…", failed: "Cannot be reached" };

function Tile({ who, own = false, listening = false }) {
  const name = displayName(who.username);
  const volume = volumeOf(who.username);
  const note = who.state === "connected" ? (listening ? "Only listening" : null) : STATES[who.state];
  return html`
    <li class="voice-tile" data-state=${who.state} data-user=${who.username} data-speaking=${who.speaking ? "" : null} data-muted=${who.muted ? "" : null}>
      <span class="voice-ring"><${Avatar} username=${who.username} size=${88} /></span>
      <span class="voice-name">
        ${who.muted && html`<${Icon} name="mic-off" size=${15} label="muted" />`}
        <span class="voice-name-text">${name}</span>${own && html`<span class="voice-own">you</span>`}
      </span>
      ${!own && html`<${IconButton} class="voice-volume" icon=${volume ? "volume-2" : "volume-x"} label=${`Volume of ${name}`} aria-haspopup="dialog"
        data-off=${volume ? null : ""} onClick=${(event) => openVolume(event.currentTarget, who.username)} />`}
      ${note && html`<span class="voice-state" data-failed=${who.state === "failed" ? "" : null}>${note}</span>`}
    </li>
  `;
}

function openVolume(anchor, username) {
  openPopover(anchor, () => html`<${Volume} username=${username} />`, { label: `Volume of ${displayName(username)}`, placement: "bottom-end" });
}

/** How loud one member is, for oneself alone. */
function Volume({ username }) {
  const percent = Math.round(volumeOf(username) * 100);
  return html`
    <div class="volume">
      <span class="volume-head"><span id="volume-of">Volume of ${displayName(username)}</span><span class="volume-value">${percent ? `${percent} %` : "silent"}</span></span>
      <input type="range" aria-labelledby="volume-of" min="0" max="100" step=${calls.canSetVolume() ? 5 : 100} value=${percent} aria-valuetext=${percent ? `${percent} percent` : "silent"}
        onInput=${(event) => calls.setVolume(username, Number(event.currentTarget.value) / 100)} />
      <span class="volume-note">For you alone, and kept in this browser.</span>
    </div>
  `;
}

// --- what is spoken by screen readers, also while another place is open ---

const others = ({ channel }, username) => call.peek()?.channel === channel && username !== me.peek();

on("voice_user_joined", (packet) => {
  if (others(packet, packet.user.username)) announce(`${displayName(packet.user.username)} joined the call`);
});
on("voice_user_left", (packet) => {
  if (others(packet, packet.username)) announce(`${displayName(packet.username)} left the call`);
});
on("voice_user_updated", (packet) => {
  const { username, muted } = packet.user;
  if (others(packet, username)) announce(`${displayName(username)} ${muted ? "is muted" : "is not muted any more"}`);
});

let said = null; // {channel, state, muted} as told last

call.subscribe((now) => {
  const before = said;
  said = now && { channel: now.channel, state: now.state, muted: now.muted };
  if (now?.state === "connected" && before?.state !== "connected") announce(`You are in the call, ${now.muted ? "muted" : "with your microphone on"}`);
  else if (now?.state === "reconnecting" && before?.state === "connected") announce("The call was interrupted");
  else if (!now && before) announce("You left the call");
  else if (now && before && now.muted !== before.muted) announce(now.muted ? "You are muted" : "Your microphone is on");
});
