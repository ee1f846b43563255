// The editor tab: one text file of a node, saved only over what was read.

import { chosen, confirmed, tell } from "@labs/dialogs.js";
import { say } from "@labs/words.js";

const element = (id) => document.getElementById(id);

export class Editor {
  #api;
  #opened;
  #view = null;
  #file = null;
  #saved = "";
  #saving = null;

  /** ``opened()`` is called when a file is to be looked at. */
  constructor({ api, opened }) {
    this.#api = api;
    this.#opened = opened;
    element("editor-save").addEventListener("click", () => this.save());
    window.addEventListener("beforeunload", (event) => {
      if (this.isChanged) event.preventDefault();
    });
  }

  get isChanged() {
    return this.#view !== null && this.#view.state.doc.toString() !== this.#saved;
  }

  get text() {
    return this.#view?.state.doc.toString() ?? "";
  }

  async open(node, entry) {
    if (this.isChanged && !(await confirmed("dialog-discard", { name: document.createTextNode(this.#file.name) }))) {
      this.#opened();
      return;
    }
    try {
      await this.#load(node, entry.path);
      this.#opened();
      this.focus();
    } catch (refused) {
      tell(refused.message, { urgent: true });
    }
  }

  focus() {
    this.#view?.focus();
  }

  /** One save at a time; what is typed meanwhile is not saved and shown as such. */
  save(version = this.#file?.version) {
    this.#saving ??= this.#save(version).finally(() => (this.#saving = null));
    return this.#saving;
  }

  async #load(node, path) {
    const file = await this.#api.read(node, path);
    const { makeView } = await import("@labs/codemirror.js");
    this.#view?.destroy();
    this.#file = { node, ...file };
    // CodeMirror's lines end in one way only; what is compared and saved is what it holds.
    this.#view = makeView({
      parent: element("editor-place"),
      text: file.text,
      name: file.name,
      label: say("editor_label", { name: file.name, node }),
      save: () => this.save(),
      changed: () => this.#mark(),
    });
    this.#saved = this.#view.state.doc.toString();
    element("editor-empty").hidden = true;
    element("editor-name").textContent = `${node}:${decodeURIComponent(file.path)}`;
    this.#mark();
  }

  async #save(version) {
    if (!this.#file) return;
    const text = this.#view.state.doc.toString();
    const ending = this.#file.text.includes("\r\n") ? "\r\n" : "\n";
    try {
      const { node, path } = this.#file;
      const saved = await this.#api.write(node, path, version, text.replaceAll("\n", ending));
      this.#file.version = saved.version;
      this.#saved = text;
      tell(say("editor_saved", { name: this.#file.name }));
    } catch (refused) {
      if (refused.code === "file_conflict") await this.#settle();
      else tell(refused.message, { urgent: true });
    }
    this.#mark();
  }

  /** The file is another by now: keep mine, take what is there, or decide later. */
  async #settle() {
    const choice = await chosen("dialog-conflict", { name: document.createTextNode(this.#file.name) });
    if (choice === "mine") await this.#save("*");
    else if (choice === "theirs") await this.#load(this.#file.node, this.#file.path);
  }

  #mark() {
    const isChanged = this.isChanged;
    element("editor-unsaved").hidden = !isChanged;
    element("editor-save").setAttribute("aria-disabled", !isChanged);
    element("work-tab-editor").dataset.unsaved = isChanged;
  }
}
