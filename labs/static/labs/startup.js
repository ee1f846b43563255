// What happens between the wish and the prompt, step by step.

import { say } from "@labs/words.js";

// How far the start is in each state of the sandbox: the number of lines done.
const DONE = { requested: 1, provisioning: 2, ready: 4, suspended: 4 };

export class Startup {
  #root = document.getElementById("lab-startup");
  #lines = [...this.#root.querySelectorAll("[data-startup]")];
  #message = this.#root.querySelector('[data-slot="message"]');
  #seconds = this.#root.querySelector('[data-slot="seconds"]');
  #ticking = null;

  /** ``opened`` is when the session was asked for, in milliseconds of this browser's clock. */
  constructor(opened_ms) {
    this.begin(opened_ms);
  }

  /** Counts from ``opened_ms`` on, which begins anew when a place in the queue was granted. */
  begin(opened_ms) {
    clearInterval(this.#ticking);
    const tick = () => {
      const seconds = Math.max(0, Math.round((Date.now() - opened_ms) / 1000));
      this.#seconds.textContent = say("startup_seconds", { count: seconds, seconds });
    };
    tick();
    this.#ticking = setInterval(tick, 1000);
  }

  show(state, message) {
    const done = DONE[state] ?? 0;
    this.#lines.forEach((line, place) => {
      const now = place < done ? "done" : place === done ? "current" : "waiting";
      line.className = `step-${now}`;
      line.querySelector('[data-slot="state"]').textContent = say(`startup_${now}`);
    });
    this.#message.textContent = message;
    this.#root.hidden = done === 4 || state === "queued";
    if (done === 4) clearInterval(this.#ticking);
  }
}
