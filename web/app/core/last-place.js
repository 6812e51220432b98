// The place that was open last in this browser, where the page goes without one in its address.
const KEY = "originchats:last-place";

/** {channel} or {thread} */
export function keepLastPlace(place) {
  localStorage.setItem(KEY, JSON.stringify(place));
}

export function lastPlace() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // an unreadable one counts as none
  }
}
