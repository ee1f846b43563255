"""An own session of a lab in which its solution is played."""

from django.db import transaction
from django.utils.translation import gettext as _

from community.api import User
from labs.models import Deed, Lab, LabSession, Mode, Playback
from labs.refusals import NotPossibleNow
from labs.sessions import start_lab
from labs.teaching.recording import record


class WorkingThere(NotPossibleNow):
    """The person works in the lab themselves."""

    code = "working_there"

    def __init__(self) -> None:
        super().__init__(
            _("You are working in this lab yourself."),
            _("Leave that session first; then the solution can be played."),
        )


@transaction.atomic
def open_playback(person: User, lab: Lab) -> LabSession:
    """The person's session in which the solution of ``lab`` is played; asking twice gives the same one.

    Who may is asked at the door. Raises WorkingThere, and what start_lab raises.
    """
    session = start_lab(person, lab)
    if session.is_playback:
        return session
    if not session.is_new:
        raise WorkingThere
    LabSession.objects.filter(pk=session.pk).update(mode=Mode.PLAYBACK)
    session.mode = Mode.PLAYBACK
    Playback.objects.get_or_create(session=session)
    record(session, person, Deed.PLAYED, lab.slug)
    return session
