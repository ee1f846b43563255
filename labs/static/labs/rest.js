// The session's verbs, as the HTTP API offers them to everybody.

import { say } from "@labs/words.js";

/** A verb was refused or could not be sent; ``message`` is fit to show, ``code`` is the protocol's word for it. */
export class Refused extends Error {
  constructor(status, body) {
    super([body?.detail ?? say("rest_failed", { status }), body?.remedy].filter(Boolean).join(" "));
    this.status = status;
    this.code = body?.code ?? "";
  }
}

/** The answer's status and body, null where that is no JSON. ``kind`` is the type of what is sent. Raises Refused. */
export async function ask({ address, method, content = undefined, kind = "", csrf }) {
  let response;
  try {
    response = await fetch(address, {
      method,
      headers: { Accept: "application/json", "X-CSRFToken": csrf, ...(kind && { "Content-Type": kind }) },
      body: content,
      credentials: "same-origin",
    });
  } catch {
    throw new Refused(0, { detail: say("rest_unreachable") });
  }
  const isJson = response.headers.get("content-type")?.includes("json");
  const body = isJson && response.status !== 204 ? await response.json() : null;
  if (!response.ok) throw new Refused(response.status, body);
  return { status: response.status, body };
}

/** The answer to ``wish``, sent as JSON where there is one, and to ``query`` in the address. Raises Refused. */
export function callApi({ address, method, wish = undefined, query = {}, csrf, language }) {
  const content = wish && JSON.stringify(wish);
  const asked = new URLSearchParams({ ...query, lang: language });
  return ask({ address: `${address}?${asked}`, method, content, kind: wish && "application/json", csrf });
}

export class SessionApi {
  #base;
  #csrf;
  #language;

  constructor({ api, csrf, language }) {
    this.#base = api;
    this.#csrf = csrf;
    this.#language = language;
  }

  read() {
    return this.#call("GET", "");
  }

  check(step) {
    return this.#call("POST", `/checks/${step}`);
  }

  openHint(step, check, number) {
    return this.#call("POST", `/checks/${step}/${check}/hints/${number}`);
  }

  extend() {
    return this.#call("POST", "/extend");
  }

  raiseHand(words) {
    return this.#call("POST", "/hand", { words });
  }

  lowerHand() {
    return this.#call("DELETE", "/hand");
  }

  grantLeave(leave) {
    return this.#call("POST", `/leaves/${leave}/grant`);
  }

  endLeave(leave) {
    return this.#call("DELETE", `/leaves/${leave}`);
  }

  finish() {
    return this.#call("POST", "/finish");
  }

  restart(node) {
    return this.#call("POST", `/nodes/${node}/restart`);
  }

  resize(node, size) {
    return this.#call("POST", `/nodes/${node}/size`, size);
  }

  /** What ``size`` would cost, and how long the allowances would last; nothing is changed. */
  outlook(node, size) {
    return this.#call("GET", `/nodes/${node}/size`, undefined, size);
  }

  save() {
    return this.#call("POST", "/snapshots", { name: "" });
  }

  fork() {
    return this.#call("POST", "/forks");
  }

  undoRestart(node) {
    return this.#call("POST", `/nodes/${node}/undo-restart`);
  }

  suspend() {
    return this.#call("POST", "/suspend");
  }

  resume() {
    return this.#call("POST", "/resume");
  }

  abandon() {
    return this.#call("DELETE", "");
  }

  #call(method, path, wish = undefined, query = {}) {
    return callApi({ address: `${this.#base}${path}`, method, wish, query, csrf: this.#csrf, language: this.#language });
  }
}
