// A learner's terminals as their instructor sees them: silently, and typing only while the learner allows it.

import { fitStylesToPolicy } from "@labs/csp.js";
import { callApi } from "@labs/rest.js";
import { TerminalView } from "@labs/terminal.js";
import { onThemeChange } from "@labs/theme.js";
import { say } from "@labs/words.js";

const LOOK_MS = 3_000;

const page = JSON.parse(document.getElementById("watch-page").textContent);
const element = (id) => document.getElementById(id);
const clockTime = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

class WatchPage {
  #learner = element("watch-panels").dataset.learner;
  #leave = null;
  #view = null;

  constructor() {
    fitStylesToPolicy();
    const chooser = element("watch-terminal");
    for (const node of page.nodes) {
      for (let number = 1; number <= page.terminals; number += 1) {
        chooser.add(new Option(number === 1 ? node : `${node} ${number}`, `${node}/${number}`));
      }
    }
    chooser.addEventListener("change", () => this.#open());
    element("watch-ask").addEventListener("click", () => this.#ask("POST", "/leaves"));
    element("watch-end").addEventListener("click", () => this.#ask("DELETE", `/leaves/${this.#leave.id}`));
    onThemeChange(() => this.#view?.retheme());
    this.#draw(page.help);
    this.#open();
    setInterval(() => document.visibilityState === "visible" && this.#ask("GET", "/help"), LOOK_MS);
  }

  get view() {
    return this.#view;
  }

  get mayType() {
    return Boolean(this.#leave?.granted) && Date.parse(this.#leave.expires_at) > Date.now();
  }

  #open() {
    this.#view?.dispose();
    const [node, number] = element("watch-terminal").value.split("/");
    const panel = element("terminal-template").content.firstElementChild.cloneNode(true);
    panel.hidden = false;
    element("watch-panels").append(panel);
    this.#view = new TerminalView({
      path: `/ws/labs/watching/${page.session}/nodes/${node}/terminals/${number}/`,
      node,
      number: Number(number),
      panel,
      preferences: { screenReader: false },
      watching: { mayType: () => this.mayType },
      leave: () => element("watch-terminal").focus(),
      search: () => {},
    });
    this.#view.show();
  }

  #draw(help) {
    this.#leave = help.leaves.find((leave) => leave.instructor === page.me) ?? null;
    const words = this.mayType
      ? say("watch_typing", { time: clockTime(this.#leave.expires_at), name: this.#learner })
      : say(this.#leave ? "watch_asked" : "watch_reading", { name: this.#learner });
    if (element("watch-leave").textContent !== words) element("watch-leave").textContent = words;
    element("watch-ask").hidden = this.#leave !== null || !help.given;
    element("watch-end").hidden = this.#leave === null;
  }

  async #ask(method, path) {
    try {
      const address = `${page.api}${path}`;
      this.#draw((await callApi({ address, method, csrf: page.csrf, language: page.language })).body);
      element("watch-alert").textContent = "";
    } catch (refused) {
      element("watch-alert").textContent = refused.message;
    }
  }
}

const watching = new WatchPage();
window.yunlian = { terminal: () => watching.view };
