// The time that is left: counted from the server's clock, said aloud at ten, five and one minute.

import { say } from "@labs/words.js";

const WARNINGS = [
  { minutes: 10, urgent: false },
  { minutes: 5, urgent: false },
  { minutes: 1, urgent: true },
];
const AMBER_S = 10 * 60;
const RED_S = 5 * 60;

const pad = (number) => String(number).padStart(2, "0");

export function clockFace(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

export class Clock {
  #face;
  #skew_ms;
  #expires_ms = null;
  #left_s = null;
  #onWarning;
  #onEnd;
  #ticking;

  /** ``face`` is the element that shows it; ``serverNow`` the server's time as the page was made. */
  constructor({ face, serverNow, onWarning, onEnd }) {
    this.#face = face;
    this.#skew_ms = Date.parse(serverNow) - (Date.now() - performance.now());
    this.#onWarning = onWarning;
    this.#onEnd = onEnd;
    this.#ticking = setInterval(() => this.#tick(), 1000);
  }

  set expiresAt(moment) {
    const expires_ms = Date.parse(moment);
    if (expires_ms === this.#expires_ms) return;
    this.#expires_ms = expires_ms;
    this.#left_s = null;
    this.#tick();
  }

  stop() {
    clearInterval(this.#ticking);
  }

  #tick() {
    if (this.#expires_ms === null) return;
    const now_ms = Date.now() + this.#skew_ms;
    const left_s = Math.max(0, Math.floor((this.#expires_ms - now_ms) / 1000));
    this.#face.textContent = clockFace(left_s);
    this.#face.dateTime = `PT${left_s}S`;
    this.#face.dataset.level = left_s <= RED_S ? "red" : left_s <= AMBER_S ? "amber" : "calm";
    this.#warn(left_s);
    if (left_s === 0 && this.#left_s !== 0) this.#onEnd();
    this.#left_s = left_s;
  }

  #warn(left_s) {
    const before_s = this.#left_s ?? Infinity;
    const due = WARNINGS.findLast(({ minutes }) => left_s <= minutes * 60 && left_s > 0);
    const isNew = due && (before_s > due.minutes * 60);
    if (isNew) {
      const minutes = Math.max(1, Math.round(left_s / 60));
      this.#onWarning(say("time_left", { count: minutes, minutes }), due.urgent);
    }
  }
}
