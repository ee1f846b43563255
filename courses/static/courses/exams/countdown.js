// The clock of a sitting: the server says what is left, this counts down between its words.

const two = (number) => String(number).padStart(2, "0");

/** ``left_ms`` as h:mm:ss or mm:ss, rounded up so that 0:00 means that nothing is left. */
export function told(left_ms) {
  const seconds = Math.max(0, Math.ceil(left_ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = two(seconds % 60);
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

export class Countdown {
  #left = null;
  #since = 0;
  #stands = false;
  #element;
  #over;
  #timer = null;

  /** ``over()`` is called once when nothing is left. */
  constructor(element, over) {
    this.#element = element;
    this.#over = over;
  }

  /** So much is left at this moment, null without end; it does not run while ``stands``. */
  set(left_ms, stands) {
    this.#left = left_ms;
    this.#since = performance.now();
    this.#stands = stands;
    clearInterval(this.#timer);
    this.#draw();
    if (left_ms !== null && !stands) this.#timer = setInterval(() => this.#draw(), 250);
  }

  #draw() {
    if (this.#left === null) return;
    const left = this.#stands ? this.#left : this.#left - (performance.now() - this.#since);
    const text = told(left);
    if (this.#element.textContent !== text) this.#element.textContent = text;
    if (left <= 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
      this.#over();
    }
  }
}
