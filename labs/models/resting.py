"""Whether a sandbox is to work or to rest: what was wished last, and when somebody or something last used it."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from labs import notices
from labs.lifecycle import State

if TYPE_CHECKING:
    from labs.models.sandbox import Sandbox

RESTABLE = frozenset({State.READY, State.SUSPENDED})


class Cause(models.TextChoices):
    """Who wished it: nobody yet, the learner, or the sweep for want of use."""

    NONE = "", ""
    LEARNER = "learner", _("Wished by the learner")
    IDLE = "idle", _("Idle")


class RestingQuerySet(models.QuerySet[Any]):
    def unsettled(self) -> Self:
        """Sandboxes that are not yet as they were last wished."""
        return self.filter(state__in=RESTABLE).exclude(wish_settled=F("wish_count"))


class Resting(models.Model):
    """``wish_count`` counts the wishes: whoever fulfils one compares it, so the newest wish wins whatever meets.

    ``wish_settled`` is the count of the last wish that the engine and the state were made to agree with.
    """

    wished_state = models.CharField(max_length=20, choices=State.choices, default=State.READY)
    wish_cause = models.CharField(max_length=20, choices=Cause.choices, default=Cause.NONE, blank=True)
    wish_count = models.PositiveIntegerField(default=0)
    wish_settled = models.PositiveIntegerField(default=0)
    wished_at = models.DateTimeField(default=timezone.now)
    # The last typing, wish, or work of a processor; and the last time that a connection was seen to be open.
    active_at = models.DateTimeField(default=timezone.now)
    attended_at = models.DateTimeField(null=True, blank=True)
    # What its nodes' processors had done by then.
    cpu_ns = models.PositiveBigIntegerField(default=0)
    cpu_read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(wished_state__in=[State.READY, State.SUSPENDED]),
                name="a_sandbox_is_wished_awake_or_suspended",
            ),
            models.CheckConstraint(
                condition=Q(wish_settled__lte=F("wish_count")), name="no_wish_is_settled_before_it_is_made"
            ),
        ]

    @property
    def is_settled(self) -> bool:
        """Whether engine and state agree with the last wish."""
        return self.wish_settled == self.wish_count

    @property
    def is_waking(self) -> bool:
        return self.state == State.SUSPENDED and self.wished_state == State.READY  # type: ignore[attr-defined]

    def wish(self: "Sandbox", state: State, cause: Cause, **only_if: object) -> bool:  # type: ignore[misc]
        """The sandbox is to be in ``state``; False when that was the last wish already, or it can rest no more.

        ``only_if`` names columns and the values they must still have.
        """
        now = timezone.now()
        rows = (
            type(self).objects.filter(pk=self.pk, state__in=RESTABLE, **only_if).exclude(wished_state=state)
        )
        changes: dict[str, object] = {"wished_state": state, "wish_cause": cause, "wished_at": now}
        if cause != Cause.IDLE:
            changes["active_at"] = now
        wished = rows.update(wish_count=F("wish_count") + 1, **changes)
        self.refresh_from_db()
        if wished:
            notices.session_changed(self.session_id)
        return bool(wished)

    def settle_wish(self: "Sandbox", count: int, token: int) -> bool:  # type: ignore[misc]
        """Wish number ``count`` is fulfilled; False when another came meanwhile, or another worker."""
        rows = type(self).objects.filter(pk=self.pk, wish_count=count, lease_token=token)
        settled = rows.update(wish_settled=count)
        self.refresh_from_db()
        return bool(settled)
