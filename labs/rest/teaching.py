"""Learning with help over HTTP: hints that cost points, raised hands, messages, leave to type."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Path, Router, Schema

from labs import bodies
from labs.models import LabCheck, LabSession, TaughtClass
from labs.rest.answers import REFUSED, Lang, mine, speaking
from labs.rest.sessions import SessionBody
from labs.teaching import classes, helping, hints

router = Router(tags=["teaching"])
LARGEST_ID = 2**31 - 1
LeaveId = Path(le=LARGEST_ID)
ClassId = Path(le=LARGEST_ID)


@router.post(
    "/lab-sessions/{uuid:session_id}/checks/{slug:step}/{slug:check}/hints/{int:number}",
    response={200: SessionBody, **REFUSED},
    summary="Open a hint",
)
def open_hint(
    request: HttpRequest,
    session_id: UUID,
    step: str,
    check: str,
    number: int = Path(le=100),
    lang: str = Lang,
) -> Any:
    """Opens the hint that the check offers as `hint_next`, for `hint_cost` points; repeating changes nothing."""
    with speaking(lang):
        session = mine(request, session_id)
        wanted = LabCheck.objects.select_related("step")
        found = get_object_or_404(wanted, step__lab=session.lab_id, step__key=step, key=check)
        hints.open_hint(session, found, number)
        return bodies.session_body(session)


class MessageBody(Schema):
    id: int
    sender: str = Field(alias="from", description="Who wrote it.")
    words: str
    sent_at: datetime


class HandBody(Schema):
    words: str
    raised_at: datetime


class LeaveBody(Schema):
    id: int
    instructor: str
    granted: bool = Field(description="False while the instructor only asks.")
    expires_at: datetime | None


class HelpBody(Schema):
    given: bool = Field(description="Whether there is help: a class, no exam, the session open.")
    classes: list[str] = Field(description="The classes whose instructors see this session.")
    hand: HandBody | None
    messages: list[MessageBody]
    leaves: list[LeaveBody] = Field(description="Who asks to type in the terminals, and who may.")


class Words(Schema):
    words: str = Field("", max_length=300)


class ClassWords(Schema):
    words: str = Field(min_length=1, max_length=1000)
    session: UUID | None = Field(None, description="One session; else every open one of the class.")


class SentBody(Schema):
    sent: int = Field(description="How many sessions it reached.")


def _help(session: LabSession) -> dict[str, Any]:
    return helping.help_body(session)


def _either(request: HttpRequest, session_id: UUID) -> LabSession:
    """The session of the asking learner, or of somebody whom they teach."""
    person = request.auth  # type: ignore[attr-defined]
    session = LabSession.objects.select_related("lab", "learner").get(pk=session_id)
    if not (
        person.has_perm("labs.work_in_session", session) or person.has_perm("labs.watch_session", session)
    ):
        raise LabSession.DoesNotExist
    return session


@router.get("/lab-sessions/{uuid:session_id}/help", response={200: HelpBody, **REFUSED}, summary="Help")
def show_help(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """Who helps in the session: the raised hand, the last messages, who may type."""
    with speaking(lang):
        return _help(_either(request, session_id))


@router.post(
    "/lab-sessions/{uuid:session_id}/hand", response={200: HelpBody, **REFUSED}, summary="Raise a hand"
)
def raise_hand(request: HttpRequest, session_id: UUID, wish: Words, lang: str = Lang) -> Any:
    """The class's instructors see that help is wanted. Raising it again changes its words."""
    with speaking(lang):
        session = mine(request, session_id)
        helping.raise_hand(session, wish.words.strip())
        return _help(session)


@router.delete(
    "/lab-sessions/{uuid:session_id}/hand", response={200: HelpBody, **REFUSED}, summary="Lower it"
)
def lower_hand(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """By the learner or an instructor of theirs. Repeating changes nothing."""
    with speaking(lang):
        session = _either(request, session_id)
        helping.lower_hand(session, request.auth)  # type: ignore[attr-defined]
        return _help(session)


@router.post(
    "/lab-sessions/{uuid:session_id}/leaves", response={200: HelpBody, **REFUSED}, summary="Ask to type"
)
def ask_leave(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """An instructor of the learner asks to type in the terminals; only the learner can allow it."""
    with speaking(lang):
        session = classes.session_for(request.auth, session_id)  # type: ignore[attr-defined]
        helping.ask_leave(request.auth, session)  # type: ignore[attr-defined]
        return _help(session)


@router.post(
    "/lab-sessions/{uuid:session_id}/leaves/{int:leave}/grant",
    response={200: HelpBody, **REFUSED},
    summary="Allow typing",
)
def grant_leave(request: HttpRequest, session_id: UUID, leave: int = LeaveId, lang: str = Lang) -> Any:
    """The learner lets the instructor who asked type in the terminals for a limited time."""
    with speaking(lang):
        session = mine(request, session_id)
        helping.grant(session, leave)
        return _help(session)


@router.delete(
    "/lab-sessions/{uuid:session_id}/leaves/{int:leave}",
    response={200: HelpBody, **REFUSED},
    summary="End the leave to type",
)
def end_leave(request: HttpRequest, session_id: UUID, leave: int = LeaveId, lang: str = Lang) -> Any:
    """Refuses, withdraws or gives back, by either side, from the next key on. Repeating changes nothing."""
    with speaking(lang):
        session = _either(request, session_id)
        helping.end_leave(session, leave, request.auth)  # type: ignore[attr-defined]
        return _help(session)


@router.post(
    "/classes/{int:class_id}/messages", response={200: SentBody, **REFUSED}, summary="Tell the class"
)
def send(request: HttpRequest, wish: ClassWords, class_id: int = ClassId, lang: str = Lang) -> Any:
    """Words for one learner of the class, or for all who are in a lab now; exams get none."""
    with speaking(lang):
        person = request.auth  # type: ignore[attr-defined]
        taught = TaughtClass.objects.get(pk=class_id)
        if not person.has_perm("labs.teach_class", taught):
            raise TaughtClass.DoesNotExist
        wanted = classes.open_sessions(taught)
        if wish.session is not None:
            wanted = [session for session in wanted if session.pk == wish.session]
        return {"sent": helping.send(person, wanted, wish.words.strip())}
