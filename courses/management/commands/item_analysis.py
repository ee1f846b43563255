"""manage.py item_analysis FILE.csv: what the marks of an exam say about its questions, as JSON."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from courses.exams import mark_tables
from courses.exams.item_analysis import Analysis, analyse

ITEM = ("facility", "sd", "effective_weight", "discrimination_index", "discriminative_efficiency")
EXAM = ("median", "mean", "sd", "skewness", "kurtosis", "alpha", "error_ratio", "standard_error")
WHOLE = re.compile(r"0|[1-9]\d{0,14}", re.ASCII)


class Command(BaseCommand):
    help = "Print facility, discrimination and reliability of an exam from a table of marks."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", help="CSV with the columns attempt,slot,maxmark,mark; - for the standard input"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            table = mark_tables.read(content_of(options["file"]))
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror or error}") from error
        except mark_tables.Unreadable as error:
            raise CommandError(f"{options['file']}: {error}") from error
        self.stdout.write(json.dumps(report(analyse(table)), allow_nan=False, indent=2))


def content_of(file: str) -> bytes:
    """The file's bytes, of a file too large only enough to see that it is."""
    if file == "-":
        return sys.stdin.buffer.read(mark_tables.MAX_BYTES + 1)
    with Path(file).open("rb") as stream:
        return stream.read(mark_tables.MAX_BYTES + 1)


def report(analysis: Analysis) -> dict[str, Any]:
    """As JSON carries it. Slots are in order, and numbers if all of them are; a name otherwise."""
    slots = {item.slot: str(item.slot) for item in analysis.items}
    numbered = all(WHOLE.fullmatch(slot) for slot in slots.values())
    shown: dict[Any, Any] = {slot: int(text) if numbered else text for slot, text in slots.items()}
    return {
        "items": [
            {"slot": shown[item.slot], **{name: getattr(item, name) for name in ITEM}}
            for item in sorted(analysis.items, key=lambda item: shown[item.slot])
        ],
        "exam": {name: getattr(analysis.exam, name) for name in EXAM},
    }
