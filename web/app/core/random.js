// crypto.randomUUID exists on secure origins only; a community at http://192.168.… has to do without.

/** 32 hexadecimal digits that nobody guesses. */
export function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
