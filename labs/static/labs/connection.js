// The client half of the terminal protocol: absolute byte offsets, acknowledgements, and resuming without a byte lost
// or repeated. docs/terminal-protocol.md is the whole story.

import { ReconnectingSocket, socketAddress } from "@labs/reconnecting.js";

const ACK_BYTES = 16 * 1024;
const ACK_MS = 50;
const FRAME_BYTES = 16 * 1024;
// What is typed while the connection is away is kept and sent on return, but only so much: a wedged key must not
// become a page of commands.
const HELD_INPUT_BYTES = 4 * 1024;

/**
 * Handlers: ``output(bytes, consumed)`` (call ``consumed`` once the bytes were processed), ``hello(hello)``,
 * ``restarted()`` before the first byte of a new epoch, ``gap(missed)``, ``exited(code)``, ``notice(frame)``,
 * ``state(name, detail)`` as of ReconnectingSocket.
 */
export class TerminalConnection {
  #path;
  #handlers;
  #socket;
  #epoch = null;
  #greeted = false;
  #asked = 0;
  #received = 0;
  #consumed = 0;
  #acknowledged = 0;
  #skip = 0;
  #ackTimer = null;
  #held = [];
  #heldBytes = 0;
  #size = null;
  #exited = false;

  constructor(path, handlers) {
    this.#path = path;
    this.#handlers = handlers;
    this.#socket = new ReconnectingSocket({
      address: () => this.#address(),
      message: (event) => this.#message(event),
      state: (name, detail) => this.#state(name, detail),
    });
  }

  /** The absolute offset of the next byte this client has not seen. */
  get received() {
    return this.#received;
  }

  get epoch() {
    return this.#epoch;
  }

  get hasExited() {
    return this.#exited;
  }

  start() {
    this.#socket.start();
  }

  stop() {
    clearTimeout(this.#ackTimer);
    this.#socket.stop();
  }

  retryNow() {
    this.#socket.retryNow();
  }

  /** Attach anew at the next byte; after the shell ended this starts another one in the same stream. */
  reattach() {
    this.#exited = false;
    this.#socket.reopen();
  }

  /** Raw input, a string as UTF-8. */
  send(input) {
    const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
    if (!this.#greeted) {
      if (this.#heldBytes + bytes.length > HELD_INPUT_BYTES) return;
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      return;
    }
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
      this.#socket.send(bytes.subarray(at, at + FRAME_BYTES));
    }
  }

  resize(cols, rows) {
    this.#size = { cols, rows };
    if (this.#greeted) this.#sendText({ type: "resize", cols, rows });
  }

  #address() {
    const address = socketAddress(this.#path);
    this.#asked = this.#received;
    address.searchParams.set("offset", this.#asked);
    // Coming back by itself, a connection does not wake frozen machines; a person's key does.
    if (this.#epoch !== null) address.searchParams.set("wake", "0");
    if (this.#size) {
      address.searchParams.set("cols", this.#size.cols);
      address.searchParams.set("rows", this.#size.rows);
    }
    return address;
  }

  #state(name, detail) {
    this.#greeted = false;
    this.#handlers.state(name, detail);
  }

  #message(event) {
    if (event.data instanceof ArrayBuffer) {
      this.#output(new Uint8Array(event.data));
      return;
    }
    const frame = JSON.parse(event.data);
    if (frame.type === "hello") this.#hello(frame);
    else if (frame.type === "exit") this.#exit(frame.code);
    else if (frame.type === "notice") this.#notice(frame);
  }

  #hello(hello) {
    const isNewEpoch = this.#epoch !== null && this.#epoch !== hello.epoch;
    if (isNewEpoch) {
      this.#handlers.restarted();
      this.#forget();
      this.#dropHeld();
    }
    this.#epoch = hello.epoch;
    if (isNewEpoch && this.#asked > 0 && hello.offset > 0) {
      // We asked for an offset of the old life; in the new one it would skip the beginning.
      this.#socket.reopen();
      return;
    }
    const isFirst = this.#received === 0;
    this.#skip = Math.max(0, this.#received - hello.offset);
    if (hello.offset > this.#received) {
      const missed = isFirst ? hello.gap : hello.offset - this.#received;
      this.#jumpTo(hello.offset);
      if (missed > 0) this.#handlers.gap(missed);
    }
    this.#greeted = true;
    if (this.#size) this.#sendText({ type: "resize", ...this.#size });
    this.#handlers.hello(hello);
    this.#flushHeld();
  }

  #forget() {
    this.#received = 0;
    this.#consumed = 0;
    this.#acknowledged = 0;
    this.#skip = 0;
  }

  #jumpTo(offset) {
    this.#received = offset;
    this.#consumed = offset;
    this.#acknowledged = offset;
  }

  #output(bytes) {
    const fresh = bytes.subarray(Math.min(this.#skip, bytes.length));
    this.#skip -= bytes.length - fresh.length;
    if (fresh.length === 0) return;
    this.#received += fresh.length;
    const { epoch, upTo } = { epoch: this.#epoch, upTo: this.#received };
    this.#handlers.output(fresh, () => epoch === this.#epoch && this.#consumedTo(upTo));
  }

  #consumedTo(offset) {
    this.#consumed = Math.max(this.#consumed, offset);
    if (this.#consumed - this.#acknowledged >= ACK_BYTES) this.#acknowledge();
    else this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_MS);
  }

  #acknowledge() {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = null;
    if (!this.#greeted || this.#consumed === this.#acknowledged) return;
    this.#acknowledged = this.#consumed;
    this.#sendText({ type: "ack", offset: this.#consumed });
  }

  #notice(frame) {
    if (typeof frame.offset === "number" && frame.offset > this.#received) {
      const missed = frame.offset - this.#received;
      this.#jumpTo(frame.offset);
      this.#handlers.gap(missed);
      return;
    }
    this.#handlers.notice(frame);
  }

  #exit(code) {
    this.#exited = true;
    this.#handlers.exited(code);
  }

  #sendText(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  #flushHeld() {
    const held = this.#held;
    this.#dropHeld();
    for (const bytes of held) this.send(bytes);
  }

  #dropHeld() {
    this.#held = [];
    this.#heldBytes = 0;
  }
}
