"""The wish to give a running node other limits, and what became of it."""

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ResizeQuerySet(models.QuerySet["Resize"]):
    def unanswered(self) -> Self:
        return self.filter(answered_at=None)


class Problem(models.TextChoices):
    """Why a node kept its size; empty when it has the new one."""

    NONE = "", ""
    IN_USE = "in_use", _("Its memory is in use")
    ENGINE = "engine", _("The engine refused")
    ENDED = "ended", _("The sandbox ended first")


class Resize(models.Model):
    """A node's limits before and after. The larger of both is taken from the host from the wish to the answer."""

    node = models.ForeignKey("labs.Node", on_delete=models.CASCADE, related_name="resizes")
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    millicpus_before = models.PositiveIntegerField()
    memory_mib_before = models.PositiveIntegerField()
    millicpus = models.PositiveIntegerField()
    memory_mib = models.PositiveIntegerField()
    problem = models.CharField(max_length=20, choices=Problem.choices, default=Problem.NONE, blank=True)
    # What was in use when less was refused, memory file systems included.
    in_use_mib = models.PositiveIntegerField(default=0)
    detail = models.TextField(blank=True)

    objects = ResizeQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["node"], condition=models.Q(answered_at=None), name="one_open_resize_per_node"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.node_id}: {self.millicpus / 1000:g} cpus, {self.memory_mib} MiB {self.problem}".strip()
