// The files tab: a node's folders, and what may be done with what is in them.

import { chosen, confirmed, tell } from "@labs/dialogs.js";
import { below } from "@labs/fileapi.js";
import { recallHere, rememberHere } from "@labs/preferences.js";
import { say } from "@labs/words.js";

const UNITS = ["B", "KiB", "MiB", "GiB"];
const element = (id) => document.getElementById(id);

export class Files {
  #api;
  #edit;
  #session;
  #language;
  #node = element("files-node");
  #rows = element("files-rows");
  #status = element("files-status");
  #input = element("files-input");
  #folder = null;
  #isShown = false;

  /** ``edit(node, entry)`` opens a file; resolves when it is open or was refused. */
  constructor({ api, session, language, edit }) {
    this.#api = api;
    this.#session = session;
    this.#language = language;
    this.#edit = edit;
    this.#node.value = recallHere(`${session}.files.node`, this.#node.value) || this.#node.options[0].value;
    if (!this.#node.value) this.#node.selectedIndex = 0;
    this.#node.addEventListener("change", () => {
      rememberHere(`${session}.files.node`, this.#node.value);
      this.#open("");
    });
    element("files-up").addEventListener("click", () => this.#folder && this.#open(this.#folder.parent));
    element("files-reload").addEventListener("click", () => this.reload());
    element("files-new").addEventListener("click", () => this.#make("new_file"));
    element("files-new-folder").addEventListener("click", () => this.#make("new_folder"));
    element("files-upload").addEventListener("click", () => this.#input.click());
    this.#input.addEventListener("change", () => this.#upload([...this.#input.files]));
    this.#rows.addEventListener("click", (event) => this.#clicked(event));
    this.#takeDrops(element("work-files"));
  }

  get node() {
    return this.#node.value;
  }

  /** The tab came into view. */
  show() {
    if (this.#isShown) return;
    this.#isShown = true;
    this.#open(recallHere(`${this.#session}.files.${this.node}`, ""));
  }

  reload() {
    return this.#open(this.#folder?.path ?? "");
  }

  async #open(path) {
    try {
      this.#folder = await this.#api.list(this.node, path);
    } catch (refused) {
      this.#status.textContent = refused.message;
      if (path && refused.status === 409) await this.#open("");
      return;
    }
    rememberHere(`${this.#session}.files.${this.node}`, this.#folder.path);
    element("files-path").textContent = this.#folder.shown;
    element("files-up").disabled = this.#folder.path === "/";
    const count = this.#folder.entries.length;
    this.#status.textContent = say(this.#folder.more ? "files_more" : "files_count", { count });
    this.#rows.replaceChildren(...this.#folder.entries.map((entry, index) => this.#row(entry, index)));
  }

  #row(entry, index) {
    const row = element("files-row").content.firstElementChild.cloneNode(true);
    const slot = (name) => row.querySelector(`[data-slot="${name}"]`);
    const isFolder = entry.kind === "folder" || entry.target === "folder";
    const isFile = entry.kind === "file" || entry.target === "file";
    row.dataset.index = index;
    row.dataset.kind = isFolder ? "folder" : entry.kind;
    const name = slot("name");
    name.textContent = isFolder ? `${entry.name}/` : entry.name;
    name.disabled = !isFolder && !isFile;
    slot("kind").textContent = entry.kind === "link" ? say("files_link") : "";
    slot("size").textContent = isFile && entry.kind === "file" ? this.#size(entry.size) : "";
    const time = new Date(entry.modified_at * 1000);
    slot("time").textContent = time.toLocaleString(this.#language, { dateStyle: "short", timeStyle: "short" });
    const download = slot("download");
    if (isFolder || isFile) download.href = this.#api.downloadAddress(this.node, entry.path);
    else download.remove();
    download.setAttribute("aria-label", say("files_download", { name: entry.name }));
    slot("rename").setAttribute("aria-label", say("files_rename", { name: entry.name }));
    slot("remove").setAttribute("aria-label", say("files_remove", { name: entry.name }));
    return row;
  }

  #size(bytes) {
    let [size, unit] = [bytes, 0];
    for (; size >= 1024 && unit < UNITS.length - 1; unit += 1) size /= 1024;
    return `${size.toLocaleString(this.#language, { maximumFractionDigits: unit ? 1 : 0 })} ${UNITS[unit]}`;
  }

  #clicked({ target }) {
    const button = target.closest("button");
    const entry = button && this.#folder.entries[button.closest("tr").dataset.index];
    if (!entry) return;
    const wish = button.dataset.slot;
    if (wish === "rename") this.#rename(entry);
    else if (wish === "remove") this.#remove(entry);
    else if (entry.kind === "folder" || entry.target === "folder") this.#open(entry.path);
    else this.#edit(this.node, entry);
  }

  async #make(what) {
    const name = await this.#named(say(what), "");
    if (!name) return;
    const path = below(this.#folder?.path ?? "", name);
    const isMade = await this.#change(() =>
      what === "new_folder" ? this.#api.makeFolder(this.node, path) : this.#api.write(this.node, path, "", ""),
    );
    if (isMade && what === "new_file") await this.#edit(this.node, { path, name });
  }

  async #rename(entry) {
    const name = await this.#named(say("files_rename", { name: entry.name }), entry.name);
    if (!name || name === entry.name) return;
    await this.#change(() => this.#api.move(this.node, entry.path, below(this.#folder.path, name)));
  }

  async #remove(entry) {
    const isFolder = entry.kind === "folder";
    element("remove-folder").hidden = !isFolder;
    if (!(await confirmed("dialog-remove", { name: document.createTextNode(entry.name) }))) return;
    await this.#change(() => this.#api.remove(this.node, entry.path), say("files_removed", { name: entry.name }));
  }

  /** The name typed into the dialog, or "" when the person thought better of it. */
  async #named(title, name) {
    const input = element("name-input");
    input.value = name;
    const asked = chosen("dialog-name", { title: document.createTextNode(title) });
    input.select();
    return (await asked) === "yes" ? input.value.trim() : "";
  }

  /** True once ``call`` has done it; the folder is looked at again either way. */
  async #change(call, done = "") {
    let isDone = true;
    try {
      await call();
      if (done) tell(done);
    } catch (refused) {
      tell(refused.message, { urgent: true });
      isDone = false;
    }
    await this.reload();
    return isDone;
  }

  #takeDrops(area) {
    const isFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    area.addEventListener("dragover", (event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      area.dataset.dropping = "";
    });
    for (const name of ["dragleave", "drop"]) area.addEventListener(name, () => delete area.dataset.dropping);
    area.addEventListener("drop", (event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      this.#upload([...event.dataTransfer.files]);
    });
  }

  async #upload(files) {
    const folder = this.#folder?.path ?? "";
    for (const [index, file] of files.entries()) {
      this.#status.textContent = say("files_uploading", { name: file.name, place: index + 1, total: files.length });
      await this.#uploadOne(below(folder, file.name), file);
    }
    this.#input.value = "";
    await this.reload();
  }

  async #uploadOne(path, file, version = "") {
    try {
      await this.#api.write(this.node, path, version, file);
    } catch (refused) {
      if (refused.code !== "file_exists") tell(`${file.name}: ${refused.message}`, { urgent: true });
      else if (await confirmed("dialog-replace", { name: document.createTextNode(file.name) })) {
        await this.#uploadOne(path, file, "*");
      }
    }
  }
}
