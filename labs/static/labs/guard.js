// What a hostile or broken program prints must not freeze the page, fill its memory, or type for the reader.

// Measured on xterm.js 6.0: CSI 999999999 L (13 bytes) blocks for 67 s, and M, S, T, Z, I and b likewise, since the
// count is looped over as it comes. No screen has a thousand rows or tab stops, so a larger count has no other use.
const MOST_REPEATS = 1_000;
const LOOPING_FINALS = ["L", "M", "S", "T", "Z", "I", "b", "@", "P", "X"];
const LOOPING_WITH_INTERMEDIATE = [
  { intermediates: " ", final: "@" },
  { intermediates: " ", final: "A" },
  { intermediates: "'", final: "}" },
  { intermediates: "'", final: "~" },
];

/** Control sequences whose count would block the page are swallowed from now on. */
export function refuseFreezingSequences(terminal) {
  const isTooMuch = (params) => params.some((value) => typeof value === "number" && value > MOST_REPEATS);
  for (const id of [...LOOPING_FINALS.map((final) => ({ final })), ...LOOPING_WITH_INTERMEDIATE]) {
    terminal.parser.registerCsiHandler(id, isTooMuch);
  }
}

const QUERIES = [
  { final: "c" },
  { prefix: ">", final: "c" },
  { prefix: "=", final: "c" },
  { final: "n" },
  { prefix: "?", final: "n" },
  { intermediates: "$", final: "p" },
  { prefix: "?", intermediates: "$", final: "p" },
  { prefix: ">", final: "q" },
];
const COLOUR_QUERIES = [4, 10, 11, 12];

/** While ``isReplay()`` holds, questions in old output get no answer: answered again, they would be typed at the prompt. */
export function answerOnlyLiveQueries(terminal, isReplay) {
  for (const id of QUERIES) terminal.parser.registerCsiHandler(id, () => isReplay());
  terminal.parser.registerDcsHandler({ intermediates: "$", final: "q" }, () => isReplay());
  for (const id of COLOUR_QUERIES) {
    terminal.parser.registerOscHandler(id, (data) => isReplay() && data.includes("?"));
  }
}

const MOST_STRING_BYTES = 64 * 1024;
const [BEL, CAN, SUB, ESC, DELETE, C1_LEAD] = [0x07, 0x18, 0x1a, 0x1b, 0x7f, 0xc2];
const [OSC, C1_OSC] = [0x5d, 0x9d];
const STRING_STARTS = new Set([..."]P_^X"].map((letter) => letter.charCodeAt(0)));
const C1_STRING_STARTS = new Set([0x90, 0x98, 0x9d, 0x9e, 0x9f]);
const C1_LAST = 0x9f;
const [GROUND, ESCAPED, LEAD, STRING, STRING_LEAD] = [0, 1, 2, 3, 4];

/**
 * Cuts strings of the terminal (titles, clipboard, pictures) off at 64 KiB: xterm.js would collect one that never ends
 * up to 10 million characters. It follows xterm.js' parser, which leaves a string at ESC, CAN, SUB and any C1 control.
 */
export class StringCap {
  #state = GROUND;
  #length = 0;
  #endsWithBell = false;

  /** ``bytes`` without what lies beyond the limit; the state is kept from call to call. */
  filter(bytes) {
    if (this.#state === GROUND && !bytes.includes(ESC) && !bytes.includes(C1_LEAD)) return bytes;
    const kept = new Uint8Array(bytes.length);
    let at = 0;
    for (const byte of bytes) {
      const replaced = this.#step(byte);
      if (replaced !== null) {
        kept[at] = replaced;
        at += 1;
      }
    }
    return kept.subarray(0, at);
  }

  reset() {
    this.#state = GROUND;
    this.#length = 0;
  }

  #step(byte) {
    if (this.#state === STRING) return this.#inString(byte);
    if (this.#state === GROUND) {
      if (byte === ESC) this.#state = ESCAPED;
      else if (byte === C1_LEAD) this.#state = LEAD;
    } else if (this.#state === ESCAPED) this.#afterEscape(byte);
    else if (C1_STRING_STARTS.has(byte)) this.#enter(byte === C1_OSC);
    else if (byte === ESC) this.#state = ESCAPED;
    else if (this.#state === LEAD || byte <= C1_LAST) this.#state = byte === C1_LEAD ? LEAD : GROUND;
    else this.#state = byte === C1_LEAD ? STRING_LEAD : STRING;
    return byte;
  }

  #afterEscape(byte) {
    if (STRING_STARTS.has(byte)) this.#enter(byte === OSC);
    else if (byte === CAN || byte === SUB) this.#state = GROUND;
    else if (byte === C1_LEAD) this.#state = LEAD;
    else if (byte !== ESC && byte !== DELETE && byte >= 0x20) this.#state = GROUND;
  }

  #enter(endsWithBell) {
    this.#state = STRING;
    this.#length = 0;
    this.#endsWithBell = endsWithBell;
  }

  #inString(byte) {
    if (byte === ESC) {
      this.#state = ESCAPED;
      return byte;
    }
    if (byte === CAN || byte === SUB || (byte === BEL && this.#endsWithBell)) {
      this.#state = GROUND;
      return byte;
    }
    this.#length += 1;
    if (this.#length === MOST_STRING_BYTES) return CAN;
    if (byte === C1_LEAD) this.#state = STRING_LEAD;
    return this.#length > MOST_STRING_BYTES ? null : byte;
  }
}
