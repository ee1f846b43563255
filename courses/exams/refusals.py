"""Why somebody may not sit an exam, or an answer is not kept: errors that doors turn into words."""

from datetime import datetime


class ExamRefused(Exception):
    """The exam cannot be sat, now or by this person."""


class NotAnnounced(ExamRefused):
    """The exam is not published, or withdrawn."""


class NotInvited(ExamRefused):
    """The person is not among those the exam is for."""


class NotOpenYet(ExamRefused):
    def __init__(self, opens_at: datetime) -> None:
        super().__init__(f"the exam opens at {opens_at:%Y-%m-%d %H:%M%z}")
        self.opens_at = opens_at


class WindowClosed(ExamRefused):
    def __init__(self, closed_at: datetime) -> None:
        super().__init__(f"the exam closed at {closed_at:%Y-%m-%d %H:%M%z}")
        self.closed_at = closed_at


class NoAttemptsLeft(ExamRefused):
    """Every attempt that the person was allowed is used."""


class MustWait(ExamRefused):
    def __init__(self, until: datetime) -> None:
        super().__init__(f"another attempt may begin at {until:%Y-%m-%d %H:%M%z}")
        self.until = until


class NotReady(ExamRefused):
    """No paper can be built from the exam's blueprint; the cause says why."""


class AttemptOver(ExamRefused):
    """The attempt is no longer open."""


class ClockStands(ExamRefused):
    """The attempt is paused already."""


class ClockRuns(ExamRefused):
    """The attempt is not paused."""
