// Notices of this browser, and how loud each channel is.
import { html, useState } from "../lib.js";
import { noticeState, PUSH_FAILED, turnOff, turnOn } from "../core/notifications.js";
import { channels, channelTitle } from "../core/state.js";
import { LEVELS, levelOf, setLevel } from "../chat/notify-levels.js";
import { Select, Switch } from "../ui/field.js";
import { toast } from "../ui/toast.js";

const WORDS = {
  unsupported: "This browser has no notifications for pages at this address. They need https.",
  denied: "The browser blocks notifications of this page. Allow them in its settings for this address.",
  off: "You are told of pings and direct messages while the page is in the background, and, where the browser can, also when it is closed.",
  on: "You are told of pings and direct messages while you look elsewhere. Do not disturb silences all of them.",
};
const OPTIONS = LEVELS.map(({ level, label }) => ({ value: level, label }));

export function NotificationsPage() {
  const [state, setState] = useState(noticeState());
  const turn = async (on) => {
    try {
      if (!on) await turnOff();
      else if (!(await turnOn()) && noticeState() === "on") toast(PUSH_FAILED);
    } catch (error) {
      toast(error, "danger");
    }
    setState(noticeState());
  };
  const list = channels.value.filter(({ type }) => type === "text");
  return html`
    <div class="settings-form">
      <${Switch} label="Notifications of this browser" hint=${WORDS[state]} value=${state === "on"} disabled=${state === "unsupported" || state === "denied"} onInput=${turn} />
      <section>
        <h2>By channel</h2>
        <ul class="settings-rows" role="list">
          ${list.map((channel) => html`
            <li key=${channel.name} class="settings-row">
              <span class="settings-row-main">${channelTitle(channel)}</span>
              <${Select} label=${`Notifications of ${channelTitle(channel)}`} hideLabel value=${levelOf(channel.name, { direct: Boolean(channel.members) })} options=${OPTIONS} onInput=${(level) => setLevel(channel.name, level)} />
            </li>`)}
        </ul>
      </section>
    </div>
  `;
}
