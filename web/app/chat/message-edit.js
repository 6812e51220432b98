// A message being edited in its place.
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { where } from "../core/place.js";
import { limits } from "../core/state.js";
import { Button } from "../ui/button.js";
import { toSent, toWritten } from "./emoji-text.js";
import { deleteMessage } from "./message-actions.js";

/** onDone: called when it is saved, or no longer wanted. */
export function MessageEdit({ message, place, onDone }) {
  const [text, setText] = useState(() => toWritten(message.content));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const field = useRef(null);
  const origin = useRef(null); // what had the focus before
  const done = () => {
    onDone();
    const back = origin.current;
    requestAnimationFrame(() => (back?.isConnected && back !== document.body ? back : document.querySelector(".composer textarea"))?.focus());
  };
  const left = limits.value.post_content - [...toSent(text)].length;

  useLayoutEffect(() => {
    const area = field.current;
    origin.current ??= document.activeElement;
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
    area.scrollIntoView({ block: "nearest" });
  }, []);
  useLayoutEffect(() => {
    field.current.style.blockSize = "auto";
    field.current.style.blockSize = `${field.current.scrollHeight + 2}px`;
  }, [text]);

  const save = async () => {
    const content = toSent(text.trim());
    if (content === message.content) return done();
    if (!content && !message.attachments?.length) {
      onDone();
      return deleteMessage(place, message);
    }
    if (left < 0) return setProblem(`${-left} characters too long.`);
    setBusy(true);
    setProblem(null);
    try {
      await request("message_edit", { ...where(place), id: message.id, content });
      done();
    } catch (error) {
      setProblem(error.message);
      setBusy(false);
      field.current?.focus();
    }
  };
  const keys = (event) => {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      done();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (!busy) save();
    }
  };
  return html`<form class="message-edit" onSubmit=${(event) => { event.preventDefault(); save(); }}>
    <textarea class="message-edit-field scroll" ref=${field} rows="1" value=${text} readonly=${busy} aria-label="Edit message"
      aria-invalid=${problem ? "true" : undefined} onInput=${(event) => setText(event.currentTarget.value)} onKeyDown=${keys}></textarea>
    <div class="message-edit-foot">
      ${problem ? html`<span class="message-edit-problem" role="alert">${problem}</span>` : html`<span class="message-edit-hint"><kbd>Esc</kbd> to cancel, <kbd>Enter</kbd> to save</span>`}
      ${left < 200 && html`<span class="message-edit-left" data-over=${left < 0 || undefined}>${left}</span>`}
      <${Button} kind="quiet" size="s" onClick=${onDone}>Cancel</${Button}>
      <${Button} kind="primary" size="s" type="submit" busy=${busy}>Save</${Button}>
    </div>
  </form>`;
}
