"""What operators do. Each act and its line in the log are one transaction."""

from django.db import transaction
from django.utils import timezone

from community.api import User
from labs import scheduling, tasks
from labs.lifecycle import Reason
from labs.models import Allowance, Host, OperatorAct, Sandbox

HOST = "host"


@transaction.atomic
def stop_sandbox(operator: User, sandbox: Sandbox, words: str) -> bool:
    """The sandbox is on its way out and its session over; False, and nothing logged, when it was already.

    ``words`` say why; they stay in the log of acts.
    """
    if not sandbox.begin_stop(Reason.OPERATOR, words):
        return False
    record(operator, OperatorAct.Verb.STOP, sandbox.ref, words)
    tasks.after_commit(tasks.stop, sandbox.pk)
    return True


@transaction.atomic
def drain_host(operator: User, words: str) -> bool:
    """No lab begins any more and the pool empties; labs that run go on. False when it was so already."""
    scheduling.take_turns()
    if not Host.objects.filter(pk=1, draining_at=None).update(draining_at=timezone.now()):
        return False
    record(operator, OperatorAct.Verb.DRAIN, HOST, words)
    tasks.after_commit(tasks.refill)
    return True


@transaction.atomic
def open_host(operator: User, words: str) -> bool:
    """Labs begin again, those who wait first. False when it was so already."""
    scheduling.take_turns()
    if not Host.objects.filter(pk=1).exclude(draining_at=None).update(draining_at=None):
        return False
    record(operator, OperatorAct.Verb.OPEN, HOST, words)
    tasks.after_commit(tasks.admit)
    return True


@transaction.atomic
def set_allowance(operator: User, allowance: Allowance) -> Allowance:
    """The allowance, as it was just saved, stands in the log with its figures."""
    figures = {
        "labs": allowance.sandboxes,
        "cpu_seconds": allowance.cpu_seconds,
        "mib_seconds": allowance.mib_seconds,
    }
    words = [f"{name}={figure}" for name, figure in figures.items() if figure is not None]
    words += [f"period={allowance.period}", f"weight={allowance.weight}"]
    record(operator, OperatorAct.Verb.ALLOW, str(allowance)[:64], " ".join(words))
    return allowance


def record(operator: User, verb: str, target: str, words: str = "") -> OperatorAct:
    """The act stands in the log."""
    return OperatorAct.objects.create(
        operator=operator, operator_name=operator.get_username(), verb=verb, target=target, words=words
    )
