// Machines that are frozen to save the learner's allowance: the page says so, and any key in a terminal wakes them.

import { say } from "@labs/words.js";

const element = (id) => document.getElementById(id);
// What a person may do at a terminal; output and the browser's own events wake nothing.
const SIGNS_OF_LIFE = ["keydown", "beforeinput", "paste", "click"];
// The key is pressed once and must not be lost with one answer of a busy server.
const [TRIES, PAUSE_MS] = [5, 1_000];

export class Freezing {
  #body = null;
  #asked = false;
  #resume;

  /** ``suspend()`` and ``resume()`` ask the server; ``awake()`` is called when machines that were frozen are back. */
  constructor({ suspend, resume, awake }) {
    this.#resume = resume;
    this.awake = awake;
    element("lab-suspend").addEventListener("click", () => suspend());
    element("lab-wake").addEventListener("click", () => this.#wake());
    for (const sign of SIGNS_OF_LIFE) {
      element("lab-terminals").addEventListener(sign, () => this.#isFrozen && this.#wake(), { capture: true });
    }
  }

  get #isFrozen() {
    return this.#body?.state === "suspended" && !this.#body.waking;
  }

  /** ``body`` is how the session stands now. A page that opens on frozen machines has somebody before it: they wake. */
  show(body) {
    const isFirst = this.#body === null;
    const wasSuspended = this.#body?.state === "suspended";
    const isSuspended = body.state === "suspended";
    this.#body = body;
    if (!this.#isFrozen) this.#asked = false;
    element("lab-frozen").hidden = !isSuspended;
    element("lab-frozen-words").textContent = isSuspended ? body.message : "";
    element("lab-wake").hidden = body.waking;
    element("lab-work").toggleAttribute("data-frozen", isSuspended);
    element("lab-suspend").setAttribute("aria-disabled", body.state !== "ready");
    if (isFirst && this.#isFrozen) this.#wake();
    if (wasSuspended && body.state === "ready") this.awake();
  }

  async #wake() {
    if (this.#asked) return;
    this.#asked = true;
    element("lab-frozen-words").textContent = say("waking");
    for (let tried = 0; this.#isFrozen && tried < TRIES; tried += 1) {
      if (tried > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      await this.#resume();
    }
    this.#asked = false;
  }
}
