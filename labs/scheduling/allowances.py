"""How much one learner may have and start."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from labs.models import LabSession
from labs.refusals import QuotaExceeded, TooOften

HOUR = timedelta(hours=1)


def ensure_quota(learner: Model) -> None:
    """Raises QuotaExceeded when the learner has as many labs running as they may, TooOften after many starts."""
    running = list(LabSession.objects.of(learner).open().select_related("lab"))
    if len(running) >= settings.LABS_SESSIONS_PER_LEARNER:
        raise QuotaExceeded(
            _("“%(lab)s” is still running.") % {"lab": running[0].lab.title},
            _("Finish or leave it first; then this lab can start."),
            session_id=str(running[0].pk),
        )
    started = LabSession.objects.of(learner).filter(opened_at__gt=timezone.now() - HOUR).count()
    if started >= settings.LABS_STARTS_PER_HOUR:
        raise TooOften(
            _("You have started %(count)d labs within an hour.") % {"count": started},
            _("Try again in a few minutes."),
            retry_after_s=300,
        )
