// The place in the queue: which, of how many, and how long it may still take.

import { say } from "@labs/words.js";

const TICK_MS = 10_000;

/** The words for a wait of ``low_s`` to ``high_s`` seconds. */
export function waitWords(low_s, high_s) {
  const low = Math.floor(low_s / 60);
  const high = Math.max(1, Math.ceil(high_s / 60));
  if (low < 1 || low === high) return say("queue_expected", { count: high });
  return say("queue_expected_range", { low, high });
}

export class QueuePlace {
  #root = document.getElementById("lab-queue");
  #position = this.#root.querySelector('[data-slot="position"]');
  #expected = this.#root.querySelector('[data-slot="expected"]');
  #why = this.#root.querySelector('[data-slot="why"]');
  #place = null;
  #told_ms = 0;

  /** ``onLeave`` is called when the learner wants to give the place up. */
  constructor(onLeave) {
    document.getElementById("lab-queue-leave").addEventListener("click", onLeave);
    setInterval(() => this.#draw(), TICK_MS);
  }

  /** ``place`` as the session's body tells it; null when the session does not wait. */
  show(place) {
    this.#place = place;
    this.#told_ms = performance.now();
    this.#root.hidden = place === null;
    this.#draw();
  }

  #draw() {
    if (!this.#place) return;
    const { position, of, expected_s: expected } = this.#place;
    this.#say(this.#why, this.#place.why);
    this.#say(this.#position, say("queue_position", { position, of: Math.max(position, of) }));
    const passed_s = (performance.now() - this.#told_ms) / 1000;
    const [low_s, high_s] = (expected ?? []).map((seconds) => Math.max(0, seconds - passed_s));
    this.#say(this.#expected, expected ? waitWords(low_s, high_s) : say("queue_unknown"));
  }

  /** What has not changed is not said again to a screen reader. */
  #say(slot, words) {
    if (slot.textContent !== words) slot.textContent = words;
  }
}
