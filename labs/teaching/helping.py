"""Help while a lab runs: raised hands, words from the instructor, and leave to type, which is the learner's to give."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from community.api import User
from labs import notices
from labs.models import (
    Deed,
    LabSession,
    Mode,
    Place,
    RaisedHand,
    TaughtClass,
    TeachingEvent,
    TeachingMessage,
    TypingLeave,
)
from labs.refusals import NotPossibleNow, SessionClosed
from labs.teaching.recording import record

MESSAGES_SHOWN = 5


class NoHelpHere(NotPossibleNow):
    """An exam is sat alone."""

    code = "exam"

    def __init__(self) -> None:
        super().__init__(_("This session is an exam; there is no help in it."))


class NobodyTeaches(NotPossibleNow):
    """The learner is in no class, so nobody would see the hand."""

    code = "no_class"

    def __init__(self) -> None:
        super().__init__(
            _("You are in no class, so that nobody would see it."),
            _("Ask your instructor for the code of the class and join it."),
        )


def _ensure_help(session: LabSession) -> None:
    if not LabSession.objects.open().filter(pk=session.pk).exists():
        raise SessionClosed
    if not session.gives_help:
        raise NoHelpHere


def classes_of(session: LabSession) -> list[TaughtClass]:
    """The classes whose instructors can see this session."""
    return list(TaughtClass.objects.filter(places__person_id=session.learner_id, places__role=Place.LEARNS))


@transaction.atomic
def raise_hand(session: LabSession, words: str = "") -> None:
    """The learner's hand is up; raising it again changes its words. Raises SessionClosed, NoHelpHere, NobodyTeaches."""
    _ensure_help(session)
    if not classes_of(session):
        raise NobodyTeaches
    if not session.hands.up().update(words=words):
        try:
            with transaction.atomic():
                RaisedHand.objects.create(session=session, words=words)
        except IntegrityError:
            return
        record(session, session.learner, Deed.HAND_RAISED, words)
    notices.help_changed(session.pk)


@transaction.atomic
def lower_hand(session: LabSession, person: User) -> None:
    """No hand is up; the record says who lowered it. Repeating changes nothing."""
    if session.hands.up().update(lowered_at=timezone.now()):
        record(session, person, Deed.HAND_LOWERED)
        notices.help_changed(session.pk)


@transaction.atomic
def send(instructor: User, sessions: Iterable[LabSession], words: str) -> int:
    """``words`` stand on the page of each of these open sessions; how many there were. Exams get none."""
    open_now = [session for session in sessions if session.is_open and session.gives_help]
    TeachingMessage.objects.bulk_create(
        TeachingMessage(session=session, author=instructor, words=words) for session in open_now
    )
    TeachingEvent.objects.bulk_create(
        TeachingEvent(session=session, actor=instructor, deed=Deed.MESSAGE_SENT, detail=words)
        for session in open_now
    )
    for session in open_now:
        notices.help_changed(session.pk)
    return len(open_now)


@transaction.atomic
def ask_leave(instructor: User, session: LabSession) -> TypingLeave:
    """The learner is asked; asking again while one stands gives the same. Raises SessionClosed or NoHelpHere."""
    _ensure_help(session)
    LabSession.objects.select_for_update().get(pk=session.pk)
    standing = session.typing_leaves.standing().of(instructor).first()
    if standing is not None:
        return standing
    leave = TypingLeave.objects.create(session=session, instructor=instructor)
    record(session, instructor, Deed.LEAVE_ASKED)
    notices.help_changed(session.pk)
    return leave


@transaction.atomic
def grant(session: LabSession, leave_id: int) -> None:
    """The instructor may type for LABS_LEAVE_MINUTES; granting again changes nothing.

    Raises SessionClosed, NoHelpHere, or TypingLeave.DoesNotExist when nobody asks any more.
    """
    _ensure_help(session)
    leave = session.typing_leaves.standing().select_related("instructor").get(pk=leave_id)
    now = timezone.now()
    until = now + timedelta(minutes=settings.LABS_LEAVE_MINUTES)
    granted = session.typing_leaves.standing().filter(pk=leave_id, granted_at=None)
    if granted.update(granted_at=now, expires_at=until):
        record(session, session.learner, Deed.LEAVE_GRANTED, f"{leave.instructor} {until.isoformat()}")
        notices.help_changed(session.pk)


@transaction.atomic
def end_leave(session: LabSession, leave_id: int, person: User) -> None:
    """The instructor may not type from the next key on: refused, withdrawn or given back. Repeating changes nothing."""
    if session.typing_leaves.standing().filter(pk=leave_id).update(ended_at=timezone.now()):
        record(session, person, Deed.LEAVE_ENDED)
        notices.help_changed(session.pk)


def may_type(instructor: User, session_id: UUID) -> bool:
    """Whether the learner's leave lets ``instructor`` type at this very moment."""
    leaves = TypingLeave.objects.granted().of(instructor)
    return leaves.filter(session_id=session_id, session__closed_at=None, session__mode=Mode.PRACTICE).exists()


def help_body(session: LabSession) -> dict[str, Any]:
    """What the learner's page shows of help, as JSON: classes, the hand, the last words, who may or asks to type."""
    classes = classes_of(session)
    if not classes:
        return {"given": False, "classes": [], "hand": None, "messages": [], "leaves": []}
    hand = session.hands.up().first()
    messages = session.teaching_messages.select_related("author").order_by("-pk")[:MESSAGES_SHOWN]
    leaves = session.typing_leaves.standing().select_related("instructor")
    return {
        "given": session.gives_help and session.is_open,
        "classes": [taught.name for taught in classes],
        "hand": {"words": hand.words, "raised_at": hand.raised_at} if hand else None,
        "messages": [
            {
                "id": message.pk,
                "from": name_of(message.author),
                "words": message.words,
                "sent_at": message.sent_at,
            }
            for message in reversed(messages)
        ],
        "leaves": [
            {
                "id": leave.pk,
                "instructor": name_of(leave.instructor),
                "granted": leave.granted_at is not None,
                "expires_at": leave.expires_at,
            }
            for leave in leaves
        ],
    }


def name_of(person: User | None) -> str:
    """How a person is called on others' pages."""
    if person is None:
        return _("somebody who has left")
    return person.name_to_print
