"""The ledger of what was allocated and used: entries are only ever added; a meter is the place where the next begins."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from labs.lifecycle import State

# While frozen a node holds its memory alone; on its way out it holds nothing that anybody pays for.
HOLDS_CPU = frozenset({State.READY})
HOLDS_MEMORY = frozenset({State.POOLED, State.READY, State.SUSPENDED})


class UsageEntryQuerySet(models.QuerySet["UsageEntry"]):
    def of_learners(self, learner_ids: list[int]) -> Self:
        return self.filter(learner_id__in=learner_ids)

    def of_organisation(self, organisation_id: int) -> Self:
        return self.filter(organisation_id=organisation_id)

    def begun_in(self, start: datetime, end: datetime) -> Self:
        """An entry belongs to the period in which it began."""
        return self.filter(began_at__gte=start, began_at__lt=end)


class UsageEntry(models.Model):
    """One interval of one node: what it held (exact to the microsecond) and what its cgroup counted meanwhile.

    The counter of an entry starts where that of the entry before ended; a new ``epoch`` (another container) starts at 0.
    ``digest`` covers the entry and the digest before it, so that a row changed behind the triggers is found.
    """

    ref = models.CharField(max_length=32)
    node = models.CharField(max_length=30)
    sequence = models.PositiveIntegerField()
    state = models.CharField(max_length=20, choices=State.choices)
    # People, sessions and organisations may go; what they used stays, under the number they had.
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    organisation = models.ForeignKey(
        "community.Organisation",
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    lab = models.CharField(max_length=60, blank=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    duration_us = models.BigIntegerField()
    millicpus = models.BigIntegerField()
    memory_mib = models.BigIntegerField()
    millicpu_us = models.BigIntegerField()
    mib_us = models.BigIntegerField()
    epoch = models.CharField(max_length=80, blank=True)
    counter_start = models.BigIntegerField()
    counter_end = models.BigIntegerField()
    cpu_ns = models.BigIntegerField()
    memory_kib_ms = models.BigIntegerField()
    digest = models.CharField(max_length=64)

    objects = UsageEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("usage entry")
        verbose_name_plural = _("usage entries")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["ref", "node", "sequence"], name="one_usage_entry_per_node_and_sequence"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__gte=F("began_at"), duration_us__gte=0),
                name="usage_goes_forward_in_time",
            ),
            models.CheckConstraint(
                condition=Q(cpu_ns=F("counter_end") - F("counter_start"), cpu_ns__gte=0),
                name="used_cpu_is_what_the_counter_went_on_by",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(HOLDS_CPU), millicpu_us=F("duration_us") * F("millicpus"))
                | (~Q(state__in=sorted(HOLDS_CPU)) & Q(millicpu_us=0)),
                name="cpu_is_held_while_ready",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(HOLDS_MEMORY), mib_us=F("duration_us") * F("memory_mib"))
                | (~Q(state__in=sorted(HOLDS_MEMORY)) & Q(mib_us=0)),
                name="memory_is_held_while_ready_or_frozen",
            ),
        ]
        indexes = [
            models.Index(fields=["learner", "began_at"], name="labs_usage_learner"),
            models.Index(fields=["organisation", "began_at"], name="labs_usage_organisation"),
        ]

    def __str__(self) -> str:
        return f"{self.ref}/{self.node} {self.sequence}"


def seal(entry: models.Model, previous: str) -> str:
    """The digest that ``entry`` must carry after one that carries ``previous``."""
    said: dict[str, Any] = {
        field.attname: getattr(entry, field.attname)
        for field in entry._meta.concrete_fields
        if field.attname not in {"id", "digest"}
    }
    said |= {
        name: moment.astimezone(UTC).isoformat() for name, moment in said.items() if name.endswith("_at")
    }
    text = json.dumps([previous, said], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class MeterQuerySet(models.QuerySet["Meter"]):
    def running(self) -> Self:
        return self.filter(closed_at=None)


class Meter(models.Model):
    """Where the ledger of one node stands: the interval that runs, and the counter as it was last read.

    Lost readings lose nothing: the next one goes on from ``counter``, and moves that nobody told it of are read from the
    sandbox's history behind ``event_id``.
    """

    sandbox = models.ForeignKey("labs.Sandbox", on_delete=models.CASCADE, related_name="meters")
    node = models.CharField(max_length=30)
    state = models.CharField(max_length=20, choices=State.choices)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    organisation = models.ForeignKey(
        "community.Organisation", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    lab = models.CharField(max_length=60, blank=True)
    millicpus = models.BigIntegerField()
    memory_mib = models.BigIntegerField()
    since = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    event_id = models.BigIntegerField(default=0)
    epoch = models.CharField(max_length=80, blank=True)
    counter_start = models.BigIntegerField(default=0)
    counter = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    memory_kib_ms = models.BigIntegerField(default=0)

    objects = MeterQuerySet.as_manager()

    class Meta:
        verbose_name = _("meter")
        verbose_name_plural = _("meters")
        ordering = ("pk",)
        constraints = [models.UniqueConstraint(fields=["sandbox", "node"], name="one_meter_per_node")]
        indexes = [
            models.Index(fields=["closed_at", "learner"], name="labs_meter_learner"),
            models.Index(fields=["closed_at", "organisation"], name="labs_meter_organisation"),
        ]

    def __str__(self) -> str:
        return f"{self.sandbox_id}/{self.node}"

    def held(self, until: datetime, since: datetime | None = None) -> tuple[int, int, int]:
        """Microseconds of the running interval, later than ``since``, with their millicpu-µs and MiB-µs."""
        began = self.since if since is None else max(since, self.since)
        return self._held(max(0, microseconds(began, until)))

    def held_for(self, seconds: int) -> tuple[int, int, int]:
        """The same of so many seconds at the present size and state."""
        return self._held(seconds * 1_000_000)

    def _held(self, duration_us: int) -> tuple[int, int, int]:
        return (
            duration_us,
            duration_us * self.millicpus if self.state in HOLDS_CPU else 0,
            duration_us * self.memory_mib if self.state in HOLDS_MEMORY else 0,
        )

    def cut(self, at: datetime) -> UsageEntry | None:
        """The interval that ends ``at`` as an unsaved entry, and the next one runs; None when it was empty."""
        at = max(at, self.since)
        duration_us, millicpu_us, mib_us = self.held(at)
        if duration_us == 0 and self.counter == self.counter_start:
            return None
        self.sequence += 1
        entry = UsageEntry(
            ref=self.sandbox.ref,
            node=self.node,
            sequence=self.sequence,
            state=self.state,
            learner_id=self.learner_id,
            organisation_id=self.organisation_id,
            lab=self.lab,
            began_at=self.since,
            ended_at=at,
            duration_us=duration_us,
            millicpus=self.millicpus,
            memory_mib=self.memory_mib,
            millicpu_us=millicpu_us,
            mib_us=mib_us,
            epoch=self.epoch,
            counter_start=self.counter_start,
            counter_end=self.counter,
            cpu_ns=self.counter - self.counter_start,
            memory_kib_ms=self.memory_kib_ms,
        )
        entry.digest = self.digest = seal(entry, self.digest)
        self.since, self.counter_start, self.memory_kib_ms = at, self.counter, 0
        return entry


def microseconds(start: datetime, end: datetime) -> int:
    """From ``start`` to ``end``, exactly."""
    passed = end - start
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
