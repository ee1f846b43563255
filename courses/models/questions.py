"""Question banks: who writes and reviews in them, and their questions in versions that never change once approved.

A paper refers to a version (``on_delete=PROTECT``), never to a question: what was asked stays what was asked.
"""

import re
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Self

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from community.api import Membership, User
from courses.exams.content import read_content
from courses.exams.shapes import Kind, Question

CODE = re.compile(r"^[a-z0-9][a-z0-9-]{0,59}$")


class QuestionKind(models.TextChoices):
    SINGLE = Kind.SINGLE.value, _("Single choice")
    MULTIPLE = Kind.MULTIPLE.value, _("Multiple choice")
    TRUE_FALSE = Kind.TRUE_FALSE.value, _("True or false")
    NUMERIC = Kind.NUMERIC.value, pgettext_lazy("question", "Number")
    SHORT_TEXT = Kind.SHORT_TEXT.value, _("Short text")
    MATCHING = Kind.MATCHING.value, _("Matching")
    ORDERING = Kind.ORDERING.value, _("Ordering")
    CLOZE = Kind.CLOZE.value, _("Text with gaps")
    ESSAY = Kind.ESSAY.value, _("Essay")
    FILE_UPLOAD = Kind.FILE_UPLOAD.value, _("File upload")
    CODE = Kind.CODE.value, pgettext_lazy("question", "Program")
    LAB_TASK = Kind.LAB_TASK.value, _("Lab task")


class Difficulty(models.IntegerChoices):
    EASY = 1, pgettext_lazy("question", "Easy")
    MEDIUM = 2, pgettext_lazy("question", "Medium")
    HARD = 3, pgettext_lazy("question", "Hard")


class BankRole(models.TextChoices):
    AUTHOR = "author", pgettext_lazy("question", "Author")
    REVIEWER = "reviewer", pgettext_lazy("question", "Reviewer")


class VersionState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("question", "Draft")
    IN_REVIEW = "in_review", pgettext_lazy("question", "In review")
    APPROVED = "approved", pgettext_lazy("question", "Approved")
    REFUSED = "refused", pgettext_lazy("question", "Refused")


# What is approved or refused stays so for ever; whoever wants it otherwise writes the next version.
MOVES: dict[VersionState, frozenset[VersionState]] = {
    VersionState.DRAFT: frozenset({VersionState.IN_REVIEW}),
    VersionState.IN_REVIEW: frozenset({VersionState.DRAFT, VersionState.APPROVED, VersionState.REFUSED}),
    VersionState.APPROVED: frozenset(),
    VersionState.REFUSED: frozenset(),
}
OPEN = (VersionState.DRAFT, VersionState.IN_REVIEW)
DECIDED = (VersionState.APPROVED, VersionState.REFUSED)


class QuestionBankQuerySet(models.QuerySet["QuestionBank"]):
    def read_by(self, person: User) -> Self:
        """Those whose questions ``person`` may read: members, and who answers for the organisation."""
        return self.filter(
            Q(pk__in=BankMember.objects.current().of(person).values("bank_id"))
            | Q(organisation_id__in=responsible_in(person))
        )


def responsible_in(person: User) -> models.QuerySet[Membership, int]:
    """The organisations that ``person`` answers for now."""
    return Membership.objects.current().of(person).responsible().values_list("organisation_id", flat=True)


class QuestionBank(models.Model):
    """Questions of one organisation, with the people who write and review them."""

    organisation = models.ForeignKey(
        "community.Organisation",
        on_delete=models.PROTECT,
        related_name="question_banks",
        verbose_name=_("organisation"),
    )
    slug = models.SlugField(_("short name in addresses"), max_length=60, unique=True)
    name_zh = models.CharField(_("name (Chinese)"), max_length=120)
    name_en = models.CharField(_("name (English)"), max_length=120)
    created_at = models.DateTimeField(default=timezone.now)

    objects = QuestionBankQuerySet.as_manager()

    class Meta:
        verbose_name = _("question bank")
        verbose_name_plural = _("question banks")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the language in use."""
        return self.name_en if (get_language() or settings.LANGUAGE_CODE).startswith("en") else self.name_zh


class BankMemberQuerySet(models.QuerySet["BankMember"]):
    def current(self) -> Self:
        return self.filter(left_at=None)

    def of(self, person: User) -> Self:
        return self.filter(person_id=person.pk)

    def authors(self) -> Self:
        return self.filter(role=BankRole.AUTHOR)

    def reviewers(self) -> Self:
        return self.filter(role=BankRole.REVIEWER)


class BankMember(models.Model):
    """A person who writes or reviews in a bank, until ``left_at``; who does both has two rows."""

    bank = models.ForeignKey(QuestionBank, on_delete=models.PROTECT, related_name="members")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="banks")
    role = models.CharField(pgettext_lazy("question bank", "role"), max_length=10, choices=BankRole.choices)
    since = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)
    let_in_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    objects = BankMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member of a question bank")
        verbose_name_plural = _("members of question banks")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["bank", "person", "role"],
                condition=Q(left_at=None),
                name="a_member_holds_a_role_in_a_bank_once",
            ),
            models.CheckConstraint(
                condition=Q(role__in=BankRole.values), name="a_member_of_a_bank_has_a_known_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.role} {self.bank_id}"


class BankQuestion(models.Model):
    """A question of a bank, known by its code; what it asks is in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bank = models.ForeignKey(QuestionBank, on_delete=models.PROTECT, related_name="questions")
    code = models.CharField(
        pgettext_lazy("question", "code"), max_length=60, validators=[RegexValidator(CODE)]
    )
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = pgettext_lazy("exam", "question")
        verbose_name_plural = pgettext_lazy("exam", "questions")
        ordering = ("code",)
        constraints = [
            models.UniqueConstraint(fields=["bank", "code"], name="one_question_per_bank_and_code"),
        ]

    def __str__(self) -> str:
        return self.code


def lines(values: Iterable[str]) -> str:
    """``values`` as they are kept for filters: each between two line ends."""
    return "".join(f"\n{value}\n" for value in dict.fromkeys(values))


class QuestionVersionQuerySet(models.QuerySet["QuestionVersion"]):
    def newest(self) -> Self:
        """The last version of each question."""
        later = QuestionVersion.objects.filter(
            question_id=OuterRef("question_id"), number__gt=OuterRef("number")
        )
        return self.filter(~Exists(later))

    def approved(self) -> Self:
        return self.filter(state=VersionState.APPROVED)

    def in_use(self) -> Self:
        """What new papers draw from: the last approved version of each question that is not retired."""
        later = QuestionVersion.objects.approved().filter(
            question_id=OuterRef("question_id"), number__gt=OuterRef("number")
        )
        return self.approved().filter(~Exists(later), question__retired_at=None)

    def on_clause(self, reference: str) -> Self:
        return self.filter(clauses__contains=f"\n{reference}\n")

    def tagged(self, tag: str) -> Self:
        return self.filter(tags__contains=f"\n{tag}\n")

    def matching(self, query: str) -> Self:
        """Those whose words or code hold every word of ``query``."""
        versions = self
        for word in query.split()[:8]:
            versions = versions.filter(Q(words__icontains=word) | Q(question__code__icontains=word))
        return versions


class QuestionVersion(models.Model):
    """What a question asks, in one wording; the database keeps it as it is once it is out of its author's hands."""

    question = models.ForeignKey(BankQuestion, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    kind = models.CharField(pgettext_lazy("question", "kind"), max_length=12, choices=QuestionKind.choices)
    content = models.JSONField(pgettext_lazy("question", "content"))
    content_hash = models.CharField(max_length=64)
    marks = models.DecimalField(
        _("marks"),
        max_digits=6,
        decimal_places=2,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.01"))],
    )
    difficulty = models.PositiveSmallIntegerField(
        _("difficulty"), choices=Difficulty.choices, default=Difficulty.MEDIUM
    )
    tags = models.TextField(default="", blank=True)
    objectives = models.TextField(default="", blank=True)
    clauses = models.TextField(default="", blank=True)
    # Read out of the content at each writing, for lists and filters.
    words = models.TextField(default="", blank=True)
    in_chinese = models.BooleanField(default=True)
    in_english = models.BooleanField(default=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=VersionState.choices, default=VersionState.DRAFT)
    written_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = QuestionVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a question")
        verbose_name_plural = _("versions of questions")
        ordering = ("question", "number")
        indexes = [models.Index(fields=["state", "kind"], name="courses_version_state")]
        constraints = [
            models.UniqueConstraint(
                fields=["question", "number"], name="one_version_per_question_and_number"
            ),
            models.UniqueConstraint(
                fields=["question"], condition=Q(state__in=OPEN), name="one_open_version_per_question"
            ),
            models.CheckConstraint(
                condition=Q(reviewer=None) | ~Q(reviewer=F("author")),
                name="nobody_reviews_what_they_wrote",
            ),
            models.CheckConstraint(
                condition=Q(state__in=DECIDED, reviewer__isnull=False, decided_at__isnull=False)
                | Q(state__in=OPEN, reviewer__isnull=True, decided_at__isnull=True),
                name="a_decided_version_says_by_whom_and_when",
            ),
            models.CheckConstraint(condition=Q(marks__gt=0), name="a_question_is_worth_something"),
            models.CheckConstraint(
                condition=Q(kind__in=QuestionKind.values), name="a_question_is_of_a_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(difficulty__in=Difficulty.values), name="a_question_has_a_known_difficulty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.question_id} v{self.number}"

    @property
    def asked(self) -> Question:
        """The question of this version."""
        return read_content(self.content)

    @property
    def tag_list(self) -> list[str]:
        return self.tags.split()

    @property
    def objective_list(self) -> list[str]:
        return [line for line in self.objectives.splitlines() if line]

    @property
    def clause_list(self) -> list[str]:
        return self.clauses.split()

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def move(self, target: VersionState, by: User, *, words: str = "") -> bool:
        """Move to ``target`` and record it; False when another actor moved first or no move leads there."""
        now = timezone.now()
        changes: dict[str, object] = {"state": target}
        if target == VersionState.IN_REVIEW:
            changes["submitted_at"] = now
        if target in DECIDED:
            changes |= {"reviewer_id": by.pk, "decided_at": now}
        sources = [state for state, targets in MOVES.items() if target in targets]
        with transaction.atomic():
            moved = QuestionVersion.objects.filter(
                pk=self.pk, state__in=sources, content_hash=self.content_hash, written_at=self.written_at
            ).update(**changes)
            if moved:
                kind = EVENT_OF[target]
                QuestionEvent.objects.create(
                    question_id=self.question_id, version=self, kind=kind, actor=by, words=words, at=now
                )
        self.refresh_from_db()
        return bool(moved)


class EventKind(models.TextChoices):
    WRITTEN = "written", pgettext_lazy("question", "Written")
    SUBMITTED = "submitted", _("Handed in for review")
    TAKEN_BACK = "taken_back", pgettext_lazy("question", "Taken back")
    APPROVED = "approved", pgettext_lazy("question", "Approved")
    REFUSED = "refused", pgettext_lazy("question", "Refused")
    RETIRED = "retired", pgettext_lazy("question", "Retired")
    RESTORED = "restored", pgettext_lazy("question", "Restored")


EVENT_OF = {
    VersionState.IN_REVIEW: EventKind.SUBMITTED,
    VersionState.DRAFT: EventKind.TAKEN_BACK,
    VersionState.APPROVED: EventKind.APPROVED,
    VersionState.REFUSED: EventKind.REFUSED,
}


class QuestionEvent(models.Model):
    """What happened to a question, when, by whom and with which words; the database lets rows only be added."""

    question = models.ForeignKey(BankQuestion, on_delete=models.PROTECT, related_name="events")
    version = models.ForeignKey(QuestionVersion, on_delete=models.PROTECT, null=True, related_name="events")
    kind = models.CharField(max_length=10, choices=EventKind.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    words = models.TextField(default="", blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("event of a question")
        verbose_name_plural = _("events of questions")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.question_id} {self.kind}"


class LikenessBand(models.Model):
    """A number that texts much like each other share (``likeness.bands``); finds near-duplicates by index."""

    version = models.ForeignKey(QuestionVersion, on_delete=models.CASCADE, related_name="bands")
    value = models.BigIntegerField()

    class Meta:
        verbose_name = _("likeness band")
        verbose_name_plural = _("likeness bands")
        indexes = [models.Index(fields=["value", "version"], name="courses_likeness_band")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.value}"
