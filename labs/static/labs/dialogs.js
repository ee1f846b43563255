// Questions before what cannot be taken back, in the browser's own dialog element: it traps and returns the focus.

import { say } from "@labs/words.js";

/** True once the person agreed in the dialog ``id``; ``fill`` puts words into its data-slot elements first. */
export async function confirmed(id, fill = {}) {
  return (await chosen(id, fill)) === "yes";
}

/** The value of the button that closed the dialog ``id``; empty when it was left by Escape. */
export function chosen(id, fill = {}) {
  const dialog = document.getElementById(id);
  for (const [slot, content] of Object.entries(fill)) {
    dialog.querySelector(`[data-slot="${slot}"]`).replaceChildren(content);
  }
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

const CALM_MS = 8_000;
let vanishing = null;

/** ``message`` where everybody sees and hears it, until dismissed or replaced; a calm one goes by itself. */
export function tell(message, { urgent = false } = {}) {
  const place = document.getElementById(urgent ? "lab-alert" : "lab-status");
  const other = document.getElementById(urgent ? "lab-status" : "lab-alert");
  other.replaceChildren();
  const words = document.createElement("span");
  words.textContent = message;
  const dismiss = document.createElement("button");
  dismiss.type = "button";
  dismiss.className = "lab-message-close";
  dismiss.textContent = say("dismiss");
  dismiss.addEventListener("click", () => place.replaceChildren());
  place.replaceChildren(words, dismiss);
  clearTimeout(vanishing);
  if (!urgent) vanishing = setTimeout(() => place.replaceChildren(), CALM_MS);
}
