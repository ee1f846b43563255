"""How much of what the house can give is whose."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Allowance(models.Model):
    """What an organisation may have; ``weight`` is what its turn in the queue counts for."""

    organisation = models.OneToOneField(
        "community.Organisation",
        on_delete=models.CASCADE,
        related_name="lab_allowance",
        verbose_name=_("organisation"),
    )
    weight = models.PositiveSmallIntegerField(
        _("weight in the queue"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("An organisation of weight 2 gets twice the share of one of weight 1."),
    )

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weight__gte=1), name="an_organisation_weighs_at_least_one"
            ),
        ]

    def __str__(self) -> str:
        return str(self.organisation)
