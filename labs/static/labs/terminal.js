// One terminal: xterm.js, the connection to its node, and what a person does with them.

import { ClipboardAddon } from "@xterm/addon-clipboard";
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";

import { TerminalConnection } from "@labs/connection.js";
import { answerOnlyLiveQueries, refuseFreezingSequences, StringCap } from "@labs/guard.js";
import { recallHere, rememberHere } from "@labs/preferences.js";
import { Replay } from "@labs/replay.js";
import { codeFontIn, themeIn } from "@labs/theme.js";
import { say } from "@labs/words.js";

const SCROLLBACK_LINES = 10_000;
const FONT_PX = 14;
const PHONE_FONT_PX = 13;
const CARRIAGE_RETURN = "\r";

function openLink(address) {
  window.open(address, "_blank", "noopener,noreferrer");
}

/**
 * Whether the browser measures elements in device pixels as it scales them. Where it does not (emulated screens), the
 * WebGL renderer gets a canvas of the wrong size and shows nothing.
 */
const tellsDevicePixels = (element) =>
  new Promise((answer) => {
    const observer = new ResizeObserver(([entry]) => {
      observer.disconnect();
      const told = entry.devicePixelContentBoxSize?.[0].inlineSize;
      const expected = entry.contentRect.width * window.devicePixelRatio;
      answer(told === undefined || Math.abs(told - expected) <= 2);
    });
    try {
      observer.observe(element, { box: "device-pixel-content-box" });
    } catch {
      // Browsers without that measure throw; the renderer then does without it, and right.
      answer(true);
    }
  });

/**
 * Options: ``path`` of its websocket, ``node``, ``number``, ``panel`` (the cloned #terminal-template), ``preferences``
 * {screenReader, scrollback}, ``watching`` {mayType()} for somebody who looks on, and callbacks ``leave(step)`` on F6, ``search()``, ``ended(code)``, ``alive()``.
 */
export class TerminalView {
  #options;
  #panel;
  #terminal;
  #fit = new FitAddon();
  #connection;
  #cap = new StringCap();
  #replay = new Replay();
  #opened = false;
  #controlNext = false;
  #follows = false;
  #clipboardText = "";
  #everConnected = false;
  #watching = new AbortController();

  constructor(options) {
    this.#options = options;
    this.#panel = options.panel;
    this.search = new SearchAddon();
    this.#terminal = this.#makeTerminal();
    this.#connection = new TerminalConnection(options.path, {
      output: (bytes, consumed) => this.#output(bytes, consumed),
      hello: (hello) => this.#hello(hello),
      restarted: () => this.#restarted(),
      gap: (missed) => this.#remark(say("terminal_gap", { bytes: missed.toLocaleString() })),
      exited: (code) => this.#exited(code),
      notice: (notice) => notice.kind === "resized" && this.#follow(notice),
      state: (name, detail) => this.#state(name, detail),
    });
    this.#part("retry").addEventListener("click", () => this.#again());
    this.#part("clipboard-allow").addEventListener("click", () => this.#allowClipboard());
    this.#part("clipboard-refuse").addEventListener("click", () => this.#closeClipboard());
  }

  get node() {
    return this.#options.node;
  }

  get #memory() {
    return `read.${this.#options.path}`;
  }

  get number() {
    return this.#options.number;
  }

  get panel() {
    return this.#panel;
  }

  /** Offsets, for tests and for support. */
  get position() {
    return { epoch: this.#connection.epoch, received: this.#connection.received };
  }

  /** Whether old output has all been shown, so that questions are answered. */
  get isLive() {
    return this.#everConnected && !this.#replay.isOn;
  }

  get hasSelection() {
    return this.#terminal.hasSelection();
  }

  /** Draws the terminal and connects, once its panel can be seen; later calls only fit it to its panel. */
  show() {
    if (!this.#opened && this.#panel.clientWidth > 0) this.#open();
    this.fit();
  }

  fit() {
    if (!this.#opened || this.#panel.clientWidth === 0 || this.#options.watching) return;
    this.#follows = false;
    this.#fit.fit();
  }

  focus() {
    this.#terminal.focus();
  }

  /** Connects now instead of after the wait, where it waits. */
  retryNow() {
    this.#connection.retryNow();
  }

  dispose() {
    this.#watching.abort();
    this.#connection.stop();
    this.#terminal.dispose();
    this.#panel.remove();
  }

  /** ``text`` as if typed by hand. */
  type(text) {
    this.#terminal.input(text, true);
  }

  /** ``text`` as if pasted; a shell that knows bracketed paste runs nothing before Enter. */
  paste(text) {
    this.#terminal.paste(text);
  }

  /** ``command`` at the prompt, followed by Enter. */
  run(command) {
    this.#terminal.paste(command);
    this.#terminal.input(CARRIAGE_RETURN, true);
  }

  /** The next single character is sent as its control code. */
  controlNext(isOn = true) {
    this.#controlNext = isOn;
  }

  get usesApplicationKeys() {
    return this.#terminal.modes.applicationCursorKeysMode;
  }

  async copySelection() {
    const text = this.#terminal.getSelection();
    if (text) await navigator.clipboard.writeText(text);
    return Boolean(text);
  }

  retheme() {
    this.#terminal.options.theme = themeIn(this.#panel);
  }

  set screenReader(isOn) {
    this.#terminal.options.screenReaderMode = isOn;
  }

  /** Everything the terminal holds as text, one string per line, wrapped lines joined. */
  lines() {
    const buffer = this.#terminal.buffer.active;
    const lines = [];
    for (let row = 0; row < buffer.length; row += 1) {
      const line = buffer.getLine(row);
      if (line.isWrapped && lines.length) lines[lines.length - 1] += line.translateToString(true);
      else lines.push(line.translateToString(true));
    }
    return lines;
  }

  #part(name) {
    return this.#panel.querySelector(`[data-part="${name}"]`);
  }

  #makeTerminal() {
    const isPhone = matchMedia("(max-width: 48rem)").matches;
    const terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: codeFontIn(document.body),
      fontSize: isPhone ? PHONE_FONT_PX : FONT_PX,
      linkHandler: {
        activate: (_event, address) => window.confirm(say("open_link", { address })) && openLink(address),
      },
      macOptionIsMeta: true,
      minimumContrastRatio: 4.5,
      screenReaderMode: this.#options.preferences.screenReader,
      scrollback: this.#options.preferences.scrollback ?? SCROLLBACK_LINES,
    });
    refuseFreezingSequences(terminal);
    answerOnlyLiveQueries(terminal, () => Boolean(this.#options.watching) || this.#replay.isOn);
    terminal.loadAddon(this.#fit);
    terminal.loadAddon(this.search);
    terminal.loadAddon(new UnicodeGraphemesAddon());
    terminal.loadAddon(new WebLinksAddon((_event, address) => openLink(address)));
    // A program may offer text for the clipboard (OSC 52), which a person must allow; it may never read it.
    const clipboard = { readText: () => "", writeText: (_selection, text) => this.#askClipboard(text) };
    terminal.loadAddon(new ClipboardAddon(undefined, clipboard));
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    terminal.onData((data) => this.#typed(data));
    terminal.onBinary((data) => this.#connection.send(Uint8Array.from(data, (c) => c.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => !this.#follows && this.#connection.resize(cols, rows));
    return terminal;
  }

  #open() {
    this.#opened = true;
    this.#terminal.open(this.#part("screen"));
    this.retheme();
    this.#drawWithWebgl();
    const label = say("terminal_label", { node: this.node, number: this.number });
    this.#terminal.textarea.setAttribute("aria-label", label);
    if (!this.#options.watching) this.#fit.fit();
    this.#connection.resize(this.#terminal.cols, this.#terminal.rows);
    new ResizeObserver(() => requestAnimationFrame(() => this.fit())).observe(this.#panel);
    const noteRead = () => rememberHere(this.#memory, { epoch: this.#connection.epoch, offset: this.#connection.received });
    window.addEventListener("pagehide", noteRead, { signal: this.#watching.signal });
    this.#connection.start();
  }

  async #drawWithWebgl() {
    // Its lines join and its wide characters are wide; where it cannot be had or is lost, xterm draws with the DOM.
    if (!(await tellsDevicePixels(this.#part("screen")))) return;
    if (this.#watching.signal.aborted) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.#terminal.loadAddon(webgl);
    } catch (error) {
      console.info("WebGL is not to be had, drawing with the DOM:", error.message);
    }
  }

  #key(event) {
    if (event.type !== "keydown") return true;
    if (event.key === "F6") {
      event.preventDefault();
      event.stopPropagation();
      this.#options.leave(event.shiftKey ? -1 : 1);
      return false;
    }
    if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return true;
    if (event.code === "KeyF") {
      event.preventDefault();
      this.#options.search();
      return false;
    }
    if (event.code === "KeyC") {
      event.preventDefault();
      this.copySelection();
      return false;
    }
    // The browser pastes by itself: xterm.js hears its paste event, and no permission is asked.
    return event.code !== "KeyV";
  }

  /** Takes over the size that another viewer gave the terminal, until something is typed here. */
  #follow({ cols, rows }) {
    if (cols === this.#terminal.cols && rows === this.#terminal.rows) return;
    this.#follows = true;
    this.#terminal.resize(cols, rows);
  }

  #typed(data) {
    if (this.#options.watching && !this.#options.watching.mayType()) return;
    if (this.#follows) this.fit();
    if (this.#connection.hasExited) {
      if (data === CARRIAGE_RETURN) this.#again();
      return;
    }
    if (this.#controlNext && data.length === 1) {
      this.#controlNext = false;
      this.#options.controlUsed?.();
      this.#connection.send(Uint8Array.of(data.toUpperCase().charCodeAt(0) & 0x1f));
      return;
    }
    this.#connection.send(data);
  }

  #output(bytes, consumed) {
    const end = this.#replay.arrived(bytes.length);
    this.#terminal.write(this.#cap.filter(bytes), () => {
      end();
      consumed();
    });
  }

  #hello(hello) {
    if (!this.#everConnected) this.#replay.start(hello, recallHere(this.#memory, null));
    this.#everConnected = true;
    if (this.#options.watching) this.#follow(hello);
    this.#banner("");
    this.#options.alive?.();
  }

  #restarted() {
    this.#cap.reset();
    // CAN ends whatever sequence was half-way, RIS empties the terminal; in order with the old output still queued.
    this.#terminal.write("\u0018\u001bc");
    this.#remark(say("terminal_restarted", { node: this.node }));
  }

  #exited(code) {
    this.#remark(say("terminal_exited", { code }));
    this.#options.ended?.(code);
  }

  #again() {
    if (this.#connection.hasExited) this.#connection.reattach();
    else this.#connection.retryNow();
    this.focus();
  }

  // Reverse video and brackets, so that nobody takes our words for the node's.
  #remark(words) {
    this.#terminal.write(`\u0018\r\n\u001b[0;7m[ ${words} ]\u001b[0m\r\n`);
  }

  #state(name, detail) {
    if (name === "waiting") this.#banner(this.#waitingWords(detail), true);
    else if (name === "refused") this.#banner(say(detail.code === 4401 ? "terminal_signed_out" : "terminal_refused"));
  }

  #waitingWords({ code, seconds }) {
    const again = say("terminal_again", { count: seconds, seconds });
    const cause = { 4423: "terminal_frozen", 4425: "terminal_starting", 4429: "terminal_too_many", 4503: "terminal_no_engine" }[code];
    return `${say(cause ?? "terminal_lost", { node: this.node })} ${again}`;
  }

  #banner(words, canRetry = false) {
    this.#part("banner-words").textContent = words;
    this.#part("banner").hidden = words === "";
    this.#part("retry").hidden = !canRetry;
  }

  #askClipboard(text) {
    if (this.#replay.isOn || text === "") return;
    this.#clipboardText = text;
    const excerpt = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    this.#part("clipboard-words").textContent = say("clipboard_asked", { node: this.node, excerpt });
    this.#part("clipboard").hidden = false;
  }

  async #allowClipboard() {
    await navigator.clipboard.writeText(this.#clipboardText);
    this.#closeClipboard();
  }

  #closeClipboard() {
    this.#clipboardText = "";
    this.#part("clipboard").hidden = true;
    this.focus();
  }
}
