"""What people hand in to be checked: an id, a link, pasted text or a file; and the verdict that they get."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from certification import attachments, keys, publishing
from certification.models import Credential
from certification.models.credential import ID_ALPHABET, ID_LENGTH
from certification.shapes import LARGEST_BYTES
from certification.status_list import Purpose
from certification.verification import Verdict, verify

PUBLIC_ID = re.compile(rf"[{ID_ALPHABET}]{{{ID_LENGTH}}}")
PATH = re.compile(rf"/(?:v|credentials|(?:zh-hans|en)/verify)/({PUBLIC_ID.pattern})(?:\.json)?/?")
LIST_PATH = re.compile(r"/credentials/status/(\d{1,9})")


class CannotRead(Exception):
    """What was handed in is neither an id, nor a link of this site, nor a credential; ``why`` names the case."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Inspection:
    """A verdict with the dates that the register adds to it and the exact text it was given on."""

    verdict: Verdict
    text: str
    public_id: str = ""
    suspended_at: datetime | None = None
    revoked_at: datetime | None = None


def inspect_id(public_id: str) -> Inspection | None:
    """The inspection of the credential with this id; None when there is none, whatever the id looks like."""
    asked = public_id.strip().lower()
    if not PUBLIC_ID.fullmatch(asked):
        return None
    credential = Credential.objects.filter(public_id=asked).first()
    return None if credential is None else inspect_text(credential.document)


def inspect_text(text: str) -> Inspection:
    """The inspection of a credential's text, wherever it came from."""
    issuer = keys.our_issuer()
    verdict = verify(text, {issuer.did: issuer}, _status_text, timezone.now())
    shown = text[:LARGEST_BYTES]
    if verdict.claims is None:
        return Inspection(verdict, shown)
    public_id = verdict.claims.id.rpartition("/")[2]
    row = Credential.objects.filter(public_id=public_id).first()
    if row is None:
        return Inspection(verdict, shown)
    return Inspection(verdict, shown, public_id, row.suspended_at, row.revoked_at)


def public_id_in(text: str, hosts: Collection[str]) -> str:
    """The id that ``text`` is or links to; empty when it is something else.

    Only links of ``hosts`` count. Raises CannotRead("other site") for a link of another.
    """
    asked = text.strip()
    if PUBLIC_ID.fullmatch(asked.lower()):
        return asked.lower()
    if not asked.lower().startswith(("http://", "https://")) or any(c.isspace() for c in asked):
        return ""
    try:
        parts = urlsplit(asked)
    except ValueError as error:
        raise CannotRead("not a credential") from error
    if parts.netloc.lower() not in hosts:
        raise CannotRead("other site")
    match = PATH.fullmatch(parts.path)
    if match is None:
        raise CannotRead("other page")
    return match[1]


def credential_text(content: bytes) -> str:
    """The credential in an uploaded file: the file itself, or what a PDF certificate carries. Raises CannotRead."""
    if content.startswith(b"%PDF-"):
        try:
            content = attachments.embedded_credential(content)
        except attachments.NoCredentialInside as error:
            raise CannotRead("no credential in the PDF") from error
    if len(content) > LARGEST_BYTES:
        raise CannotRead("too large")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CannotRead("not a credential") from error


def _status_text(url: str, purpose: Purpose) -> str:
    """The published text of one of our own lists. Raises LookupError for any other address: nothing is fetched."""
    match = LIST_PATH.fullmatch(url.removeprefix(settings.PUBLIC_URL))
    if match is None or not url.startswith(settings.PUBLIC_URL):
        raise LookupError("the list is not one of this site")
    try:
        return publishing.published(int(match[1]), purpose)
    except keys.KeyProblem as error:
        raise LookupError("the list cannot be signed") from error
