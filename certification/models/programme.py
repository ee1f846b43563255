"""What must be shown to earn a credential."""

from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from community.api import ClauseReference


def check_clauses(references: list[str]) -> None:
    """Raises ValidationError naming the first text that is no clause reference."""
    for text in references:
        try:
            ClauseReference.parse(str(text))
        except ValueError as error:
            raise ValidationError(
                _("%(text)s is no clause reference; write standard:edition:clause."), params={"text": text}
            ) from error


class ProgrammeQuerySet(models.QuerySet["Programme"]):
    def active(self) -> Self:
        return self.filter(active=True)

    def matching(self, words: str) -> Self:
        """Those whose title or description, in either language, holds ``words``."""
        asked = models.Q()
        for name in ("title_zh", "title_en", "description_zh", "description_en"):
            asked |= models.Q(**{f"{name}__icontains": words})
        return self.filter(asked)


class Programme(models.Model):
    """A set of courses, all of which earn one credential."""

    slug = models.SlugField(_("address"), max_length=60, unique=True)
    title_zh = models.CharField(_("title (Chinese)"), max_length=120)
    title_en = models.CharField(_("title (English)"), max_length=120)
    description_zh = models.CharField(_("in one sentence (Chinese)"), max_length=300)
    description_en = models.CharField(_("in one sentence (English)"), max_length=300)
    criteria_zh = models.TextField(_("what must be shown (Chinese)"), max_length=2000)
    criteria_en = models.TextField(_("what must be shown (English)"), max_length=2000)
    course_ids = models.JSONField(_("required courses"), default=list)
    clauses = models.JSONField(
        _("clauses attested"),
        default=list,
        blank=True,
        validators=[check_clauses],
    )
    validity_months = models.PositiveSmallIntegerField(
        _("valid for, in months"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: without end."),
    )
    active = models.BooleanField(
        _("credentials are issued"), default=True, help_text=_("Off: those issued stay valid.")
    )

    objects = ProgrammeQuerySet.as_manager()

    class Meta:
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")
        ordering = ("slug",)
        constraints = [
            models.CheckConstraint(
                name="a_programmes_validity_is_at_least_a_month",
                condition=models.Q(validity_months=None) | models.Q(validity_months__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("certification:programme", args=[self.slug])

    @property
    def title(self) -> str:
        return self.title_zh if in_chinese() else self.title_en

    @property
    def description(self) -> str:
        return self.description_zh if in_chinese() else self.description_en

    @property
    def criteria(self) -> str:
        return self.criteria_zh if in_chinese() else self.criteria_en


def in_chinese() -> bool:
    """Whether the reader's language is Chinese; it is the default."""
    return (get_language() or "zh-hans").startswith("zh")
