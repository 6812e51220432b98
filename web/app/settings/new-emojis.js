// Pictures on their way to become emojis: picked or dropped, named, then added one after the other.
import { html, useEffect, useRef, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { bytes, plural } from "../core/format.js";
import { emojis, limits } from "../core/state.js";
import { Button, IconButton } from "../ui/button.js";
import { TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { Progress } from "../ui/progress.js";
import { toast } from "../ui/toast.js";

const NAME = /^[A-Za-z0-9_]{1,64}$/;
const MIME = { jpg: "image/jpeg" };

/** Why a name cannot be taken beside `others` ([{name}]); null where it can. */
export function nameProblem(name, others) {
  if (!name) return "Write a name.";
  if (!NAME.test(name)) return "Only letters a to z, digits and underscores.";
  return others.some((other) => other.name.toLowerCase() === name.toLowerCase()) ? "Another one has this name." : null;
}

/** types: extensions that the server takes; room: how many more fit. */
export function NewEmojis({ types, room }) {
  const [files, setFiles] = useState([]); // [{id, file, url, name, problem}]
  const [done, setDone] = useState(null); // how many of the present ones are added, while they are
  const [over, setOver] = useState(false);
  const counter = useRef(0);
  const input = useRef(null);
  const latest = useRef(files);
  latest.current = files;
  useEffect(() => () => latest.current.forEach(({ url }) => URL.revokeObjectURL(url)), []);
  const most = limits.value.picture_bytes;
  const mimes = [...new Set(types.map((type) => MIME[type] ?? `image/${type}`))];

  const take = (list) => {
    const taken = [];
    for (const file of list) {
      const problem = !mimes.includes(file.type) ? `${file.name} is of a kind that is not taken: ${types.join(", ")}.` : file.size > most ? `${file.name} is too large: ${bytes(file.size)}, at most ${bytes(most)}.` : null;
      if (problem) toast(problem, "danger");
      else taken.push({ id: ++counter.current, file, url: URL.createObjectURL(file), name: freeName(file.name, [...emojis.peek().values(), ...files, ...taken]), problem: "" });
    }
    setFiles([...files, ...taken]);
  };
  const change = (id, fields) => setFiles((now) => now.map((each) => (each.id === id ? { ...each, ...fields } : each)));
  const drop = (id) => setFiles((now) => now.filter((each) => each.id !== id || URL.revokeObjectURL(each.url)));
  const wrong = ({ id, name }) => nameProblem(name, [...emojis.value.values(), ...files.filter((other) => other.id !== id)]);
  const ready = files.length > 0 && files.length <= room && !files.some(wrong);

  const add = async () => {
    let added = 0;
    for (const { id, file, name } of files) {
      setDone(added);
      try {
        await request("emoji_add", { name, image: await dataUrl(file) });
        drop(id);
        added += 1;
      } catch (error) {
        change(id, { problem: error.message });
      }
    }
    setDone(null);
    if (added) toast(`${plural(added, "emoji")} added`, "success");
  };

  const events = {
    onDragOver: (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: (event) => event.currentTarget.contains(event.relatedTarget) || setOver(false),
    onDrop: (event) => {
      event.preventDefault();
      setOver(false);
      take(event.dataTransfer.files);
    },
  };
  return html`
    <section class="running-drop" data-over=${over ? "" : null} aria-label="New emojis" ...${events}>
      <div class="running-drop-head">
        <span class="running-drop-icon"><${Icon} name="upload" size=${22} /></span>
        <div class="running-drop-text">
          <p><strong>${over ? "Drop them here" : "Drop pictures here, or choose them"}</strong></p>
          <p class="settings-note">${types.map((type) => type.toUpperCase()).join(", ")} of at most ${bytes(most)}. Larger than 256 × 256 pixels is shrunk; animated ones stay animated.</p>
        </div>
        <${Button} icon="plus" disabled=${room <= 0} onClick=${() => input.current.click()}>Choose pictures</${Button}>
        <input ref=${input} type="file" class="visually-hidden" tabindex="-1" aria-label="Pictures" multiple accept=${mimes.join(",")}
          onChange=${(event) => { take(event.currentTarget.files); event.currentTarget.value = ""; }} />
      </div>
      ${room <= 0 && html`<p class="running-problem"><${Icon} name="circle-alert" size=${16} />No more fit. Delete some, or raise the setting limits.emojis.</p>`}
      ${files.length > 0 && html`
        <ul class="new-emojis" role="list">
          ${files.map((each) => html`
            <li key=${each.id} class="new-emoji">
              <img src=${each.url} alt="" width="40" height="40" />
              <${TextField} label=${`Name of ${each.file.name}`} hideLabel value=${each.name} error=${wrong(each) ?? each.problem} disabled=${done !== null} maxLength=${64} autocapitalize="none" spellcheck=${false} autocomplete="off"
                onInput=${(name) => change(each.id, { name, problem: "" })} />
              <${IconButton} icon="x" label=${`Leave ${each.file.name} out`} disabled=${done !== null} onClick=${() => drop(each.id)} />
            </li>`)}
        </ul>
        ${files.length > room && html`<p class="running-problem" role="alert"><${Icon} name="circle-alert" size=${16} />Only ${room} more fit. Leave some out.</p>`}
        ${done !== null && html`<${Progress} value=${done / (done + files.length)} label="Adding emojis" shown />`}
        <div class="running-buttons">
          <${Button} kind="quiet" disabled=${done !== null} onClick=${() => files.forEach(({ id }) => drop(id))}>Leave all out</${Button}>
          <${Button} kind="primary" disabled=${!ready} onClick=${add}>Add ${plural(files.length, "emoji")}</${Button}>
        </div>`}
    </section>
  `;
}

/** A name made of a file's, that none of `others` has. */
function freeName(file, others) {
  const base = file.replace(/\.[^.]*$/, "").normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 60) || "emoji";
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}_${number}`;
    if (!nameProblem(name, others)) return name;
  }
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error("The picture could not be read."));
    reader.readAsDataURL(file);
  });
}
