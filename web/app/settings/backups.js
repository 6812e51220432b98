// Backups: those that are kept, a new one, and how to go back to one.
import { html, useEffect, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { ago, bytes, fullTime, plural } from "../core/format.js";
import { link } from "../core/router.js";
import { copyText } from "../chat/copy.js";
import { Badge } from "../ui/badge.js";
import { Button, IconButton } from "../ui/button.js";
import { DialogActions, openDialog } from "../ui/dialog.js";
import { Empty } from "../ui/empty.js";
import { Icon } from "../ui/icon.js";
import { Progress } from "../ui/progress.js";
import { toast } from "../ui/toast.js";
import { shown, useFetched } from "./fetched.js";

const AGAIN_MS = 2000;

export function BackupsPage() {
  const fetched = useFetched("backups_list");
  const settings = useFetched("settings_get");
  const [making, setMaking] = useState(false);
  const running = making || (fetched.answer?.running ?? false);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(fetched.load, AGAIN_MS);
    return () => clearInterval(timer);
  }, [running]);
  const make = async () => {
    setMaking(true);
    try {
      await request("backup_create");
      toast("Backup made, and read back in order", "success");
    } catch (error) {
      // a large one takes longer than a command may: the list says when it is done
      if (error.code !== "timeout") toast(error, "danger");
    }
    await fetched.load();
    setMaking(false);
  };
  const setting = (key) => settings.answer?.settings.find((each) => each.key === key)?.value;
  return html`
    <div class="settings-form">
      <header class="running-head">
        <${Kept} enabled=${setting("backup.enabled")} hours=${setting("backup.every_hours")} keep=${setting("backup.keep")} />
        <${Button} kind="primary" icon="archive" disabled=${running} onClick=${make}>Make one now</${Button}>
      </header>
      ${running && html`<div role="status"><${Progress} label="A backup is being made, and read back" shown /></div>`}
      ${shown(fetched, ({ backups }) =>
        !backups.length
          ? html`<${Empty} icon="archive" title="No backups yet" text="One holds everything: members, channels, messages, uploads." />`
          : html`<ul class="settings-rows" role="list">${backups.map((backup, index) => html`<${Row} key=${backup.name} backup=${backup} newest=${index === 0} folder=${setting("backup.folder")} />`)}</ul>`)}
      <section class="running-section">
        <h2>Keep one elsewhere</h2>
        <p class="settings-note">A backup on the same disk is lost with it. Copy the folder to another machine, or set <a href=${link({ page: "settings", section: "configuration:backup.folder" })}>backup.folder</a> to another disk. A backup is as secret as the server: it holds private messages, password hashes and keys.</p>
      </section>
    </div>
  `;
}

function Kept({ enabled, hours, keep }) {
  const change = html`<a href=${link({ page: "settings", section: "configuration:backup" })}>Change</a>`;
  if (enabled === undefined) return html`<p class="settings-note"></p>`;
  if (!enabled) return html`<p class="settings-note">The server makes none by itself. ${change}</p>`;
  return html`<p class="settings-note">The server makes one at its start and every ${hours === 24 ? "day" : plural(hours, "hour")}, and keeps the newest ${keep}. ${change}</p>`;
}

function Row({ backup, newest, folder }) {
  const { name, created_at: made, size_bytes: size, messages, ok } = backup;
  const restore = () => openDialog((close) => html`<${Restore} path=${`${folder ?? "db/backup"}/${name}`} close=${close} />`, { title: "Go back to this backup", text: fullTime(made) });
  return html`
    <li class="settings-row">
      <span class="settings-row-main">
        <span class="running-title" data-tip=${name}>${fullTime(made)}</span>
        <span class="running-facts">
          <span>${[ago(made), bytes(size), messages !== null && plural(messages, "message")].filter(Boolean).join(" · ")}</span>
          ${ok ? html`<${Badge} kind="success" icon="check">Read back</${Badge}>` : html`<${Badge} kind="danger" icon="triangle-alert">Cannot be read</${Badge}>`}
          ${newest && html`<${Badge}>Newest</${Badge}>`}
        </span>
      </span>
      <${Button} size="s" icon="archive-restore" disabled=${!ok} aria-label=${`How to restore the backup of ${fullTime(made)}`} onClick=${restore}>Restore</${Button}>
    </li>
  `;
}

function Restore({ path, close }) {
  const command = `.venv/bin/python setup.py restore ${path}`;
  return html`
    <ol class="running-steps">
      <li><p>Stop the server. Restoring is refused while it runs.</p></li>
      <li>
        <p>On its machine, in its folder:</p>
        <div class="running-code"><pre class="scroll" tabindex="0" role="region" aria-label="Command"><code>${command}</code></pre><${IconButton} icon="copy" size="s" label="Copy the command" onClick=${() => copyText(command, "Command copied")} /></div>
        <p class="settings-note">It checks the whole backup first; a damaged one changes nothing. What was there stays beside it as db.before-….</p>
      </li>
      <li><p>Start the server. Everybody logs in anew; what happened after the backup is gone.</p></li>
    </ol>
    <${DialogActions}><${Button} kind="primary" onClick=${() => close()}>Done</${Button}></${DialogActions}>
  `;
}
