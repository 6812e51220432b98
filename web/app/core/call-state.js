// What the page shows of a call; core/call.js, loaded with the first one, is what writes it.
import { signal } from "../lib.js";

/** null, or {channel, state: "joining" | "connected" | "reconnecting", peers, muted, deafened, speaking, listening, silent, quality}:
 *  peers: all but oneself, [{username, peer_id, state: "connecting" | "connected" | "failed", speaking, muted}];
 *  listening: without a microphone; silent: the browser plays sound only after a click; quality: null | "good" | "fair" | "poor". */
export const call = signal(null);
/** Why there is no call: null, or {channel, kind: "insecure" | "denied" | "missing" | "busy" | "full" | "other", message}. */
export const callProblem = signal(null);
