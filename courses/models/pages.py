"""What is taught, as a tree: catalogue > course > module > lesson."""

import html
import math
import re
from typing import Any, Self

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page
from wagtail.models.pages import PageManager
from wagtail.query import PageQuerySet
from wagtail_localize.fields import SynchronizedField

from courses.blocks import SHORT_FEATURES, LessonBody, check_clause

CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
WORD = re.compile(r"[A-Za-z0-9]+(?:['’-][A-Za-z0-9]+)*")
TAG_GAP = re.compile(r"<(?=/?(?:p|li|h2|h3|ul|ol)\b)")
CJK_PER_MINUTE = 300
WORDS_PER_MINUTE = 180
SAME_SLUG = SynchronizedField("slug", overridable=False)
SAME_READERS = SynchronizedField("readers", overridable=False)


class Level(models.TextChoices):
    BEGINNER = "beginner", _("Beginner")
    INTERMEDIATE = "intermediate", _("Intermediate")
    ADVANCED = "advanced", _("Advanced")


class Readers(models.TextChoices):
    """Who may read a course."""

    EVERYBODY = "everybody", _("Everybody")
    COHORTS = "cohorts", _("Only its cohorts")


def reading_minutes(text: str) -> int:
    """Minutes to read ``text`` with care, at least 1: Chinese characters and words counted apart."""
    pace = len(CJK.findall(text)) / CJK_PER_MINUTE + len(WORD.findall(CJK.sub(" ", text))) / WORDS_PER_MINUTE
    return max(1, math.ceil(pace))


def lines_of(text: str) -> list[str]:
    """The lines of ``text`` that say something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def check_clauses(text: str) -> None:
    """Raises ValidationError when a line of ``text`` is no clause reference."""
    for line in lines_of(text):
        check_clause(line)


class TaughtPage(Page):
    """A page of the taught tree; what a reader may do on it is decided by the view the doors register."""

    class Meta:
        abstract = True

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        view = hooks.get_hooks("serve_taught_page")[0]
        return view(request, self)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        request.is_preview = True  # type: ignore[attr-defined]
        request.preview_mode = mode_name  # type: ignore[attr-defined]
        return self.serve(request)


class CataloguePage(TaughtPage):
    """The list of courses, in one language."""

    intro = models.TextField(_("introduction"), blank=True)

    content_panels = [*Page.content_panels, FieldPanel("intro")]
    override_translatable_fields = [SAME_SLUG]
    parent_page_types = ["community.HomePage"]
    subpage_types = ["courses.CoursePage"]
    max_count_per_parent = 1

    class Meta:
        verbose_name = _("course catalogue")
        verbose_name_plural = _("course catalogues")


class CoursePage(TaughtPage):
    """A course: what it is for, for whom, and its modules below it."""

    summary = models.TextField(_("summary"), help_text=_("One or two sentences, shown in the catalogue."))
    level = models.CharField(_("level"), max_length=12, choices=Level, default=Level.BEGINNER)
    outcomes = models.TextField(
        _("what you will be able to do"), help_text=_("One ability a line, starting with a verb.")
    )
    prerequisites = models.TextField(_("what you should know before"), blank=True)
    intro = RichTextField(_("about this course"), features=SHORT_FEATURES, blank=True)
    clauses = models.TextField(
        _("clauses taught"),
        blank=True,
        validators=[check_clauses],
        help_text=_("One clause reference a line, e.g. yl-t-001:2026:scope."),
    )
    readers = models.CharField(
        _("readers"),
        max_length=10,
        choices=Readers,
        default=Readers.EVERYBODY,
        help_text=_("A course for its cohorts only is in no catalogue and no search; others do not find it."),
    )

    content_panels = [
        *Page.content_panels,
        FieldPanel("summary"),
        FieldPanel("readers"),
        FieldPanel("level"),
        FieldPanel("outcomes"),
        FieldPanel("prerequisites"),
        FieldPanel("intro"),
        FieldPanel("clauses"),
    ]
    override_translatable_fields = [SAME_SLUG, SAME_READERS]
    parent_page_types = ["courses.CataloguePage"]
    subpage_types = ["courses.ModulePage"]

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")

    @property
    def outcome_lines(self) -> list[str]:
        return lines_of(self.outcomes)

    @classmethod
    def private_keys(cls) -> "models.QuerySet[CoursePage, Any]":
        """The keys of the courses that only their cohorts may read: one edition that says so is enough."""
        return cls.objects.live().filter(readers=Readers.COHORTS).values("translation_key")


class ModulePage(TaughtPage):
    """A part of a course; it has no page of its own to read, its lessons do."""

    summary = models.TextField(_("summary"), blank=True)

    content_panels = [*Page.content_panels, FieldPanel("summary")]
    override_translatable_fields = [SAME_SLUG]
    parent_page_types = ["courses.CoursePage"]
    subpage_types = ["courses.LessonPage"]

    class Meta:
        verbose_name = _("module")
        verbose_name_plural = _("modules")


class LessonQuerySet(PageQuerySet):
    def teaching(self, reference: str) -> Self:
        """Lessons that hold a clause block with ``reference``."""
        return self.filter(clauses__contains=f"\n{reference}\n")

    def light(self) -> Self:
        """Without the long columns that only the lesson's own page needs."""
        return self.defer("body", "words")


class LessonPage(TaughtPage):
    """A lesson: text, pictures, code and perhaps a lab."""

    summary = models.TextField(_("summary"), blank=True)
    body = StreamField(LessonBody(), verbose_name=_("body"))
    # Read out of the body at each save, so that outlines need not load and parse bodies.
    lab_ids = models.JSONField(default=list, editable=False)
    clauses = models.TextField(default="", blank=True, editable=False)
    minutes = models.PositiveSmallIntegerField(default=1, editable=False)
    words = models.TextField(default="", blank=True, editable=False)

    content_panels = [*Page.content_panels, FieldPanel("summary"), FieldPanel("body")]
    override_translatable_fields = [SAME_SLUG]
    parent_page_types = ["courses.ModulePage"]
    subpage_types: list[str] = []

    objects = PageManager.from_queryset(LessonQuerySet)()

    class Meta:
        verbose_name = _("lesson")
        verbose_name_plural = _("lessons")

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.read_body()
        super().save(*args, **kwargs)

    def read_body(self) -> None:
        """``lab_ids``, ``clauses``, ``words`` and reading ``minutes`` (without labs) are those of the body."""
        blocks = [block for block in self.body.raw_data if isinstance(block, dict)]
        labs = [block["value"] for block in blocks if block["type"] == "lab" and block["value"]]
        clauses = [block["value"] for block in blocks if block["type"] == "clause"]
        self.lab_ids = list(dict.fromkeys(int(lab) for lab in labs))
        self.clauses = "".join(f"\n{clause}\n" for clause in dict.fromkeys(clauses))
        told = [block["value"] for block in blocks if block["type"] not in {"lab", "clause", "picture"}]
        self.words = " ".join(" ".join(words_in(value) for value in told).split())
        self.minutes = reading_minutes(self.words)

    @property
    def clause_list(self) -> list[str]:
        return lines_of(self.clauses)


def words_in(value: object) -> str:
    """All text a raw block value holds, without markup."""
    if isinstance(value, dict):
        told = (part for name, part in value.items() if name not in {"kind", "language", "name"})
        return " ".join(words_in(part) for part in told)
    return html.unescape(strip_tags(TAG_GAP.sub(" <", value))) if isinstance(value, str) else ""
