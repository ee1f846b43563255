// A websocket that comes back by itself: after a loss it waits, says how long, and tries again at once when asked,
// when the machine is back online or when somebody looks at the page again.

import { Backoff } from "@labs/backoff.js";

// The server's own close codes after which trying again cannot help; docs/terminal-protocol.md names them all.
const FINAL = new Set([4400, 4401, 4404, 4410]);
// The shell ended: only a person starts another one.
const SHELL_ENDED = 4000;
// A socket that opened and fell at once is no success: only one that lived this long shortens the next wait.
const STEADY_MS = 5_000;

/** The websocket address of ``path`` on this site (an absolute ws: address stays as it is). */
export function socketAddress(path) {
  const address = new URL(path, window.location.href);
  if (address.protocol === "http:") address.protocol = "ws:";
  if (address.protocol === "https:") address.protocol = "wss:";
  return address;
}

/**
 * Handlers: ``address()`` asked before each try, ``opened()``, ``message(event)``,
 * ``state(name, detail)`` with connecting | open | waiting {seconds, code} | refused {code} | ended | stopped.
 */
export class ReconnectingSocket {
  #backoff = new Backoff();
  #handlers;
  #socket = null;
  #timer = null;
  #wanted = false;
  #watching = new AbortController();
  #steady = null;

  constructor(handlers) {
    this.#handlers = handlers;
    const signal = this.#watching.signal;
    window.addEventListener("online", () => (this.#socket || this.#timer !== null) && this.reopen(), { signal });
    document.addEventListener(
      "visibilitychange",
      () => document.visibilityState === "visible" && this.retryNow(),
      { signal },
    );
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  start() {
    this.#wanted = true;
    this.#connect();
  }

  /** Ends for good; nothing is sent or heard afterwards. */
  stop() {
    this.#wanted = false;
    this.#watching.abort();
    this.#drop();
    this.#handlers.state("stopped", {});
  }

  /** Tries now instead of after the wait; nothing changes while a connection stands. */
  retryNow() {
    if (this.#timer !== null) this.#connect();
  }

  /** A new connection at once, whatever became of the old one (after the network changed, it may be dead unseen). */
  reopen() {
    if (this.#wanted) this.#connect();
  }

  send(data) {
    if (this.isOpen) this.#socket.send(data);
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#steady);
    this.#timer = null;
    const old = this.#socket;
    this.#socket = null;
    old?.close();
  }

  #connect() {
    this.#drop();
    this.#handlers.state("connecting", {});
    const socket = new WebSocket(this.#handlers.address());
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    const current = (act) => (event) => socket === this.#socket && act(event);
    socket.addEventListener("open", current(() => this.#opened()));
    socket.addEventListener("message", current((event) => this.#handlers.message(event)));
    socket.addEventListener("close", current((event) => this.#lost(event)));
  }

  #opened() {
    this.#steady = setTimeout(() => this.#backoff.reset(), STEADY_MS);
    this.#handlers.state("open", {});
    this.#handlers.opened?.();
  }

  #lost(event) {
    clearTimeout(this.#steady);
    this.#socket = null;
    if (!this.#wanted) return;
    if (FINAL.has(event.code)) {
      this.#wanted = false;
      this.#handlers.state("refused", { code: event.code });
      return;
    }
    if (event.code === SHELL_ENDED) {
      this.#handlers.state("ended", {});
      return;
    }
    const wait_ms = this.#backoff.next();
    this.#timer = setTimeout(() => this.#connect(), wait_ms);
    this.#handlers.state("waiting", { seconds: Math.ceil(wait_ms / 1000), code: event.code });
  }
}
