// Sentences for screen readers that have no place on the page.
const regions = new Map();

function region(urgency) {
  if (!regions.has(urgency)) {
    const element = document.createElement("div");
    element.className = "visually-hidden";
    element.dataset.above = "";
    element.setAttribute("aria-live", urgency);
    element.setAttribute("role", urgency === "assertive" ? "alert" : "status");
    document.body.append(element);
    regions.set(urgency, element);
  }
  return regions.get(urgency);
}

/** Says `text` after what is being said ("polite") or at once ("assertive"); the same text twice is said twice. */
export function announce(text, urgency = "polite") {
  const element = region(urgency);
  element.textContent = "";
  setTimeout(() => (element.textContent = text), 60);
}
