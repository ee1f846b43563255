// The pane beside the terminals: files, editor, ports, another terminal; on a narrow window it takes their place.

import { Beside } from "@labs/beside.js";
import { FileApi } from "@labs/fileapi.js";
import { Editor } from "@labs/editor.js";
import { Files } from "@labs/files.js";
import { Network } from "@labs/network.js";
import { Divider, tabKeys } from "@labs/panes.js";
import { recallHere, rememberHere } from "@labs/preferences.js";

const element = (id) => document.getElementById(id);

export class WorkArea {
  #side = element("work-side");
  #opener = element("work-open");
  #tabs = [...document.querySelectorAll("#work-tabs [role=tab]")];
  #session;
  #moved;
  #shown = {};
  #beside;

  /** ``page`` is the lab page's data; ``moved()`` is called when the terminals have another size. */
  constructor({ page, terminals, moved }) {
    this.#session = page.session.id;
    this.#moved = moved;
    const api = new FileApi(page);
    this.editor = new Editor({ api, opened: () => this.open("editor") });
    this.files = new Files({
      api,
      session: this.#session,
      language: page.language,
      edit: (node, entry) => this.editor.open(node, entry),
    });
    this.#beside = new Beside({ terminals, session: this.#session });
    this.#shown = { files: () => this.files.show(), terminal: () => this.#beside.show() };
    if (element("work-network")) {
      const network = new Network(page);
      this.#shown.network = () => network.show();
    }
    this.divider = new Divider(element("work-divider"), element("work-stage"), moved, {
      key: "work-split",
      property: "--work-split",
      first: 50,
    });
    this.#opener.addEventListener("click", () => (this.isOpen ? this.close() : this.open(this.#tab)));
    element("work-close").addEventListener("click", () => this.close());
    this.#wirePorts();
    const list = element("work-tabs");
    tabKeys(list, (tab) => this.open(tab.dataset.work));
    list.addEventListener("click", ({ target }) => {
      const tab = target.closest("[role=tab]");
      if (tab) this.open(tab.dataset.work);
    });
    if (recallHere(`${this.#session}.work`, false)) this.open(this.#tab);
  }

  get isOpen() {
    return !this.#side.hidden;
  }

  get #tab() {
    return recallHere(`${this.#session}.work.tab`, "files");
  }

  /** A port opens in a tab of its own; the address in between lets its learner in. */
  #wirePorts() {
    const form = element("ports-form");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      const place = `${element("ports-node").value}/${element("ports-port").valueAsNumber}/`;
      window.open(form.action + place, "_blank", "noopener");
    });
  }

  open(name) {
    const known = this.#tabs.some((tab) => tab.dataset.work === name) ? name : "files";
    this.#side.hidden = false;
    element("work-divider").hidden = false;
    element("work-stage").dataset.side = known;
    this.#opener.setAttribute("aria-expanded", "true");
    for (const tab of this.#tabs) {
      const isSelected = tab.dataset.work === known;
      tab.setAttribute("aria-selected", isSelected);
      tab.tabIndex = isSelected ? 0 : -1;
      element(tab.getAttribute("aria-controls")).hidden = !isSelected;
    }
    rememberHere(`${this.#session}.work`, true);
    rememberHere(`${this.#session}.work.tab`, known);
    if (known !== "terminal") this.#beside.hide();
    this.#shown[known]?.();
    this.#moved();
  }

  close() {
    this.#side.hidden = true;
    element("work-divider").hidden = true;
    delete element("work-stage").dataset.side;
    this.#beside.hide();
    this.#opener.setAttribute("aria-expanded", "false");
    rememberHere(`${this.#session}.work`, false);
    this.#opener.focus();
    this.#moved();
  }
}
