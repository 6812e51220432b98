// What is pinned in the open place.
import { html, useEffect, useState } from "../lib.js";
import { on, online, request } from "../core/connection.js";
import { canIn } from "../core/permissions.js";
import { placeKey, placeOf, where } from "../core/place.js";
import { IconButton } from "../ui/button.js";
import { Empty, Problem } from "../ui/empty.js";
import { Skeleton } from "../ui/spinner.js";
import { toast } from "../ui/toast.js";
import { FoundMessage } from "./found-message.js";
import { panel } from "./panels.js";

export function Pins({ place, channel, thread }) {
  const written = place && (thread || channel.type === "text");
  return html`<aside class="panel found-panel" aria-label="Pinned messages">
    <header class="panel-head">
      <h2 class="panel-title">Pinned messages</h2>
      <${IconButton} icon="x" label="Close" onClick=${() => (panel.value = null)} />
    </header>
    <div class="panel-body">
      ${written
        ? html`<${List} key=${placeKey(place)} place=${place} channel=${channel} />`
        : html`<${Empty} compact icon="pin" title="Nothing is pinned here" text="Open a text channel or a thread." />`}
    </div>
  </aside>`;
}

function List({ place, channel }) {
  const [pins, setPins] = useState(null);
  const [problem, setProblem] = useState(null);
  const load = () => request("messages_pinned", where(place)).then(
    ({ messages }) => {
      setPins(messages);
      setProblem(null);
    },
    setProblem,
  );
  useEffect(() => {
    if (online.value === "online") load();
  }, [online.value]);
  useEffect(() => {
    const here = (packet) => placeKey(placeOf(packet)) === placeKey(place);
    const drop = (packet) => here(packet) && setPins((before) => before?.filter(({ id }) => id !== packet.id));
    const stops = [
      on("message_pin", (packet) => here(packet) && load()),
      on("message_edit", (packet) => here(packet) && setPins((before) => before?.map((each) => (each.id === packet.id ? { ...each, content: packet.content } : each)))),
      on("message_unpin", drop),
      on("message_delete", drop),
    ];
    return () => stops.forEach((stop) => stop());
  }, []);
  const unpin = (id) => request("message_unpin", { ...where(place), id }).catch((error) => toast(error, "danger"));

  if (problem && !pins) return html`<${Problem} compact title="The pins could not be loaded" error=${problem} onRetry=${load} />`;
  if (!pins) return html`<div class="found-loading"><${Skeleton} lines=${6} /></div>`;
  if (!pins.length) return html`<${Empty} compact icon="pin" title="Nothing is pinned yet" text="Pin what others should find again: rules, links, answers." />`;
  return html`<ul role="list">
    ${pins.map((message) => html`<${FoundMessage} key=${message.id} message=${{ ...message, ...place }}
      tools=${canIn(channel, "pin") && html`<${IconButton} icon="pin-off" size="s" label="Unpin" onClick=${() => unpin(message.id)} />`} />`)}
  </ul>`;
}
