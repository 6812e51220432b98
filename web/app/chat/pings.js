// The inbox: messages that call me, newest first.
import { html, useEffect, useState } from "../lib.js";
import { on, online, request } from "../core/connection.js";
import { placeKey, placeOf } from "../core/place.js";
import { callsMe, totalMentions, unreadIn, unreads } from "../core/unreads.js";
import { threadById } from "../core/state.js";
import { Button, IconButton } from "../ui/button.js";
import { Empty, Problem } from "../ui/empty.js";
import { Skeleton } from "../ui/spinner.js";
import { toast } from "../ui/toast.js";
import { FoundByPlace, FoundMessage } from "./found-message.js";
import { panel } from "./panels.js";

const PAGE = 30;

export function Pings() {
  const [pings, setPings] = useState(null);
  const [total, setTotal] = useState(0);
  const [problem, setProblem] = useState(null);
  const load = async (offset) => {
    try {
      const page = await request("pings_get", { limit: PAGE, offset });
      setProblem(null);
      setTotal(page.total);
      // what came meanwhile has moved the pages: what is there already is not taken twice
      setPings((before) => [...(offset ? before.filter(({ id }) => !page.messages.some((each) => each.id === id)) : []), ...page.messages]);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => {
    if (online.value === "online") load(0);
  }, [online.value]);
  useEffect(() => {
    const come = (packet) => {
      if (!callsMe(packet.message) || packet.message.ephemeral) return;
      setPings((before) => before && [{ ...packet.message, ...placeOf(packet) }, ...before]);
      setTotal((before) => before + 1);
    };
    const stops = [on("message_new", come), on("message_delete", ({ id }) => setPings((before) => before?.filter((each) => each.id !== id)))];
    return () => stops.forEach((stop) => stop());
  }, []);
  const unread = [...unreads.value.values()].some(({ unread_count: count }) => count > 0);

  return html`<aside class="panel found-panel" aria-label="Inbox">
    <header class="panel-head">
      <h2 class="panel-title">Inbox${totalMentions.value > 0 && html` <span class="found-count">${totalMentions.value} new</span>`}</h2>
      <span class="panel-tools">
        <${IconButton} icon="check-check" label="Mark everything as read" disabled=${!unread} onClick=${() => acknowledgeAll().catch((error) => toast(error, "danger"))} />
        <${IconButton} icon="x" label="Close" onClick=${() => (panel.value = null)} />
      </span>
    </header>
    <div class="panel-body">${body({ pings, total, problem, load })}</div>
  </aside>`;
}

function body({ pings, total, problem, load }) {
  if (problem && !pings) return html`<${Problem} compact title="The inbox could not be loaded" error=${problem} onRetry=${() => load(0)} />`;
  if (!pings) return html`<div class="found-loading"><${Skeleton} lines=${8} /></div>`;
  if (!pings.length) return html`<${Empty} compact icon="inbox" title="Nothing for you yet" text="When somebody mentions you, or answers you, it stands here." />`;
  return html`
    <${FoundByPlace} messages=${pings} render=${(message) => html`<${FoundMessage} key=${message.id} message=${message} unread=${isUnread(message)} />`} />
    ${problem && html`<${Problem} compact error=${problem} onRetry=${() => load(pings.length)} />`}
    ${!problem && pings.length < total && html`<div class="found-more"><${Button} kind="quiet" onClick=${() => load(pings.length)}>Load older ones</${Button}></div>`}`;
}

/** Marks all places as read, one after the other; rejects with the first error. */
async function acknowledgeAll() {
  for (const [key, { unread_count: count }] of unreads.peek()) {
    if (count) await request("unreads_ack", key.startsWith("thread/") ? { thread_id: key.slice("thread/".length) } : { channel: key });
  }
}

/** Whether it is behind what was read of its place. */
function isUnread(message) {
  if (message.thread_id && !threadById(message.thread_id)) return false;
  const { unread_count: count, last_read: last } = unreadIn(placeKey(message));
  return count > 0 && (last === null || message.id > last);
}
