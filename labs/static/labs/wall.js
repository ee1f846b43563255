// The instructor's wall: a card per learner, who needs help first, with a small live picture of their terminal.

import { ReconnectingSocket, socketAddress } from "@labs/reconnecting.js";
import { callApi } from "@labs/rest.js";
import { say } from "@labs/words.js";

const page = JSON.parse(document.getElementById("wall-page").textContent);
const element = (id) => document.getElementById(id);
const clockTime = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

class Wall {
  #cards = new Map();
  #addressee = null;

  constructor() {
    this.draw(page.cards);
    element("wall-tell").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#tell();
    });
    element("wall-to-all").addEventListener("click", () => this.#addressTo(null));
    const socket = new ReconnectingSocket({
      address: () => socketAddress(page.socket),
      message: ({ data }) => this.#heard(JSON.parse(data)),
      state: (name) => {
        const isLost = name === "waiting" || name === "refused";
        if (isLost || name === "open") element("wall-lost").textContent = isLost ? say("wall_lost") : "";
      },
    });
    socket.start();
  }

  draw(cards) {
    const focused = document.activeElement;
    const wall = element("wall");
    const gone = new Set(this.#cards.keys());
    cards.forEach((card, at) => {
      gone.delete(card.learner);
      const item = this.#cards.get(card.learner) ?? this.#made(card);
      if (wall.children[at] !== item) wall.insertBefore(item, wall.children[at] ?? null);
      this.#fill(item, card);
    });
    for (const learner of gone) {
      this.#cards.get(learner).remove();
      this.#cards.delete(learner);
    }
    // Cards that move must not take the focus from who is at them.
    if (focused?.isConnected && focused !== document.activeElement) focused.focus();
    const inside = cards.filter((card) => card.session !== null);
    element("wall-summary").textContent = say("wall_summary", {
      count: cards.length,
      inside: inside.length,
      hands: inside.filter((card) => card.hand).length,
      stuck: inside.filter((card) => card.stuck).length,
    });
  }

  #heard(frame) {
    if (frame.type === "board") this.draw(frame.cards);
    else if (frame.type === "pictures") frame.pictures.forEach((picture) => this.#show(picture));
  }

  #made(card) {
    const item = element("wall-card").content.firstElementChild.cloneNode(true);
    this.#cards.set(card.learner, item);
    item.querySelector('[data-act="tell"]').addEventListener("click", () => this.#addressTo(item.card));
    item.querySelector('[data-act="lower"]').addEventListener("click", () =>
      this.#ask("DELETE", `/lab-sessions/${item.card.session}/hand`),
    );
    return item;
  }

  #fill(item, card) {
    if (item.card?.session !== card.session) item.querySelector('[data-slot="picture"]').hidden = true;
    item.card = card;
    const put = (slot, words) => (item.querySelector(`[data-slot="${slot}"]`).textContent = words);
    const isIn = card.session !== null;
    item.dataset.state = card.hand ? "hand" : card.stuck ? "stuck" : isIn ? "working" : "away";
    put("name", card.name);
    const link = item.querySelector('[data-slot="name"]');
    if (isIn) link.href = page.watch.replace(page.nobody, card.session);
    else link.removeAttribute("href");
    if (isIn) link.setAttribute("aria-label", say("wall_open", { name: card.name }));
    else link.removeAttribute("aria-label");
    put("lab", isIn ? card.lab : say("wall_no_lab"));
    put("hand", card.hand ? say("wall_hand", { time: clockTime(card.hand.raised_at), words: card.hand.words }) : "");
    put("stuck", card.stuck ? say("wall_stuck") : "");
    put("exam", card.exam ? say("wall_exam") : "");
    const total = card.steps?.length ?? 0;
    const where = card.step ? say("wall_step", { place: card.place, total, step: card.step }) : say("wall_done");
    put("step", isIn ? where : "");
    put("minutes", isIn && card.step ? say("wall_minutes", { count: card.minutes }) : "");
    put("failures", card.failures ? say("wall_failures", { count: card.failures }) : "");
    put("fell", card.fell?.length ? say("wall_fell", { checks: card.fell.join(" · ") }) : "");
    item.querySelector('[data-slot="steps"]').replaceChildren(
      ...(card.steps ?? []).map(({ state }) => {
        const step = document.createElement("li");
        step.dataset.state = state;
        return step;
      }),
    );
    const tell = item.querySelector('[data-act="tell"]');
    tell.textContent = say("wall_tell", { name: card.name });
    tell.hidden = !isIn || card.exam;
    const lower = item.querySelector('[data-act="lower"]');
    lower.textContent = say("wall_lower");
    lower.hidden = !card.hand;
  }

  #show({ session, node, lines }) {
    const item = [...this.#cards.values()].find((one) => one.card.session === session);
    if (!item) return;
    const picture = item.querySelector('[data-slot="picture"]');
    picture.hidden = false;
    picture.textContent = lines.join("\n");
    picture.setAttribute("aria-label", say("wall_picture", { node, name: item.card.name }));
  }

  #addressTo(card) {
    this.#addressee = card;
    const label = card ? say("wall_message", { name: card.name }) : say("wall_message_all");
    element("wall-words-label").textContent = label;
    element("wall-to-all").hidden = card === null;
    element("wall-words").focus();
  }

  async #tell() {
    const words = element("wall-words").value.trim();
    if (!words) return;
    const wish = { words, session: this.#addressee?.session ?? null };
    const answer = await this.#ask("POST", `/classes/${page.taught}/messages`, wish);
    if (!answer) return;
    element("wall-words").value = "";
    element("wall-sent").textContent = say("wall_sent", { count: answer.body.sent });
  }

  async #ask(method, path, wish) {
    try {
      return await callApi({ address: `${page.api}${path}`, method, wish, csrf: page.csrf, language: page.language });
    } catch (refused) {
      element("wall-sent").textContent = refused.message;
      return null;
    }
  }
}

new Wall();
