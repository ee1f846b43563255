"""Issue credentials, and change their standing: each change has a reason, a date and a line in the history."""

import secrets
from datetime import datetime

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from certification import documents, keys, publishing
from certification.models import Act, Credential, CredentialEvent, Programme, StatusList
from certification.models.credential import new_public_id, new_subject_id
from certification.shapes import BADGE, written_plainly
from certification.signing import sign
from certification.status_list import ENTRIES
from community.api import User
from courses.api import Completion, completion, learners_who_completed

log = structlog.get_logger(__name__)

# A list is at most half full, so 40 clashes in a row happen once in 10^12 issues.
TRIES = 40


class NotEarned(Exception):
    """The learner has not completed every course of the programme."""


class Withheld(Exception):
    """An earlier credential of theirs was revoked; only a person may issue it again."""


class NotPossible(Exception):
    """The credential's standing does not allow this change."""


@transaction.atomic
def issue(
    programme: Programme, learner: User, *, by: User | None = None, reason: str = "", again: bool = False
) -> Credential:
    """The learner's standing credential of ``programme``; asking twice gives the same one.

    ``again`` issues a new one after a revocation, with the name as it is now. Raises NotEarned and Withheld.
    """
    earlier = Credential.objects.of(learner).filter(programme=programme)
    standing = earlier.standing().first()
    if standing is not None:
        return standing
    if earlier.exists() and not again:
        raise Withheld(programme.slug)
    done = _completions(programme, learner)
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                credential = _written(programme, learner, done)
                credential.save(force_insert=True)
        except IntegrityError:
            # Either another process issued it meanwhile, or the random index was taken.
            standing = earlier.standing().first()
            if standing is not None:
                return standing
            continue
        _record(credential, Act.ISSUED, by, reason, credential.issued_at)
        return credential
    raise IntegrityError("no free status index was found")


def _completions(programme: Programme, learner: User) -> list[Completion]:
    """The completion of every required course. Raises NotEarned."""
    found = [completion(learner, course_id) for course_id in programme.course_ids]
    done = [course for course in found if course is not None]
    if not done or len(done) < len(found):
        raise NotEarned(programme.slug)
    return done


def _written(programme: Programme, learner: User, done: list[Completion]) -> Credential:
    """A signed credential that is not saved yet, with an index that may turn out to be taken."""
    status_list = StatusList.objects.with_room().first() or StatusList.objects.create()
    key = keys.signing_key()
    method = keys.our_method(key)
    now = timezone.now().replace(microsecond=0)
    credential = Credential(
        public_id=new_public_id(),
        programme=programme,
        holder=learner,
        printed_name=written_plainly(learner.name_to_print) or learner.username,
        issued_at=now,
        valid_until=_months_later(now, programme.validity_months),
        status_list=status_list,
        status_index=secrets.randbelow(ENTRIES),
    )
    document = documents.badge(
        programme,
        issuer=keys.our_issuer(),
        public_id=credential.public_id,
        subject_id=new_subject_id(),
        name=credential.printed_name,
        completions=done,
        slot=documents.Slot(status_list.pk, credential.status_index),
        valid_from=now,
        valid_until=credential.valid_until,
    )
    credential.document = sign(document, BADGE, key, method, now)
    return credential


def _months_later(start: datetime, months: int | None) -> datetime | None:
    """The same day ``months`` later, or the last of that month; None without end."""
    if months is None:
        return None
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    for day in (start.day, 30, 29, 28):
        try:
            return start.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise ValueError(f"there is no day {months} months after {start}")


def owed(programme: Programme) -> QuerySet[User]:
    """Everybody who completed all courses and was never issued the credential."""
    if not programme.course_ids:
        return User.objects.none()
    people = User.objects.filter(is_active=True).exclude(credentials__programme=programme)
    for course_id in programme.course_ids:
        people = people.filter(pk__in=learners_who_completed(course_id).values("pk"))
    return people


def issue_earned(learner: User) -> list[Credential]:
    """Every credential that the learner has earned by now is issued; repeating changes nothing."""
    issued = []
    for programme in Programme.objects.active():
        try:
            issued.append(issue(programme, learner))
        except (NotEarned, Withheld):
            continue
    return issued


def issue_owed() -> int:
    """How many credentials were issued that a lost message left owing."""
    count = 0
    for programme in Programme.objects.active():
        for learner in owed(programme):
            try:
                issue(programme, learner)
            except (NotEarned, Withheld):
                continue
            log.info("credential was owed", programme=programme.slug, learner=learner.pk)
            count += 1
    return count


@transaction.atomic
def revoke(credential: Credential, by: User, reason: str) -> None:
    """It never counts again, at once, here and in the published list. Raises NotPossible when it is revoked."""
    row = _locked(credential, reason)
    if row.revoked_at is not None:
        raise NotPossible("it is revoked")
    row.revoked_at, row.suspended_at = timezone.now(), None
    _change(row, Act.REVOKED, by, reason, row.revoked_at)


@transaction.atomic
def suspend(credential: Credential, by: User, reason: str) -> None:
    """It does not count until reinstated. Raises NotPossible when it is suspended or revoked."""
    row = _locked(credential, reason)
    if row.revoked_at is not None or row.suspended_at is not None:
        raise NotPossible("it is suspended or revoked")
    row.suspended_at = timezone.now()
    _change(row, Act.SUSPENDED, by, reason, row.suspended_at)


@transaction.atomic
def reinstate(credential: Credential, by: User, reason: str) -> None:
    """It counts again. Raises NotPossible unless it is suspended."""
    row = _locked(credential, reason)
    if row.suspended_at is None:
        raise NotPossible("it is not suspended")
    row.suspended_at = None
    _change(row, Act.REINSTATED, by, reason, timezone.now())


def _locked(credential: Credential, reason: str) -> Credential:
    if not reason.strip():
        raise NotPossible("a change of standing needs a reason")
    return Credential.objects.select_for_update().get(pk=credential.pk)


def _change(row: Credential, act: Act, by: User, reason: str, at: datetime) -> None:
    row.save(update_fields=["revoked_at", "suspended_at"])
    _record(row, act, by, reason, at)
    publishing.publish(row.status_list_id)


def _record(credential: Credential, act: Act, by: User | None, reason: str, at: datetime) -> None:
    CredentialEvent.objects.create(credential=credential, act=act, at=at, actor=by, reason=reason.strip())
