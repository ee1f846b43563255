// The lab page: one session's body, wherever it comes from, drawn; and what people ask, sent.

import { drawAllowance } from "@labs/allowance.js";
import { Clock } from "@labs/clock.js";
import { fitStylesToPolicy } from "@labs/csp.js";
import { confirmed, tell } from "@labs/dialogs.js";
import { Freezing } from "@labs/freezing.js";
import { Help } from "@labs/help.js";
import { Keeping } from "@labs/keeping.js";
import { KeyBar } from "@labs/keybar.js";
import { Divider, Halves, PaneWalk } from "@labs/panes.js";
import { Playback } from "@labs/playback.js";
import { QueuePlace } from "@labs/queueplace.js";
import { drawPrice } from "@labs/price.js";
import { ReconnectingSocket, socketAddress } from "@labs/reconnecting.js";
import { SessionApi } from "@labs/rest.js";
import { SearchBar } from "@labs/searchbar.js";
import { Sizing } from "@labs/sizing.js";
import { Startup } from "@labs/startup.js";
import { Steps } from "@labs/steps.js";
import { Terminals } from "@labs/terminals.js";
import { WorkArea } from "@labs/workarea.js";
import { say } from "@labs/words.js";

const AFTER_END_MS = 15_000;
const NARROW = matchMedia("(max-width: 62rem)");

const page = JSON.parse(document.getElementById("lab-page").textContent);
const element = (id) => document.getElementById(id);

/** When the session began, in milliseconds of this browser's clock. */
const begun = ({ now, opened_at }) => Date.now() - (Date.parse(now) - Date.parse(opened_at));

class LabPage {
  #api = new SessionApi(page);
  #body = page.session;
  #terminals = null;
  #keybar = null;
  #isLeaving = false;
  #isQueued = false;

  constructor() {
    fitStylesToPolicy();
    this.steps = new Steps({
      session: page.session.id,
      onCheck: (step) => this.#check(step),
      onCommand: (wish) => this.#typeCommand(wish),
    });
    this.clock = new Clock({
      face: element("lab-clock"),
      serverNow: page.session.now,
      onWarning: (words, urgent) => tell(words, { urgent }),
      onEnd: () => this.#timeIsUp(),
    });
    this.startup = new Startup(begun(page.session));
    this.place = new QueuePlace(() => this.#leaveQueue());
    this.halves = new Halves(element("lab-halves"), element("lab-panes"), () => this.#terminals?.show());
    this.divider = new Divider(element("lab-divider"), element("lab-panes"), () => this.#terminals?.show());
    this.walk = this.#makeWalk();
    this.freezing = new Freezing({
      suspend: () => this.#ask(() => this.#api.suspend()),
      resume: () => this.#ask(() => this.#api.resume()),
      awake: () => this.#terminals?.all.forEach((view) => view.retryNow()),
    });
    this.keeping = new Keeping({
      api: this.#api,
      active: () => this.#terminals?.active?.node,
      ask: (call) => this.#answerOf(call),
    });
    this.sizing = new Sizing({
      active: () => this.#terminals?.active?.node,
      resize: (node, size) => this.#ask(() => this.#api.resize(node, size)),
      outlook: (node, size) => this.#api.outlook(node, size),
    });
    this.help = new Help(this.#api, page.help);
    if (element("playback")) this.playback = this.#makePlayback();
    this.#wireButtons();
    this.#draw(this.#body);
    this.#listen();
  }

  get terminals() {
    return this.#terminals;
  }

  #makeWalk() {
    return new PaneWalk([
      { element: element("lab-bar"), enter: () => element("lab-bar").focus() },
      { element: element("lab-instructions"), enter: () => this.#enterInstructions() },
      { element: element("lab-work"), enter: () => this.#enterTerminal() },
    ]);
  }

  #makePlayback() {
    const titles = [...document.querySelectorAll("[data-step] h2")].map((head) => [head.closest("[data-step]").dataset.step, head.textContent]);
    return new Playback(element("playback"), new Map(titles), (step, node) => {
      if (step) element(`step-${step}`).scrollIntoView({ block: "start" });
      const view = this.#terminals?.of(node);
      if (view && this.#terminals.active !== view) this.#terminals.activate(view);
    });
  }

  #enterInstructions() {
    this.halves.show("instructions");
    element("lab-instructions").focus();
  }

  #enterTerminal() {
    this.halves.show("terminal");
    if (this.#terminals?.active) this.#terminals.active.focus();
    else element("lab-work").focus();
  }

  #wireButtons() {
    element("lab-extend").addEventListener("click", () => this.#extend());
    element("lab-instructions").addEventListener("click", ({ target }) => this.#openHint(target.closest("[data-open-hint]")));
    element("lab-finish").addEventListener("click", () => this.#finish());
    element("lab-abandon").addEventListener("click", () => this.#abandon());
    element("lab-show-keys").addEventListener("click", () => confirmed("dialog-keys"));
    for (const menu of document.querySelectorAll(".lab details.menu")) {
      menu.addEventListener("click", ({ target }) => target.closest(".menu-list button") && (menu.open = false));
    }
    element("lab-restart").addEventListener("click", () => this.#restart());
    element("lab-search").addEventListener("click", () => this.searchBar?.open());
    const reader = element("lab-screen-reader");
    reader.addEventListener("click", () => {
      if (!this.#terminals) return;
      this.#terminals.screenReader = !this.#terminals.screenReader;
      reader.setAttribute("aria-pressed", this.#terminals.screenReader);
    });
    element("lab-copy").addEventListener("click", async () => {
      const isCopied = await this.#terminals?.active.copySelection();
      tell(say(isCopied ? "copied" : "nothing_selected"));
    });
  }

  // --- what the session says ---------------------------------------------------------------------------------------

  #draw(body) {
    const before = this.#body;
    // An answer may arrive after the news of what came of it.
    if (Date.parse(body.now) < Date.parse(before.now)) return;
    this.#body = body;
    if (body.closed_at !== null || body.state === "stopping" || body.state === "stopped") {
      this.#leave();
      return;
    }
    const isQueued = body.state === "queued";
    this.place.show(body.queue);
    // On a phone the place stands in the other half, which nobody would look into: shown once, when the page opens too.
    if (isQueued && !this.#isQueued && NARROW.matches) this.halves.show("terminal");
    this.#isQueued = isQueued;
    if (!isQueued) this.clock.expiresAt = body.expires_at;
    if (!isQueued && before.state === "queued") {
      this.startup.begin(begun(body));
      tell(say("queue_admitted"));
    }
    this.#drawExtensions(body.extensions_left);
    this.steps.update(body.steps);
    drawPrice(body.price);
    drawAllowance(body.allowances);
    this.startup.show(body.state, body.message);
    const isReady = body.state === "ready";
    // Frozen machines are woken for what is asked of them.
    const canWork = isReady || body.state === "suspended";
    this.steps.canCheck = canWork;
    element("lab-finish").setAttribute("aria-disabled", !canWork || body.finishing);
    element("lab-finish").textContent = say(body.finishing ? "finishing" : "finish");
    element("lab-notice").hidden = !(isReady && body.message);
    element("lab-notice-words").textContent = body.message;
    if (isReady && !this.#terminals) this.#openTerminals();
    this.freezing.show(body);
    this.sizing.show(body.nodes);
    this.keeping.show(body.homes);
    if (before.state !== "ready" && isReady) tell(say("ready"));
    if (before.finishing && !body.finishing) this.#finishFailed();
  }

  #drawExtensions(left) {
    const button = element("lab-extend");
    button.setAttribute("aria-disabled", left === 0);
    element("lab-extensions").textContent = say("extensions_left", { count: left });
  }

  #openTerminals() {
    element("lab-terminals").hidden = false;
    this.#terminals = new Terminals({
      session: page.session.id,
      nodes: this.#body.nodes,
      limit: page.terminals,
      callbacks: {
        leave: (step) => this.walk.step(step),
        search: () => this.searchBar.open(),
        changed: (view) => this.#nodeChanged(view),
        controlUsed: () => this.#keybar?.controlUsed(),
      },
    });
    this.workArea = new WorkArea({ page, terminals: this.#terminals, moved: () => this.#terminals?.show() });
    this.searchBar = new SearchBar(this.#terminals);
    this.#keybar = new KeyBar(element("lab-keys"), this.#terminals, tell);
    element("lab-screen-reader").setAttribute("aria-pressed", this.#terminals.screenReader);
  }

  #nodeChanged(view) {
    this.keeping.nodeChanged();
    element("lab-restart").textContent = say("restart_node", { node: view.node });
  }

  #listen() {
    const events = new ReconnectingSocket({
      address: () => socketAddress(page.events),
      message: ({ data }) => this.#heard(JSON.parse(data)),
      state: (name) => {
        const isLost = name === "waiting" || name === "refused";
        if (isLost || name === "open") element("lab-offline").hidden = !isLost;
        if (name === "refused") this.#leave();
      },
    });
    element("lab-offline-retry").addEventListener("click", () => events.retryNow());
    events.start();
  }

  #heard(event) {
    if (event.type === "session") this.#draw(event);
    else if (event.type === "check") this.steps.showCheck(event.step, event);
    else if (event.type === "help") this.help.draw(event);
    else if (event.type === "typing") this.help.typing(event);
    else if (event.type === "progress" && this.#body.state === "requested") {
      this.#draw({ ...this.#body, state: "provisioning" });
    }
  }

  // --- what people ask ---------------------------------------------------------------------------------------------

  async #ask(call, done = "") {
    try {
      const { body } = await call();
      if (body) this.#draw(body);
      if (done) tell(done);
    } catch (refused) {
      tell(refused.message, { urgent: true });
    }
  }

  /** The answer to a call that does not answer with the session, or null when it was refused, which is then told. */
  async #answerOf(call) {
    try {
      return (await call()).body;
    } catch (refused) {
      tell(refused.message, { urgent: true });
      return null;
    }
  }

  #extend() {
    if (this.#body.extensions_left === 0) tell(say("no_extensions"));
    else this.#ask(() => this.#api.extend(), say("extended"));
  }

  #openHint(offer) {
    if (!offer) return;
    const { step } = offer.closest("[data-step]").dataset;
    const { check } = offer.closest("[data-check]").dataset;
    this.#ask(() => this.#api.openHint(step, check, offer.dataset.openHint), say("hint_opened"));
  }

  async #check(step) {
    const { status, body } = await this.#api.check(step);
    this.#draw(body);
    return status === 202;
  }

  async #finish() {
    if (element("lab-finish").getAttribute("aria-disabled") === "true") {
      tell(say("not_ready"));
      return;
    }
    const list = document.createElement("ul");
    for (const title of this.steps.failing) {
      const item = document.createElement("li");
      item.textContent = title;
      list.append(item);
    }
    const isComplete = list.childElementCount === 0;
    element("finish-incomplete").hidden = isComplete;
    element("finish-complete").hidden = !isComplete;
    if (!(await confirmed("dialog-finish", { failing: list }))) return;
    this.#draw({ ...this.#body, finishing: true });
    try {
      const { body } = await this.#api.finish();
      this.#draw(body);
    } catch (refused) {
      this.#body = { ...this.#body, finishing: false };
      this.#draw(this.#body);
      tell(refused.message, { urgent: true });
    }
  }

  #finishFailed() {
    const failing = this.steps.failing;
    if (failing.length === 0) return;
    tell(say("finish_failed", { count: failing.length }), { urgent: true });
    this.halves.show("instructions");
    this.steps.showFirstFailing();
  }

  async #restart() {
    const node = this.#terminals?.active?.node;
    if (!node) return;
    if (await confirmed("dialog-restart", { node: document.createTextNode(node) })) {
      await this.#ask(() => this.#api.restart(node), say("restarting", { node }));
    }
  }

  async #leaveQueue() {
    if (await confirmed("dialog-leave-queue")) await this.#ask(() => this.#api.abandon());
  }

  async #abandon() {
    if (await confirmed("dialog-abandon")) await this.#ask(() => this.#api.abandon());
  }

  #typeCommand({ node, command, byKeyboard }) {
    const view = this.#terminals?.forCommand(node);
    if (!view) {
      tell(say("not_ready"));
      return;
    }
    if (NARROW.matches) this.halves.show("terminal");
    if (this.#terminals.active !== view) this.#terminals.activate(view);
    view.run(command);
    // A pointer is free to go on; the keyboard stays in the instructions, F6 goes to the terminal.
    if (byKeyboard && !NARROW.matches) tell(say("typed", { node: view.node }));
    else view.focus();
  }

  #timeIsUp() {
    tell(say("time_up"), { urgent: true });
    setTimeout(() => this.#ask(() => this.#api.read()), AFTER_END_MS);
  }

  /** The server draws the end of a session; it knows why. */
  #leave() {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.clock.stop();
    window.location.reload();
  }
}

const lab = new LabPage();
document.dispatchEvent(new Event("labready"));

// For tests and support: what a terminal holds and how far it has read.
window.yunlian = {
  terminal: (node, number = 1) => lab.terminals?.of(node, number) ?? null,
  editorText: () => lab.workArea?.editor.text ?? "",
};
