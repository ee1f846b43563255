"""A recording as a player takes it: pure asciicast v2, with a marker where each check changed its mind."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from typing import Any

from django.utils import timezone
from django.utils.translation import ngettext

from labs.models import CheckResult, LabCheck, Recording
from labs.recordings.journal import GAP, Event, events_of


@dataclass(frozen=True)
class Mark:
    """At ``at_s`` of the recording a check passed, or failed, for the first time or anew."""

    number: int
    at_s: float
    step: str
    check: str
    passed: bool

    @property
    def label(self) -> str:
        return f"{'✓' if self.passed else '✗'} {self.check}"

    @property
    def clock(self) -> str:
        minutes, seconds = divmod(int(self.at_s), 60)
        return f"{minutes}:{seconds:02}"


def marks_of(recording: Recording) -> list[Mark]:
    """Where what a check found differs from what it found before, in the order of time."""
    titles = {
        (check.step.key, check.key): (check.step.title, check.title)
        for check in LabCheck.objects.filter(step__lab_id=recording.session.lab_id).select_related("step")
    }
    until = recording.ended_at or timezone.now()
    results = CheckResult.objects.filter(
        session_id=recording.session_id, checked_at__gte=recording.began_at, checked_at__lte=until
    ).order_by("pk")
    before: dict[tuple[str, str], bool] = {}
    marks: list[Mark] = []
    for result in results:
        key = (result.step, result.check_key)
        if key in titles and before.get(key) != result.passed:
            at_s = (result.checked_at - recording.began_at).total_seconds()
            marks.append(Mark(len(marks), at_s, *titles[key], result.passed))
        before[key] = result.passed
    return marks


def asciicast(recording: Recording, marks: Iterable[Mark]) -> str:
    """The recording, its gaps in words. Raises FileNotFoundError."""
    header, events = events_of(recording.path)
    shown = (_shown(event) for event in events)
    marked = ([mark.at_s, "m", mark.label] for mark in marks)
    lines: Iterator[list[Any]] = merge(shown, marked, key=itemgetter(0))
    return "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in [header, *lines])


def _shown(event: Event) -> list[Any]:
    if event.code != GAP:
        return [event.at_s, event.code, event.data]
    count = int(event.data)
    words = ngettext("%(count)d byte was left out", "%(count)d bytes were left out", count) % {"count": count}
    return [event.at_s, "o", f"\x1b[0m\r\n\x1b[7m {words} \x1b[0m\r\n"]
