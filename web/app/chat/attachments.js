// Files below a message: pictures, videos and recordings are shown, everything else is a card.
import { html, useState } from "../lib.js";
import { bytes } from "../core/format.js";
import { localUrl } from "../core/state.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";

const WIDEST = 400;
const HIGHEST = 320;
const SHOWN = /^image\/(png|jpeg|gif|webp|avif)$/;

/** Where the page itself gets a file: the address in the message is wrong where a server does not know its own. Null for
 *  files elsewhere. */
export function urlOf({ id, url }) {
  return localUrl(url) ?? (url?.endsWith(`/attachments/${id}`) ? localUrl(`attachments/${encodeURIComponent(id)}`) : null);
}

export const isPicture = ({ mime_type: type }) => SHOWN.test(type ?? "");

/** place: where the message stands, so that the viewer can go from picture to picture. */
export function Attachments({ message, place }) {
  const files = message.attachments ?? [];
  if (!files.length) return null;
  const pictures = files.filter(isPicture);
  const others = files.filter((file) => !isPicture(file));
  return html`<div class="attachments">
    ${pictures.length > 0 && html`<div class="attachments-pictures" data-many=${pictures.length > 1 || undefined}>
      ${pictures.map((file) => html`<${Picture} key=${file.id} file=${file} message=${message} place=${place} single=${pictures.length === 1} />`)}
    </div>`}
    ${others.map((file) => html`<${File} key=${file.id} file=${file} />`)}
  </div>`;
}

const hasEnded = ({ expires_at: end }) => Boolean(end) && end < Date.now() / 1000;

function Picture({ file, message, place, single }) {
  const [broken, setBroken] = useState(false);
  const [there, setThere] = useState(false);
  const url = urlOf(file);
  if (!url || broken || hasEnded(file)) return html`<${Card} file=${file} gone />`;
  const scale = Math.min(1, WIDEST / (file.width || WIDEST), HIGHEST / (file.height || HIGHEST));
  const width = Math.max(48, Math.round((file.width || WIDEST) * scale));
  const height = Math.max(48, Math.round((file.height || HIGHEST * 0.75) * scale));
  const open = async () => {
    try {
      (await import("./viewer.js")).openViewer({ place, message, id: file.id });
    } catch {
      toast("This part could not be loaded. Try again.", "danger");
    }
  };
  return html`<button type="button" class="picture" data-there=${there || undefined} aria-label="Picture ${file.name}. Open"
    style=${single ? { inlineSize: `${width}px`, aspectRatio: `${width} / ${height}` } : {}} onClick=${open}>
    <img src=${url} alt="" width=${width} height=${height} loading="lazy" decoding="async" draggable=${false}
      onLoad=${() => setThere(true)} onError=${() => setBroken(true)} />
  </button>`;
}

function File({ file }) {
  const [broken, setBroken] = useState(false);
  const url = urlOf(file);
  const [kind] = (file.mime_type ?? "").split("/");
  const fail = () => setBroken(true);
  if (!url || hasEnded(file)) return html`<${Card} file=${file} gone />`;
  if (kind === "video" && !broken) {
    return html`<figure class="media"><video class="media-video" src=${url} controls preload="metadata" playsinline aria-label=${file.name} onError=${fail}></video></figure>`;
  }
  if (kind === "audio" && !broken) {
    return html`<figure class="media media-sound">
      <figcaption class="media-name"><${Icon} name="file-music" size=${16} /><span class="truncate">${file.name}</span><span class="media-size">${bytes(file.size)}</span></figcaption>
      <audio src=${url} controls preload="none" aria-label=${file.name} onError=${fail}></audio>
    </figure>`;
  }
  return html`<${Card} file=${file} url=${url} />`;
}

const ICONS = [
  [/^image\//, "image"], [/^video\//, "file-play"], [/^audio\//, "file-music"], [/zip|tar|gzip|compressed|7z|rar/, "file-archive"],
  [/^text\/|pdf|document|json|xml/, "file-text"],
];

/** gone: the file has ended, or cannot be had. */
function Card({ file, url, gone }) {
  const icon = ICONS.find(([kind]) => kind.test(file.mime_type ?? ""))?.[1] ?? "file";
  const text = html`
    <span class="file-icon"><${Icon} name=${gone ? "clock-fading" : icon} size=${22} /></span>
    <span class="file-text">
      <span class="file-name truncate">${file.name}</span>
      <span class="file-size">${gone ? "No longer available" : bytes(file.size)}</span>
    </span>`;
  if (gone) return html`<div class="file" data-gone>${text}</div>`;
  return html`<a class="file" href=${url} download=${file.name} aria-label="${file.name}, ${bytes(file.size)}. Download">
    ${text}<${Icon} name="download" size=${18} />
  </a>`;
}
