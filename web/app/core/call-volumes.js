// How loud members are to be in calls, as it was chosen in this browser.
import { signal } from "../lib.js";

const NAME = `originchats:volumes:${new URL(".", document.baseURI).pathname}`;
const MOST = 200;

/** Map username -> 0 to 1, chosen last standing last; who is as loud as they come is not in it. */
const volumes = signal(read());

export function volumeOf(username) {
  return volumes.value.get(username) ?? 1;
}

export function keepVolume(username, volume) {
  const others = [...volumes.peek()].filter(([name]) => name !== username);
  volumes.value = new Map([...others, ...(volume < 1 ? [[username, volume]] : [])].slice(-MOST));
  try {
    localStorage.setItem(NAME, JSON.stringify([...volumes.peek()]));
  } catch {
    // without storage it holds until the page is left
  }
}

function read() {
  try {
    return new Map(JSON.parse(localStorage.getItem(NAME) ?? "[]").filter(([, volume]) => volume >= 0 && volume < 1));
  } catch {
    return new Map();
  }
}
