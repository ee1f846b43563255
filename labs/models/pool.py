"""Which machines wait ready in the pool, and how many of them."""

import hashlib
import json
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from labs.models.lab import Lab

# What a lab says of its nodes for people; machines that differ in nothing else are alike.
FOR_PEOPLE = frozenset({"read_only_reason", "links"})


def machines_of(lab: Lab, *, exam: bool = False) -> list[dict[str, Any]]:
    """The nodes as the engine would be asked for them, for practice or for an exam."""
    out = {"egress": True} if (lab.exam_egress if exam else lab.egress) else {}
    return [{key: node[key] for key in sorted(node) if key not in FOR_PEOPLE} | out for node in lab.nodes]


def key_of(machines: list[dict[str, Any]]) -> str:
    """The same for machines that are exactly alike."""
    return hashlib.sha256(json.dumps(machines, sort_keys=True).encode()).hexdigest()


class ImageSetQuerySet(models.QuerySet["ImageSet"]):
    def for_lab(self, lab: Lab) -> "ImageSet":
        """The set of exactly the machines that ``lab`` asks for, made when it is new."""
        machines = machines_of(lab)
        found, _made = self.get_or_create(key=key_of(machines), defaults={"nodes": machines})
        return found


class ImageSet(models.Model):
    """The exact machines that one or more labs ask for. Sandboxes of a set wait in the pool for whoever comes.

    ``minimum`` are always there; while the labs are in demand, ``reserve`` more than will be started before new ones
    are made, and never more than ``ceiling``, except for the seats of booked classes.
    """

    key = models.CharField(max_length=64, unique=True, editable=False)
    nodes = models.JSONField(_("nodes"), default=list, editable=False)
    minimum = models.PositiveSmallIntegerField(
        _("minimum"), default=0, help_text=_("So many sandboxes are always ready, asked for or not.")
    )
    reserve = models.PositiveSmallIntegerField(
        _("reserve"),
        default=1,
        help_text=_("While a lab is in demand, so many more are ready than are expected to be started."),
    )
    ceiling = models.PositiveSmallIntegerField(
        _("ceiling"),
        default=4,
        help_text=_("Never more than these are ready, booked classes aside. 0: none."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ImageSetQuerySet.as_manager()

    class Meta:
        verbose_name = _("image set")
        verbose_name_plural = _("image sets")
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(minimum__lte=F("ceiling")),
                name="a_pool_has_its_minimum_below_its_ceiling",
                violation_error_message=_("The minimum is larger than the ceiling."),
            ),
        ]

    def __str__(self) -> str:
        return ", ".join(f"{node['name']} ({node['image']})" for node in self.nodes)

    @property
    def waiting(self) -> int:
        """How many of its sandboxes are ready now."""
        return self.sandboxes.pooled().count()

    @property
    def lab_titles(self) -> str:
        """The published labs that ask for exactly these machines."""
        labs = Lab.objects.published()
        return ", ".join(lab.title for lab in labs if key_of(machines_of(lab)) == self.key)

    @property
    def goes_out(self) -> bool:
        """Whether its programs find a way out."""
        return any(node.get("egress") for node in self.nodes)

    @property
    def images(self) -> list[str]:
        return sorted({str(node["image"]) for node in self.nodes})


class Expectation(models.Model):
    """A lab's booked seats, for which machines are to be ready until a moment."""

    lab = models.OneToOneField("labs.Lab", on_delete=models.CASCADE, related_name="expectation")
    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="expectations")
    seats = models.PositiveIntegerField()
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.lab_id}: {self.seats}"
