// Forums: the list of threads, opening one, and the bar above an open one.
import { html, useState } from "../lib.js";
import { ago, fullTime, names, plural } from "../core/format.js";
import { can, canIn } from "../core/permissions.js";
import { go, link } from "../core/router.js";
import { channelTitle, displayName, limits, me } from "../core/state.js";
import { acknowledge, unreadIn } from "../core/unreads.js";
import { ensureStyle } from "../lazy.js";
import { Avatar } from "../ui/avatar.js";
import { Badge } from "../ui/badge.js";
import { Button, IconButton } from "../ui/button.js";
import { DialogActions, confirmDialog, openDialog } from "../ui/dialog.js";
import { Empty } from "../ui/empty.js";
import { TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { openMenu } from "../ui/menu.js";
import { Tabs } from "../ui/tabs.js";
import { attempt } from "./menus.js";
import { openThreadDialog } from "./thread-dialog.js";

await ensureStyle("threads.css");

const SHOWN = 60;
const KINDS = {
  active: { label: "Active", holds: ({ archived }) => !archived, empty: "No thread is open" },
  locked: { label: "Locked", holds: ({ locked }) => locked, empty: "No thread is locked" },
  archived: { label: "Archived", holds: ({ archived }) => archived, empty: "No thread is archived" },
};

const activity = (thread) => thread.last_message ?? thread.created_at;

export function Forum({ channel }) {
  const [filter, setFilter] = useState("");
  const [kind, setKind] = useState("active");
  const [most, setMost] = useState(SHOWN);
  const all = channel.threads ?? [];
  const wanted = filter.trim().toLowerCase();
  const fitting = all.filter((thread) => KINDS[kind].holds(thread) && thread.name.toLowerCase().includes(wanted));
  fitting.sort((a, b) => activity(b) - activity(a));
  const mayOpen = canIn(channel, "create_thread");
  const create = mayOpen && { label: "New thread", icon: "plus", onClick: () => openThreadDialog(channel) };
  return html`<section class="forum scroll" aria-label=${`Threads of ${channelTitle(channel)}`}>
    <div class="forum-inner">
      <header class="forum-head">
        ${channel.description && html`<p class="forum-topic">${channel.description}</p>`}
        <div class="forum-tools">
          <div class="forum-search"><${TextField} type="search" icon="search" label="Search threads by name" hideLabel placeholder="Search threads" value=${filter} onInput=${setFilter} autocomplete="off" /></div>
          ${mayOpen && html`<${Button} kind="primary" icon="plus" onClick=${create.onClick}>New thread</${Button}>`}
        </div>
        <${Tabs} kind="pill" label="Which threads" value=${kind} onSelect=${setKind}
          tabs=${Object.entries(KINDS).map(([id, { label, holds }]) => ({ id, label, count: all.filter(holds).length }))} />
      </header>
      ${fitting.length > 0
        ? html`<ul class="forum-list" role="list" onKeyDown=${walk}>
            ${fitting.slice(0, most).map((thread) => html`<${ThreadRow} key=${thread.id} thread=${thread} />`)}
          </ul>`
        : wanted
          ? html`<${Empty} icon="search" title="No thread is called like that" text="Look among the archived ones too, or search the messages with Ctrl F." />`
          : html`<${Empty} icon="messages-square" title=${all.length ? KINDS[kind].empty : "No threads yet"}
              text=${kind === "active" ? (mayOpen ? "Open the first one: a question, an idea, a plan." : "Threads that are opened here will be listed.") : undefined}
              action=${kind === "active" && create} />`}
      ${fitting.length > most && html`<div class="found-more"><${Button} kind="quiet" onClick=${() => setMost(most + SHOWN)}>Show more</${Button}></div>`}
    </div>
  </section>`;
}

function ThreadRow({ thread }) {
  const { unread_count: count, mentions } = unreadIn(`thread/${thread.id}`);
  const marks = [thread.locked && ["lock", "Locked"], thread.archived && ["archive", "Archived"]].filter(Boolean);
  const at = activity(thread);
  return html`<li>
    <a class="thread-row" href=${link({ page: "chat", thread: thread.id })} data-unread=${count > 0 ? "" : undefined} data-archived=${thread.archived || undefined}
      onContextMenu=${(event) => openThreadMenu(event, { x: event.clientX, y: event.clientY }, thread)}>
      <${Avatar} username=${thread.created_by} size=${36} />
      <span class="thread-text">
        <span class="thread-name">
          <span class="truncate">${thread.name}</span>
          ${marks.map(([icon, label]) => html`<span class="thread-mark" data-tip=${label}><${Icon} name=${icon} size=${14} label=${label} /></span>`)}
        </span>
        <span class="thread-meta">
          <span class="truncate">${displayName(thread.created_by)}</span>
          <span data-tip=${names(thread.participants.slice(0, 30).map(displayName), 12)}><${Icon} name="users" size=${13} /><span class="visually-hidden">Taking part: </span>${thread.participants.length}</span>
          <time data-tip=${fullTime(at)}>${thread.last_message ? ago(at) : `opened ${ago(at)}`}</time>
        </span>
      </span>
      ${count > 0 && html`<${Badge} count=${mentions || count} kind=${mentions ? "danger" : "accent"} solid label=${mentions ? `${mentions} new for you` : `${count} new`} />`}
    </a>
  </li>`;
}

/** Arrow keys go from thread to thread. */
function walk(event) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const rows = [...event.currentTarget.querySelectorAll("a")];
  const next = rows[rows.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

export function ThreadHeader({ channel, thread }) {
  const { participants } = thread;
  const taking = participants.includes(me.value);
  const items = threadItems(thread);
  return html`<header class="thread-header">
    <${IconButton} icon="arrow-left" label=${`All threads of ${channelTitle(channel)}`} onClick=${() => go({ page: "chat", channel: channel.name })} />
    <h2 class="thread-title truncate">${thread.name}</h2>
    ${thread.locked && html`<${Badge} kind="warning" icon="lock">Locked</${Badge}>`}
    ${thread.archived && html`<${Badge} icon="archive">Archived</${Badge}>`}
    <span class="thread-people" data-tip=${names(participants.slice(0, 30).map(displayName), 12)}>
      <span class="thread-faces" aria-hidden="true">${participants.slice(0, 3).map((name) => html`<${Avatar} key=${name} username=${name} size=${22} />`)}</span>
      <span class="thread-count">${participants.length}<span class="visually-hidden"> taking part</span></span>
    </span>
    ${!taking && !thread.locked && html`<${Button} size="s" onClick=${() => attempt("thread_join", { thread_id: thread.id })}>Join</${Button}>`}
    ${items.length > 0 && html`<${IconButton} icon="ellipsis" label="Thread" aria-haspopup="menu" onClick=${(event) => openMenu(event.currentTarget, items, { placement: "bottom-end", label: "Thread" })} />`}
  </header>`;
}

function openThreadMenu(event, at, thread) {
  const items = threadItems(thread);
  if (!items.length) return;
  event.preventDefault();
  openMenu(at, items, { label: "Thread" });
}

/** What may be done with a thread. */
function threadItems(thread) {
  const { id, locked, archived, participants, created_by: creator } = thread;
  const place = { channel: thread.parent_channel, thread_id: id };
  const taking = participants.includes(me.value);
  const moderates = can("manage_threads");
  const mine = creator === me.value || moderates;
  const update = (fields) => attempt("thread_update", { thread_id: id, ...fields });
  return [
    unreadIn(`thread/${id}`).unread_count > 0 && { label: "Mark as read", icon: "check-check", onSelect: () => acknowledge(place) },
    !taking && !locked && { label: "Join", icon: "user-plus", onSelect: () => attempt("thread_join", { thread_id: id }) },
    taking && creator !== me.value && { label: "Leave", icon: "log-out", onSelect: () => attempt("thread_leave", { thread_id: id }) },
    mine && { label: "Rename", icon: "pencil", onSelect: () => rename(thread) },
    moderates && { label: locked ? "Unlock" : "Lock", icon: "lock", text: locked ? undefined : "Nobody can write until it is unlocked", onSelect: () => update({ locked: !locked }) },
    mine && { label: archived ? "Bring back from the archive" : "Archive", icon: archived ? "archive-restore" : "archive", onSelect: () => update({ archived: !archived }) },
    mine && "separator",
    mine && { label: "Delete", icon: "trash", danger: true, onSelect: () => remove(thread) },
  ].filter(Boolean);
}

function rename(thread) {
  openDialog((close) => html`<${Rename} thread=${thread} close=${close} />`, { title: "Rename the thread", size: "s" });
}

function Rename({ thread, close }) {
  const [name, setName] = useState(thread.name);
  const usable = name.trim() && name.trim() !== thread.name;
  const save = async () => {
    if (usable && (await attempt("thread_update", { thread_id: thread.id, name: name.trim() }))) close();
  };
  return html`
    <${TextField} label="Name" value=${name} onInput=${setName} onEnter=${save} maxLength=${limits.value.thread_name ?? 100} required data-autofocus="" />
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" disabled=${!usable} onClick=${save}>Rename</${Button}>
    </${DialogActions}>`;
}

async function remove(thread) {
  const sure = await confirmDialog({
    title: `Delete “${thread.name}”?`,
    text: `All its messages are deleted for everybody. ${plural(thread.participants.length, "member")} took part.`,
    confirm: "Delete",
    danger: true,
  });
  if (!sure || !(await attempt("thread_delete", { thread_id: thread.id }, "The thread was deleted"))) return;
  if (location.hash.includes(thread.id)) go({ page: "chat", channel: thread.parent_channel }, { replace: true });
}
