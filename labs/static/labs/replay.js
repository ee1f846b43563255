// Tells old output from new on a fresh page: what the node kept is shown again, but must not be answered again.

const RING_BYTES = 2 * 1024 * 1024;
const QUIET_MS = 150;

/**
 * On from ``start`` until the output that stood at the greeting was processed. A server that names its ``head`` says
 * exactly how much that is; otherwise the first quiet moment, or a whole ring, ends it.
 */
export class Replay {
  #isOn = false;
  #left = RING_BYTES;
  #pending = 0;
  #timer = null;
  #isExact = false;

  get isOn() {
    return this.#isOn;
  }

  start(hello) {
    this.#isExact = typeof hello.head === "number";
    this.#left = this.#isExact ? hello.head - hello.offset : RING_BYTES;
    this.#isOn = this.#left > 0;
    this.#wait();
  }

  /** Note ``length`` bytes handed to the terminal; the returned function notes that it has processed them. */
  arrived(length) {
    if (!this.#isOn) return () => {};
    this.#pending += 1;
    clearTimeout(this.#timer);
    return () => {
      this.#pending -= 1;
      this.#left -= length;
      if (this.#left <= 0) this.#end();
      else if (this.#pending === 0) this.#wait();
    };
  }

  #wait() {
    clearTimeout(this.#timer);
    if (this.#isOn && !this.#isExact) this.#timer = setTimeout(() => this.#end(), QUIET_MS);
  }

  #end() {
    clearTimeout(this.#timer);
    this.#isOn = false;
  }
}
