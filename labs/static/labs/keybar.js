// The keys that a phone's keyboard lacks.

import { say } from "@labs/words.js";

const SEQUENCES = {
  escape: "\u001b",
  tab: "\t",
  up: ["\u001b[A", "\u001bOA"],
  down: ["\u001b[B", "\u001bOB"],
  right: ["\u001b[C", "\u001bOC"],
  left: ["\u001b[D", "\u001bOD"],
  interrupt: "\u0003",
};

export class KeyBar {
  #bar;
  #control;
  #terminals;

  constructor(bar, terminals, tell) {
    this.#bar = bar;
    this.#terminals = terminals;
    this.#control = bar.querySelector('[data-key="control"]');
    // A press must not take the focus: the phone would fold its keyboard away.
    bar.addEventListener("pointerdown", (event) => event.preventDefault());
    bar.addEventListener("click", ({ target }) => {
      const key = target.closest("[data-key]")?.dataset.key;
      if (key) this.#press(key, tell);
    });
  }

  controlUsed() {
    this.#control.setAttribute("aria-pressed", "false");
  }

  async #press(key, tell) {
    const view = this.#terminals.active;
    if (key === "control") {
      const isOn = this.#control.getAttribute("aria-pressed") !== "true";
      this.#control.setAttribute("aria-pressed", isOn);
      view.controlNext(isOn);
      view.focus();
    } else if (key === "paste") {
      try {
        view.paste(await navigator.clipboard.readText());
      } catch {
        tell(say("paste_refused"));
      }
      view.focus();
    } else {
      const sequence = SEQUENCES[key];
      view.type(Array.isArray(sequence) ? sequence[Number(view.usesApplicationKeys)] : sequence);
    }
  }
}
