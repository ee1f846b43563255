"""How much one learner, class or organisation may have and start."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from community.api import User
from labs.metering import limits, quotas
from labs.metering.limits import Limit
from labs.models import LabSession, QueuePlace
from labs.refusals import QuotaExceeded, TooOften

HOUR = timedelta(hours=1)


def recent_sessions(learner: User) -> list[LabSession]:
    """What the learner has open, and what they opened within the hour, the newest first."""
    since = timezone.now() - HOUR
    return list(LabSession.objects.of(learner).filter(Q(closed_at=None) | Q(opened_at__gt=since)))


def ensure_quota(learner: User, recent: list[LabSession], *, has_allowances: bool = True) -> None:
    """Raises QuotaExceeded when nothing is left of a limit that holds for the learner, TooOften after many starts.

    ``recent`` are their ``recent_sessions``; with no allowances in force, none are looked for. Call it with the turn
    taken, so that nobody else starts on what is left.
    """
    mine = [session for session in recent if session.is_open]
    reckoning = quotas.Reckoning([learner.pk], open_now={learner.pk: len(mine)}, has_rules=has_allowances)
    for limit in reckoning.limits(learner.pk):
        if limit.is_used_up:
            raise _refusal(limit, mine)
    since = timezone.now() - HOUR
    started = sum(session.opened_at > since for session in recent)
    if started >= settings.LABS_STARTS_PER_HOUR:
        raise TooOften(
            _("You have started %(count)d labs within an hour.") % {"count": started},
            _("Try again in a few minutes."),
            retry_after_s=300,
        )


def _refusal(limit: Limit, mine: list[LabSession]) -> QuotaExceeded:
    if limit.is_amount or limit.learner is None or not mine:
        return QuotaExceeded(*limits.refusal_of(limit))
    if limit.most > 1:
        return QuotaExceeded(*limits.refusal_of(limit), session_id=str(mine[0].pk))
    return QuotaExceeded(
        _("“%(lab)s” is still running.") % {"lab": mine[0].lab.title},
        _("Finish or leave it first; then this lab can start."),
        session_id=str(mine[0].pk),
    )


class Turns:
    """Whether those whose turn in the queue comes still have something left; each sum is asked for once."""

    def __init__(self, places: list[QueuePlace]) -> None:
        self.learners = {place.session.learner_id for place in places}
        self._reckoning: quotas.Reckoning | None = None

    def used_up(self, place: QueuePlace) -> bool:
        """Whether nothing is left for whoever waits in the place, who counts among the labs open at once."""
        self._reckoning = self._reckoning or quotas.Reckoning(self.learners)
        for limit in self._reckoning.limits(place.session.learner_id):
            if limit.used - (0 if limit.is_amount else 1) >= limit.most:
                # Whoever leaves makes room for those behind.
                self._reckoning = None
                return True
        return False
