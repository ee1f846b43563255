"""The machines behind a session. The row owns the name, the uid and the subnet, so it can wait unclaimed in a pool."""

import ipaddress
import secrets
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from labs import notices
from labs.drivers.base import NodeSpec, SandboxSpec
from labs.lifecycle import Reason, State, sources_of
from labs.models.resting import Resting, RestingQuerySet

# Docker keeps the first host address of a subnet for a gateway, even one without an address of its own.
FIRST_NODE = 2


def new_ref() -> str:
    return secrets.token_hex(8)


class SandboxQuerySet(RestingQuerySet):
    def live(self) -> Self:
        return self.exclude(state=State.STOPPED)

    def of(self, learner: models.Model) -> Self:
        return self.filter(session__learner_id=learner.pk)

    def pooled(self) -> Self:
        """Ready for whoever comes."""
        return self.filter(state=State.POOLED, session=None)

    def for_the_pool(self) -> Self:
        """In the pool, or being made for it."""
        return self.filter(session=None, state__in=[State.REQUESTED, State.PROVISIONING, State.POOLED])

    def leaving_out_drained(self) -> Self:
        """Without those on their way out of the pool: nobody works in them, and what they held is given back."""
        return self.exclude(session=None, state=State.STOPPING)

    def still_frozen(self) -> Self:
        """Claimed, and nobody has yet let their machines go on."""
        return self.filter(state=State.READY).exclude(frozen_at=None)

    def starting(self) -> Self:
        return self.filter(state__in=[State.REQUESTED, State.PROVISIONING])

    def unleased(self) -> Self:
        """Sandboxes that no worker is at, by the database's clock."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=Now()))


class Sandbox(Resting):
    """Isolated machines. ``uid`` is the learner's, ``uid + 1`` the checker's; ``lease_token`` fences out old workers."""

    session = models.ForeignKey(
        "labs.LabSession", on_delete=models.CASCADE, null=True, blank=True, related_name="sandboxes"
    )
    state = models.CharField(max_length=20, choices=State.choices, default=State.REQUESTED)
    reason = models.CharField(max_length=20, choices=Reason.choices, default=Reason.NONE, blank=True)
    detail = models.TextField(blank=True)
    ref = models.CharField(max_length=32, unique=True, default=new_ref, editable=False)
    uid = models.PositiveIntegerField()
    subnet = models.CharField(max_length=43)
    millicpus = models.PositiveIntegerField()
    memory_mib = models.PositiveIntegerField()
    requested_at = models.DateTimeField(default=timezone.now)
    moved_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True, blank=True)
    image_set = models.ForeignKey(
        "labs.ImageSet", on_delete=models.SET_NULL, null=True, blank=True, related_name="sandboxes"
    )
    # What the images were when it was made for the pool, and since when its machines stand still.
    versions = models.TextField(blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = SandboxQuerySet.as_manager()

    class Meta:
        verbose_name = _("sandbox")
        verbose_name_plural = _("sandboxes")
        ordering = ("pk",)
        constraints = [
            *Resting.Meta.constraints,
            models.UniqueConstraint(
                fields=["session"], condition=~Q(state=State.STOPPED), name="one_live_sandbox_per_session"
            ),
            models.UniqueConstraint(
                fields=["uid"], condition=~Q(state=State.STOPPED), name="one_live_sandbox_per_uid"
            ),
            models.UniqueConstraint(
                fields=["subnet"], condition=~Q(state=State.STOPPED), name="one_live_sandbox_per_subnet"
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="a_sandbox_is_in_a_state_of_the_table"
            ),
            models.CheckConstraint(
                condition=(~Q(state=State.STOPPED) & Q(stopped_at=None))
                | Q(state=State.STOPPED, stopped_at__isnull=False),
                name="a_stopped_sandbox_says_since_when",
            ),
        ]
        indexes = [models.Index(fields=["state", "lease_until"], name="labs_sandbox_sweep")]

    def __str__(self) -> str:
        return f"{self.ref} ({self.state})"

    def move(
        self,
        target: State,
        *,
        reason: str = "",
        detail: str = "",
        token: int | None = None,
        wish: int | None = None,
    ) -> bool:
        """Move to ``target`` and record it; False when another actor moved first.

        So it is, too, when another took the lease ``token``, or a wish came after number ``wish``.
        """
        changes: dict[str, object] = {"state": target, "moved_at": timezone.now()}
        if reason:
            changes["reason"] = reason
        if detail:
            changes["detail"] = detail
        if target == State.STOPPED:
            changes["stopped_at"] = Now()
        with transaction.atomic():
            rows = Sandbox.objects.filter(pk=self.pk, state__in=sources_of(target))
            if token is not None:
                rows = rows.filter(lease_token=token)
            if wish is not None:
                rows = rows.filter(wish_count=wish)
            moved = rows.update(**changes)
            if moved:
                self.record(target, reason=reason, detail=detail)
        self.refresh_from_db()
        return bool(moved)

    def begin_stop(self, reason: str, detail: str = "", *, token: int | None = None) -> bool:
        """The sandbox is on its way out and its session over; False when another actor moved first."""
        with transaction.atomic():
            moved = self.move(State.STOPPING, reason=reason, detail=detail, token=token)
            if moved and self.session is not None:
                self.session.close()
        return moved

    def record(self, state: str, *, reason: str = "", detail: str = "") -> None:
        """Note in the sandbox's history what happened, and tell whoever watches."""
        SandboxEvent.objects.create(sandbox=self, state=state, reason=reason, detail=detail)
        notices.session_changed(self.session_id)

    def hand_over(self, session: models.Model) -> bool:
        """From the pool to ``session`` and READY from now on; False when another learner or the drain was faster.

        Whoever held a lease of the pooled sandbox is fenced out.
        """
        now = timezone.now()
        changes = {
            "state": State.READY,
            "session": session,
            "requested_at": now,
            "moved_at": now,
            "lease_until": None,
        }
        mine = Sandbox.objects.pooled().filter(pk=self.pk)
        taken = mine.update(lease_token=F("lease_token") + 1, **changes)
        if taken:
            for name, value in changes.items():
                setattr(self, name, value)
            # A worker may have had a lease since this was read; the token is read anew if it is asked for.
            del self.__dict__["lease_token"]
            SandboxEvent.objects.create(sandbox=self, state=State.READY)
        return bool(taken)

    def leave_pool(self) -> bool:
        """On its way out of the pool; False when a learner was faster."""
        left = (
            Sandbox.objects.for_the_pool()
            .filter(pk=self.pk)
            .update(state=State.STOPPING, reason=Reason.DRAINED, moved_at=timezone.now())
        )
        if left:
            SandboxEvent.objects.create(sandbox=self, state=State.STOPPING, reason=Reason.DRAINED)
        return bool(left)

    def take_lease(self) -> int | None:
        """The new fencing token, with which alone this worker may go on; None while another holds the lease."""
        until = Now() + timedelta(seconds=settings.SANDBOX_LEASE_SECONDS)
        taken = (
            Sandbox.objects.live()
            .unleased()
            .filter(pk=self.pk)
            .update(lease_token=F("lease_token") + 1, lease_until=until)
        )
        self.refresh_from_db()
        return self.lease_token if taken else None

    def release_lease(self, token: int, *, retry_after_s: int = 0) -> None:
        """Others may go on after ``retry_after_s`` seconds, unless the lease was already lost."""
        until = Now() + timedelta(seconds=retry_after_s) if retry_after_s else None
        Sandbox.objects.filter(pk=self.pk, lease_token=token).update(lease_until=until)
        self.refresh_from_db()

    def learner_uid(self, node: str) -> int:
        """Who the learner is in the node of that name."""
        return 0 if self.nodes.filter(name=node, root=True).exists() else self.uid

    def spec(self) -> SandboxSpec:
        """What the driver is asked to make."""
        hosts = ipaddress.ip_network(self.subnet)
        return SandboxSpec(
            ref=self.ref,
            uid=self.uid,
            subnet=self.subnet,
            nodes=tuple(
                node.spec(str(hosts[FIRST_NODE + place])) for place, node in enumerate(self.nodes.all())
            ),
        )


class NodeQuerySet(models.QuerySet["Node"]):
    def attended(self) -> Self:
        """Those that run for somebody, frozen or not: a recorder and a way out stand by them."""
        states = [State.READY, State.SUSPENDED]
        return self.filter(sandbox__state__in=states, sandbox__session__isnull=False)

    def unfinished(self) -> Self:
        """Those attended, and those on their way out, whose last words may still be wanted."""
        states = [State.READY, State.SUSPENDED, State.STOPPING]
        return self.filter(sandbox__state__in=states, sandbox__session__isnull=False)


class Node(models.Model):
    """One machine of a sandbox, as its lab asked for it when the session began."""

    sandbox = models.ForeignKey(Sandbox, on_delete=models.CASCADE, related_name="nodes")
    name = models.CharField(max_length=30)
    image = models.CharField(max_length=60)
    millicpus = models.PositiveIntegerField()
    memory_mib = models.PositiveIntegerField()
    home_mib = models.PositiveIntegerField()
    pids = models.PositiveIntegerField()
    # The range in which its learner may change its limits while it runs; the lab's figures are the least.
    millicpus_least = models.PositiveIntegerField(default=0)
    millicpus_most = models.PositiveIntegerField(default=0)
    memory_mib_least = models.PositiveIntegerField(default=0)
    memory_mib_most = models.PositiveIntegerField(default=0)
    read_only = models.BooleanField(default=True)
    disk_mib = models.PositiveIntegerField(default=0)
    runtime = models.CharField(max_length=20, blank=True)
    root = models.BooleanField(default=False)
    egress = models.BooleanField(default=False)
    # Asked by the learner, or (then equal to lost_at) by the sweep, which found the node gone.
    restart_asked_at = models.DateTimeField(null=True, blank=True)
    lost_at = models.DateTimeField(null=True, blank=True)

    objects = NodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("node")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["sandbox", "name"], name="node_names_are_unique_in_a_sandbox"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def wanted(cls, sandbox: Sandbox, wish: dict[str, Any]) -> Self:
        """An unsaved node of ``sandbox`` as the lab's ``nodes`` describe it."""
        return cls(
            sandbox=sandbox,
            name=wish["name"],
            image=wish["image"],
            millicpus=round(wish["cpus"] * 1000),
            memory_mib=wish["memory_mib"],
            home_mib=wish["home_mib"],
            pids=wish["pids"],
            millicpus_least=round(wish["cpus"] * 1000),
            millicpus_most=round((wish.get("cpus_max") or wish["cpus"]) * 1000),
            memory_mib_least=wish["memory_mib"],
            memory_mib_most=wish.get("memory_mib_max") or wish["memory_mib"],
            read_only=wish["read_only"],
            disk_mib=wish.get("disk_mib", 0),
            runtime=wish.get("runtime", ""),
            root=wish.get("root", False),
            egress=wish.get("egress", False),
        )

    @property
    def can_change_size(self) -> bool:
        """Whether its lab leaves its learner a choice."""
        return self.millicpus_most > self.millicpus_least or self.memory_mib_most > self.memory_mib_least

    @property
    def awaits_repair(self) -> bool:
        """Whether the restart asked for is that of a node found gone."""
        return self.restart_asked_at is not None and self.restart_asked_at == self.lost_at

    @property
    def limit_mib(self) -> int:
        """The memory it holds: what its programs get, and its memory file systems."""
        return self.spec("").limit_mib

    def spec(self, address: str) -> NodeSpec:
        return NodeSpec(
            name=self.name,
            image=self.image,
            address=address,
            cpus=self.millicpus / 1000,
            memory_mib=self.memory_mib,
            pids=self.pids,
            home_mib=self.home_mib,
            read_only=self.read_only,
            disk_mib=self.disk_mib,
            runtime=self.runtime,
            root=self.root,
            egress=self.egress,
        )


class SandboxEvent(models.Model):
    """One line of a sandbox's history; rows are only ever added."""

    sandbox = models.ForeignKey(Sandbox, on_delete=models.CASCADE, related_name="events")
    state = models.CharField(max_length=20, choices=State.choices)
    reason = models.CharField(max_length=20, blank=True)
    detail = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.state} {self.reason}".strip()
