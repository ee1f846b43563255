// What was answered and is not acknowledged yet: held in this browser until the server has it on its disk.
//
// A change leaves the store only on the acknowledgement of this very change, so that the page may say "saved" exactly
// when nothing is left here. After a cut, a reload or a crash of the browser the same changes are sent again with the
// same numbers; the server keeps each once.

const KEPT = new Set(["saved", "kept_already"]);
const POST_EVERY_MS = 5_000;

export class Keeping {
  #held;
  #heads;
  #key;
  #post;
  #send;
  #changed;
  #posting = false;
  #sent = new Map();

  /**
   * ``heads`` are the numbers the server has by slot; ``send(message)`` says whether it could be sent; ``post(changes)``
   * answers with what became of them; ``changed()`` is called whenever ``waiting`` may be another number.
   */
  constructor({ attempt, heads, send, post, changed }) {
    this.#key = `exam-${attempt}`;
    this.#heads = { ...heads };
    this.#send = send;
    this.#post = post;
    this.#changed = changed;
    this.#held = this.#load();
    setInterval(() => this.#postAll(), POST_EVERY_MS);
  }

  /** How many answers the server has not acknowledged. */
  get waiting() {
    return Object.keys(this.#held).length;
  }

  /** Whether an answer was sent more than ``ms`` ago and is not acknowledged: the connection may be dead unseen. */
  isLate(ms) {
    const now = performance.now();
    return [...this.#sent].some(([slot, at]) => slot in this.#held && now - at > ms);
  }

  /** The unacknowledged answers by slot, from this page or from one before it. */
  get held() {
    return Object.fromEntries(Object.entries(this.#held).map(([slot, { answer }]) => [slot, answer]));
  }

  /** The answer to ``slot`` is ``answer`` now. */
  change(slot, answer) {
    slot = String(slot);
    const reached = Math.max(this.#heads[slot] ?? 0, this.#held[slot]?.sequence ?? 0);
    this.#held[slot] = { sequence: reached + 1, answer };
    this.#store();
    this.#sendOne(slot);
  }

  /** The connection is there (again): everything unacknowledged is sent. */
  resend(heads) {
    Object.assign(this.#heads, heads);
    for (const slot of Object.keys(this.#held)) this.#sendOne(slot);
  }

  /** What became of a change that was sent. True when somebody else's device may write now. */
  hear({ slot, sequence, outcome, reached }) {
    const held = this.#held[slot];
    this.#heads[slot] = Math.max(this.#heads[slot] ?? 0, reached ?? 0, KEPT.has(outcome) ? sequence : 0);
    if (held?.sequence !== sequence) return;
    if (KEPT.has(outcome)) {
      delete this.#held[slot];
      this.#store();
    } else if (outcome === "stale") {
      // Another device took the number; what stands on this page is newer.
      this.change(slot, held.answer);
    }
  }

  /** Nothing more is sent: the attempt is over, and what is held no longer counts. */
  forget() {
    this.#held = {};
    this.#store();
  }

  #sendOne(slot) {
    const { sequence, answer } = this.#held[slot];
    this.#sent.set(slot, performance.now());
    this.#send({ type: "save", slot: Number(slot), sequence, answer });
  }

  /** Where no websocket gets through for a while, plain requests carry the answers. */
  async #postAll() {
    if (!this.waiting || this.#posting) return;
    this.#posting = true;
    try {
      const changes = Object.entries(this.#held).map(([slot, held]) => ({ slot: Number(slot), ...held }));
      for (const told of (await this.#post(changes)) ?? []) this.hear(told);
    } catch {
      // Held as before; the next turn tries again.
    } finally {
      this.#posting = false;
    }
  }

  #load() {
    try {
      return JSON.parse(localStorage.getItem(this.#key)) ?? {};
    } catch {
      return {};
    }
  }

  #store() {
    try {
      if (this.waiting) localStorage.setItem(this.#key, JSON.stringify(this.#held));
      else localStorage.removeItem(this.#key);
    } catch {
      // A full or forbidden store: the page still holds them, and says that they are not saved.
    }
    this.#changed();
  }
}
