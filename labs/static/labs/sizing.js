// Another size for a machine that runs: asked within the lab's limits, told when it is there or why it is not.

import { confirmed, tell } from "@labs/dialogs.js";
import { say } from "@labs/words.js";

const element = (id) => document.getElementById(id);

export class Sizing {
  #nodes = [];
  #active;
  #resize;
  #opener = element("lab-size");

  /** ``active()`` names the node of the terminal in view; ``resize(node, size)`` asks the server. */
  constructor({ active, resize }) {
    this.#active = active;
    this.#resize = resize;
    this.#opener.addEventListener("click", () => this.#open());
    for (const [input, slot, name] of this.#choices) {
      input.addEventListener("input", () => this.#describe(input, slot, name));
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
    const agreed = await confirmed("dialog-size", {
      node: document.createTextNode(node.name),
      now: document.createTextNode(say("size_now", { cpus, memory: memory_mib })),
      problem: document.createTextNode(problem),
    });
    const wish = { cpus: element("size-cpus").valueAsNumber, memory_mib: element("size-memory").valueAsNumber };
    if (agreed && (wish.cpus !== cpus || wish.memory_mib !== memory_mib)) await this.#resize(node.name, wish);
  }

  #describe(input, slot, name) {
    const words = say(name, { count: input.valueAsNumber, value: input.value, most: input.max });
    element("dialog-size").querySelector(`[data-slot="${slot}"]`).textContent = words;
    input.setAttribute("aria-valuetext", words);
  }
}
