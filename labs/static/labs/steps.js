// The instructions: one step at a time, its checks with what they found, and commands that type themselves.

import { recallHere, rememberHere } from "@labs/preferences.js";
import { say } from "@labs/words.js";

const stateOf = (check, before) => {
  if (check.passed === null) return "unknown";
  if (check.passed) return "passed";
  return check.passed_before_at || before === "passed" || before === "fell" ? "fell" : "failed";
};

const clockTime = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** One step's checks on the page: marks, reasons, hints and the sum of them. */
class StepChecks {
  #root;
  #entry;
  #button;
  #result;
  #isChecking = false;

  constructor(root, entry, onCheck) {
    this.#root = root;
    this.#entry = entry;
    this.#button = root.querySelector("[data-check-step]");
    this.#result = root.querySelector('[data-slot="result"]');
    this.#button?.addEventListener("click", () => {
      if (this.#button.getAttribute("aria-disabled") !== "true") onCheck(root.dataset.step);
    });
  }

  get id() {
    return this.#root.dataset.step;
  }

  get isChecking() {
    return this.#isChecking;
  }

  get checks() {
    return [...this.#root.querySelectorAll("[data-check]")];
  }

  get failing() {
    return this.checks.filter((item) => item.dataset.state !== "passed");
  }

  set canCheck(can) {
    this.#button?.setAttribute("aria-disabled", !can || this.#isChecking);
  }

  /** Marks the step as being checked, or shows what came of it; ``isAnnounced`` says the sum aloud. */
  checking(isChecking, { isAnnounced = true } = {}) {
    const wasChecking = this.#isChecking;
    this.#isChecking = isChecking;
    if (!this.#button) return;
    this.#button.setAttribute("aria-disabled", isChecking);
    this.#button.textContent = isChecking ? say("checking") : this.#button.dataset.label;
    this.#root.toggleAttribute("data-checking", isChecking);
    if (isChecking) this.tell(say("checking_now"));
    else if (wasChecking && isAnnounced) this.tell(this.#summary());
    this.#mark();
  }

  tell(words) {
    if (this.#result) this.#result.textContent = words;
  }

  show(check) {
    const item = this.#root.querySelector(`[data-check="${CSS.escape(check.id)}"]`);
    if (!item) return;
    const slot = (name) => item.querySelector(`[data-slot="${name}"]`);
    const state = stateOf(check, item.dataset.state);
    item.dataset.state = state;
    slot("state").textContent = say(`check_${state}`);
    slot("reason").textContent = check.passed === false ? check.reason : "";
    slot("hint").textContent = check.passed === false && check.hint ? say("hint", { hint: check.hint }) : "";
    const fellAt = check.passed === false ? check.passed_before_at : null;
    slot("fell").textContent = fellAt ? say("check_fell_at", { time: clockTime(fellAt) }) : "";
    slot("offer").hidden = !check.hint_next;
    slot("offer").dataset.openHint = check.hint_next;
    slot("offer").textContent = say("open_hint", { count: check.hint_cost });
    slot("output").textContent = check.output;
    slot("output-box").hidden = !check.output;
    this.#mark();
  }

  #mark() {
    const states = this.checks.map((item) => item.dataset.state);
    if (states.length === 0) return;
    let state = "unknown";
    if (this.#isChecking) state = "checking";
    else if (states.every((found) => found === "passed")) state = "passed";
    else if (states.some((found) => found === "failed" || found === "fell")) state = "failed";
    this.#entry.dataset.state = state;
    this.#entry.querySelector('[data-slot="state"]').textContent = say(`step_${state}`);
  }

  #summary() {
    const count = this.checks.length;
    const passed = count - this.failing.length;
    if (passed === count) return say("step_all_pass", { count });
    const first = this.failing[0];
    const reason = first.querySelector('[data-slot="reason"]').textContent;
    return `${say("step_some_pass", { count, passed })} ${reason}`;
  }
}

export class Steps {
  #session;
  #steps = new Map();
  #articles;
  #asked = new Set();
  #onCheck;

  /** ``onCheck(stepId)`` asks for the checks and settles once asked; ``onCommand({node, command, byKeyboard})`` types. */
  constructor({ session, onCheck, onCommand }) {
    this.#session = session;
    this.#onCheck = onCheck;
    this.#articles = [...document.querySelectorAll("[data-step]")];
    for (const article of this.#articles) {
      const entry = document.querySelector(`[data-step-entry="${CSS.escape(article.dataset.step)}"]`);
      this.#steps.set(article.dataset.step, new StepChecks(article, entry, (id) => this.#check(id)));
      this.#prepareCommands(article, onCommand);
    }
    document.addEventListener("click", (event) => this.#followed(event));
    const wanted = location.hash.replace(/^#step-/, "") || recallHere(`${session}.step`, "");
    this.show(this.#steps.has(wanted) ? wanted : this.#articles[0].dataset.step);
  }

  /** Titles of the checks that do not pass, in order. */
  get failing() {
    return [...this.#steps.values()].flatMap((step) =>
      step.failing.map((item) => item.querySelector(".check-title-words").textContent),
    );
  }

  set canCheck(can) {
    for (const step of this.#steps.values()) step.canCheck = can;
  }

  /** Shows one step alone; ``isMoved`` takes the focus to it. */
  show(id, { isMoved = false } = {}) {
    for (const article of this.#articles) {
      article.hidden = article.dataset.step !== id;
      const entry = document.querySelector(`[data-step-entry="${CSS.escape(article.dataset.step)}"] a`);
      if (article.hidden) entry.removeAttribute("aria-current");
      else entry.setAttribute("aria-current", "step");
    }
    rememberHere(`${this.#session}.step`, id);
    if (isMoved) {
      const article = document.getElementById(`step-${id}`);
      article.closest(".lab-instructions").scrollTop = 0;
      article.querySelector("h2").focus();
    }
  }

  showFirstFailing() {
    const failing = [...this.#steps.values()].find((step) => step.failing.length > 0);
    if (failing) this.show(failing.id, { isMoved: true });
  }

  /** What the session's body says of every step. */
  update(steps) {
    for (const { id, checks, checking } of steps) {
      const step = this.#steps.get(id);
      if (!step) continue;
      for (const check of checks) step.show(check);
      if (!this.#asked.has(id) && checking !== step.isChecking) step.checking(checking);
    }
  }

  /** One check's result, as it comes. */
  showCheck(stepId, check) {
    this.#steps.get(stepId)?.show(check);
  }

  async #check(id) {
    const step = this.#steps.get(id);
    this.#asked.add(id);
    step.checking(true);
    try {
      const stillRunning = await this.#onCheck(id);
      this.#asked.delete(id);
      step.checking(stillRunning);
    } catch (refused) {
      this.#asked.delete(id);
      step.checking(false, { isAnnounced: false });
      step.tell(refused.message);
    }
  }

  #followed(event) {
    const link = event.target.closest?.('a[href^="#step-"]');
    if (!link) return;
    const id = link.hash.replace(/^#step-/, "");
    if (!this.#steps.has(id)) return;
    event.preventDefault();
    history.replaceState(null, "", link.hash);
    this.show(id, { isMoved: true });
  }

  #prepareCommands(article, onCommand) {
    for (const button of article.querySelectorAll("button.command")) {
      const { node, command } = button.dataset;
      const where = node ? say("type_in", { node }) : say("type_here");
      const frame = document.createElement("div");
      frame.className = "command-frame";
      const label = document.createElement("span");
      label.className = "command-where";
      label.textContent = where;
      button.replaceWith(frame);
      button.prepend(label);
      frame.append(button, this.#copier(command));
      button.addEventListener("click", (event) => onCommand({ node, command, byKeyboard: event.detail === 0 }));
    }
  }

  #copier(command) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "command-copy", textContent: say("copy") });
    button.setAttribute("aria-label", say("copy_command", { command }));
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command);
      button.textContent = say("copied");
      setTimeout(() => (button.textContent = say("copy")), 2000);
    });
    return button;
  }
}
