// Tells old output from new on a fresh page: what the node kept is shown again, but must not be answered again.

const RING_BYTES = 2 * 1024 * 1024;
const QUIET_MS = 150;

/**
 * On from ``start`` until old output was processed. How much is old is known where this browser has read before (a
 * reload); otherwise the first quiet moment, or a whole ring, ends it.
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

  /** ``readBefore`` {epoch, offset} is how far this browser had read, if it remembers. */
  start(hello, readBefore) {
    this.#isExact = readBefore?.epoch === hello.epoch;
    this.#left = this.#isExact ? readBefore.offset - hello.offset : RING_BYTES;
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
