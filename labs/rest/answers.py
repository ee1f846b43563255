"""What every router of the labs shares: the form of an error, the language of an answer, whose session it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from ninja import Field, Query, Schema

from labs import sessions
from labs.models import Fork, LabSession, Node, Snapshot, TaughtClass, TypingLeave
from labs.refusals import Refusal


class Problem(Schema):
    detail: str = Field(description="What happened, for people, in the request's language.")
    code: str = Field(description="What happened, for programs.")
    remedy: str = Field("", description="What to do about it.")


REFUSED: dict[int, type[Problem]] = dict.fromkeys((401, 403, 404, 409, 422, 429, 503), Problem)
Lang = Query("", max_length=20, description="zh-hans or en; else the language cookie or Accept-Language.")


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Words are in ``lang`` where it is one of the site's languages, else in the request's language; refusals' too."""
    known = {code for code, _name in settings.LANGUAGES}
    with override(lang if lang in known else get_language()):
        try:
            yield
        except Refusal as refusal:
            # It is told where this language is no longer the one in use.
            refusal.message, refusal.remedy = str(refusal.message), str(refusal.remedy)
            raise


def mine(request: HttpRequest, session_id: UUID) -> LabSession:
    """The asking learner's session; anybody else's is answered as one that does not exist."""
    return sessions.session_of(request.auth, session_id)  # type: ignore[attr-defined]


def not_found_words(error: Exception) -> str:
    """What a 404 says, by what was looked for."""
    words = {
        LabSession.DoesNotExist: _("You have no such lab session."),
        Node.DoesNotExist: _("This lab has no such machine."),
        Snapshot.DoesNotExist: _("You have no such saved files."),
        Fork.DoesNotExist: _("This link can no longer be opened."),
        TaughtClass.DoesNotExist: _("You have no such class."),
        TypingLeave.DoesNotExist: _("Nobody asks to type any more."),
    }
    return next(
        (text for kind, text in words.items() if isinstance(error, kind)), _("There is no such thing.")
    )
