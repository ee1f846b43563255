// Help from people: the raised hand, what an instructor says, and the leave to type, which the learner gives and takes.

import { say } from "@labs/words.js";
import { tell } from "@labs/dialogs.js";

const TYPING_MS = 4_000;

const element = (id) => document.getElementById(id);
const clockTime = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const listOf = (names) => new Intl.ListFormat(document.documentElement.lang).format(names);

function button(words, act) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: "button button-quiet", textContent: words });
  made.addEventListener("click", act);
  return made;
}

export class Help {
  #api;
  #shown = 0;
  #leaves = "";
  #typing = null;

  constructor(api, body) {
    this.#api = api;
    element("help-hand").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask(() => api.raiseHand(element("help-words").value));
    });
    element("help-lower").addEventListener("click", () => this.#ask(() => api.lowerHand()));
    element("help-read").addEventListener("click", () => (element("help-message").hidden = true));
    this.draw(body);
  }

  draw(body) {
    element("lab-help").hidden = !body.given;
    element("help-seen-by").textContent = say("help_seen_by", { classes: listOf(body.classes) });
    element("help-hand").hidden = body.hand !== null;
    element("help-up").hidden = body.hand === null;
    if (body.hand) element("help-since").textContent = say("help_raised", { time: clockTime(body.hand.raised_at) });
    this.#drawMessage(body.messages.at(-1));
    this.#drawLeaves(body.leaves);
  }

  /** An instructor typed: said until a moment after the last key. */
  typing({ who, node }) {
    const place = element("help-typing");
    const words = say("help_types", { name: who, node });
    if (place.textContent !== words) place.textContent = words;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => (place.textContent = ""), TYPING_MS);
  }

  #drawMessage(message) {
    if (!message || message.id === this.#shown) return;
    this.#shown = message.id;
    const { from, sent_at, words } = message;
    element("help-message").hidden = false;
    element("help-message-words").textContent = say("help_said", { name: from, time: clockTime(sent_at), words });
  }

  #drawLeaves(leaves) {
    // Drawn anew only when something changed, so that the focus is not taken from a button.
    const now = JSON.stringify(leaves);
    if (now === this.#leaves) return;
    this.#leaves = now;
    element("help-leaves").replaceChildren(...leaves.map((leave) => this.#leave(leave)));
    for (const { granted, expires_at } of leaves) {
      if (granted) setTimeout(() => this.#forget(), Math.max(0, Date.parse(expires_at) - Date.now()) + 500);
    }
  }

  #leave({ id, instructor, granted, expires_at }) {
    const item = document.createElement("li");
    const words = document.createElement("span");
    const name = instructor;
    words.textContent = granted ? say("help_may_type", { name, time: clockTime(expires_at) }) : say("help_asks", { name });
    item.append(words);
    if (!granted) item.append(button(say("help_allow"), () => this.#ask(() => this.#api.grantLeave(id))));
    const end = say(granted ? "help_withdraw" : "help_refuse");
    item.append(button(end, () => this.#ask(() => this.#api.endLeave(id))));
    return item;
  }

  #forget() {
    const standing = JSON.parse(this.#leaves).filter((leave) => !leave.granted || Date.parse(leave.expires_at) > Date.now());
    this.#drawLeaves(standing);
  }

  async #ask(call) {
    try {
      this.draw((await call()).body);
    } catch (refused) {
      tell(refused.message, { urgent: true });
    }
  }
}
