// Files on their way into a message: checked, uploaded, shown as tiles, kept per place until the message is sent.
import { html, signal, useEffect, useState } from "../lib.js";
import { sessionSecret } from "../core/connection.js";
import { bytes, plural } from "../core/format.js";
import { post } from "../core/outbox.js";
import { placeKey } from "../core/place.js";
import { attachmentRules, capabilities, limits } from "../core/state.js";
import { IconButton } from "../ui/button.js";
import { Icon } from "../ui/icon.js";
import { Progress } from "../ui/progress.js";
import { toast } from "../ui/toast.js";
import { setDraft } from "./drafts.js";

const AT_ONCE = 2;
const NO_SUCH_PLACE = { files: signal([]), held: signal(null) };

// place key -> {files: signal of [{id, file, preview, state: "waiting"|"running"|"done"|"failed", part: 0..1, problem, upload}],
// held: signal of {fields, sent} of the message that is sent when all are done, or null}
const trays = new Map();
let counter = 0;

export function trayOf(place) {
  if (!place) return NO_SUCH_PLACE;
  const key = placeKey(place);
  if (!trays.has(key)) trays.set(key, { place, key, files: signal([]), held: signal(null) });
  return trays.get(key);
}

export function mayUpload() {
  return attachmentRules.value.enabled && capabilities.value.has("attachment_upload");
}

/** Takes files into the tray of a place and uploads them; says which ones it cannot take. */
export function addFiles(place, list) {
  const tray = trayOf(place);
  const most = limits.peek().attachments_per_message;
  const taken = [];
  for (const file of list) {
    const problem = refusal(file) ?? (tray.files.peek().length + taken.length >= most ? `A message takes at most ${plural(most, "file")}.` : null);
    if (problem) toast(problem, "danger");
    else {
      const preview = /^image\/(png|jpeg|gif|webp|avif)$/.test(file.type) ? URL.createObjectURL(file) : null;
      taken.push({ id: ++counter, file, preview, state: "waiting", part: 0, problem: null, upload: null });
    }
  }
  if (!taken.length) return;
  tray.files.value = [...tray.files.peek(), ...taken];
  work(tray);
}

/** Opens the file picker of the system. */
export function pickFiles(place) {
  const input = Object.assign(document.createElement("input"), { type: "file", multiple: true });
  input.accept = attachmentRules.peek().allowed_types.join(",");
  input.onchange = () => addFiles(place, input.files);
  input.click();
}

/** Sends now if all files are there, else as soon as they are; until then the tray holds the message. sent(): called then. */
export function sendWithFiles(place, fields, sent) {
  const tray = trayOf(place);
  tray.held.value = { fields, sent };
  settle(tray);
}

export function stopHolding(place) {
  trayOf(place).held.value = null;
}

function refusal(file) {
  const { max_size, allowed_types } = attachmentRules.peek();
  if (!file.size) return `${file.name} is empty.`;
  if (file.size > max_size) return `${file.name} is too large: ${bytes(file.size)}, at most ${bytes(max_size)}.`;
  const fits = allowed_types.some((type) => type === "*/*" || type === file.type || (type.endsWith("/*") && file.type.startsWith(type.slice(0, -1))));
  // a file whose kind the browser does not know is for the server to judge
  return fits || !file.type ? null : `${file.name} is of a kind that is not taken here.`;
}

function work(tray) {
  const running = tray.files.peek().filter(({ state }) => state === "running").length;
  for (const entry of tray.files.peek().filter(({ state }) => state === "waiting").slice(0, Math.max(AT_ONCE - running, 0))) start(tray, entry);
  settle(tray);
}

function settle(tray) {
  const files = tray.files.peek();
  const held = tray.held.peek();
  if (!held || files.some(({ state }) => state !== "done")) return;
  if (!files.length && !held.fields.content) {
    tray.held.value = null;
    return;
  }
  tray.held.value = null;
  tray.files.value = [];
  for (const { preview } of files) if (preview) URL.revokeObjectURL(preview);
  post(tray.place, { ...held.fields, attachments: files.map(({ upload }) => upload) });
  setDraft(tray.key, "");
  held.sent();
}

function start(tray, entry) {
  const sending = new XMLHttpRequest();
  const body = new FormData();
  body.append("channel", tray.place.channel);
  body.append("file", entry.file, entry.file.name);
  sending.open("POST", new URL("attachments/upload", document.baseURI));
  sending.setRequestHeader("Authorization", `Bearer ${sessionSecret.peek()}`);
  sending.upload.onprogress = (event) => event.lengthComputable && change(tray, entry.id, { part: event.loaded / event.total });
  sending.onload = () => {
    const answer = read(sending.responseText);
    if (sending.status === 201 && answer?.attachment) change(tray, entry.id, { state: "done", part: 1, upload: answer.attachment });
    else change(tray, entry.id, { state: "failed", problem: answer?.error ?? `The server answered ${sending.status}.` });
    work(tray);
  };
  sending.onerror = () => {
    change(tray, entry.id, { state: "failed", problem: "The connection was lost." });
    work(tray);
  };
  change(tray, entry.id, { state: "running", part: 0, problem: null, sending });
  sending.send(body);
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function change(tray, id, fields) {
  tray.files.value = tray.files.peek().map((entry) => (entry.id === id ? { ...entry, ...fields } : entry));
}

function retryFile(tray, id) {
  change(tray, id, { state: "waiting", problem: null, part: 0 });
  work(tray);
}

function removeFile(tray, { id, sending, preview }) {
  sending?.abort();
  if (preview) URL.revokeObjectURL(preview);
  tray.files.value = tray.files.peek().filter((entry) => entry.id !== id);
  work(tray);
}

const KINDS = [["image/", "image"], ["video/", "file-play"], ["audio/", "file-music"], ["text/", "file-text"], ["application/pdf", "file-text"], ["application/zip", "file-archive"]];

export function fileIcon(type) {
  return KINDS.find(([start]) => type.startsWith(start))?.[1] ?? "file";
}

/** The tiles above the field. */
export function UploadTiles({ place }) {
  const tray = trayOf(place);
  if (!tray.files.value.length) return null;
  return html`<ul class="upload-tiles scroll" role="list" aria-label="Files of this message">
    ${tray.files.value.map((entry) => html`<${Tile} key=${entry.id} tray=${tray} entry=${entry} />`)}
  </ul>`;
}

function Tile({ tray, entry }) {
  const { file, preview, state, part, problem } = entry;
  const [broken, setBroken] = useState(false);
  const said = { waiting: "Waiting", running: part === 1 ? "Being checked" : `${Math.round(part * 100)}%`, done: bytes(file.size), failed: problem }[state];
  return html`<li class="upload-tile" data-state=${state}>
    <span class="upload-picture">
      ${preview && !broken ? html`<img src=${preview} alt="" draggable=${false} onError=${() => setBroken(true)} />` : html`<${Icon} name=${fileIcon(file.type)} size=${22} />`}
    </span>
    <span class="upload-text">
      <span class="upload-name truncate" data-tip=${file.name}>${file.name}</span>
      <span class="upload-said" role=${state === "failed" ? "alert" : undefined}>${said}</span>
      ${state === "running" && html`<${Progress} value=${part} label=${`Uploading ${file.name}`} />`}
    </span>
    ${state === "failed" && html`<${IconButton} icon="rotate-cw" size="s" label=${`Upload ${file.name} again`} onClick=${() => retryFile(tray, entry.id)} />`}
    <${IconButton} icon="x" size="s" label=${state === "done" || state === "failed" ? `Remove ${file.name}` : `Cancel ${file.name}`} onClick=${() => removeFile(tray, entry)} />
  </li>`;
}

const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Lies over the chat while files are dragged over the page, and takes them. */
export function DropZone({ place, title }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let leaving = 0;
    const drag = (event) => {
      if (!carriesFiles(event) || !event.target.closest?.(".layout")) return;
      event.preventDefault();
      clearTimeout(leaving);
      setOver(true);
    };
    // dragleave comes for every element that is left: only the last one is not followed by another dragover
    const leave = () => {
      clearTimeout(leaving);
      leaving = setTimeout(setOver, 120, false);
    };
    const drop = (event) => {
      setOver(false);
      if (!carriesFiles(event) || !event.target.closest?.(".layout")) return;
      event.preventDefault();
      if (mayUpload()) addFiles(place, event.dataTransfer.files);
    };
    const handlers = { dragenter: drag, dragover: drag, dragleave: leave, drop };
    for (const [name, handler] of Object.entries(handlers)) addEventListener(name, handler);
    return () => {
      clearTimeout(leaving);
      for (const [name, handler] of Object.entries(handlers)) removeEventListener(name, handler);
    };
  }, [place.channel, place.thread_id]);
  if (!over) return null;
  return html`<div class="drop-zone">
    <div class="drop-zone-text">
      <${Icon} name=${mayUpload() ? "upload" : "ban"} size=${30} />
      <p>${mayUpload() ? `Drop to add to ${title}` : "Files cannot be uploaded here"}</p>
    </div>
  </div>`;
}
