// The connection to one other member of a call. The newcomer offers, also again after a failure; the other one answers.
const GATHER_MS = 1500;
const PATIENCE_MS = 12_000;
const PAUSES_MS = [500, 2000, 5000, 10_000];

/** track: what the other one hears. send(description): resolves when it was passed on. onState: "connecting" | "connected" | "failed".
 *  onStream: the other's sound. Returns {offer, take, setTrack, measure, close}. */
export function connectPeer({ iceServers, track, send, onState, onStream }) {
  const connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
  const sender = connection.addTrack(track, new MediaStream([track]));
  let offering = false;
  let tries = 0;
  let timer = 0;
  let before = null; // packets at the last measurement
  let tail = Promise.resolve(); // one step of the negotiation after the other

  connection.ontrack = ({ track: sound }) => sound.kind === "audio" && onStream(new MediaStream([sound]));
  connection.onconnectionstatechange = () => {
    const now = connection.connectionState;
    if (now === "connected") {
      clearTimeout(timer);
      tries = 0;
      onState("connected");
    } else if (now === "failed") again();
    else if (now !== "closed") onState("connecting");
  };

  function step(negotiate) {
    tail = tail.then(() => connection.signalingState !== "closed" && negotiate()).catch(again);
    return tail;
  }

  function offer() {
    offering = true;
    clearTimeout(timer);
    timer = setTimeout(again, PATIENCE_MS);
    return step(async () => {
      await connection.setLocalDescription(await connection.createOffer({ iceRestart: tries > 0 }));
      await tell();
    });
  }

  /** Tries again if it is this side that offers; the other one waits for that. */
  function again() {
    if (connection.signalingState === "closed") return;
    clearTimeout(timer);
    if (!offering) return onState("failed");
    if (tries >= PAUSES_MS.length) return onState("failed");
    onState("connecting");
    timer = setTimeout(offer, PAUSES_MS[tries++]);
  }

  async function tell() {
    await gathered(connection);
    if (connection.signalingState === "closed") return;
    const { type, sdp } = connection.localDescription;
    await send({ type, sdp });
  }

  return {
    offer,
    /** description: {type, sdp} as the other one sent it. */
    take(description) {
      if (description.type === "answer") {
        return step(async () => {
          if (connection.signalingState === "have-local-offer") await connection.setRemoteDescription(description);
        });
      }
      if (offering) return tail; // who offers is settled
      return step(async () => {
        await connection.setRemoteDescription(description);
        await connection.setLocalDescription();
        await tell();
      });
    },
    setTrack: (other) => sender.replaceTrack(other),
    /** {rttMs, lost}: the way there and back, and the share of packets lost since the last time; null while not connected. */
    async measure() {
      if (connection.connectionState !== "connected") return null;
      const stats = [...(await connection.getStats()).values()];
      const pair = stats.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
      const sound = stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
      const now = { lost: sound?.packetsLost ?? 0, received: sound?.packetsReceived ?? 0 };
      const lost = now.lost - (before?.lost ?? 0);
      const all = lost + now.received - (before?.received ?? 0);
      before = now;
      return { rttMs: (pair?.currentRoundTripTime ?? 0) * 1000, lost: all > 0 ? Math.max(0, lost / all) : 0 };
    },
    close() {
      clearTimeout(timer);
      connection.close();
    },
  };
}

/** Until all candidates are in the description, or those that were found in time. */
function gathered(connection) {
  if (connection.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      connection.removeEventListener("icegatheringstatechange", look);
      resolve();
    };
    const look = () => connection.iceGatheringState === "complete" && done();
    const timer = setTimeout(done, GATHER_MS);
    connection.addEventListener("icegatheringstatechange", look);
  });
}
