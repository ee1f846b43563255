"""What the person at the terminal is told: one line per step, every failure with its cause and its fix."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Failure(Exception):
    """The start cannot go on; ``fix`` is what the person does about it."""

    def __init__(self, cause: str, fix: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.cause} Fix: {self.fix}"


class Step:
    """One announced step; ``detail`` is shown as it moves on."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.shown_at = 0.0

    def detail(self, text: str) -> None:
        """Show how far the step is: in place on a terminal, every 5 s in a log."""
        now = time.monotonic()
        if text.startswith("Traceback"):
            return  # the failure speaks, with the log's place
        if sys.stdout.isatty():
            print(f"\r\x1b[2K  … {self.title}: {text}"[:160], end="", flush=True)
        elif now - self.shown_at >= 5:
            self.shown_at = now
            say(f"  … {self.title}: {text}")


@contextmanager
def step(title: str) -> Iterator[Step]:
    """The step's title with the seconds it took; nothing when it failed (the failure speaks)."""
    started = time.monotonic()
    if sys.stdout.isatty():
        print(f"  … {title}", end="", flush=True)
    yield Step(title)
    if sys.stdout.isatty():
        print("\r\x1b[2K", end="")
    say(f"✓ {title} ({time.monotonic() - started:.1f} s)")


def say(text: str = "") -> None:
    print(text, flush=True)


def warn(text: str) -> None:
    print(("\r\x1b[2K" if sys.stdout.isatty() else "") + f"! {text}", flush=True)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Text columns, the head underlined."""
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join(
        f"  {line.rstrip()}" for line in (drawn[0], "  ".join("-" * w for w in widths), *drawn[1:])
    )
