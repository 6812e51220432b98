// To the clipboard, also where the page is not served by https and browsers offer only the old way.
import { toast } from "../ui/toast.js";

export async function copyText(text, done = "Copied") {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else if (!copyBySelection(text)) throw new Error("refused");
    toast(done, "success");
  } catch {
    toast("The browser did not allow copying.", "danger");
  }
}

function copyBySelection(text) {
  const before = document.activeElement;
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "visually-hidden" });
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  before?.focus({ preventScroll: true });
  return copied;
}
