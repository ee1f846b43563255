// The terminals of a session: one tab per node, further ones on request, opened when first looked at.

import { tabKeys } from "@labs/panes.js";
import { recall, recallHere, remember, rememberHere } from "@labs/preferences.js";
import { TerminalView } from "@labs/terminal.js";
import { onThemeChange } from "@labs/theme.js";
import { say } from "@labs/words.js";

const keyOf = (node, number) => `${node}-${number}`;

export class Terminals {
  #session;
  #limit;
  #paths;
  #tabs = document.getElementById("terminal-tabs");
  #panels = document.getElementById("terminal-panels");
  #template = document.getElementById("terminal-template");
  #adders;
  #views = new Map();
  #active = null;
  #main = null;
  #beside = null;
  #callbacks;

  /** ``nodes`` as in the session's body; callbacks ``leave(step)``, ``search()``, ``changed(view)``, ``controlUsed()``. */
  constructor({ session, nodes, limit, callbacks }) {
    this.#session = session;
    this.#limit = limit;
    this.#callbacks = callbacks;
    this.#paths = new Map(nodes.map((node) => [node.name, node.terminal]));
    this.#adders = new Map(
      [...document.querySelectorAll("[data-add-terminal]")].map((button) => [button.dataset.addTerminal, button]),
    );
    for (const [node, button] of this.#adders) button.addEventListener("click", () => this.#addTo(node));
    tabKeys(this.#tabs, (tab) => this.activate(this.#views.get(tab.dataset.key)));
    this.#tabs.addEventListener("click", ({ target }) => this.#clicked(target));
    // Whoever goes into a terminal, by whatever way, works in that one.
    document.addEventListener("focusin", ({ target }) => {
      const view = this.all.find(({ panel }) => panel.contains(target));
      if (view && view !== this.#active) this.activate(view);
    });
    onThemeChange(() => this.#views.forEach((view) => view.retheme()));
    this.#restore(nodes);
  }

  get active() {
    return this.#active;
  }

  get all() {
    return [...this.#views.values()];
  }

  of(node, number = 1) {
    return this.#views.get(keyOf(node, number)) ?? null;
  }

  /** The terminal for a command: the active one when it is of ``node`` (or no node is named), else the node's first. */
  forCommand(node) {
    if (!node || this.#active?.node === node) return this.#active;
    return this.all.find((view) => view.node === node) ?? null;
  }

  /** The view that keys and tools are for; it takes the panels, unless it is the one beside them. */
  activate(view) {
    if (!view) return;
    this.#active = view;
    if (view !== this.#beside) this.#main = view;
    for (const other of this.#views.values()) {
      const tab = this.#tabOf(other);
      const isActive = other === view;
      other.panel.hidden = other !== this.#main && other !== this.#beside;
      tab.setAttribute("aria-selected", isActive);
      tab.tabIndex = isActive ? 0 : -1;
    }
    view.show();
    this.#tabOf(view).scrollIntoView({ block: "nearest", inline: "nearest" });
    rememberHere(`${this.#session}.active`, keyOf(view.node, view.number));
    this.#callbacks.changed(view);
  }

  /** After the panels changed their size, or came into view. */
  show() {
    this.#main?.show();
    this.#beside?.show();
  }

  /** Every terminal with its key and name, in the order of the tabs. */
  get list() {
    return [...this.#tabs.querySelectorAll("[role=tab]")].map(({ dataset: { key } }) => {
      const view = this.#views.get(key);
      return { key, view, name: this.#nameOf(view) };
    });
  }

  /** One to show beside the panels: that of ``key``, else the first that is not in them, else a new one; or null. */
  forBeside(key) {
    const wanted = this.#views.get(key);
    const other = wanted ?? this.all.find((view) => view !== this.#main);
    if (other || this.#main === null) return other ?? null;
    return this.#addTo(this.#main.node, false);
  }

  /** ``view`` is shown in ``place``, beside the panels; without one, the view that was there goes back to them. */
  showBeside(view, place) {
    const before = this.#beside;
    this.#beside = view;
    if (before && before !== view && this.all.includes(before)) this.#panels.append(before.panel);
    if (view && view === this.#main) this.#main = this.forBeside(null);
    if (view) place.append(view.panel);
    this.activate(this.#main ?? view);
    view?.show();
  }

  get screenReader() {
    return recall("screen-reader", false);
  }

  set screenReader(isOn) {
    remember("screen-reader", isOn);
    for (const view of this.#views.values()) view.screenReader = isOn;
  }

  #restore(nodes) {
    for (const node of nodes) this.#add(node.name, 1);
    for (const [node, number] of recallHere(`${this.#session}.terminals`, [])) {
      if (this.#paths.has(node) && number > 1 && number <= this.#limit) this.#add(node, number);
    }
    const last = recallHere(`${this.#session}.active`, null);
    this.activate(this.#views.get(last) ?? this.all[0]);
    this.#refreshAdders();
  }

  #add(node, number) {
    const key = keyOf(node, number);
    const panel = this.#template.content.firstElementChild.cloneNode(true);
    panel.id = `terminal-${key}`;
    panel.setAttribute("aria-labelledby", `tab-${key}`);
    this.#panels.append(panel);
    const view = new TerminalView({
      path: this.#paths.get(node).replace(/\/\d+\/$/, `/${number}/`),
      node,
      number,
      panel,
      preferences: { screenReader: this.screenReader, scrollback: recall("scrollback", undefined) },
      leave: this.#callbacks.leave,
      search: this.#callbacks.search,
      controlUsed: this.#callbacks.controlUsed,
    });
    this.#views.set(key, view);
    this.#insertTab(view, key);
    return view;
  }

  #insertTab(view, key) {
    const item = document.createElement("div");
    item.className = "terminal-tab";
    item.setAttribute("role", "presentation");
    const tab = document.createElement("button");
    Object.assign(tab, { type: "button", id: `tab-${key}`, className: "tab", textContent: this.#nameOf(view) });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", `terminal-${key}`);
    tab.dataset.key = key;
    item.append(tab);
    // A node's terminals stand side by side, in the order of the nodes.
    const before = [...this.#views.values()].filter((other) => other.node === view.node && other !== view).at(-1);
    if (before) this.#tabOf(before).parentElement.after(item);
    else this.#tabs.append(item);
    tab.addEventListener("keydown", (event) => event.key === "Delete" && this.#close(view));
    if (view.number > 1) item.append(this.#closer(view));
  }

  #closer(view) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "tab-close", textContent: "×", tabIndex: -1 });
    button.setAttribute("aria-hidden", "true");
    button.title = say("close_terminal", { name: this.#nameOf(view) });
    button.addEventListener("click", () => this.#close(view));
    return button;
  }

  #close(view) {
    if (view.number === 1) return;
    const key = keyOf(view.node, view.number);
    this.#tabOf(view).parentElement.remove();
    this.#views.delete(key);
    view.dispose();
    this.#rememberExtra();
    if (this.#beside === view) this.#beside = null;
    if (this.#active === view || this.#main === view) {
      this.activate(this.all.find((other) => other.node === view.node && other !== this.#beside) ?? this.all[0]);
      this.#tabOf(this.#active).focus();
    }
  }

  #addTo(node, isActivated = true) {
    const taken = new Set(this.all.filter((view) => view.node === node).map((view) => view.number));
    for (let number = 1; number <= this.#limit; number += 1) {
      if (taken.has(number)) continue;
      const view = this.#add(node, number);
      this.#rememberExtra();
      if (isActivated) {
        this.activate(view);
        view.focus();
      }
      return view;
    }
    return null;
  }

  #rememberExtra() {
    const extra = this.all.filter((view) => view.number > 1).map((view) => [view.node, view.number]);
    rememberHere(`${this.#session}.terminals`, extra);
    this.#refreshAdders();
  }

  #refreshAdders() {
    for (const [node, button] of this.#adders) {
      const count = this.all.filter((view) => view.node === node).length;
      button.disabled = count >= this.#limit;
    }
  }

  #nameOf(view) {
    return view.number === 1 ? view.node : `${view.node} ${view.number}`;
  }

  #tabOf(view) {
    return document.getElementById(`tab-${keyOf(view.node, view.number)}`);
  }

  #clicked(target) {
    const tab = target.closest('[role="tab"]');
    if (!tab) return;
    const view = this.#views.get(tab.dataset.key);
    this.activate(view);
    view.focus();
  }
}
