// The call that one is in: enters a voice channel, connects to everybody there, and comes back after a lost connection.
import { effect } from "../lib.js";
import * as audio from "./call-audio.js";
import { connectPeer } from "./call-peer.js";
import { call, callProblem } from "./call-state.js";
import { keepVolume, volumeOf } from "./call-volumes.js";
import { on, online, request, tell } from "./connection.js";
import { channels, me } from "./state.js";

export { canSetVolume, chooseOutput, devices, playAll } from "./call-audio.js";
export { call, callProblem };

const MEASURE_MS = 3000;
const RETELL_MS = 5000;
const FAIR = { rttMs: 250, lost: 0.03 };
const POOR = { rttMs: 500, lost: 0.1 };

let attempt = 0; // grows with each entering and leaving: what comes back to another one is too late
let channelId = null;
let iceServers = [];
let toldMuted = false;
let telling = false;
let mutedBefore = false; // before the sound was turned off
let measuring = 0;
const links = new Map(); // peer id -> what connectPeer returns

/** Enters a channel, and leaves the one before. listening: without a microphone. What goes wrong is in callProblem. */
export async function join(channel, { listening = false } = {}) {
  const mine = ++attempt;
  const { muted = false, deafened = false } = call.peek() ?? {};
  closeLinks();
  callProblem.value = null;
  channelId = channels.peek().find(({ name }) => name === channel)?.id;
  call.value = {
    channel, state: "joining", peers: [], muted: muted || listening, deafened, speaking: false, listening, silent: false, quality: null,
  };
  try {
    audio.openAudio({ onSpeaking, onSilent: (silent) => change({ silent }), onMicrophoneLost });
    if (!listening && !audio.hasMicrophone()) await audio.openMicrophone();
    if (mine !== attempt) return;
    audio.switchMicrophone(!call.peek().muted);
    await enter(mine);
  } catch (error) {
    if (mine === attempt) fail(error);
  }
}

export function leave() {
  if (!call.peek()) return;
  tell("voice_leave");
  end();
  callProblem.value = null;
}

export async function setMuted(muted) {
  const now = call.peek();
  if (!now || now.muted === muted) return;
  if (!muted && now.listening && !(await findMicrophone())) return;
  audio.switchMicrophone(!muted);
  if (!muted && now.deafened) audio.setDeaf(false);
  change({ muted, speaking: false, deafened: now.deafened && muted });
  tellMuted();
}

/** Turns the others' sound off, and the microphone with it; back on, the microphone is as it was. */
export function setDeafened(deafened) {
  const now = call.peek();
  if (!now || now.deafened === deafened) return;
  audio.setDeaf(deafened);
  if (deafened) mutedBefore = now.muted;
  const muted = deafened || mutedBefore;
  audio.switchMicrophone(!muted);
  change({ deafened, muted, speaking: false });
  tellMuted();
}

/** How loud a member is to be, now and in later calls: 0 to 1. */
export function setVolume(username, volume) {
  keepVolume(username, volume);
  for (const peer of call.peek()?.peers ?? []) if (peer.username === username) audio.setVolume(peer.peer_id, volume);
}

/** Throws AudioError. */
export async function chooseInput(id) {
  await audio.chooseInput(id);
  useMicrophone();
}

/** Asks for a microphone in a call without one; whether there is one now. */
async function findMicrophone() {
  try {
    await audio.openMicrophone();
  } catch (error) {
    if (call.peek()) callProblem.value = { channel: call.peek().channel, kind: error.kind ?? "other", message: error.message };
    return false;
  }
  useMicrophone();
  return call.peek() !== null;
}

function useMicrophone() {
  if (!call.peek()) return;
  audio.switchMicrophone(!call.peek().muted);
  for (const link of links.values()) link.setTrack(audio.soundTrack());
  callProblem.value = null;
  change({ listening: !audio.hasMicrophone() });
}

function onMicrophoneLost() {
  for (const link of links.values()) link.setTrack(audio.soundTrack());
  change({ listening: true, speaking: false });
  setMuted(true);
}

async function enter(mine) {
  const { channel } = call.peek();
  const answer = await request("voice_join", { channel, peer_id: crypto.randomUUID() });
  if (mine !== attempt) return;
  iceServers = answer.ice_servers ?? [];
  toldMuted = false;
  const others = answer.participants.filter(({ username }) => username !== me.peek());
  change({ state: "connected", peers: others.map(newPeer) });
  for (const { peer_id: id } of others) linkTo(id).offer();
  clearInterval(measuring);
  measuring = setInterval(measure, MEASURE_MS);
  tellMuted();
}

const newPeer = ({ username, peer_id, muted }) => ({ username, peer_id, muted, state: "connecting", speaking: false });

function linkTo(id) {
  const link = connectPeer({
    iceServers,
    track: audio.soundTrack(),
    send: (description) => request("voice_signal", { peer_id: id, data: JSON.stringify(description) }),
    onState: (state) => links.get(id) === link && changePeer((peer) => peer.peer_id === id, { state }),
    onStream: (stream) => links.get(id) === link && audio.play(id, stream, volumeOf(call.peek()?.peers.find((peer) => peer.peer_id === id)?.username)),
  });
  links.set(id, link);
  return link;
}

function closeLink(id) {
  links.get(id)?.close();
  links.delete(id);
  audio.stopPlaying(id);
}

function closeLinks() {
  clearInterval(measuring);
  for (const id of [...links.keys()]) closeLink(id);
}

function end() {
  attempt++;
  closeLinks();
  audio.closeAudio();
  call.value = null;
}

function fail(error) {
  if (error.code === "offline") return change({ state: "reconnecting" }); // it is tried again when there is a connection
  const kind = error.kind ?? (error.code === "voice_full" ? "full" : "other");
  const { channel } = call.peek();
  tell("voice_leave"); // it may be that of another channel, whose connections are closed
  end();
  callProblem.value = { channel, kind, message: error.message };
}

function change(fields) {
  if (call.peek()) call.value = { ...call.peek(), ...fields };
}

function changePeer(matches, fields) {
  if (call.peek()) change({ peers: call.peek().peers.map((peer) => (matches(peer) ? { ...peer, ...fields } : peer)) });
}

function dropPeer(username) {
  const gone = call.peek().peers.filter((peer) => peer.username === username);
  for (const { peer_id: id } of gone) closeLink(id);
  if (gone.length) change({ peers: call.peek().peers.filter((peer) => peer.username !== username) });
}

function onSpeaking(loud) {
  const now = call.peek();
  if (!now) return;
  const peers = now.peers.map((peer) => (peer.speaking === loud.has(peer.peer_id) ? peer : { ...peer, speaking: !peer.speaking }));
  change({ speaking: loud.has("") && !now.muted, peers });
}

/** Tells the others whether one is muted, until the server has heard the last of it. */
async function tellMuted() {
  if (telling) return;
  telling = true;
  while (call.peek()?.state === "connected" && toldMuted !== call.peek().muted) {
    const { muted } = call.peek();
    try {
      await request(muted ? "voice_mute" : "voice_unmute");
      toldMuted = muted;
    } catch (error) {
      if (error.code !== "too_many_tries") break;
      await new Promise((resolve) => setTimeout(resolve, RETELL_MS));
    }
  }
  telling = false;
}

async function measure() {
  const found = (await Promise.all([...links.values()].map((link) => link.measure().catch(() => null)))).filter(Boolean);
  const beyond = (bound) => found.some(({ rttMs, lost }) => rttMs > bound.rttMs || lost > bound.lost);
  const quality = !found.length ? null : beyond(POOR) ? "poor" : beyond(FAIR) ? "fair" : "good";
  if (call.peek() && call.peek().quality !== quality) change({ quality });
}

const here = (channel) => call.peek()?.state === "connected" && call.peek().channel === channel;

on("voice_user_joined", ({ channel, user }) => {
  if (!here(channel) || user.username === me.peek()) return;
  dropPeer(user.username);
  change({ peers: [...call.peek().peers, newPeer(user)] });
});

on("voice_user_updated", ({ channel, user }) => {
  if (here(channel)) changePeer(({ username }) => username === user.username, { muted: user.muted });
});

on("voice_user_left", ({ channel, username }) => {
  if (!here(channel)) return;
  if (username !== me.peek()) return dropPeer(username);
  end();
  // told a moment later, when it is known whether one has entered with another device
  setTimeout(() => {
    const moved = channels.peek().some(({ voice_state: there }) => there?.some((each) => each.username === me.peek()));
    const message = moved ? "The call goes on on another device of yours." : "You were taken out of the call.";
    if (!call.peek()) callProblem.value = { channel, kind: moved ? "moved" : "other", message };
  }, 300);
});

on("voice_signal", ({ channel, peer_id: id, data }) => {
  const description = here(channel) && call.peek().peers.some((peer) => peer.peer_id === id) ? read(data) : null;
  if (description) (links.get(id) ?? (description.type === "offer" ? linkTo(id) : null))?.take(description);
});

function read(data) {
  try {
    const { type, sdp } = JSON.parse(data);
    return (type === "offer" || type === "answer") && typeof sdp === "string" ? { type, sdp } : null;
  } catch {
    return null;
  }
}

on("channels_get", ({ val }) => {
  const name = val.find(({ id }) => id === channelId)?.name;
  if (name && call.peek() && call.peek().channel !== name) change({ channel: name });
});

on("user_update", ({ user, username }) => {
  if (username && username !== user) changePeer((peer) => peer.username === user, { username });
});

// the server takes out whoever loses the connection: enter again as soon as there is one
effect(() => {
  const now = online.value;
  const state = call.peek()?.state;
  if (!state || state === "joining") return;
  if (now === "logged-out") end();
  else if (now === "offline") {
    attempt++;
    closeLinks();
    change({ state: "reconnecting", peers: [], quality: null });
  } else if (now === "online" && state === "reconnecting") {
    const mine = ++attempt;
    change({ state: "joining" });
    enter(mine).catch((error) => mine === attempt && fail(error));
  }
});
