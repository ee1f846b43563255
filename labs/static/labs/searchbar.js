// Looking for text in the active terminal.

import { say } from "@labs/words.js";

const DECORATIONS = {
  matchBackground: "#5c4b12",
  matchBorder: "#dfbd6d",
  matchOverviewRuler: "#dfbd6d",
  activeMatchBackground: "#8a5a00",
  activeMatchBorder: "#f5f7f8",
  activeMatchColorOverviewRuler: "#f5f7f8",
};

export class SearchBar {
  #form = document.getElementById("terminal-search");
  #input = this.#form.querySelector("input");
  #result = this.#form.querySelector('[data-slot="result"]');
  #terminals;
  #listened = new WeakSet();

  constructor(terminals) {
    this.#terminals = terminals;
    this.#input.addEventListener("input", () => this.#find(true, true));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#find(event.submitter?.value !== "previous");
    });
    this.#form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
      if (event.key === "Enter" && event.shiftKey && event.target === this.#input) {
        event.preventDefault();
        this.#find(false);
      }
    });
    this.#form.querySelector('[value="close"]').addEventListener("click", () => this.close());
  }

  open() {
    this.#form.hidden = false;
    this.#input.focus();
    this.#input.select();
    if (this.#input.value) this.#find(true, true);
  }

  close() {
    this.#form.hidden = true;
    for (const view of this.#terminals.all) view.search.clearDecorations();
    this.#terminals.active.focus();
  }

  #find(isForward, incremental = false) {
    const { search } = this.#terminals.active;
    if (!this.#listened.has(search)) {
      this.#listened.add(search);
      search.onDidChangeResults((found) => this.#show(found));
    }
    const words = this.#input.value;
    if (words === "") {
      search.clearDecorations();
      this.#result.textContent = "";
    } else if (isForward) search.findNext(words, { incremental, decorations: DECORATIONS });
    else search.findPrevious(words, { decorations: DECORATIONS });
  }

  #show({ resultIndex, resultCount }) {
    this.#result.textContent = resultCount
      ? say("search_found", { place: resultIndex + 1, total: resultCount })
      : say("search_none");
  }
}
