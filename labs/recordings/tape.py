"""From what a watch is told to what a journal keeps: whole characters, in few lines, floods thinned out."""

import codecs
import time
from collections.abc import Callable
from dataclasses import dataclass

from labs.drivers.base import Exited, Gap, Output, Resized, TerminalEvent
from labs.recordings.journal import GAP, OUTPUT, RESIZE, Event, Journal

FLUSH_BYTES = 64 * 1024


@dataclass(frozen=True)
class Limits:
    """At once ``burst_bytes``, in the long run ``bytes_per_s``: nobody reads faster. ``most_bytes`` per file."""

    burst_bytes: float = 1024 * 1024
    bytes_per_s: float = 64 * 1024
    most_bytes: float = 16 * 1024 * 1024


class Tape:
    """``pending_bytes`` were taken and are not in the journal yet. What goes beyond the limits becomes a gap."""

    def __init__(
        self, journal: Journal, began_at: float, limits: Limits, clock: Callable[[], float] = time.time
    ) -> None:
        self.journal = journal
        self.pending_bytes = 0
        self._began_at, self._limits, self._clock = began_at, limits, clock
        self._at_s = journal.at_s
        self._end = journal.offset
        self._events: list[Event] = []
        self._text: list[str] = []
        self._text_at_s = 0.0
        self._skipped = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._allowed, self._allowed_at = limits.burst_bytes, clock()

    @property
    def is_full(self) -> bool:
        return self.journal.size >= self._limits.most_bytes

    def take(self, said: TerminalEvent) -> None:
        match said:
            case Output(offset, data) if self._allows(len(data)):
                self._cut_gap()
                self._text_at_s = self._text_at_s if self._text else self._now()
                self._text.append(self._decoder.decode(data))
                self._end = offset + len(data)
                self.pending_bytes += len(data)
            case Output(offset, data):
                self._skip(offset + len(data), len(data))
            case Gap(offset, missed):
                self._skip(offset, missed)
            case Resized(cols, rows):
                self._cut_text()
                self._cut_gap()
                self._events.append(Event(self._now(), RESIZE, f"{cols}x{rows}", self._told))
            case Exited():
                self._cut_text(final=True)

    def flush(self) -> None:
        """Everything taken is in the journal, but for the beginning of a character. Raises OSError; it may be repeated."""
        self._cut_text()
        self._cut_gap()
        self.journal.append(self._events)
        self._events.clear()
        self.pending_bytes = 0

    def close(self) -> None:
        """As flush; of a character that never ended its bytes are kept."""
        try:
            self._cut_text(final=True)
            self.flush()
        finally:
            self.journal.close()

    @property
    def _told(self) -> int:
        """The offset behind the last whole character."""
        return self._end - len(self._decoder.getstate()[0])

    def _now(self) -> float:
        self._at_s = max(self._at_s, self._clock() - self._began_at)
        return self._at_s

    def _allows(self, length: int) -> bool:
        now = self._clock()
        earned = max(0.0, now - self._allowed_at) * self._limits.bytes_per_s
        self._allowed = min(self._limits.burst_bytes, self._allowed + earned)
        self._allowed_at = now
        # Once it left something out it waits until there is room for a screen or two: few large gaps, not many small.
        wanted = max(length, FLUSH_BYTES) if self._skipped else length
        if self._allowed < wanted:
            return False
        self._allowed -= length
        return True

    def _skip(self, end: int, count: int) -> None:
        self._cut_text(final=True)
        self._skipped += count
        self._end = end

    def _cut_text(self, *, final: bool = False) -> None:
        if self._skipped:
            return
        if final:
            self._text_at_s = self._text_at_s if self._text else self._now()
            self._text.append(self._decoder.decode(b"", final=True))
        text = "".join(self._text)
        self._text.clear()
        if text:
            self._events.append(Event(self._text_at_s, OUTPUT, text, self._told))

    def _cut_gap(self) -> None:
        if self._skipped:
            self._events.append(Event(self._now(), GAP, str(self._skipped), self._end))
            self._skipped = 0
