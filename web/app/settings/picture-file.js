// Pictures from this device: read, shrunk, and made into what a command carries.
import { html } from "../lib.js";
import { bytes } from "../core/format.js";
import { limits } from "../core/state.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";

const TYPES = "image/png,image/jpeg,image/webp,image/gif";

/** A button that asks for a picture. width, height: the most pixels that are of use; square: what is not is cut in the middle.
 *  onPick(dataUri). */
export function PictureButton({ label, width, height, square, onPick, disabled }) {
  const pick = async (event) => {
    const input = event.currentTarget;
    const [file] = input.files;
    input.value = ""; // the same file again is another choice
    if (!file) return;
    try {
      await onPick(await pictureOf(file, { width, height, square }));
    } catch (error) {
      toast(error, "danger");
    }
  };
  return html`
    <label class="button picture-button" data-kind="secondary" data-size="m" data-disabled=${disabled || null}>
      <${Icon} name="upload" size=${17} /><span class="button-text">${label}</span>
      <input type="file" class="visually-hidden" accept=${TYPES} disabled=${disabled} onChange=${pick} />
    </label>
  `;
}

/** A data URI. Animated pictures stay as they are; others are shrunk here, so that a photo of a phone is no long upload. */
async function pictureOf(file, { width, height, square }) {
  const most = limits.peek().picture_bytes;
  if (file.type === "image/gif") {
    if (file.size > most) throw new Error(`The picture is larger than ${bytes(most)}. Choose a smaller one.`);
    return dataUri(file);
  }
  let image;
  try {
    image = await createImageBitmap(file);
  } catch {
    throw new Error("This file cannot be read as a picture.");
  }
  const side = Math.min(image.width, image.height);
  const [w, h] = square ? [side, side] : [image.width, image.height];
  const scale = Math.min(1, width / w, height / h);
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.max(1, Math.round(w * scale)), height: Math.max(1, Math.round(h * scale)) });
  canvas.getContext("2d").drawImage(image, (image.width - w) / 2, (image.height - h) / 2, w, h, 0, 0, canvas.width, canvas.height);
  image.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, file.type === "image/jpeg" ? "image/jpeg" : "image/png", 0.92));
  if (!blob || blob.size > most) throw new Error("The picture is too large. Choose a smaller one.");
  return dataUri(blob);
}

function dataUri(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error("The picture could not be read."));
    reader.readAsDataURL(blob);
  });
}
