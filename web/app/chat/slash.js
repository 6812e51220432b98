// A slash command with its options as a small form in place of the text field.
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { on, request } from "../core/connection.js";
import { where } from "../core/place.js";
import { Button, IconButton } from "../ui/button.js";
import { Icon } from "../ui/icon.js";
import { NumberField, Select, Switch, TextField } from "../ui/field.js";
import { toast } from "../ui/toast.js";

const INTEGER = 2 ** 53 - 1;

// A bot that does not answer in time is told of without a listener, when the form is long gone.
on("error", (packet) => {
  if (packet.src === "slash_call" && packet.listener === undefined) toast(packet.val, "danger");
});

/** first: text for the first option. onDone(): the form is no longer needed. */
export function SlashForm({ command, place, first = "", onDone }) {
  const form = useRef(null);
  const [values, setValues] = useState(() => begin(command, first));
  const [problems, setProblems] = useState({}); // option name -> text; "" for the whole
  const [running, setRunning] = useState(false);

  // before the next key comes
  useLayoutEffect(() => {
    (form.current.querySelector("input, select") ?? form.current.querySelector("[type=submit]"))?.focus();
  }, [command.name]);

  const put = (name, value) => {
    setValues((before) => ({ ...before, [name]: value }));
    setProblems((before) => ({ ...before, [name]: undefined, "": undefined }));
  };
  const submit = async (event) => {
    event?.preventDefault();
    if (running) return;
    const missing = command.options.filter(({ name, required, type }) => required && type !== "bool" && isEmpty(values[name]));
    if (missing.length) {
      setProblems(Object.fromEntries(missing.map(({ name, type }) => [name, type === "enum" ? "Choose one." : "Fill this in."])));
      form.current.querySelector(`[name="${missing[0].name}"]`)?.focus();
      return;
    }
    const args = Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)));
    setRunning(true);
    try {
      await request("slash_call", { ...where(place), command: command.name, args });
      onDone();
    } catch (error) {
      setProblems(located(command, error));
    } finally {
      setRunning(false);
    }
  };
  const keys = (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onDone();
    } else if (event.key === "Enter" && event.target.matches("input, select")) submit(event);
  };
  return html`<form class="slash-form" ref=${form} aria-label=${`Command ${command.name}`} novalidate onSubmit=${submit} onKeyDown=${keys}>
    <header class="slash-head">
      <span class="slash-name"><${Icon} name="terminal" size=${15} />/${command.name}</span>
      <span class="slash-text truncate">${command.description}</span>
      <${IconButton} icon="x" size="s" label="Cancel" onClick=${onDone} />
    </header>
    ${command.options.length > 0 && html`<div class="slash-options scroll">
      ${command.options.map((option) => html`<div class="slash-option" key=${option.name} data-type=${option.type}>
        <${Option} option=${option} value=${values[option.name]} error=${problems[option.name]} onInput=${(value) => put(option.name, value)} />
      </div>`)}
    </div>`}
    <footer class="slash-foot">
      <p class="slash-problem" role="alert">${problems[""]}</p>
      <${Button} kind="primary" size="s" type="submit" busy=${running}>Run</${Button}>
    </footer>
  </form>`;
}

function Option({ option, value, error, onInput }) {
  const { name, description, type, required, choices } = option;
  const shared = { name, label: `${name}${required ? "" : " (optional)"}`, hint: description, error, onInput, value };
  switch (type) {
    case "bool":
      return html`<${Switch} ...${shared} value=${value === true} />`;
    case "int":
      return html`<${NumberField} ...${shared} optional min=${-INTEGER} max=${INTEGER} />`;
    case "float":
      return html`<${NumberField} ...${shared} optional step=${0.1} />`;
    case "enum":
      return html`<${Select} ...${shared} options=${required ? (choices ?? []) : [{ value: "", label: "None" }, ...(choices ?? [])]} />`;
    default:
      return html`<${TextField} ...${shared} maxLength=${2000} autocomplete="off" />`;
  }
}

function begin(command, first) {
  const values = {};
  for (const { name, type, required } of command.options) {
    if (type === "bool" && required) values[name] = false;
    else if (type === "enum" && !required) values[name] = "";
  }
  const [option] = command.options;
  const text = first.trim();
  if (!option || !text) return values;
  if (option.type === "str") values[option.name] = text;
  else if (option.type === "enum") values[option.name] = option.choices?.find((choice) => choice.toLowerCase() === text.toLowerCase());
  else if (option.type !== "bool" && Number.isFinite(Number(text))) values[option.name] = Number(text);
  return values;
}

const isEmpty = (value) => value === undefined || value === null || value === "";

/** To which option an error belongs, where its text says so. */
function located(command, error) {
  const found = /slash_call\.args\.([\w-]+)/.exec(error.message);
  const known = found && command.options.some(({ name }) => name === found[1]);
  return { [known ? found[1] : ""]: error.message };
}
