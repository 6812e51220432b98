// Ctrl+K: to any channel, thread or person by a few letters.
import { html, useMemo, useRef, useState } from "../lib.js";
import { placeKey } from "../core/place.js";
import { go } from "../core/router.js";
import { channels, channelTitle, displayName, me, users } from "../core/state.js";
import { unreadIn } from "../core/unreads.js";
import { Avatar } from "../ui/avatar.js";
import { openDialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { attempt } from "./menus.js";
import { channelIcon } from "./sidebar.js";

const MOST = 12;

export function openSwitcher() {
  openDialog((close) => html`<${Switcher} close=${close} />`, { title: "Go to", size: "m" });
}

function Switcher({ close }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef(null);
  const found = useMemo(() => search(text), [text, channels.value, users.value]);
  const choose = async (entry) => {
    close();
    if (entry.username) {
      const answer = await attempt("direct_open", { user: entry.username });
      const name = answer?.channel?.name ?? answer?.channel;
      if (name) go({ page: "chat", channel: name });
    } else go({ page: "chat", ...entry.target });
  };
  const steer = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      const next = (at + by + found.length) % Math.max(found.length, 1);
      setAt(next);
      list.current?.children[next]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      choose(found[at]);
    }
  };
  return html`
    <div class="switcher" onKeyDown=${steer}>
      <div class="filter-field switcher-field">
        <${Icon} name="search" size=${18} />
        <input
          type="text" role="combobox" aria-expanded="true" aria-controls="switcher-list" aria-activedescendant=${found[at] ? `switcher-${at}` : null}
          aria-label="Channel or person" placeholder="Channel or person" value=${text} autofocus autocomplete="off"
          onInput=${(event) => { setText(event.currentTarget.value); setAt(0); }}
        />
      </div>
      <ul class="switcher-list" id="switcher-list" role="listbox" aria-label="Places" ref=${list}>
        ${found.map((entry, index) => html`
          <li key=${entry.key} id=${`switcher-${index}`} role="option" class="switcher-row" aria-selected=${index === at} onClick=${() => choose(entry)} onPointerMove=${() => setAt(index)}>
            ${entry.face ? html`<${Avatar} username=${entry.face} size=${24} status=${true} />` : html`<span class="channel-icon">${channelIcon(entry.channel)}</span>`}
            <span class="switcher-title">${entry.title}</span>
            ${entry.note && html`<span class="switcher-note">${entry.note}</span>`}
          </li>`)}
      </ul>
      ${found.length === 0 && html`<p class="panel-note">Nothing is called that.</p>`}
    </div>
  `;
}

function search(text) {
  const wanted = text.trim().toLowerCase();
  const places = channels.value.filter(({ type }) => type !== "separator").flatMap((channel) => [
    { key: channel.name, channel, title: channelTitle(channel), face: channel.members?.find((name) => name !== me.value), target: { channel: channel.name }, unread: unreadIn(channel.name).unread_count, time: channel.last_message },
    ...(channel.threads ?? []).map((thread) => ({
      key: thread.id, channel, title: thread.name, note: channelTitle(channel), target: { thread: thread.id },
      unread: unreadIn(placeKey({ thread_id: thread.id })).unread_count, time: thread.last_message,
    })),
  ]);
  const met = new Set([me.value, ...places.map(({ face }) => face)]);
  const people = wanted ? [...users.value.keys()].filter((name) => !met.has(name)).map((username) => ({ key: username, username, face: username, title: displayName(username), note: "Direct message" })) : [];
  return [...places, ...people]
    .map((entry) => ({ entry, score: score(entry, wanted) }))
    .filter(({ score: each }) => each > 0)
    .sort((a, b) => b.score - a.score || (b.entry.time ?? 0) - (a.entry.time ?? 0))
    .slice(0, MOST)
    .map(({ entry }) => entry);
}

function score({ title, unread }, wanted) {
  const name = title.toLowerCase();
  if (!wanted) return unread ? 2 : 1;
  if (name.startsWith(wanted)) return 4;
  if (name.includes(wanted)) return 3;
  let at = -1;
  for (const letter of wanted) if ((at = name.indexOf(letter, at + 1)) < 0) return 0;
  return 1;
}
