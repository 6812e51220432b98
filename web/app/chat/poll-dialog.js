// A new poll.
import { html, useRef, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { where } from "../core/place.js";
import { Button, IconButton } from "../ui/button.js";
import { DialogActions, openDialog } from "../ui/dialog.js";
import { Select, Switch, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { Emoji } from "./emojis.js";

const FEWEST = 2;
const MOST = 10;
const DURATIONS = [
  { value: 1, label: "1 hour" }, { value: 4, label: "4 hours" }, { value: 24, label: "1 day" }, { value: 72, label: "3 days" },
  { value: 168, label: "1 week" }, { value: 0, label: "Until it is ended" },
];
const empty = (key) => ({ key, text: "", emoji: null });

export function openPollDialog(place) {
  openDialog((close) => html`<${PollForm} place=${place} close=${close} />`, { title: "New poll" });
}

function PollForm({ place, close }) {
  const [question, setQuestion] = useState("");
  const [options, setOptions] = useState([empty(0), empty(1)]);
  const [several, setSeveral] = useState(false);
  const [hours, setHours] = useState(24);
  const [problem, setProblem] = useState(null);
  const [tried, setTried] = useState(false);
  const keys = useRef(2);
  const list = useRef(null);
  const filled = options.filter(({ text }) => text.trim());

  const change = (key, fields) => setOptions(options.map((option) => (option.key === key ? { ...option, ...fields } : option)));
  const add = () => {
    setOptions([...options, empty(keys.current++)]);
    setTimeout(() => list.current?.querySelector(".poll-form-option:last-child input")?.focus());
  };
  const post = async () => {
    setTried(true);
    if (!question.trim() || filled.length < FEWEST) return;
    setProblem(null);
    try {
      await request("poll_create", {
        ...where(place), question: question.trim(), allow_multiselect: several, ...(hours ? { duration_hours: hours } : {}),
        options: filled.map(({ text, emoji }) => (emoji ? { text: text.trim(), emoji } : { text: text.trim() })),
      });
      close();
    } catch (error) {
      setProblem(error.message);
    }
  };
  const pickEmoji = async (event, key) => {
    const anchor = event.currentTarget;
    try {
      (await import("./emoji-picker.js")).openEmojiPicker(anchor, (emoji) => change(key, { emoji }));
    } catch {
      toast("The emojis could not be loaded. Try again.", "danger");
    }
  };

  return html`<div class="poll-form">
    <${TextField} label="Question" value=${question} onInput=${setQuestion} maxLength=${300} placeholder="What do you want to know?" required
      error=${tried && !question.trim() ? "Write a question." : undefined} data-autofocus="" />
    <fieldset class="poll-form-options" ref=${list}>
      <legend class="field-label">Options</legend>
      ${options.map((option, index) => html`<div class="poll-form-option" key=${option.key}>
        <button type="button" class="poll-form-emoji" aria-label=${option.emoji ? `Emoji of option ${index + 1}. Change` : `Emoji for option ${index + 1}`}
          onClick=${(event) => pickEmoji(event, option.key)}>
          ${option.emoji ? html`<${Emoji} value=${option.emoji} />` : html`<${Icon} name="face-slightly-smiling-plus" size=${18} />`}
        </button>
        <${TextField} label="Option ${index + 1}" hideLabel value=${option.text} maxLength=${100} placeholder="Option ${index + 1}"
          onInput=${(text) => change(option.key, { text })} onEnter=${() => index === options.length - 1 && options.length < MOST && add()} />
        <${IconButton} icon="x" label="Remove option ${index + 1}" disabled=${options.length <= FEWEST}
          onClick=${() => setOptions(options.filter(({ key }) => key !== option.key))} />
      </div>`)}
    </fieldset>
    ${tried && filled.length < FEWEST && html`<p class="field-error" role="alert"><${Icon} name="circle-alert" size=${14} />Write at least two options.</p>`}
    ${options.length < MOST && html`<${Button} kind="plain" icon="plus" onClick=${add}>Add an option</${Button}>`}
    <${Select} label="Ends after" value=${hours} onInput=${setHours} options=${DURATIONS} />
    <${Switch} label="Several answers" hint="Everybody may choose more than one option." value=${several} onInput=${setSeveral} />
    ${problem && html`<p class="field-error" role="alert"><${Icon} name="circle-alert" size=${14} />${problem}</p>`}
    <${DialogActions}>
      <${Button} kind="quiet" onClick=${() => close()}>Cancel</${Button}>
      <${Button} kind="primary" onClick=${post}>Post poll</${Button}>
    </${DialogActions}>
  </div>`;
}
