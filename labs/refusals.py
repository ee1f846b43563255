"""What the labs may say no to, each with a code for programs and a remedy for people."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from community.api import BaseRefusal
from community.api import RefusalText as Text


class Refusal(BaseRefusal):
    """A wish that the labs cannot grant now, and after how long asking again makes sense."""

    retry_after_s: int | None = None


class QuotaExceeded(Refusal):
    """The learner has as many labs running as they may."""

    code = "quota_exceeded"

    def __init__(self, message: Text, remedy: Text = "", session_id: str = "") -> None:
        super().__init__(message, remedy)
        self.session_id = session_id


class BudgetUsedUp(Refusal):
    """Whoever pays for the learner has spent what they set for this month."""

    code = "budget_used_up"


class HostFull(Refusal):
    """No processor time or memory is left for another sandbox."""

    code = "host_full"
    retry_after_s = 60


class TooOften(Refusal):
    """The same was asked more often than a person would."""

    code = "too_often"

    def __init__(self, message: Text, remedy: Text = "", retry_after_s: int = 10) -> None:
        super().__init__(message, remedy)
        self.retry_after_s = retry_after_s


class NoEngine(Refusal):
    """No sandbox engine can be had; the remedy is the exact fix."""

    code = "no_engine"
    retry_after_s = 30


class NotPossibleNow(Refusal):
    """The session is in no state for it."""

    code = "conflict"


class SessionClosed(NotPossibleNow):
    code = "session_closed"

    def __init__(self) -> None:
        super().__init__(_("This lab session has ended."), _("Start the lab again."))


class NotReady(NotPossibleNow):
    code = "not_ready"
    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__(
            _("The lab's machines are not ready yet."), _("Wait until they are ready, then try again.")
        )


class ChecksRunning(NotPossibleNow):
    code = "checks_running"
    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__(_("Checks are looking at the machines."), _("Freeze them when the checks are done."))


class SizeChanging(NotPossibleNow):
    code = "size_changing"
    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__(
            _("The size of this machine is being changed."), _("Wait until that is done, then choose again.")
        )


class OutOfRange(NotPossibleNow):
    """The lab does not let a node be that large or that small."""

    code = "out_of_range"


class NotInExam(NotPossibleNow):
    code = "not_in_exam"

    def __init__(self) -> None:
        super().__init__(
            _("In an exam no files are saved, shared or brought along."),
            _("Go on with the files of this session."),
        )


class NotInPlayback(NotPossibleNow):
    """What a playback leaves in a session is nobody's work."""

    code = "not_in_playback"

    def __init__(self) -> None:
        super().__init__(
            _("A playback of the solution is not counted, and nothing of it is saved or shared."),
            _("Leave it, then start the lab to work in it yourself."),
        )


class SaveRunning(NotPossibleNow):
    code = "save_running"
    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__(_("Your files are being saved already."), _("Wait until that is done."))


class SnapshotsFull(NotPossibleNow):
    """The learner keeps as much as they may."""

    code = "snapshots_full"


class SnapshotUnusable(NotPossibleNow):
    code = "snapshot_unusable"

    def __init__(self) -> None:
        super().__init__(
            _("These files are not kept any more, or could not be saved."),
            _("Start the lab afresh, or choose another snapshot."),
        )


class NoExtensionsLeft(NotPossibleNow):
    code = "no_extensions_left"

    def __init__(self) -> None:
        super().__init__(
            _("The time of this session cannot be extended any further."),
            _("Finish your work before the time is up; you may start the lab again afterwards."),
        )


class BookingRefused(NotPossibleNow):
    """The seats cannot be promised; ``fits_at`` is when they could be, where there is such a time."""

    code = "booking_refused"

    def __init__(self, message: Text, remedy: Text = "", fits_at: datetime | None = None) -> None:
        super().__init__(message, remedy)
        self.fits_at = fits_at


class PromisedToOthers(NotPossibleNow):
    code = "promised"

    def __init__(self) -> None:
        super().__init__(
            _("The time cannot be extended: a class has booked the places that would be held."),
            _("Finish your work before the time is up; you may start the lab again afterwards."),
        )
