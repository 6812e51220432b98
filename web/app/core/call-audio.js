// Sound in and out of a call: the microphone, the others' voices, and who is speaking.
const INPUT = "originchats:microphone";
const OUTPUT = "originchats:speaker";
const LOOK_MS = 100;
const HOLD_MS = 500;
const LOUD = 0.012; // root mean square of samples from -1 to 1

let context = null;
let quiet = null; // a track without sound, in place of a microphone
let microphone = null;
let deaf = false;
let timer = 0;
let speaking = new Set();
const meters = new Map(); // id -> {source, analyser, loudAt}
const players = new Map(); // id -> audio element
const volumes = new Map(); // id -> 0 to 1
let told = { onSpeaking() {}, onSilent() {}, onMicrophoneLost() {} };

export class AudioError extends Error {
  /** kind: "insecure" | "denied" | "missing" | "busy" */
  constructor(kind) {
    super(kind);
    this.kind = kind;
  }
}

/** onSpeaking(set of ids; "" is oneself), onSilent(whether a click is needed), onMicrophoneLost(). */
export function openAudio(listeners) {
  told = listeners;
  if (context) return;
  context = new AudioContext();
  context.resume().catch(() => {});
  [quiet] = context.createMediaStreamDestination().stream.getTracks();
  timer = setInterval(look, LOOK_MS);
}

export function closeAudio() {
  clearInterval(timer);
  dropMicrophone();
  for (const id of [...players.keys()]) stopPlaying(id);
  context?.close();
  context = quiet = null;
  deaf = false;
  speaking = new Set();
}

/** What the others hear. */
export const soundTrack = () => microphone?.getAudioTracks()[0] ?? quiet;
export const hasMicrophone = () => microphone !== null;

/** Opens the chosen microphone, another one if it is not there. Throws AudioError. */
export async function openMicrophone() {
  if (!globalThis.isSecureContext || !navigator.mediaDevices?.getUserMedia) throw new AudioError("insecure");
  const chosen = localStorage.getItem(INPUT);
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(chosen && { deviceId: { ideal: chosen } }) };
  let opened;
  try {
    opened = await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    const kinds = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing", OverconstrainedError: "missing" };
    throw new AudioError(kinds[error.name] ?? "busy");
  }
  dropMicrophone();
  if (!context) {
    for (const track of opened.getTracks()) track.stop(); // the call has ended meanwhile
    return;
  }
  microphone = opened;
  soundTrack().onended = () => {
    dropMicrophone();
    told.onMicrophoneLost();
  };
  meter("", opened);
}

export function switchMicrophone(on) {
  if (microphone) soundTrack().enabled = on;
}

function dropMicrophone() {
  for (const track of microphone?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
  microphone = null;
  unmeter("");
}

/** What can be chosen: {inputs, outputs}, each [{id, label, chosen}]; no outputs where the browser gives no choice. */
export async function devices() {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const of = (kind, key) => {
    const list = all.filter((device) => device.kind === kind && device.deviceId && device.deviceId !== "communications");
    const wanted = localStorage.getItem(key);
    const chosen = list.find(({ deviceId }) => deviceId === wanted) ?? list[0];
    return list.map((device) => ({ id: device.deviceId, label: device.label || "Without a name", chosen: device === chosen }));
  };
  const outputs = "setSinkId" in HTMLMediaElement.prototype ? of("audiooutput", OUTPUT) : [];
  return { inputs: of("audioinput", INPUT), outputs };
}

export async function chooseInput(id) {
  localStorage.setItem(INPUT, id);
  await openMicrophone();
}

export async function chooseOutput(id) {
  localStorage.setItem(OUTPUT, id);
  await Promise.all([...players.values()].map((player) => player.setSinkId(id)));
}

/** Whether the browser lets a page set how loud it plays; where not, 0 is silent and all else is the same. */
export function canSetVolume() {
  const probe = new Audio();
  probe.volume = 0.5;
  return probe.volume === 0.5;
}

/** volume: 0 to 1. */
export function play(id, stream, volume) {
  stopPlaying(id);
  const player = new Audio();
  players.set(id, player);
  player.srcObject = stream;
  setVolume(id, volume);
  const output = localStorage.getItem(OUTPUT);
  if (output) player.setSinkId?.(output).catch(() => {}); // it is gone: the usual one plays
  meter(id, stream);
  start([player]);
}

export function stopPlaying(id) {
  const player = players.get(id);
  if (player) {
    player.pause();
    player.srcObject = null;
    players.delete(id);
    volumes.delete(id);
  }
  unmeter(id);
}

export function setVolume(id, volume) {
  const player = players.get(id);
  if (!player) return; // its sound is still to come
  volumes.set(id, volume);
  player.volume = volume;
  player.muted = deaf || volume === 0;
}

export function setDeaf(now) {
  deaf = now;
  for (const [id, player] of players) player.muted = now || volumes.get(id) === 0;
}

/** After a click, which is what browsers ask for before they play. */
export function playAll() {
  context?.resume().catch(() => {});
  return start([...players.values()]);
}

async function start(list) {
  const results = await Promise.allSettled(list.map((player) => player.play()));
  if (!results.length) return;
  told.onSilent(results.some(({ reason }) => reason?.name === "NotAllowedError"));
}

function meter(id, stream) {
  unmeter(id);
  const source = context.createMediaStreamSource(stream);
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  source.connect(analyser);
  meters.set(id, { source, analyser, loudAt: -Infinity });
}

function unmeter(id) {
  meters.get(id)?.source.disconnect();
  meters.delete(id);
}

function look() {
  const samples = new Float32Array(2048);
  const now = performance.now();
  const loud = new Set();
  for (const [id, each] of meters) {
    each.analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    if (Math.sqrt(power) > LOUD) each.loudAt = now;
    if (now - each.loudAt < HOLD_MS) loud.add(id);
  }
  if (loud.size === speaking.size && [...loud].every((id) => speaking.has(id))) return;
  speaking = loud;
  told.onSpeaking(loud);
}
