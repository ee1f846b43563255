// Files kept beyond the machines: saved for tomorrow, put back after a restart, shared as a copy.

import { confirmed, tell } from "@labs/dialogs.js";
import { say } from "@labs/words.js";

const element = (id) => document.getElementById(id);

export class Keeping {
  #homes = null;
  #active;

  /** ``active()`` names the node in view; ``ask(call)`` shows a refusal and answers null, else the answer's body. */
  constructor({ api, active, ask }) {
    this.#active = active;
    element("lab-save").addEventListener("click", async () => {
      if (await ask(() => api.save())) tell(say("files_saving"));
    });
    element("lab-fork").addEventListener("click", async () => {
      const fork = await ask(() => api.fork());
      if (fork && (await confirmed("dialog-fork", { url: document.createTextNode(fork.url) }))) {
        await navigator.clipboard.writeText(fork.url);
        tell(say("copied"));
      }
    });
    element("lab-undo-restart").addEventListener("click", () => ask(() => api.undoRestart(this.#active())));
  }

  /** ``homes`` as the session's body has them now; what came of a wish is told to whoever works here. */
  show(homes) {
    const before = this.#homes;
    this.#homes = homes;
    if (before?.saving && !homes.saving) this.#tell(homes.problem, "files_saved");
    if (before?.putting_back && !homes.putting_back) this.#tell(homes.problem, "files_back");
    if (!before?.putting_back && homes.putting_back) tell(say("files_coming"));
    this.nodeChanged();
  }

  /** Another node came into view: only where something is kept of it is there anything to undo. */
  nodeChanged() {
    element("lab-undo-restart").parentElement.hidden = !this.#homes?.can_undo.includes(this.#active());
  }

  #tell(problem, done) {
    if (problem) tell(problem, { urgent: true });
    else tell(say(done));
  }
}
