"""What operators did, when and why: rows are only ever added."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class OperatorActQuerySet(models.QuerySet["OperatorAct"]):
    def matching(self, words: str) -> Self:
        """Acts in whose target, words or operator's name every word of ``words`` occurs."""
        acts = self
        for word in words.split()[:8]:
            acts = acts.filter(
                models.Q(target__icontains=word)
                | models.Q(words__icontains=word)
                | models.Q(operator_name__icontains=word)
            )
        return acts


class OperatorAct(models.Model):
    """One act. ``target`` is a sandbox's ref, a host's name or whose allowance it is; the operator's name outlives their account."""

    class Verb(models.TextChoices):
        STOP = "stop", _("Stopped a sandbox")
        DRAIN = "drain", _("Closed a host to new labs")
        OPEN = "open", _("Opened a host to new labs")
        ALLOW = "allow", _("Set an allowance")

    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="operator_acts"
    )
    operator_name = models.CharField(max_length=150)
    verb = models.CharField(max_length=20, choices=Verb.choices)
    target = models.CharField(max_length=64)
    words = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = OperatorActQuerySet.as_manager()

    class Meta:
        verbose_name = _("act of an operator")
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(verb__in=["stop", "drain", "open", "allow"]),
                name="an_act_is_one_of_those_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.operator_name} {self.verb} {self.target}"
