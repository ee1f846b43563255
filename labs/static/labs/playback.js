// The solution played into this page's terminals: what the buttons ask, and how far it is. The typing is the server's.

import { ReconnectingSocket, socketAddress } from "@labs/reconnecting.js";
import { say } from "@labs/words.js";

const PLAYING = new Set(["typing", "checking"]);

export class Playback {
  #bar;
  #titles;
  #show;
  #socket;
  #isPausing = false;
  #stepShown = "";

  /** ``titles``: step id to title; ``show(step, node)`` brings what is played into view. */
  constructor(bar, titles, show) {
    this.#bar = bar;
    this.#titles = titles;
    this.#show = show;
    this.#socket = new ReconnectingSocket({
      address: () => socketAddress(bar.dataset.address),
      message: ({ data }) => this.#draw(JSON.parse(data)),
      state: (name) => name !== "open" && this.#draw({ state: name === "refused" ? "refused" : "away" }),
    });
    bar.addEventListener("click", ({ target }) => this.#ask(target.closest("[data-do]")));
    this.#socket.start();
  }

  #ask(button) {
    if (!button) return;
    const wish = button.dataset.do;
    if (wish === "pause") {
      this.#isPausing = true;
      button.disabled = true;
    }
    this.#socket.send(JSON.stringify({ do: wish, pace: this.#bar.querySelector("select").value }));
  }

  #draw(standing) {
    const { state, step, node } = standing;
    const isPlaying = PLAYING.has(state);
    if (!isPlaying) this.#isPausing = false;
    for (const button of this.#bar.querySelectorAll("[data-do]")) {
      const begins = ["next", "all"].includes(button.dataset.do);
      button.disabled = begins ? !["ready", "problem"].includes(state) : !isPlaying;
      if (button.dataset.do === "pause" && this.#isPausing) button.disabled = true;
    }
    const words = this.#words(standing);
    const place = document.getElementById("playback-words");
    if (place.textContent !== words) place.textContent = words;
    this.#bar.dataset.state = state;
    if (isPlaying) this.#show(this.#stepShown === step ? null : step, node);
    if (isPlaying) this.#stepShown = step;
  }

  #words({ state, step, node, command, commands, problem }) {
    const title = this.#titles.get(step) ?? "";
    if (state === "problem") return say(`playback_${problem}`, { title, node });
    if (state === "ready" && command > 0) return say("playback_within", { title, count: commands - command });
    return say(`playback_${state}`, { title, node, command: command + 1, commands });
  }
}
