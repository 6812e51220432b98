// The chat as a whole: channels, the open place, and what stands beside it.
import { html, useEffect } from "../lib.js";
import { call } from "../core/call-state.js";
import { online, retryNow } from "../core/connection.js";
import { keepLastPlace, lastPlace } from "../core/last-place.js";
import { go, parse, route } from "../core/router.js";
import { channels, channelNamed, threadById } from "../core/state.js";
import { updateReady } from "../core/worker.js";
import { lazy } from "../lazy.js";
import { Button } from "../ui/button.js";
import { Empty } from "../ui/empty.js";
import { Composer } from "./composer.js";
import { Header } from "./header.js";
import { onKey } from "./keys.js";
import { MessageList } from "./message-list.js";
import { panel, sidebarOpen } from "./panels.js";
import { Sidebar } from "./sidebar.js";
import { editing, replyTo } from "./writing.js";

const Members = lazy(() => import("./members.js"), "Members", html`<aside class="members" aria-label="Members"></aside>`);
const Search = lazy(() => import("./search.js"), "Search");
const Pins = lazy(() => import("./pins.js"), "Pins");
const Pings = lazy(() => import("./pings.js"), "Pings");
const Forum = lazy(() => import("./threads.js"), "Forum");
const ThreadHeader = lazy(() => import("./threads.js"), "ThreadHeader");
const NotInSight = lazy(() => import("./joining.js"), "NotInSight");
const VoiceRoom = lazy(() => import("./voice.js"), "VoiceRoom");
const CallStrip = lazy(() => import("./voice.js"), "CallStrip");
const PANELS = { members: Members, search: Search, pins: Pins, pings: Pings };

/** {channel, thread} that the route names, as far as they are in sight. */
export function openPlace() {
  const { page, channel, thread } = route.value;
  if (page !== "chat") return { channel: null, thread: null };
  if (thread) {
    const found = threadById(thread);
    return { channel: found && channelNamed(found.parent_channel), thread: found };
  }
  return { channel: channel ? channelNamed(channel) : null, thread: null };
}

export function Chat({ hidden }) {
  const { channel, thread } = openPlace();
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => {
    // back from the settings, which had the focus
    const lost = document.activeElement === document.body && matchMedia("(pointer: fine)").matches;
    if (!hidden && lost) document.querySelector(".composer-field")?.focus({ preventScroll: true });
  }, [hidden]);
  useFirstPlace();
  const Panel = PANELS[panel.value];
  const place = thread ? { channel: channel.name, thread_id: thread.id } : channel && { channel: channel.name };
  return html`
    <div class="layout" hidden=${hidden} data-sidebar=${sidebarOpen.value ? "open" : "closed"} data-panel=${panel.value ?? "none"}>
      <${Sidebar} />
      <div class="layout-scrim" onClick=${() => (sidebarOpen.value = false)}></div>
      <main class="layout-main" id="main">
        ${call.value && html`<${CallStrip} open=${channel?.name} />`}
        <${Banner} />
        ${channel ? html`<${Header} channel=${channel} thread=${thread} place=${place} />` : html`<${Header} />`}
        <div class="layout-body">
          <div class="layout-chat"><${Body} channel=${channel} thread=${thread} place=${place} /></div>
          ${Panel && html`<${Panel} channel=${channel} thread=${thread} place=${place} />`}
        </div>
      </main>
    </div>
  `;
}

function Body({ channel, thread, place }) {
  if (!channel) {
    const { channel: asked, thread: askedThread } = route.value;
    if (asked) return html`<${NotInSight} key=${asked} name=${asked} />`;
    return askedThread
      ? html`<${Empty} icon="eye-off" title="Nothing to see here" text="This thread does not exist, or you may not view it." />`
      : html`<${Empty} icon="message-circle" title="No channel is open" text="Choose one from the list." />`;
  }
  if (channel.type === "forum" && !thread) return html`<${Forum} key=${channel.name} channel=${channel} />`;
  if (channel.type === "voice") return html`<${VoiceRoom} key=${channel.name} channel=${channel} />`;
  const key = thread ? `thread/${thread.id}` : channel.name;
  return html`
    ${thread && html`<${ThreadHeader} channel=${channel} thread=${thread} />`}
    <${MessageList} key=${key} place=${place} channel=${channel} message=${route.value.message} />
    <${Composer}
      key=${`composer/${key}`}
      place=${place}
      channel=${channel}
      thread=${thread}
      replyTo=${replyTo.value?.key === key ? replyTo.value.message : null}
      onReplyDone=${() => (replyTo.value = null)}
      onEditLast=${() => editing.value = { key, last: true }}
    />
  `;
}

/** Quiet word on a lost connection. */
function Banner() {
  if (updateReady.value && online.value === "online") {
    return html`<div class="banner" data-kind="info" role="status">
      <span class="banner-text">There is a new version of this page.</span>
      <${Button} kind="quiet" size="s" onClick=${() => location.reload()}>Reload</${Button}>
    </div>`;
  }
  if (online.value !== "offline") return null;
  return html`<div class="banner" role="status">
    <span class="banner-text">Connection lost. Trying again; what you write will be sent.</span>
    <${Button} kind="quiet" size="s" onClick=${retryNow}>Try now</${Button}>
  </div>`;
}

/** Without a place in the address: the one open last, else the first. */
function useFirstPlace() {
  const { page, channel, thread } = route.value;
  const list = channels.value;
  useEffect(() => {
    if (page !== "chat") return;
    if (channel || thread) {
      keepLastPlace({ channel, thread });
      return;
    }
    const { page: wanted, channel: asked, thread: opened } = parse(location.hash);
    if (!list.length || wanted !== "chat" || asked || opened) return; // gone elsewhere since this was drawn
    const last = lastPlace();
    const known = last.thread ? threadById(last.thread) : last.channel && list.some(({ name }) => name === last.channel);
    const first = list.find(({ type }) => type === "text") ?? list.find(({ type }) => type !== "separator");
    if (known) go({ page: "chat", ...last }, { replace: true });
    else if (first) go({ page: "chat", channel: first.name }, { replace: true });
  }, [page, channel, thread, list.length]);
}
