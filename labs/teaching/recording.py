"""The record of teaching: each deed once, never changed."""

from community.api import User
from labs.models import Deed, LabSession, TeachingEvent


def record(session: LabSession, actor: User, deed: Deed, detail: str = "") -> TeachingEvent:
    """The deed stands in the session's record for good."""
    return TeachingEvent.objects.create(session=session, actor=actor, deed=deed, detail=detail[:1000])
