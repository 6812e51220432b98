// A message away from its place: among results, pins and pings.
import { html } from "../lib.js";
import { shortTime, fullTime } from "../core/format.js";
import { go } from "../core/router.js";
import { channelNamed, channelTitle, colorOf, displayName, me, threadById } from "../core/state.js";
import { ensureStyle } from "../lazy.js";
import { Avatar } from "../ui/avatar.js";
import { Icon } from "../ui/icon.js";
import { excerpt, writtenExcerpt } from "./excerpt.js";
import { partsOf } from "./mentions.js";
import { panel } from "./panels.js";
import { channelIcon } from "./sidebar.js";
import { fileIcon } from "./uploads.js";

await ensureStyle("search.css");

const LONGEST = 320;

/** message: with `channel`, and `thread_id` if it has one. words: what is marked in it. tools: buttons at its end. */
export function FoundMessage({ message, words = [], tools, unread }) {
  const { user, timestamp, attachments = [], webhook } = message;
  const color = colorOf(user);
  const jump = () => {
    jumpTo(message);
    if (!matchMedia("(min-width: 1024px)").matches) panel.value = null;
  };
  return html`<li class="found" data-unread=${unread || undefined}>
    <button type="button" class="found-main" onClick=${jump} aria-label=${`${unread ? "New: " : ""}Message of ${webhook?.name ?? displayName(user)}, ${shortTime(timestamp)}: ${excerpt(message)}`}>
      <${Avatar} username=${user} name=${webhook?.name} src=${webhook ? null : undefined} size=${32} />
      <span class="found-body">
        <span class="found-head">
          <span class="found-author truncate ${color ? "role-ink" : ""}" style=${{ "--role": color ?? "" }}>${webhook?.name ?? displayName(user)}</span>
          <time class="found-time" data-tip=${fullTime(timestamp)}>${shortTime(timestamp)}</time>
        </span>
        <span class="found-text">${drawn(around(writtenExcerpt(message, 1000), words), words)}</span>
        ${attachments.length > 0 && message.content && html`<span class="found-files">
          ${attachments.slice(0, 3).map(({ id, name, mime_type }) => html`<span class="found-file" key=${id}><${Icon} name=${fileIcon(mime_type ?? "")} size=${13} /><span class="truncate">${name}</span></span>`)}
          ${attachments.length > 3 && html`<span>+${attachments.length - 3}</span>`}
        </span>`}
      </span>
    </button>
    ${tools && html`<span class="found-tools">${tools}</span>`}
  </li>`;
}

/** Runs of messages of one place, each below its name. render: as FoundMessage. */
export function FoundByPlace({ messages, render }) {
  const runs = [];
  for (const message of messages) {
    if (runs.length && sameWhere(runs.at(-1)[0], message)) runs.at(-1).push(message);
    else runs.push([message]);
  }
  return runs.map((run) => html`<section class="found-group" key=${run[0].id} aria-label=${placeTitle(run[0])}>
    <h3 class="found-place"><${PlaceName} message=${run[0]} /></h3>
    <ul role="list">${run.map(render)}</ul>
  </section>`);
}

function PlaceName({ message }) {
  const channel = channelNamed(message.channel);
  return html`${channel && !channel.members ? html`<span class="channel-icon">${channelIcon(channel)}</span>` : html`<${Icon} name="at-sign" size=${15} />`}
    <span class="truncate">${placeTitle(message)}</span>`;
}

function placeTitle({ channel: name, thread_id: id }) {
  const channel = channelNamed(name);
  const other = channel?.members?.find((each) => each !== me.value);
  const title = other ? displayName(other) : channel ? channelTitle(channel) : name;
  const thread = id && threadById(id);
  return thread ? `${title} › ${thread.name}` : title;
}

export function jumpTo({ channel, thread_id, id }) {
  go({ page: "chat", ...(thread_id ? { thread: thread_id } : { channel }), message: id });
}

function sameWhere(a, b) {
  return a.channel === b.channel && a.thread_id === b.thread_id;
}

/** The part of a long text in which the first of the words stands. */
function around(text, words) {
  if (text.length <= LONGEST) return text;
  const pattern = patternOf(words);
  const at = pattern ? Math.max(text.search(pattern), 0) : 0;
  const from = at < LONGEST * 0.7 ? 0 : text.lastIndexOf(" ", at - 60) + 1;
  const cut = text.slice(from, from + LONGEST);
  return `${from ? "…" : ""}${cut}${from + LONGEST < text.length ? "…" : ""}`;
}

/** The text with its names as they are shown, and the words marked. */
function drawn(text, words) {
  const pattern = patternOf(words);
  return partsOf(text).map((part) =>
    typeof part === "string" || part.kind === "emoji"
      ? marked(part.label ?? part, pattern)
      : html`<span class="mention" data-mine=${part.mine || undefined}>${part.label}</span>`,
  );
}

function marked(text, pattern) {
  if (!pattern) return text;
  return text.split(pattern).map((part, index) => (index % 2 ? html`<mark key=${index}>${part}</mark>` : part));
}

function patternOf(words) {
  const found = words.filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return found.length ? new RegExp(`(${found.join("|")})`, "giu") : null;
}
