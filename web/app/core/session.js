// The login that this browser remembers: a name and a token, never a password.
import * as connection from "./connection.js";
import { flushAll, restore } from "./outbox.js";
import { apply } from "./events.js";
import { lastPlace } from "./last-place.js";
import { randomId } from "./random.js";
import { dropSnapshot, keepSnapshot, restoreSnapshot } from "./snapshot.js";
import { route } from "./router.js";
import * as state from "./state.js";
import { keepOnly, makeStale, timeline } from "./timeline.js";

const SCOPE = new URL(".", document.baseURI).pathname;
const LOGIN = `originchats:login:${SCOPE}`;
const DEVICE = `originchats:device:${SCOPE}`;
const OUTBOX = `originchats:outbox:${SCOPE}`;
const DRAFTS = `originchats:drafts:${SCOPE}`; // of chat/drafts.js
const VOLUMES = `originchats:volumes:${SCOPE}`; // of core/call-volumes.js
const ENDING = `originchats:ending:${SCOPE}`; // tokens of who logged out without a connection

const PATIENCE_MS = 3000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let firstLogin = null; // {command, keep} while somebody logs in by hand
let former = null; // who was logged in on this page before

/** Connects, and logs in if a login is remembered. */
export function start() {
  const saved = read();
  if (saved) {
    connection.remember({ cmd: "guest_login", username: saved.username, token: saved.token });
    restoreSnapshot(saved.username);
  }
  keepSnapshot(() => read() !== null); // who does not stay logged in leaves nothing behind
  restore(localStorage, OUTBOX);
  const url = new URL(".", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = url.search = "";
  connection.open(url.href, apply, arrived);
}

/** command: {cmd: "login" | "register" | "guest_login" | "auth", ...}. keep: whether this browser remembers it. */
export async function logIn(command, { keep = true } = {}) {
  firstLogin = { command, keep };
  try {
    return await connection.logIn(command);
  } finally {
    firstLogin = null;
  }
}

/** Right after a login by a person: what this browser comes back with. */
async function keepLogin({ command, keep }) {
  const username = state.me.peek();
  const guest = command.cmd === "guest_login";
  const made = guest ? { token: command.token ?? connection.sessionSecret.peek() } : await accessToken(username);
  if (!made) return;
  connection.remember({ cmd: "guest_login", username, token: made.token });
  if (!keep) return;
  write({ username, token: made.token, id: made.id });
  if (former !== null && former !== username) location.reload(); // results, drafts and panels of somebody else
}

/** After all tokens of the account have ended, this one too: a new one, where the login was kept. */
export async function renewLogin() {
  await keepLogin({ command: { cmd: "login" }, keep: read() !== null });
}

/** Whether this is the token of this browser, by its id in sessions_list. */
export function isOwnToken(id) {
  return read()?.id === id;
}

export async function logOut() {
  const { id, token } = read() ?? {};
  await Promise.race([endNotices(), pause(PATIENCE_MS)]);
  if (id) await endToken(id, token);
  connection.logOut(); // before what follows, or a snapshot of what is still there could be kept behind it
  localStorage.removeItem(LOGIN);
  localStorage.removeItem(OUTBOX);
  localStorage.removeItem(DRAFTS);
  localStorage.removeItem(VOLUMES);
  await dropSnapshot();
  location.hash = "";
  location.reload();
}

/** Kept until the server has said that the token has ended: there may be no connection now. */
async function endToken(id, token) {
  writeEnding([...readEnding(), token]);
  const ended = connection.request("session_end", { id }).then(() => forgetEnded(token));
  await Promise.race([ended, pause(PATIENCE_MS)]).catch(() => {});
}

connection.on("handshake", async () => {
  for (const token of readEnding()) {
    try {
      await connection.request("access_token_end", { token }, { before: true });
    } catch {
      return; // somebody has just logged in, or the connection is lost: at the next one
    }
    forgetEnded(token);
  }
});

const forgetEnded = (token) => writeEnding(readEnding().filter((each) => each !== token));

/** What is pushed would be shown to whoever uses this browser next. */
async function endNotices() {
  try {
    await (await import("./notifications.js")).turnOff();
  } catch {
    // the browser's push service does not answer
  }
}

/** {token, id} to come back with; null where there is none to be had. */
async function accessToken(username) {
  try {
    return await connection.request("access_token_create", { username, device: deviceName(), here: true });
  } catch {
    return null;
  }
}

/** After each login: what is not known yet is fetched, what is unsent is sent. */
async function arrived({ fresh }) {
  const kept = firstLogin && keepLogin(firstLogin);
  if (fresh) {
    makeStale();
    const ask = ["users_list", "roles_list", "channels_get", "emoji_get_all", "unreads_get", "slash_list", "users_blocked_list"];
    const answers = ask.map((cmd) => connection.request(cmd));
    openEarly();
    await Promise.all([kept, ...answers]);
  } else {
    await Promise.all(["users_list", "channels_get", "slash_list"].map((cmd) => connection.request(cmd)));
  }
  flushAll();
}

connection.online.subscribe((now) => {
  if (now !== "logged-out") return;
  former = state.me.peek() ?? former;
  state.me.value = null;
  keepOnly(new Set()); // the next login may be somebody else's
});

/** Asks for the newest messages of the channel that will be shown, right behind the rest: answers come in that order. */
function openEarly() {
  const { page, channel, thread, message } = route.peek();
  if (page !== "chat" || thread || message) return;
  const wanted = channel ?? lastPlace().channel;
  if (wanted) timeline({ channel: wanted }).open();
}

/** "Firefox on Linux 4f2a": what the list of devices calls this browser. */
function deviceName() {
  const agent = navigator.userAgent;
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`)) ?? "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac", "Linux"].find((name) => agent.includes(name)) ?? "device";
  let mark = localStorage.getItem(DEVICE);
  if (!mark) {
    mark = randomId().slice(0, 4);
    localStorage.setItem(DEVICE, mark);
  }
  return `${{ Edg: "Edge", OPR: "Opera" }[browser] ?? browser} on ${system} ${mark}`;
}

function read() {
  try {
    const { username, token, id } = JSON.parse(localStorage.getItem(LOGIN) ?? "null") ?? {};
    return username && token ? { username, token, id } : null;
  } catch {
    return null;
  }
}

function readEnding() {
  return localStorage.getItem(ENDING)?.split(" ") ?? [];
}

function writeEnding(tokens) {
  localStorage.removeItem(ENDING);
  try {
    if (tokens.length) localStorage.setItem(ENDING, tokens.join(" "));
  } catch {
    // the storage is full: the server forgets the token when nobody uses it
  }
}

function write(login) {
  try {
    localStorage.setItem(LOGIN, JSON.stringify(login));
  } catch {
    // without storage the login ends with the page
  }
}
