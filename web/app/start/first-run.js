// The owner's first steps: a name, an icon, channels, an invitation. Each can be skipped and done later in the settings.
import { html, useState } from "../lib.js";
import { request } from "../core/connection.js";
import { go, link } from "../core/router.js";
import { channels, localUrl, server } from "../core/state.js";
import { copyText } from "../chat/copy.js";
import { ensureStyle } from "../lazy.js";
import { Button } from "../ui/button.js";
import { Checkbox, TextField } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { endFirstRun } from "./first-run-state.js";

await ensureStyle("welcome.css");

const ICON_TYPES = "image/png,image/jpeg,image/webp,image/gif";
const ICON_MOST_BYTES = 2_000_000;
const EVERYBODY = { view: ["user"], send: ["user"], delete: ["admin", "moderator"], pin: ["admin", "moderator"] };
const IDEAS = [
  { name: "announcements", type: "text", description: "News of the community", permissions: { ...EVERYBODY, send: ["admin", "moderator"] }, on: true },
  { name: "introductions", type: "text", description: "Say who you are", permissions: EVERYBODY, on: false },
  { name: "off-topic", type: "text", description: "Everything else", permissions: EVERYBODY, on: true },
  { name: "questions", type: "forum", description: "A thread for each question", permissions: { ...EVERYBODY, create_thread: ["user"] }, on: false },
  { name: "lounge", type: "voice", description: "Talk", permissions: { view: ["user"], send: ["user"] }, on: true },
];
const STEPS = [Name, Channels, Invite];

export function FirstRun() {
  const [step, setStep] = useState(0);
  const Step = STEPS[step];
  const next = () => (step + 1 < STEPS.length ? setStep(step + 1) : endFirstRun());
  return html`
    <main class="welcome first-run">
      <section class="welcome-card">
        <ol class="first-run-steps" aria-label="Steps">
          ${["Name", "Channels", "Invite"].map((title, index) => html`
            <li key=${title} aria-current=${index === step ? "step" : null} data-done=${index < step ? "" : null}>${index < step ? html`<${Icon} name="check" size=${14} />` : index + 1} <span>${title}</span></li>`)}
        </ol>
        <${Step} next=${next} />
      </section>
    </main>
  `;
}

function useStep(run) {
  const [problem, setProblem] = useState("");
  return [
    problem,
    async () => {
      setProblem("");
      try {
        await run();
      } catch (error) {
        setProblem(error.message);
      }
    },
  ];
}

function Foot({ next, run, label, problem, disabled }) {
  return html`
    ${problem && html`<p class="welcome-problem" role="alert"><${Icon} name="circle-alert" size=${18} /> ${problem}</p>`}
    <div class="first-run-foot">
      <${Button} kind="quiet" onClick=${next}>Later</${Button}>
      <${Button} kind="primary" onClick=${run} disabled=${disabled}>${label}</${Button}>
    </div>
  `;
}

function Name({ next }) {
  const [name, setName] = useState(server.value.name);
  const [icon, setIcon] = useState(null);
  const [problem, run] = useStep(async () => {
    await request("server_update", { name: name.trim(), ...(icon ? { icon } : {}) });
    next();
  });
  const [pictureProblem, setPictureProblem] = useState("");
  const pick = async (event) => {
    const [file] = event.currentTarget.files;
    if (!file) return;
    setPictureProblem(file.size > ICON_MOST_BYTES ? "The picture is larger than 2 MB. Choose a smaller one." : "");
    if (file.size <= ICON_MOST_BYTES) setIcon(await dataUrl(file));
  };
  const picture = icon ?? localUrl(server.value.icon);
  return html`
    <h1>What is your community called?</h1>
    <p class="welcome-text">You are the owner now. Three short steps, and people can come.</p>
    <label class="first-run-icon">
      ${picture ? html`<img class="welcome-icon" src=${picture} alt="" />` : html`<span class="welcome-icon" aria-hidden="true"><${Icon} name="image" size=${26} /></span>`}
      <span>${picture ? "Another picture" : "Add a picture"}</span>
      <input type="file" class="visually-hidden" accept=${ICON_TYPES} onChange=${pick} />
    </label>
    ${pictureProblem && html`<p class="welcome-problem" role="alert">${pictureProblem}</p>`}
    <${TextField} label="Name" value=${name} onInput=${setName} size="l" maxLength=${100} onEnter=${run} />
    <${Foot} next=${next} run=${run} label="Continue" problem=${problem} disabled=${!name.trim()} />
  `;
}

function Channels({ next }) {
  const known = new Set(channels.value.map((channel) => channel.name));
  const ideas = IDEAS.filter((idea) => !known.has(idea.name));
  const [chosen, setChosen] = useState(() => new Set(ideas.filter((idea) => idea.on).map((idea) => idea.name)));
  const toggle = (name) => {
    const changed = new Set(chosen);
    if (!changed.delete(name)) changed.add(name);
    setChosen(changed);
  };
  const [problem, run] = useStep(async () => {
    for (const { on: _on, ...idea } of ideas) {
      if (chosen.has(idea.name) && !channels.peek().some((channel) => channel.name === idea.name)) await request("channel_create", idea);
    }
    next();
  });
  return html`
    <h1>Where will people talk?</h1>
    <p class="welcome-text">There is ${[...known].join(", ") || "no channel"} already. You can change all of it later.</p>
    <div class="first-run-list">
      ${ideas.map((idea) => html`<${Checkbox} key=${idea.name} label=${idea.name} hint=${`${idea.description} · ${idea.type}`} value=${chosen.has(idea.name)} onInput=${() => toggle(idea.name)} />`)}
    </div>
    <${Foot} next=${next} run=${run} label="Continue" problem=${problem} />
  `;
}

function Invite() {
  const [code, setCode] = useState("");
  const [problem, run] = useStep(async () => {
    const { invite } = await request("invite_create", { expires_in_s: 7 * 86_400, note: "From the first steps" });
    setCode(invite.code);
  });
  const address = code && new URL(link({ page: "invite", code }), document.baseURI).href;
  const finish = () => {
    endFirstRun();
    go({ page: "chat" }, { replace: true });
  };
  if (!code) {
    return html`
      <h1>Bring people in</h1>
      <p class="welcome-text">An invitation is a link. This one holds for a week; more kinds are in the settings.</p>
      <${Foot} next=${finish} run=${run} label="Make a link" problem=${problem} />
    `;
  }
  return html`
    <h1>Share this link</h1>
    <div class="first-run-link"><output>${address}</output><${Button} icon="copy" onClick=${() => copyText(address, "Link copied")}>Copy</${Button}></div>
    <p class="welcome-note">On a server that only you can reach by this address, put a name in front of it first: see the page on deploying.</p>
    <div class="first-run-foot"><${Button} kind="primary" size="l" block onClick=${finish}>Go to the chat</${Button}></div>
  `;
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error("The picture could not be read."));
    reader.readAsDataURL(file);
  });
}
