// How long to wait before the next try: doubling with jitter, so that a restarted server is not met by everybody at once.

const FIRST_MS = 500;
const MOST_MS = 15_000;

export class Backoff {
  #tries = 0;

  /** Milliseconds to wait now; each call waits about twice as long as the one before, between half and all of it. */
  next() {
    const whole = Math.min(MOST_MS, FIRST_MS * 2 ** this.#tries);
    this.#tries += 1;
    return whole / 2 + (Math.random() * whole) / 2;
  }

  reset() {
    this.#tries = 0;
  }
}
