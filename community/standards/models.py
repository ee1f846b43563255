"""The alliance's standards as pages: an index, and each standard's draft with its numbered clauses."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel
from wagtail.fields import StreamField
from wagtail.models import Page
from wagtail.rich_text import RichText, get_text_for_indexing
from wagtail_localize.fields import SynchronizedField

from community import registry
from community.blocks import ClausesBlock
from community.standards.numbering import numbers
from community.standards.references import ClauseReference
from community.words import Worded


class Stage(models.TextChoices):
    """Where a draft stands, in the order of the alliance's process."""

    PROPOSAL = "proposal", _("Proposal")
    APPROVED_WORK = "approved-work", _("Approved as work item")
    DRAFTING = "drafting", _("Drafting")
    CONSULTATION = "consultation", _("Public consultation")
    REVIEW = "review", _("Expert review")
    APPROVAL = "approval", _("Ballot")
    PUBLISHED = "published", _("Published")


@dataclass
class Clause:
    """One clause as printed: number from its place, anchor from its author."""

    reference: ClauseReference
    number: str
    level: int
    title: str
    body: RichText
    informative: bool
    block_id: str

    @cached_property
    def text(self) -> str:
        """The body without markup."""
        return " ".join(get_text_for_indexing(self.body.source).split())

    @property
    def anchor(self) -> str:
        return self.reference.clause

    @property
    def heading_level(self) -> int:
        return min(self.level + 1, 6)


class StandardsIndexPage(Worded, Page):
    """Every standard of the alliance in work or published."""

    introduction = models.TextField(_("introduction"), blank=True)

    worded_fields = ("introduction",)
    content_panels = [*Page.content_panels, FieldPanel("introduction")]
    override_translatable_fields = [SynchronizedField("slug", overridable=False)]
    parent_page_types = ["community.HomePage"]
    subpage_types = ["community.DraftPage"]
    max_count_per_parent = 1
    template = "community/standards_index.html"

    class Meta:
        verbose_name = _("standards index")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)
        drafts = DraftPage.objects.child_of(self).live().order_by("standard_key", "-edition")
        context["drafts"] = list(drafts)
        return context


class DraftPage(Worded, Page):
    """One edition of a standard: its head, its abstract, its clauses."""

    standard_key = models.CharField(
        _("standard"),
        max_length=40,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", _("Write a key like yl-t-001."))],
        help_text=_("The key references use, e.g. yl-t-001."),
    )
    edition = models.CharField(
        _("edition"),
        max_length=20,
        validators=[RegexValidator(r"^[0-9a-z][0-9a-z.-]*$", _("Write an edition like 2026."))],
        help_text=_("Usually the year, e.g. 2026."),
    )
    stage = models.CharField(_("stage"), max_length=20, choices=Stage, default=Stage.DRAFTING)
    comments_until = models.DateField(_("comments until"), null=True, blank=True)
    abstract = models.TextField(_("abstract"), blank=True)
    clauses = StreamField(ClausesBlock(), verbose_name=_("clauses"), blank=True)

    worded_fields = ("standard_key", "edition", "abstract", "clauses")
    content_panels = [
        *Page.content_panels,
        MultiFieldPanel(
            [
                FieldRowPanel([FieldPanel("standard_key"), FieldPanel("edition")]),
                FieldRowPanel([FieldPanel("stage"), FieldPanel("comments_until")]),
            ],
            heading=_("Where the draft stands"),
        ),
        FieldPanel("abstract"),
        FieldPanel("clauses"),
    ]
    override_translatable_fields = [
        SynchronizedField("slug", overridable=False),
        SynchronizedField("standard_key", overridable=False),
        SynchronizedField("edition", overridable=False),
        SynchronizedField("stage", overridable=False),
        SynchronizedField("comments_until", overridable=False),
    ]
    parent_page_types = ["community.StandardsIndexPage"]
    subpage_types: list[str] = []
    template = "community/draft.html"

    class Meta:
        verbose_name = _("standard draft")

    def clean(self) -> None:
        """Raises ValidationError when another draft already is this edition of this standard."""
        super().clean()
        twins = DraftPage.objects.filter(standard_key=self.standard_key, edition=self.edition)
        if twins.exclude(translation_key=self.translation_key).exists():
            raise ValidationError({"edition": _("Another draft already is this edition of this standard.")})

    def reference(self, clause: str) -> ClauseReference:
        return ClauseReference(self.standard_key, self.edition, clause)

    @property
    def designation(self) -> str:
        """How the standard is cited, e.g. ``YL-T-001:2026``."""
        return f"{self.standard_key.upper()}:{self.edition}"

    @cached_property
    def numbered_clauses(self) -> list[Clause]:
        """The clauses in order, each with its computed number."""
        children = list(self.clauses)
        levels = [int(child.value["level"]) for child in children]
        return [
            Clause(
                reference=self.reference(child.value["clause"]),
                number=number,
                level=level,
                title=child.value["title"],
                body=child.value["body"],
                informative=child.value["kind"] == "informative",
                block_id=child.id or "",
            )
            for child, level, number in zip(children, levels, numbers(levels), strict=True)
        ]

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)
        threads = registry.clause_threads([clause.reference for clause in self.numbered_clauses])
        context["clauses"] = [(clause, threads[clause.reference]) for clause in self.numbered_clauses]
        return context
