"""The exercises: what a lab asks, on which machines, and what its checks look at."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel
from wagtail.models import Orderable

from labs import markup


def spoken() -> str:
    """The short name of the language in use, ``zh`` or ``en``, as bundles and fields spell it."""
    return "en" if (get_language() or settings.LANGUAGE_CODE).startswith("en") else "zh"


def _plain_text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


class Level(models.TextChoices):
    BEGINNER = "beginner", _("Beginner")
    INTERMEDIATE = "intermediate", _("Intermediate")
    ADVANCED = "advanced", _("Advanced")


class LabQuerySet(models.QuerySet["Lab"]):
    def published(self) -> Self:
        return self.filter(withdrawn_at=None)

    def complete(self) -> Self:
        """With steps and checks, in two more queries for all."""
        return self.prefetch_related("steps__checks")

    def attesting(self, reference: str) -> Self:
        """Labs with a check that attests the clause ``reference``."""
        # JSON containment is not to be had on every database, so the quoted text is looked for and then compared.
        checks = LabCheck.objects.filter(clauses__icontains=f'"{reference}"').values_list(
            "step__lab", "clauses"
        )
        return self.filter(pk__in={lab for lab, clauses in checks if reference in clauses})

    def at_level(self, level: str) -> Self:
        return self.filter(level=level)

    def matching(self, words: str) -> Self:
        """Labs in whose title, summary or slug every word of ``words`` occurs, in either language."""
        labs = self
        for word in words.split()[:8]:
            anywhere = models.Q(slug__icontains=word)
            for field in ("title_zh", "title_en", "summary_zh", "summary_en"):
                anywhere |= models.Q(**{f"{field}__icontains": word})
            labs = labs.filter(anywhere)
        return labs


class Lab(ClusterableModel):
    """An authored exercise. ``nodes`` holds its machines as a list of objects with the keys of lab.toml's nodes."""

    slug = models.SlugField(unique=True, max_length=60)
    level = models.CharField(_("level"), max_length=20, choices=Level.choices, default=Level.BEGINNER)
    minutes = models.PositiveIntegerField(_("minutes"), help_text=_("The time a session lasts."))
    terminals = models.PositiveSmallIntegerField(_("terminals per node"), default=1)
    title_zh = models.CharField(_("title (Chinese)"), max_length=120)
    title_en = models.CharField(_("title (English)"), max_length=120)
    summary_zh = models.TextField(_("summary (Chinese)"))
    summary_en = models.TextField(_("summary (English)"))
    nodes = models.JSONField(_("nodes"), default=list)
    previews = models.JSONField(_("previews"), default=list, blank=True)
    # Hosts, as labs.allowlist reads them, that its machines may reach; empty: none.
    egress = models.JSONField(_("hosts that may be reached"), default=list, blank=True)
    # The same while it is sat as an exam.
    exam_egress = models.JSONField(_("hosts that may be reached in an exam"), default=list, blank=True)
    solutions = models.JSONField(default=dict, blank=True, editable=False)
    check_common = models.TextField(blank=True, editable=False)
    manifest = models.TextField(blank=True, editable=False)
    hint_cost = models.PositiveSmallIntegerField(
        _("points per hint"),
        default=0,
        help_text=_("What opening a hint takes off the points; at 0 each failure shows one more by itself."),
    )
    withdrawn_at = models.DateTimeField(
        _("withdrawn at"),
        null=True,
        blank=True,
        help_text=_("A withdrawn lab is no longer offered; running sessions go on."),
    )
    updated_at = models.DateTimeField(auto_now=True)

    objects = LabQuerySet.as_manager()

    class Meta:
        verbose_name = _("lab")
        verbose_name_plural = _("labs")
        ordering = ("slug",)
        constraints = [
            models.CheckConstraint(condition=models.Q(minutes__gte=1), name="a_lab_lasts_at_least_a_minute"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return self.title_en if spoken() == "en" else self.title_zh

    @property
    def summary(self) -> str:
        return self.summary_en if spoken() == "en" else self.summary_zh

    @property
    def node_names(self) -> list[str]:
        return [node["name"] for node in self.nodes]

    @property
    def points(self) -> int:
        """The points of all checks."""
        return sum(check.points for step in self.steps.all() for check in step.checks.all())

    @property
    def charges_for_hints(self) -> bool:
        """Whether any hint of this lab costs points."""
        return any(self.hint_cost_of(check) for step in self.steps.all() for check in step.checks.all())

    def hint_cost_of(self, check: "LabCheck") -> int:
        """The points that opening one hint of ``check`` takes; 0 when its hints are free."""
        return self.hint_cost if check.hint_cost is None else check.hint_cost

    @property
    def clauses(self) -> tuple[str, ...]:
        """Every clause reference that a check of this lab attests, once each, sorted."""
        return tuple(
            sorted({c for step in self.steps.all() for check in step.checks.all() for c in check.clauses})
        )


class LabStep(Orderable, ClusterableModel):
    """One instruction in a lab."""

    lab = ParentalKey(Lab, on_delete=models.CASCADE, related_name="steps")
    key = models.SlugField(_("id"), max_length=60)
    title_zh = models.CharField(_("title (Chinese)"), max_length=120)
    title_en = models.CharField(_("title (English)"), max_length=120)
    body_zh = models.TextField(_("instructions (Chinese, Markdown)"))
    body_en = models.TextField(_("instructions (English, Markdown)"))

    class Meta(Orderable.Meta):
        verbose_name = _("step")
        constraints = [
            models.UniqueConstraint(fields=["lab", "key"], name="step_ids_are_unique_in_a_lab"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return self.title_en if spoken() == "en" else self.title_zh

    def clean(self) -> None:
        """Browsers send carriage returns and cut the last line feed; a lab's text has neither trait."""
        self.body_zh = _plain_text(self.body_zh)
        self.body_en = _plain_text(self.body_en)

    @property
    def body(self) -> str:
        """The Markdown in the language in use."""
        return self.body_en if spoken() == "en" else self.body_zh

    @property
    def html(self) -> str:
        """The instructions as safe HTML in the language in use."""
        return markup.render(self.body)


class LabCheck(Orderable):
    """An automatic assertion run in a node; ``reasons`` maps the last line of its output to words for the learner.

    ``script`` is whole: it begins with the lab's ``check_common``. ``script_name`` is its file when that is not the key.
    """

    step = ParentalKey(LabStep, on_delete=models.CASCADE, related_name="checks")
    key = models.SlugField(_("id"), max_length=60)
    node = models.CharField(_("node"), max_length=30)
    points = models.PositiveSmallIntegerField(_("points"), default=1)
    timeout_s = models.PositiveSmallIntegerField(_("time limit in seconds"), default=10)
    hint_cost = models.PositiveSmallIntegerField(_("points per hint"), null=True, blank=True)
    title_zh = models.CharField(_("title (Chinese)"), max_length=160)
    title_en = models.CharField(_("title (English)"), max_length=160)
    clauses = models.JSONField(_("clauses"), default=list, blank=True)
    reasons = models.JSONField(_("reasons"), default=dict)
    script_name = models.SlugField(max_length=60, blank=True, editable=False)
    script = models.TextField()

    class Meta(Orderable.Meta):
        verbose_name = _("check")
        constraints = [
            models.UniqueConstraint(fields=["step", "key"], name="check_ids_are_unique_in_a_step"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return self.title_en if spoken() == "en" else self.title_zh
