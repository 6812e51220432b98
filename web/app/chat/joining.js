// Ways into channels that are not in the list: an invitation by somebody, or a name and a password that one knows.
import { html, useState } from "../lib.js";
import { on, request } from "../core/connection.js";
import { go } from "../core/router.js";
import { channelNamed, displayName, me } from "../core/state.js";
import { Button } from "../ui/button.js";
import { Empty } from "../ui/empty.js";
import { TextField } from "../ui/field.js";
import { toast } from "../ui/toast.js";

/** Listens for invitations; called once. */
export function startInvitations() {
  on("channel_invite", ({ channel, user, by }) => {
    if (user !== me.peek() || channelNamed(channel)) return;
    toast(`${displayName(by)} invites you to #${channel}`, "info", {
      action: { label: "Join", onSelect: () => join(channel).catch((error) => toast(error, "danger")) },
      duration: Infinity,
    });
  });
}

async function join(channel, key) {
  await request("channel_join", { channel, ...(key ? { key } : {}) });
  go({ page: "chat", channel });
}

/** In place of a channel that is not in sight. */
export function NotInSight({ name }) {
  const [key, setKey] = useState("");
  const [needsKey, setNeedsKey] = useState(false);
  const [problem, setProblem] = useState("");
  const enter = async () => {
    setProblem("");
    try {
      await join(name, key);
    } catch (error) {
      setNeedsKey(error.code === "wrong_channel_key");
      setProblem(error.code === "wrong_channel_key" && !key ? "This channel has a password." : error.message);
    }
  };
  return html`<${Empty}
    icon="eye-off"
    title="Nothing to see here"
    text="This channel does not exist, or it is closed. If somebody has invited you, or told you its password, you can join."
    action=${html`<div class="joining">
      ${needsKey && html`<${TextField} label="Password of the channel" type="password" value=${key} onInput=${setKey} onEnter=${enter} autocomplete="off" />`}
      ${problem && html`<p class="joining-problem" role="alert">${problem}</p>`}
      <${Button} kind="primary" onClick=${enter}>Join #${name}</${Button}>
    </div>`}
  />`;
}
