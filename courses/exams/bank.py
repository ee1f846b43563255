"""What people do in a question bank: write, hand in, review, retire, and see what is much like it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from community.api import ClauseReference, Organisation, User
from courses.exams.content import content_hash, write_content
from courses.exams.likeness import bands, likeness, shingles
from courses.exams.parameters import check_formulas
from courses.exams.shapes import Question
from courses.exams.wording import LANGUAGES, speaks, words
from courses.models import (
    BankMember,
    BankQuestion,
    BankRole,
    Difficulty,
    EventKind,
    LikenessBand,
    QuestionBank,
    QuestionEvent,
    QuestionVersion,
    VersionState,
)
from courses.models.questions import CODE, lines

TAG = re.compile(r"^[\w.+#-]{1,40}$")
ALIKE = Fraction(3, 5)
MOST_ALIKE = 10
MOST_VALUES = 20


class BankRefusal(Exception):
    """A wish that the bank cannot grant; ``str()`` says why."""

    message: str | Promise = _("The question bank cannot do that.")

    def __str__(self) -> str:
        return str(self.message)


class NotAllowedInBank(BankRefusal):
    message = _("Only members of this bank with the role for it may do that.")


class CodeTaken(BankRefusal):
    message = _("This bank has a question with this code already.")


class Unsound(BankRefusal):
    """What was written cannot be kept; ``field`` names where."""

    def __init__(self, where: str, message: str | Promise) -> None:
        super().__init__(where, message)
        self.where = where
        self.message = message


class InReview(BankRefusal):
    message = _("This question is being reviewed. Take it back first, then change it.")


class NothingChanged(BankRefusal):
    message = _("Nothing differs from the last version, so no new one was made.")


class QuestionRetired(BankRefusal):
    message = _("This question is retired. Restore it first.")


class OwnQuestion(BankRefusal):
    message = _("You wrote this version, so somebody else has to review it.")


class NoReason(BankRefusal):
    message = _("Say why, so that the author knows what to change.")


class MovedMeanwhile(BankRefusal):
    message = _("Somebody else moved or changed this version meanwhile. Look at it again.")


class NotTheAuthor(BankRefusal):
    message = _("Only whoever wrote this version may take it back.")


@dataclass(frozen=True)
class Written:
    """All that a version says. Raises Unsound for what no version may hold."""

    content: Question
    marks: Decimal = Decimal(1)
    difficulty: int = Difficulty.MEDIUM
    tags: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not Decimal("0.01") <= self.marks <= 1000 or self.marks != round(self.marks, 2):
            raise Unsound("marks", _("Marks are more than 0, at most 1000, with at most two decimals."))
        if self.difficulty not in Difficulty.values:
            raise Unsound("difficulty", _("Choose one of the difficulties."))
        for where, values in (
            ("tags", self.tags),
            ("objectives", self.objectives),
            ("clauses", self.clauses),
        ):
            if len(values) > MOST_VALUES:
                raise Unsound(where, _("At most %(most)d are kept.") % {"most": MOST_VALUES})
        for tag in self.tags:
            if not TAG.match(tag):
                raise Unsound(
                    "tags", _("%(tag)s is no tag: letters, digits and . + # - _ only.") % {"tag": tag}
                )
        for objective in self.objectives:
            if len(objective.splitlines()) != 1 or len(objective) > 300:
                raise Unsound("objectives", _("An objective is one line of at most 300 characters."))
        for clause in self.clauses:
            try:
                ClauseReference.parse(clause)
            except ValueError:
                raise Unsound(
                    "clauses",
                    _(
                        "%(text)s is no clause reference. Write standard:edition:clause, e.g. yl-t-001:2026:scope."
                    )
                    % {"text": clause},
                ) from None
        try:
            check_formulas(self.content)
        except ValueError as error:
            raise Unsound("content", str(error)) from error

    def columns(self) -> dict[str, object]:
        """The columns of a version that say this."""
        return {
            "kind": self.content.kind.value,
            "content": write_content(self.content),
            "content_hash": content_hash(self.content),
            "marks": self.marks,
            "difficulty": self.difficulty,
            "tags": lines(self.tags),
            "objectives": lines(self.objectives),
            "clauses": lines(self.clauses),
            "words": "\n".join(words(self.content, language) for language in LANGUAGES),
            "in_chinese": speaks(self.content, "zh"),
            "in_english": speaks(self.content, "en"),
        }


@dataclass(frozen=True)
class Alike:
    """Another question of the bank whose words are much like these; ``share`` of all pieces, exactly."""

    version: QuestionVersion
    share: Fraction

    @property
    def percent(self) -> int:
        return int(self.share * 100)


# --- who is in it ---


@transaction.atomic
def open_bank(organisation: Organisation, slug: str, name_zh: str, name_en: str) -> QuestionBank:
    """The organisation has a bank of that name. Raises CodeTaken when the short name is in use."""
    if QuestionBank.objects.filter(slug=slug).exists():
        raise CodeTaken
    return QuestionBank.objects.create(organisation=organisation, slug=slug, name_zh=name_zh, name_en=name_en)


@transaction.atomic
def let_in(bank: QuestionBank, person: User, role: BankRole, by: User | None = None) -> BankMember:
    """``person`` has ``role`` in the bank; repeating keeps the first date."""
    member, _created = BankMember.objects.current().get_or_create(
        bank=bank, person=person, role=role, defaults={"left_at": None, "let_in_by": by}
    )
    return member


def take_out(member: BankMember) -> None:
    """The person has that role no more; repeating keeps the first date."""
    BankMember.objects.current().filter(pk=member.pk).update(left_at=timezone.now())


def _need(bank: QuestionBank, person: User, role: BankRole) -> None:
    """Raises NotAllowedInBank."""
    if not bank.members.current().of(person).filter(role=role).exists():
        raise NotAllowedInBank


# --- writing ---


@transaction.atomic
def create(bank: QuestionBank, author: User, code: str, written: Written) -> QuestionVersion:
    """The bank has a new question, as the first version's draft.

    Raises NotAllowedInBank, CodeTaken, Unsound for a code that is none.
    """
    _need(bank, author, BankRole.AUTHOR)
    if not CODE.match(code):
        raise Unsound("code", _("A code is small letters, digits and hyphens, at most 60."))
    try:
        with transaction.atomic():
            question = BankQuestion.objects.create(bank=bank, code=code)
    except IntegrityError as error:
        raise CodeTaken from error
    return _add_version(question, 1, author, written)


@transaction.atomic
def revise(question: BankQuestion, author: User, written: Written) -> QuestionVersion:
    """The question's draft says what was written; where the last version is decided, a new draft follows it.

    Raises NotAllowedInBank, InReview, QuestionRetired, NothingChanged (from a decided version).
    """
    _need(question.bank, author, BankRole.AUTHOR)
    question = BankQuestion.objects.select_for_update().get(pk=question.pk)
    if question.retired_at is not None:
        raise QuestionRetired
    last = question.versions.latest("number")
    if last.state == VersionState.IN_REVIEW:
        raise InReview
    columns = written.columns()
    if last.state != VersionState.DRAFT:
        if all(getattr(last, name) == value for name, value in columns.items()):
            raise NothingChanged
        return _add_version(question, last.number + 1, author, written)
    changed = QuestionVersion.objects.filter(pk=last.pk, state=VersionState.DRAFT).update(
        **columns, written_at=timezone.now()
    )
    if not changed:
        raise MovedMeanwhile
    last.refresh_from_db()
    _record(last, EventKind.WRITTEN, author)
    _keep_bands(last, written.content)
    return last


def _add_version(question: BankQuestion, number: int, author: User, written: Written) -> QuestionVersion:
    version = QuestionVersion(question=question, number=number, author=author, **written.columns())
    version.save(force_insert=True)
    _record(version, EventKind.WRITTEN, author)
    _keep_bands(version, written.content)
    return version


def _record(version: QuestionVersion, kind: EventKind, actor: User) -> None:
    QuestionEvent.objects.create(question_id=version.question_id, version=version, kind=kind, actor=actor)


# --- review ---


def submit(version: QuestionVersion, by: User) -> None:
    """The version waits for a reviewer. Raises NotAllowedInBank, QuestionRetired, MovedMeanwhile."""
    _need(version.question.bank, by, BankRole.AUTHOR)
    if version.question.retired_at is not None:
        raise QuestionRetired
    if not version.move(VersionState.IN_REVIEW, by):
        raise MovedMeanwhile


def take_back(version: QuestionVersion, by: User) -> None:
    """The version is a draft again. Raises NotTheAuthor, MovedMeanwhile."""
    if not wrote(version, by):
        raise NotTheAuthor
    if not version.move(VersionState.DRAFT, by):
        raise MovedMeanwhile


def approve(version: QuestionVersion, reviewer: User, remark: str = "") -> None:
    """The version may be asked in exams and never changes again.

    Raises NotAllowedInBank, OwnQuestion, MovedMeanwhile (also when its words are no longer those of ``version``).
    """
    _decide(version, VersionState.APPROVED, reviewer, remark)


def refuse(version: QuestionVersion, reviewer: User, reason: str) -> None:
    """The version is not asked, and its author reads why. Raises as ``approve``, and NoReason."""
    if not reason.strip():
        raise NoReason
    _decide(version, VersionState.REFUSED, reviewer, reason)


@transaction.atomic
def _decide(version: QuestionVersion, target: VersionState, reviewer: User, remark: str) -> None:
    _need(version.question.bank, reviewer, BankRole.REVIEWER)
    if wrote(version, reviewer):
        raise OwnQuestion
    if not version.move(target, reviewer, words=remark.strip()):
        raise MovedMeanwhile


def wrote(version: QuestionVersion, person: User) -> bool:
    """Whether any word of the version may be this person's."""
    written = version.events.filter(kind=EventKind.WRITTEN, actor_id=person.pk)
    return version.author_id == person.pk or written.exists()


@transaction.atomic
def retire(question: BankQuestion, by: User, reason: str) -> None:
    """No new paper draws the question; its versions stay. Repeating keeps the first date.

    Raises NotAllowedInBank, NoReason.
    """
    if not question.bank.members.current().of(by).exists():
        raise NotAllowedInBank
    if not reason.strip():
        raise NoReason
    if BankQuestion.objects.filter(pk=question.pk, retired_at=None).update(retired_at=timezone.now()):
        QuestionEvent.objects.create(
            question=question, kind=EventKind.RETIRED, actor=by, words=reason.strip()
        )
    question.refresh_from_db(fields=["retired_at"])


@transaction.atomic
def restore(question: BankQuestion, by: User) -> None:
    """The question is in use again. Raises NotAllowedInBank."""
    if not question.bank.members.current().of(by).exists():
        raise NotAllowedInBank
    if BankQuestion.objects.filter(pk=question.pk).exclude(retired_at=None).update(retired_at=None):
        QuestionEvent.objects.create(question=question, kind=EventKind.RESTORED, actor=by)
    question.refresh_from_db(fields=["retired_at"])


# --- likeness ---


def _pieces(content: Question) -> list[frozenset[str]]:
    """The pieces by language; where the stem is missing there are none: equal options alone make no two alike."""
    return [
        shingles(words(content, language, aside=False) if getattr(content.stem, language).strip() else "")
        for language in LANGUAGES
    ]


def _keep_bands(version: QuestionVersion, content: Question) -> None:
    version.bands.all().delete()
    values = {value for pieces in _pieces(content) for value in bands(pieces)}
    LikenessBand.objects.bulk_create(LikenessBand(version=version, value=value) for value in sorted(values))


def alike(bank: QuestionBank, content: Question, but: BankQuestion | None = None) -> list[Alike]:
    """Other questions of the bank that say much the same in either language, the likest first; one query.

    Each by its newest version that is alike. A warning for people: nothing is refused for it.
    """
    mine = _pieces(content)
    values = {value for pieces in mine for value in bands(pieces)}
    near = LikenessBand.objects.filter(value__in=values, version__question__bank=bank)
    found: QuerySet[QuestionVersion] = QuestionVersion.objects.filter(pk__in=near.values("version_id"))
    if but is not None:
        found = found.exclude(question=but)
    best: dict[object, Alike] = {}
    for version in found.select_related("question").order_by("question_id", "-number"):
        share = _shared(mine, _pieces(version.asked))
        known = best.get(version.question_id)
        if share >= ALIKE and (known is None or share > known.share):
            best[version.question_id] = Alike(version, share)
    return sorted(best.values(), key=lambda one: (-one.share, one.version.question.code))[:MOST_ALIKE]


def _shared(mine: Iterable[frozenset[str]], other: Iterable[frozenset[str]]) -> Fraction:
    return max(likeness(one, two) for one, two in zip(mine, other, strict=True))
