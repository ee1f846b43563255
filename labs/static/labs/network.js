// The panel of the way out: what the machines asked of the outside, looked at again and again while it is shown.

import { ask } from "@labs/rest.js";
import { say } from "@labs/words.js";

const EVERY_MS = 2_000;

const element = (id) => document.getElementById(id);

function kindOf({ refused, verdict }) {
  if (refused) return "refused";
  return verdict === "allowed" ? "allowed" : "broken";
}

export class Network {
  #page;
  #timer = null;
  #drawn = "";
  #turn = 0;

  constructor(page) {
    this.#page = page;
    element("network-form").addEventListener("submit", (event) => event.preventDefault());
    element("network-form").addEventListener("input", () => this.show());
  }

  show() {
    clearTimeout(this.#timer);
    this.#look();
  }

  async #look() {
    if (element("work-side").hidden || element("work-network").hidden) return;
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const { body } = await ask({ address: this.#address(), method: "GET", csrf: this.#page.csrf });
      if (turn === this.#turn) this.#draw(body);
    } catch (refused) {
      element("network-status").textContent = refused.message;
    }
    if (turn === this.#turn) this.#timer = setTimeout(() => this.#look(), EVERY_MS);
  }

  #address() {
    const wish = new URLSearchParams({ lang: this.#page.language, q: element("network-words").value });
    if (element("network-refused").checked) wish.set("refused", "true");
    return `${this.#page.api}/network?${wish}`;
  }

  #draw({ total, requests }) {
    const now = JSON.stringify([total, requests]);
    if (now === this.#drawn) return;
    this.#drawn = now;
    const shown = requests.length;
    const words = shown < total ? say("network_newest", { shown, count: total }) : say("network_count", { count: total });
    element("network-status").textContent = words;
    element("network-rows").replaceChildren(...requests.map((request) => this.#row(request)));
  }

  #row(request) {
    const row = element("network-row").content.firstElementChild.cloneNode(true);
    const put = (slot, text) => (row.querySelector(`[data-slot="${slot}"]`).textContent = text);
    row.dataset.kind = kindOf(request);
    put("time", new Date(request.at).toLocaleTimeString([], { hourCycle: "h23" }));
    put("host", request.host ? `${request.host}:${request.port}` : "–");
    put("verdict", request.words);
    put("node", request.node);
    put("received", request.duration_ms === null ? "…" : say("network_bytes", { bytes: request.bytes_down }));
    return row;
  }
}
