// What is being answered or edited, for the message list and the composer.
import { signal } from "../lib.js";

/** {key: place key, message} or null. */
export const replyTo = signal(null);
/** {key: place key, id} or {key, last: true}, which the list turns into the id of my last message; or null. */
export const editing = signal(null);
