// One WebSocket for the page: logs in, resumes where it was, answers requests, and tries again until told to stop.
// The rules are those of docs/clients.md, "Never missing anything".
import { signal } from "../lib.js";

const SILENCE_MS = 75_000;
const REQUEST_TIMEOUT_MS = 20_000;
const PAUSE_MS = { first: 400, most: 8_000 };
/** Why a login may be refused that succeeds a little later. */
const PASSING = new Set(["too_many_tries", "too_busy", "unavailable", "internal", "rotur_unavailable"]);

/** "connecting" | "online" | "offline" | "logged-out". Offline: the connection was lost and is being made again. */
export const online = signal("connecting");
/** Why the last login failed or the server threw us out; null while all is well. */
export const loginProblem = signal(null);
/** The secret of the session, for uploads; null before login. */
export const sessionSecret = signal(null);

let url = null;
let socket = null;
let credentials = null; // the login command, without which nothing is sent
let session = null;
let position = 0;
let resuming = false;
let pauseMs = PAUSE_MS.first;
let silence = 0;
let again = 0;
let counter = 0;
const waiting = new Map(); // listener -> {cmd, resolve, reject, timer}
const handlers = new Map(); // cmd -> Set of functions
let apply = () => {};
let started = async () => {};

export class RequestError extends Error {
  /** code: as in docs/protocol/errors.md, or "offline", "timeout". packet: what the server said, or null. */
  constructor(message, code, packet = null) {
    super(message);
    this.code = code;
    this.packet = packet;
  }
}

/** applied: called with every packet, before handlers. onStart({fresh}): called after login and, if not fresh, after all
 * that was missed has been replayed; the page counts as online when it is done. */
export function open(address, applied, onStart) {
  url = address;
  apply = applied;
  started = onStart;
  globalThis.addEventListener?.("online", retryNow);
  globalThis.document?.addEventListener("visibilitychange", () => document.hidden || retryNow());
  connect();
}

/** Logs in with {cmd: "login" | "register" | "guest_login" | "auth", ...}; resolves with the `ready` packet. Later
 * connections use what `remember` is given, or the same command again. */
export async function logIn(command) {
  loginProblem.value = null;
  const { cmd, ...fields } = command;
  const ready = await request(cmd, { ...fields, gap: true }, { before: true, answer: "ready" });
  credentials = command;
  try {
    await begin(ready);
  } catch (error) {
    socket?.close(); // logged in, but without all that is to be shown: once more from the start
    throw error;
  }
  return ready;
}

/** What to log in with from the next connection on, such as a token in place of a password. */
export function remember(command) {
  credentials = command;
}

/** Forgets the login and closes; `logIn` starts anew. */
export function logOut(problem = null) {
  credentials = session = null;
  position = 0;
  resuming = false;
  sessionSecret.value = null;
  loginProblem.value = problem;
  online.value = "logged-out";
  socket?.close(1000);
}

export function on(cmd, handler) {
  if (!handlers.has(cmd)) handlers.set(cmd, new Set());
  handlers.get(cmd).add(handler);
  return () => handlers.get(cmd).delete(handler);
}

/** Sends a command and waits for its answer. Rejects with RequestError. */
export function request(cmd, fields = {}, { before = false, answer = null } = {}) {
  return new Promise((resolve, reject) => {
    if (socket?.readyState !== 1 || (!before && !sessionSecret.peek())) {
      reject(new RequestError("You are not connected. Try again in a moment.", "offline"));
      return;
    }
    const listener = `r${++counter}`;
    const timer = setTimeout(() => settle(listener, new RequestError("The server did not answer.", "timeout")), REQUEST_TIMEOUT_MS);
    waiting.set(listener, { cmd, answer, resolve, reject, timer });
    socket.send(JSON.stringify({ cmd, ...fields, listener }));
  });
}

/** Sends without waiting; false if there is no connection. For what may get lost, such as typing. */
export function tell(cmd, fields = {}) {
  if (socket?.readyState !== 1 || !sessionSecret.peek()) return false;
  socket.send(JSON.stringify({ cmd, ...fields }));
  return true;
}

export function retryNow() {
  if (socket !== null || url === null) return;
  pauseMs = PAUSE_MS.first;
  connect();
}

function connect() {
  clearTimeout(again);
  const mine = (socket = new WebSocket(url));
  mine.onmessage = (event) => socket === mine && receive(event.data);
  mine.onclose = (event) => socket === mine && lost(event);
  listen();
}

/** Starts the wait for a sign of life anew. */
function listen() {
  clearTimeout(silence);
  silence = setTimeout(() => {
    const dead = socket;
    lost({ code: 1006 });
    dead?.close();
  }, SILENCE_MS);
}

function lost(event) {
  socket = null;
  resuming = false;
  clearTimeout(silence);
  for (const listener of [...waiting.keys()]) {
    settle(listener, new RequestError("The connection was lost. Try again in a moment.", "offline"));
  }
  if (online.peek() === "online" || (online.peek() === "connecting" && credentials)) online.value = "offline";
  const pause = event.code === 1008 ? PAUSE_MS.most : pauseMs * (0.5 + Math.random());
  pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most);
  again = setTimeout(connect, pause);
}

function settle(listener, error, packet) {
  const asked = waiting.get(listener);
  if (!asked) return;
  clearTimeout(asked.timer);
  waiting.delete(listener);
  if (error) asked.reject(error);
  else asked.resolve(packet);
}

function receive(text) {
  listen();
  const packet = JSON.parse(text);
  move(packet);
  apply(packet);
  for (const handler of handlers.get(packet.cmd) ?? []) handler(packet);
  answer(packet);
}

/** Keeps the position: the highest `seq` handled, while replayed only by what is replayed. */
function move(packet) {
  switch (packet.cmd) {
    case "handshake":
      if (credentials) arrive();
      else {
        pauseMs = PAUSE_MS.first;
        if (online.peek() !== "logged-out") online.value = "logged-out";
      }
      break;
    case "ready":
      break;
    case "gap":
      position = packet.after;
      resuming = true;
      catchUp();
      break;
    case "resumed":
      resuming = false;
      if (packet.recovered) position = packet.seq;
      break;
    case "ping":
      if (!resuming) position = Math.max(position, packet.seq);
      break;
    case "disconnect":
      logOut(packet.reason);
      break;
    default:
      if ("seq" in packet) position = Math.max(position, packet.seq);
  }
}

function answer(packet) {
  const { cmd, listener } = packet;
  if (listener === undefined) return;
  const asked = waiting.get(listener);
  if (!asked) return;
  if (cmd === "error" || cmd === "auth_error") settle(listener, new RequestError(packet.val, packet.code, packet));
  else if (cmd === "rate_limit") return; // an error with the reason follows
  else if (asked.answer === null || asked.answer === cmd) settle(listener, null, packet);
}

/** On a new connection, with a login at hand: log in again and, right behind it, ask for what was missed. */
async function arrive() {
  const { cmd, ...fields } = credentials;
  const back = session !== null;
  resuming = back;
  const login = request(cmd === "register" ? "login" : cmd, { ...loginFields(cmd, fields), gap: true }, { before: true, answer: "ready" });
  const resumed = back ? request("resume", { session, after: position }, { before: true, answer: "resumed" }) : null;
  resumed?.catch(() => {});
  try {
    const ready = await login;
    if (!back) return await begin(ready);
    sessionSecret.value = session;
    const told = await resumed;
    if (!told.recovered) return await begin(ready, told.seq);
    await started({ fresh: false });
    beOnline();
  } catch (error) {
    if (error.packet?.cmd === "auth_error" && !PASSING.has(error.code)) logOut(error.message);
    else socket?.close();
  }
}

/** After a gap on this connection. */
async function catchUp() {
  try {
    const told = await request("resume", { session, after: position }, { answer: "resumed" });
    if (!told.recovered) await begin({ session }, told.seq);
  } catch {
    socket?.close();
  }
}

function loginFields(cmd, { claim: _claim, invite: _invite, ...fields }) {
  return cmd === "register" ? { username: fields.username, password: fields.password } : fields;
}

/** A session that starts afresh, at a position. */
async function begin(ready, seq = ready.seq) {
  session = ready.session;
  position = seq;
  sessionSecret.value = session;
  await started({ fresh: true });
  beOnline();
}

/** An error in somebody who watches is not one of the connection. The pause between tries grows until here. */
function beOnline() {
  pauseMs = PAUSE_MS.first;
  try {
    online.value = "online";
  } catch (error) {
    reportError(error);
  }
}
