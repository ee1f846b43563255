"""Exams: what they ask (a blueprint over a question bank), when, for whom, and on which terms."""

import uuid
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from community.api import Membership, User
from courses.models.learning import Enrolment

FACTOR = {
    "max_digits": 4,
    "decimal_places": 2,
    "default": Decimal(1),
    "validators": [MinValueValidator(Decimal(1)), MaxValueValidator(Decimal(4))],
}


class Audience(models.TextChoices):
    """Who may sit an exam."""

    LISTED = "listed", _("People on its list")
    COURSE = "course", _("Learners of its course")
    ANYBODY = "anybody", _("Everybody who is signed in")


class Release(models.TextChoices):
    """When a candidate sees the result."""

    AT_ONCE = "at_once", _("As soon as it is graded")
    AFTER_WINDOW = "after_window", _("After the exam's window has closed")
    BY_HAND = "by_hand", _("When an examiner releases it")


class StaffRole(models.TextChoices):
    EXAMINER = "examiner", _("Examiner")
    INVIGILATOR = "invigilator", _("Invigilator")
    MARKER = "marker", _("Marker")


class ExamQuerySet(models.QuerySet["Exam"]):
    def announced(self) -> Self:
        """Those candidates may hear of."""
        return self.exclude(published_at=None).filter(withdrawn_at=None)

    def announced_to(self, person: User | None) -> Self:
        """Those ``person`` may sit some day, whatever their window: for everybody, or by list or course for them."""
        own = Q(audience=Audience.ANYBODY)
        if person is not None:
            enrolled = Enrolment.objects.current().of(person)
            own |= Q(pk__in=ExamCandidate.objects.filter(person_id=person.pk).values("exam_id"))
            own |= Q(audience=Audience.COURSE, course_key__in=enrolled.values("course_key"))
        return self.announced().filter(own)

    def staffed_by(self, person: User) -> Self:
        """Those ``person`` has an office in, or whose organisation they answer for."""
        ties = Membership.objects.current().of(person).responsible()
        offices = ExamStaff.objects.filter(person_id=person.pk)
        return self.filter(
            Q(pk__in=offices.values("exam_id")) | Q(organisation_id__in=ties.values("organisation_id"))
        )

    def matching(self, words: str) -> Self:
        """Those whose title holds every word of ``words``."""
        exams = self
        for word in words.split()[:8]:
            exams = exams.filter(Q(title_zh__icontains=word) | Q(title_en__icontains=word))
        return exams


class Exam(models.Model):
    """An exam: terms and a blueprint. Papers keep what they were built from, so that changing it changes no paper."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "community.Organisation",
        on_delete=models.PROTECT,
        related_name="exams",
        verbose_name=_("organisation"),
    )
    slug = models.SlugField(_("short name in addresses"), max_length=60, unique=True)
    title_zh = models.CharField(_("title (Chinese)"), max_length=160)
    title_en = models.CharField(_("title (English)"), max_length=160)
    instructions_zh = models.TextField(_("instructions (Chinese)"), blank=True)
    instructions_en = models.TextField(_("instructions (English)"), blank=True)
    course_key = models.UUIDField(
        _("course"), null=True, blank=True, help_text=_("Translation key of the course page.")
    )
    audience = models.CharField(_("who may sit it"), max_length=10, choices=Audience, default=Audience.LISTED)

    limit_s = models.PositiveIntegerField(
        _("time limit in seconds"), null=True, blank=True, validators=[MinValueValidator(60)]
    )
    opens_at = models.DateTimeField(_("opens"), null=True, blank=True)
    closes_at = models.DateTimeField(_("closes"), null=True, blank=True)
    attempts_allowed = models.PositiveSmallIntegerField(
        _("attempts allowed"), default=1, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    wait_s = models.PositiveIntegerField(_("seconds to wait between attempts"), default=0)
    cut_percent = models.DecimalField(
        _("cut score in percent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(60),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
    )
    release = models.CharField(_("results"), max_length=12, choices=Release, default=Release.AT_ONCE)
    honour_zh = models.TextField(_("honour statement (Chinese)"), blank=True)
    honour_en = models.TextField(_("honour statement (English)"), blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    objects = ExamQuerySet.as_manager()

    class Meta:
        verbose_name = _("exam")
        verbose_name_plural = _("exams")
        ordering = ("-created_at", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(opens_at=None) | Q(closes_at=None) | Q(closes_at__gt=F("opens_at")),
                name="an_exam_closes_after_it_opens",
            ),
            models.CheckConstraint(
                condition=Q(cut_percent__gte=0) & Q(cut_percent__lte=100), name="a_cut_score_is_a_percentage"
            ),
            models.CheckConstraint(
                condition=~Q(audience=Audience.COURSE) | Q(course_key__isnull=False),
                name="an_exam_for_a_course_names_it",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def told(self, field: str) -> str:
        """``field`` in the language in use, in the other where that is empty."""
        first, second = (getattr(self, f"{field}_{code}") for code in ("zh", "en"))
        if (get_language() or settings.LANGUAGE_CODE).startswith("en"):
            first, second = second, first
        return str(first or second)

    @property
    def title(self) -> str:
        return self.told("title")

    def is_released(self, now: datetime) -> bool:
        """Whether candidates may see their results."""
        if self.release == Release.AT_ONCE or self.released_at is not None:
            return True
        return self.release == Release.AFTER_WINDOW and self.closes_at is not None and self.closes_at <= now

    @property
    def cut(self) -> Fraction:
        """The share of the marks that passes."""
        return Fraction(self.cut_percent) / 100


class ExamSection(models.Model):
    """A part of an exam, with its draws in order."""

    exam = models.ForeignKey(Exam, on_delete=models.CASCADE, related_name="sections")
    place = models.PositiveSmallIntegerField()
    name_zh = models.CharField(_("name (Chinese)"), max_length=120)
    name_en = models.CharField(_("name (English)"), max_length=120)
    shuffle = models.BooleanField(_("questions in any order"), default=False)

    class Meta:
        ordering = ("place",)
        constraints = [
            models.UniqueConstraint(fields=["exam", "place"], name="one_section_per_exam_and_place")
        ]

    def __str__(self) -> str:
        return self.name_zh


class ExamDraw(models.Model):
    """So many questions of a bank with a tag and a difficulty, or one certain version; and what each is worth."""

    section = models.ForeignKey(ExamSection, on_delete=models.CASCADE, related_name="draws")
    place = models.PositiveSmallIntegerField()
    version = models.ForeignKey(
        "courses.QuestionVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    bank = models.ForeignKey(
        "courses.QuestionBank", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    tag = models.CharField(_("tag"), max_length=60, blank=True)
    difficulty = models.PositiveSmallIntegerField(_("difficulty"), null=True, blank=True)
    count = models.PositiveSmallIntegerField(
        _("how many"), default=1, validators=[MinValueValidator(1), MaxValueValidator(200)]
    )
    marks = models.DecimalField(
        _("marks each"),
        max_digits=6,
        decimal_places=2,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.01"))],
    )

    class Meta:
        ordering = ("place",)
        constraints = [
            models.UniqueConstraint(fields=["section", "place"], name="one_draw_per_section_and_place"),
            models.CheckConstraint(
                condition=Q(version__isnull=False, bank=None, count=1) | Q(version=None, bank__isnull=False),
                name="a_draw_is_one_version_or_some_of_a_bank",
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="a_draw_draws_something"),
        ]

    def __str__(self) -> str:
        return f"{self.count} x {self.tag or self.version_id}"


class ExamStaff(models.Model):
    """A person's office in an exam."""

    exam = models.ForeignKey(Exam, on_delete=models.CASCADE, related_name="staff")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="exam_offices"
    )
    role = models.CharField(pgettext_lazy("exam", "role"), max_length=12, choices=StaffRole)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["exam", "person", "role"], name="a_person_holds_an_office_once")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.role}"


class TimeFactor(models.Model):
    """Everything a person sits takes so many times as long; granted once for all exams."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="time_factor"
    )
    factor = models.DecimalField(_("time factor"), **FACTOR)  # type: ignore[arg-type]
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    granted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(factor__gte=1) & Q(factor__lte=4), name="a_time_factor_is_between_1_and_4"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_id} x {self.factor}"


class ExamCandidate(models.Model):
    """A person on an exam's list, and what they are granted in it beyond what everybody has."""

    exam = models.ForeignKey(Exam, on_delete=models.CASCADE, related_name="candidates")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exam_candidacies"
    )
    extra_s = models.PositiveIntegerField(
        _("extra seconds"), default=0, validators=[MaxValueValidator(24 * 3600)]
    )
    factor = models.DecimalField(_("time factor"), **{**FACTOR, "default": None, "null": True, "blank": True})  # type: ignore[arg-type]
    more_attempts = models.PositiveSmallIntegerField(_("further attempts"), default=0)
    listed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["exam", "person"], name="a_candidate_is_listed_once"),
            models.CheckConstraint(
                condition=Q(factor=None) | (Q(factor__gte=1) & Q(factor__lte=4)),
                name="a_candidates_time_factor_is_between_1_and_4",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.exam_id}"
