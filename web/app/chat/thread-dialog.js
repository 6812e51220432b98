// Opening a thread: its name and its first message.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { post } from "../core/outbox.js";
import { canIn } from "../core/permissions.js";
import { go } from "../core/router.js";
import { channelTitle, limits } from "../core/state.js";
import { ensureStyle } from "../lazy.js";
import { Button } from "../ui/button.js";
import { DialogActions, openDialog } from "../ui/dialog.js";
import { TextArea, TextField } from "../ui/field.js";
import { toSent } from "./emoji-text.js";

await ensureStyle("threads.css");

export function openThreadDialog(channel) {
  openDialog((close) => html`<${Form} channel=${channel} close=${close} />`, { title: "New thread", text: `In ${channelTitle(channel)}` });
}

function Form({ channel, close }) {
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [problems, setProblems] = useState({});
  const [busy, setBusy] = useState(false);
  const mayWrite = canIn(channel, "send");
  const most = limits.value.post_content;

  const create = async () => {
    const content = toSent(text.trim());
    const found = {
      name: name.trim() ? undefined : "A thread needs a name.",
      text: mayWrite && !content ? "Write the first message." : [...content].length > most ? `At most ${most} characters.` : undefined,
    };
    setProblems(found);
    if (found.name || found.text || busy) return;
    setBusy(true);
    try {
      const { thread } = await request("thread_create", { channel: channel.name, name: name.trim() });
      if (content) post({ channel: channel.name, thread_id: thread.id }, { content });
      close();
      go({ page: "chat", thread: thread.id });
    } catch (error) {
      setBusy(false);
      setProblems({ name: error.message });
    }
  };
  const keys = (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    create();
  };
  return html`<div class="thread-form" onKeyDown=${keys}>
    <${TextField} label="Name" placeholder="What is it about?" value=${name} onInput=${setName} error=${problems.name} maxLength=${limits.value.thread_name ?? 100}
      required data-autofocus="" autocomplete="off" />
    ${mayWrite && html`<${TextArea} label="First message" rows=${5} value=${text} onInput=${setText} error=${problems.text} maxLength=${most} required />`}
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" busy=${busy} onClick=${create}>Open thread</${Button}>
    </${DialogActions}>
  </div>`;
}
