"""The whole life of a sandbox on one screen."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    PROVISIONING = "provisioning", _("Starting")
    POOLED = "pooled", _("Waiting in the pool")
    READY = "ready", _("Ready")
    SUSPENDED = "suspended", _("Suspended")
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped")


class StartKind(models.TextChoices):
    """What a session is started for; seats may be kept for some of them."""

    PRACTICE = "practice", _("Practice")
    CLASS = "class", _("Class")
    EXAM = "exam", _("Exam")


class Reason(models.TextChoices):
    """Why a sandbox ended; empty while it lives."""

    NONE = "", ""
    FINISHED = "finished", _("Finished")
    ABANDONED = "abandoned", _("Abandoned")
    EXPIRED = "expired", _("Time was up")
    IDLE = "idle", _("Idle for too long")
    FAILED = "failed", _("Could not be started or was lost")
    OPERATOR = "operator", _("Stopped by an operator")
    QUOTA = "quota", _("Quota used up")
    DRAINED = "drained", _("Not needed in the pool any more")
    ORPHANED = "orphaned", _("Nobody owned it any more")


MOVES: dict[State, frozenset[State]] = {
    State.REQUESTED: frozenset({State.PROVISIONING, State.STOPPING}),
    State.PROVISIONING: frozenset({State.POOLED, State.READY, State.STOPPING}),
    State.POOLED: frozenset({State.READY, State.STOPPING}),
    State.READY: frozenset({State.SUSPENDED, State.STOPPING}),
    State.SUSPENDED: frozenset({State.READY, State.STOPPING}),
    State.STOPPING: frozenset({State.STOPPED}),
    State.STOPPED: frozenset(),
}


def sources_of(target: State) -> list[State]:
    """The states from which ``target`` may be reached."""
    return [state for state, targets in MOVES.items() if target in targets]
