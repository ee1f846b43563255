// A second terminal beside the first, whichever of any node.

import { recallHere, rememberHere } from "@labs/preferences.js";

const element = (id) => document.getElementById(id);

export class Beside {
  #terminals;
  #key;
  #choice = element("beside-choice");
  #place = element("beside-place");

  constructor({ terminals, session }) {
    this.#terminals = terminals;
    this.#key = `${session}.beside`;
    this.#choice.addEventListener("change", () => this.#show(this.#choice.value));
  }

  show() {
    this.#show(recallHere(this.#key, null));
  }

  hide() {
    this.#terminals.showBeside(null, this.#place);
  }

  #show(key) {
    const view = this.#terminals.forBeside(key);
    if (view) this.#terminals.showBeside(view, this.#place);
    const shown = this.#terminals.list.map(({ key: value, name, view: other }) => {
      const option = new Option(name, value, false, other === view);
      if (other === view) rememberHere(this.#key, value);
      return option;
    });
    this.#choice.replaceChildren(...shown);
    element("beside-none").hidden = view !== null;
  }
}
