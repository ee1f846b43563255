// Another size for a machine that runs: asked within the lab's limits, told when it is there or why it is not.

import { confirmed, tell } from "@labs/dialogs.js";
import { say } from "@labs/words.js";

const PAUSE_MS = 250;

const element = (id) => document.getElementById(id);

export class Sizing {
  #nodes = [];
  #active;
  #resize;
  #outlook;
  #node = null;
  #asked = 0;
  #pause = 0;
  #opener = element("lab-size");

  /** ``active()`` names the node of the terminal in view; ``resize(node, size)`` and ``outlook(node, size)`` ask the server. */
  constructor({ active, resize, outlook }) {
    this.#active = active;
    this.#outlook = outlook;
    this.#resize = resize;
    this.#opener.addEventListener("click", () => this.#open());
    for (const [input, slot, name] of this.#choices) {
      input.addEventListener("input", () => {
        this.#describe(input, slot, name);
        clearTimeout(this.#pause);
        this.#pause = setTimeout(() => this.#look(), PAUSE_MS);
      });
    }
  }

  get #choices() {
    return [
      [element("size-cpus"), "cpus", "size_cpus"],
      [element("size-memory"), "memory", "size_memory"],
    ];
  }

  /** ``nodes`` as the session's body has them now; the outcome of a change is told to whoever works here. */
  show(nodes) {
    for (const node of nodes) {
      const before = this.#nodes.find((other) => other.name === node.name);
      if (before?.size.changing && !node.size.changing) this.#tellOutcome(node);
    }
    this.#nodes = nodes;
    this.#opener.parentElement.hidden = !nodes.some((node) => node.size.can_change);
  }

  #tellOutcome({ name, size }) {
    if (size.problem) tell(size.problem, { urgent: true });
    else tell(say("size_changed", { node: name, cpus: size.cpus, memory: size.memory_mib }));
  }

  async #open() {
    const node = this.#nodes.find((one) => one.name === this.#active());
    if (!node) return;
    if (!node.size.can_change) {
      tell(say("size_fixed", { node: node.name }));
      return;
    }
    const { cpus, memory_mib, cpus_range, memory_mib_range, problem } = node.size;
    const values = [
      [cpus, cpus_range],
      [memory_mib, memory_mib_range],
    ];
    this.#choices.forEach(([input, slot, name], place) => {
      const [value, [least, most]] = values[place];
      Object.assign(input, { min: least, max: most, value, disabled: least === most });
      this.#describe(input, slot, name);
    });
    this.#node = node.name;
    this.#look();
    const agreed = await confirmed("dialog-size", {
      node: document.createTextNode(node.name),
      now: document.createTextNode(say("size_now", { cpus, memory: memory_mib })),
      problem: document.createTextNode(problem),
      price: document.createTextNode(""),
    });
    clearTimeout(this.#pause);
    this.#asked += 1;
    const wish = this.#wish;
    if (agreed && (wish.cpus !== cpus || wish.memory_mib !== memory_mib)) await this.#resize(node.name, wish);
  }

  get #wish() {
    return { cpus: element("size-cpus").valueAsNumber, memory_mib: element("size-memory").valueAsNumber };
  }

  /** What the chosen size would cost is said in the dialog, unless another was chosen meanwhile. */
  async #look() {
    const turn = ++this.#asked;
    let words;
    try {
      words = (await this.#outlook(this.#node, this.#wish)).body.words;
    } catch (refused) {
      words = refused.message;
    }
    if (turn === this.#asked) element("dialog-size").querySelector('[data-slot="price"]').textContent = words;
  }

  #describe(input, slot, name) {
    const words = say(name, { count: input.valueAsNumber, value: input.value, most: input.max });
    element("dialog-size").querySelector(`[data-slot="${slot}"]`).textContent = words;
    input.setAttribute("aria-valuetext", words);
  }
}
