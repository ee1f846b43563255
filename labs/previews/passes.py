"""Who may look through a preview: handed over once by the site, then a cookie of that one host, asked anew each time."""

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core import signing
from django.core.cache import cache

from community.api import User
from labs.idling import note_presence
from labs.lifecycle import State
from labs.models import Sandbox
from labs.previews.hosts import Target
from labs.waking import awake

ENTER_PATH = "/.yunlian/enter"
HANDOVER_SALT, COOKIE_SALT = "labs.previews.handover", "labs.previews.cookie"
HANDOVER_S = 60
COOKIE_S = 12 * 3600


class NotPermitted(Exception):
    """This visitor has no way in; ``session_id`` is where its learner finds one, when there is such a session."""

    def __init__(self, session_id: str = "") -> None:
        super().__init__(session_id)
        self.session_id = session_id


class NotRunning(Exception):
    """The node does not run, now or any more."""


@dataclass(frozen=True)
class Way:
    """What the proxy needs to know of a visit that is permitted."""

    person_id: int
    address: str


def cookie_name() -> str:
    """With TLS a name that browsers take from this very host alone."""
    return "__Host-yunlian-preview" if urlsplit(settings.PUBLIC_URL).scheme == "https" else "yunlian-preview"


def entrance(person: User, target: Target) -> str:
    """The address that lets ``person`` into the preview, once, within a minute."""
    token = signing.dumps([target.label, person.pk, secrets.token_urlsafe(12)], salt=HANDOVER_SALT)
    return f"{target.origin}{ENTER_PATH}?{urlencode({'token': token})}"


def cookie_for(token: str, target: Target) -> str:
    """The cookie that a handed over ``token`` is worth, at its first use. Raises NotPermitted."""
    try:
        label, person_id, nonce = signing.loads(token, salt=HANDOVER_SALT, max_age=HANDOVER_S)
    except (signing.BadSignature, ValueError) as error:
        raise NotPermitted from error
    if label != target.label or not cache.add(f"preview-{nonce}", 1, 2 * HANDOVER_S):
        raise NotPermitted
    return signing.dumps([label, person_id], salt=COOKIE_SALT)


def way_for(cookie: str, target: Target, *, wakes: bool = False) -> Way:
    """Where the visit leads: the cookie is of this host, its person the learner, the node runs.

    With ``wakes`` frozen machines are woken for it and waited for. Raises NotPermitted or NotRunning.
    """
    sandbox = Sandbox.objects.select_related("session__learner").filter(ref=target.ref).first()
    session = sandbox.session if sandbox else None
    try:
        label, person_id = signing.loads(cookie, salt=COOKIE_SALT, max_age=COOKIE_S)
    except (signing.BadSignature, ValueError) as error:
        raise NotPermitted(str(session.pk) if session else "") from error
    if label != target.label or session is None or sandbox is None:
        raise NotPermitted
    if session.learner_id != person_id or not session.learner.is_active:
        raise NotPermitted(str(session.pk))
    if wakes:
        sandbox = awake(session) or sandbox
        note_presence(sandbox.ref, active=True)
    if not session.is_open or sandbox.state != State.READY:
        raise NotRunning
    address = next((node.address for node in sandbox.spec().nodes if node.name == target.node), "")
    if not address:
        raise NotRunning
    return Way(person_id, address)
