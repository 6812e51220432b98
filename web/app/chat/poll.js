// A poll inside a message: vote, watch the results, end it.
import { html, useEffect, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { ago, fullTime, names, plural } from "../core/format.js";
import { can } from "../core/permissions.js";
import { displayName, me } from "../core/state.js";
import { ensureStyle } from "../lazy.js";
import { Avatar } from "../ui/avatar.js";
import { Button } from "../ui/button.js";
import { confirmDialog, openDialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { Emoji } from "./emojis.js";

await ensureStyle("poll.css");

const TICK_MS = 20_000;

export function Poll({ poll, message, channel }) {
  const [sending, setSending] = useState(null); // ids of the options on their way
  const now = useNow(!poll.ended && Boolean(poll.expires_at));
  const chosen = sending ?? poll.user_votes ?? [];
  const results = poll.results ?? poll.options.map((option) => ({ ...option, votes: 0, voters: [] }));
  const total = poll.total_votes ?? 0;
  const best = poll.ended ? Math.max(...results.map(({ votes }) => votes)) : 0;
  const mayEnd = message.user === me.value || (!channel?.members && can("manage_messages"));

  const vote = async (id) => {
    if (poll.ended || sending) return;
    const without = chosen.filter((each) => each !== id);
    const next = chosen.includes(id) ? without : poll.allow_multiselect ? [...chosen, id] : [id];
    setSending(next);
    try {
      await request("poll_vote", { message_id: message.id, option_ids: next });
    } catch (error) {
      toast(error, "danger");
    } finally {
      setSending(null);
    }
  };
  const end = async () => {
    const sure = await confirmDialog({ title: "End this poll?", text: "Nobody can vote any more, and everybody sees who chose what.", confirm: "End poll" });
    if (sure) await request("poll_end", { message_id: message.id }).catch((error) => toast(error, "danger"));
  };

  return html`<section class="poll" aria-label="Poll: ${poll.question}" data-ended=${poll.ended || undefined}>
    <header class="poll-head">
      <p class="poll-kind"><${Icon} name="chart-column" size=${14} />${poll.ended ? "Poll, ended" : poll.allow_multiselect ? "Poll, choose one or more" : "Poll, choose one"}</p>
      <p class="poll-question">${poll.question}</p>
    </header>
    <div class="poll-options" role="group" aria-label="Options" aria-busy=${sending ? "true" : undefined}>
      ${results.map((option) => html`<${Option} key=${option.id} option=${option} total=${total} ended=${poll.ended}
        chosen=${chosen.includes(option.id)} won=${poll.ended && best > 0 && option.votes === best} onVote=${() => vote(option.id)} />`)}
    </div>
    <footer class="poll-foot">
      <span>${plural(total, "vote")}</span>
      ${poll.ended
        ? poll.ended_at && html`<span title=${fullTime(poll.ended_at)}>ended ${ago(poll.ended_at)}</span>`
        : poll.expires_at && html`<span title=${fullTime(poll.expires_at)}>ends ${ago(Math.max(poll.expires_at, now), now)}</span>`}
      <span class="poll-buttons">
        ${poll.ended && total > 0 && html`<${Button} kind="plain" size="s" onClick=${() => openVoters(poll, results)}>Who voted</${Button}>`}
        ${!poll.ended && mayEnd && html`<${Button} kind="plain" size="s" onClick=${end}>End now</${Button}>`}
      </span>
    </footer>
  </section>`;
}

function Option({ option, total, ended, chosen, won, onVote }) {
  const share = total ? option.votes / total : 0;
  const percent = `${Math.round(share * 100)}%`;
  const voters = option.voters?.length ? names(option.voters.map(displayName), 8) : undefined;
  const spoken = `${option.text}, ${plural(option.votes, "vote")}, ${percent}${won ? ", most votes" : ""}`;
  const inside = html`
    <span class="poll-bar" style=${{ inlineSize: `${share * 100}%` }}></span>
    <span class="poll-mark" aria-hidden="true">${(chosen || won) && html`<${Icon} name=${won ? "crown" : "check"} size=${13} />`}</span>
    ${option.emoji && html`<${Emoji} value=${option.emoji} />`}
    <span class="poll-text">${option.text}</span>
    <span class="poll-votes" aria-hidden="true">${option.votes}</span>
    <span class="poll-percent" aria-hidden="true">${percent}</span>`;
  return ended
    ? html`<div class="poll-option" data-won=${won || undefined} data-chosen=${chosen || undefined} data-tip=${voters} role="img" aria-label=${spoken}>${inside}</div>`
    : html`<button type="button" class="poll-option" aria-pressed=${String(chosen)} data-chosen=${chosen || undefined} aria-label=${spoken} onClick=${onVote}>${inside}</button>`;
}

/** Asks for a new poll and posts it. */
export async function openPollDialog(place) {
  try {
    (await import("./poll-dialog.js")).openPollDialog(place);
  } catch {
    toast("This part could not be loaded. Try again.", "danger");
  }
}

function openVoters(poll, results) {
  openDialog(
    () => html`<div class="poll-voters">
      ${results.map((option) => html`<section key=${option.id}>
        <h3 class="poll-voters-option"><span>${option.text}</span><span>${plural(option.votes, "vote")}</span></h3>
        ${option.voters.length
          ? html`<ul role="list">${option.voters.map((user) => html`<li key=${user}><${Avatar} username=${user} size=${24} /><span class="truncate">${displayName(user)}</span></li>`)}</ul>`
          : html`<p class="poll-voters-none">${option.votes ? "Nobody who is still here" : "Nobody"}</p>`}
        ${option.votes > option.voters.length && option.voters.length > 0 && html`<p class="poll-voters-none">and ${plural(option.votes - option.voters.length, "other")}</p>`}
      </section>`)}
    </div>`,
    { title: "Who voted", text: poll.question },
  );
}

/** Unix seconds, renewed while it matters. */
function useNow(runs) {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    if (!runs) return undefined;
    const timer = setInterval(() => setNow(Date.now() / 1000), TICK_MS);
    return () => clearInterval(timer);
  }, [runs]);
  return now;
}
