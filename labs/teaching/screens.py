"""A terminal's screen as plain text, from its bytes: a small, strict emulator for thumbnails.

It knows what moves the cursor and what erases, counts wide characters as two columns, and drops everything else: no
sequence of a node can reach a page, hang this code, or make a screen larger than its bounds.
"""

import codecs
import re
import unicodedata

COLS = range(2, 301)
ROWS = range(1, 121)
LONGEST_SEQUENCE = 256
LARGEST_NUMBER = 9999

CSI = re.compile(r"\x1b\[([<=>?]?)([0-9;:]*)[ -/]*([@-~])")
# OSC, DCS, APC, PM and SOS: strings that end with BEL or ST, or are cut off by CAN or SUB.
STRING = re.compile(r"\x1b[\]PX^_][^\x07\x1b\x18\x1a]*(?:\x07|\x1b\\|[\x18\x1a])")
SHORT = re.compile(r"\x1b[ -/]*[0-Z\\`-~]")
BEGUN = re.compile(r"\x1b(?:\[[<=>?]?[0-9;:]*[ -/]*|[\]PX^_][^\x07\x1b\x18\x1a]*\x1b?|[ -/]*)?\Z")
PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
# Marks that say nothing of their own width, or turn the direction of what follows on the page.
UNSEEN = {"Mn", "Me", "Cf", "Cc", "Cs"}

GAP = ""
Line = list[str]


def width_of(sign: str) -> int:
    """Columns that ``sign`` takes: 2 for wide East Asian ones, 0 for marks, else 1."""
    if sign < "\x7f":
        return 1
    if unicodedata.category(sign) in UNSEEN:
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


class Screen:
    """What a terminal of ``cols`` by ``rows`` shows after the bytes fed so far. The second half of a wide sign is GAP."""

    def __init__(self, cols: int = 80, rows: int = 24) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest = ""
        self.resize(cols, rows)

    def resize(self, cols: int, rows: int) -> None:
        """An empty screen of that size, kept within bounds; programs draw anew when their size changes."""
        self.cols = min(max(cols, COLS[0]), COLS[-1])
        self.rows = min(max(rows, ROWS[0]), ROWS[-1])
        self.reset()

    def reset(self) -> None:
        self.x = self.y = 0
        self.top, self.bottom = 0, self.rows - 1
        self.saved = (0, 0)
        self.main: list[Line] | None = None
        self.lines = [self._blank() for _row in range(self.rows)]

    def text(self) -> list[str]:
        """The lines without trailing blanks, and without the empty ones at the end."""
        shown = ["".join(line).rstrip() for line in self.lines]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def skip(self) -> None:
        """Bytes were left out: what was half-way begins anew."""
        self.decoder.reset()
        self.rest = ""

    def feed(self, data: bytes) -> None:
        """The bytes have been shown, wherever they were cut."""
        text = self.rest + self.decoder.decode(data)
        self.rest = ""
        at = 0
        while at < len(text):
            plain = PLAIN.match(text, at)
            if plain:
                self._print(plain[0])
                at = plain.end()
            elif text[at] == "\x1b":
                taken = self._sequence(text, at)
                if taken == 0:
                    self.rest = text[at:]
                    return
                at += taken
            else:
                self._control(text[at])
                at += 1

    def _sequence(self, text: str, at: int) -> int:
        """How many signs the sequence takes; 0 when it is not yet complete."""
        if found := CSI.match(text, at):
            if not found[1] or found[1] == "?":
                self._csi(found[1], found[2], found[3])
            return len(found[0])
        if found := STRING.match(text, at):
            return len(found[0])
        if BEGUN.match(text, at):
            # An endless string is let go of, so that it can neither fill the memory nor hide what follows for ever.
            return 0 if len(text) - at < LONGEST_SEQUENCE else len(text) - at
        if found := SHORT.match(text, at):
            self._short(found[0])
            return len(found[0])
        return 1

    def _blank(self) -> Line:
        return [" "] * self.cols

    def _print(self, text: str) -> None:
        for sign in text:
            width = width_of(sign)
            if width == 0:
                continue
            if self.x + width > self.cols:
                self.x = 0
                self._down()
            line = self.lines[self.y]
            self._cut(line, self.x)
            if width == 2:
                self._cut(line, self.x + 1)
                line[self.x + 1] = GAP
            line[self.x] = sign
            self.x += width

    def _cut(self, line: Line, x: int) -> None:
        """No half of a wide sign is left beside what will be written at ``x``."""
        if line[x] == GAP and x > 0:
            line[x - 1] = " "
        if x + 1 < self.cols and line[x + 1] == GAP:
            line[x + 1] = " "

    def _control(self, sign: str) -> None:
        match sign:
            case "\r":
                self.x = 0
            case "\n" | "\v" | "\f":
                self._down()
            case "\b":
                self.x = max(0, min(self.x, self.cols) - 1)
            case "\t":
                self.x = min(self.cols - 1, (self.x // 8 + 1) * 8)

    def _down(self) -> None:
        if self.y == self.bottom:
            self._scroll(1)
        elif self.y < self.rows - 1:
            self.y += 1

    def _scroll(self, count: int, top: int | None = None) -> None:
        """The lines of the region move up by ``count``, down when it is negative."""
        top = self.top if top is None else top
        height = self.bottom - top + 1
        region = self.lines[top : self.bottom + 1]
        blank = [self._blank() for _row in range(min(abs(count), height))]
        self.lines[top : self.bottom + 1] = (
            (region + blank)[-height:] if count > 0 else (blank + region)[:height]
        )

    def _short(self, sequence: str) -> None:
        match sequence[1:]:
            case "7":
                self.saved = (self.x, self.y)
            case "8":
                self.x, self.y = self.saved
            case "D":
                self._down()
            case "E":
                self.x = 0
                self._down()
            case "M":
                if self.y == self.top:
                    self._scroll(-1)
                else:
                    self.y = max(0, self.y - 1)
            case "c":
                self.reset()

    def _csi(self, mark: str, numbers: str, final: str) -> None:
        given = [min(int(part or 0), LARGEST_NUMBER) for part in numbers.replace(":", ";").split(";")[:16]]
        if mark == "?":
            if final in "hl" and {47, 1047, 1049} & set(given):
                self._alternate(final == "h")
            return
        first, one = given[0], max(1, given[0])
        second = max(1, given[1]) if len(given) > 1 else 1
        if final in "ABCDEFGHdf`aemnrsu":
            self._move(final, one, second, given)
        elif final in "JKXP@LMST":
            self._edit(final, first, one)

    def _move(self, final: str, one: int, second: int, given: list[int]) -> None:
        match final:
            case "A" | "F":
                self.y -= one
            case "B" | "e" | "E":
                self.y += one
            case "C" | "a":
                self.x += one
            case "D":
                self.x = min(self.x, self.cols - 1) - one
            case "G" | "`":
                self.x = one - 1
            case "d":
                self.y = one - 1
            case "H" | "f":
                self.y, self.x = one - 1, second - 1
            case "s":
                self.saved = (self.x, self.y)
            case "u":
                self.x, self.y = self.saved
            case "r":
                last = given[1] if len(given) > 1 and given[1] else self.rows
                if one < min(last, self.rows):
                    self.top, self.bottom = one - 1, min(last, self.rows) - 1
                    self.x = self.y = 0
            case _:
                return
        if final in "EF":
            self.x = 0
        self.x, self.y = min(max(0, self.x), self.cols - 1), min(max(0, self.y), self.rows - 1)

    def _edit(self, final: str, first: int, one: int) -> None:
        line, x = self.lines[self.y], min(self.x, self.cols - 1)
        count = min(one, self.cols - x)
        match final:
            case "J":
                self._erase_screen(first)
            case "K":
                self._erase(line, x if first == 0 else 0, x + 1 if first == 1 else self.cols)
            case "X":
                self._erase(line, x, x + count)
            case "P":
                self._erase(line, x, x + count)
                line[x:] = line[x + count :] + [" "] * count
            case "@":
                if line[x] == GAP:
                    self._cut(line, x)
                    line[x] = " "
                line[x:] = ([" "] * count + line[x:])[: self.cols - x]
            case "L" | "M" if self.top <= self.y <= self.bottom:
                self._scroll(one if final == "M" else -one, self.y)
            case "S" | "T":
                self._scroll(one if final == "S" else -one)
        # A wide sign that was pushed over the edge has lost its other half.
        if width_of(line[-1] or " ") == 2:
            line[-1] = " "

    def _erase(self, line: Line, first: int, end: int) -> None:
        if first < end:
            self._cut(line, first)
            if end < self.cols and line[end] == GAP:
                line[end] = " "
            line[first:end] = [" "] * (end - first)

    def _erase_screen(self, how: int) -> None:
        rows = {0: range(self.y + 1, self.rows), 1: range(self.y)}.get(how, range(self.rows))
        for row in rows:
            self.lines[row] = self._blank()
        if how in {0, 1}:
            self._edit("K", how, 1)

    def _alternate(self, is_on: bool) -> None:
        if is_on and self.main is None:
            self.main, self.saved = self.lines, (self.x, self.y)
            self.lines = [self._blank() for _row in range(self.rows)]
        elif not is_on and self.main is not None:
            self.lines, self.main = self.main, None
            self.x, self.y = self.saved
        self.top, self.bottom = 0, self.rows - 1
