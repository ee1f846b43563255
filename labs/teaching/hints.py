"""Graded hints: what may be read of a failed check's hints, what the next one costs, and opening it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from labs import notices
from labs.models import CheckResult, Deed, HintOpening, Lab, LabCheck, LabSession
from labs.models.lab import spoken
from labs.refusals import NotPossibleNow, SessionClosed
from labs.teaching.recording import record

OTHERWISE = "otherwise"


class NoSuchHint(NotPossibleNow):
    """The check does not fail for a reason with that hint, or an earlier one is still closed."""

    code = "no_such_hint"

    def __init__(self) -> None:
        super().__init__(
            _("There is no such hint now."), _("Check the step again to see which hints there are.")
        )


@dataclass(frozen=True)
class Hints:
    """The hints of one failed check: those to be read, and the number and price of the next; 0 when there is none."""

    read: tuple[str, ...] = ()
    next: int = 0
    cost: int = 0


def hints_of(lab: Lab, check: LabCheck, found: CheckResult, opened: Iterable[HintOpening]) -> Hints:
    """What the learner may read. Free hints come by themselves, one more per failure in a row; others when opened."""
    if found.passed:
        return Hints()
    reason, words = _words(check, found)
    hints: list[str] = words.get("hints", {}).get(spoken(), [])
    cost = lab.hint_cost_of(check)
    if not cost:
        shown = min(found.failures, len(hints))
        return Hints(read=tuple(hints[shown - 1 : shown]))
    mine = {
        one.number
        for one in opened
        if (one.step, one.check_key, one.reason) == (found.step, found.check_key, reason)
    }
    read = tuple(hint for number, hint in enumerate(hints, start=1) if number in mine)
    return Hints(read, len(read) + 1 if len(read) < len(hints) else 0, cost if len(read) < len(hints) else 0)


def _words(check: LabCheck, found: CheckResult) -> tuple[str, dict[str, dict[str, list[str]]]]:
    """The reason whose words are shown for ``found``, and these words."""
    if found.reason in check.reasons:
        return found.reason, check.reasons[found.reason]
    # What is built in (a time-out, a lost node) has words of its own, without hints that cost anything.
    return (OTHERWISE, check.reasons.get(OTHERWISE, {})) if found.reason == OTHERWISE else (found.reason, {})


@transaction.atomic
def open_hint(session: LabSession, check: LabCheck, number: int) -> None:
    """The hint can be read and its price is off the session's points; opening it again changes nothing.

    Raises SessionClosed, or NoSuchHint when the check's last result does not offer hint ``number``.
    """
    if not LabSession.objects.open().select_for_update().filter(pk=session.pk).exists():
        raise SessionClosed
    found = session.check_results.newest().filter(step=check.step.key, check_key=check.key).first()
    if found is None or not session.gives_help:
        raise NoSuchHint
    lab, opened = session.lab, list(session.hint_openings.all())
    reason, _unused = _words(check, found)
    if any(
        (one.step, one.check_key, one.reason, one.number) == (found.step, found.check_key, reason, number)
        for one in opened
    ):
        return
    offered = hints_of(lab, check, found, opened)
    if number != offered.next:
        raise NoSuchHint
    try:
        with transaction.atomic():
            HintOpening.objects.create(
                session=session,
                step=found.step,
                check_key=found.check_key,
                reason=reason,
                number=number,
                cost=offered.cost,
            )
    except IntegrityError:
        return
    record(session, session.learner, Deed.HINT_OPENED, f"{found.step}/{found.check_key} {reason} {number}")
    notices.session_changed(session.pk)
