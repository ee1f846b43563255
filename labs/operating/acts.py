"""What operators do. Each act and its line in the log are one transaction."""

from django.db import transaction

from community.api import User
from labs import tasks
from labs.lifecycle import Reason
from labs.models import OperatorAct, Sandbox


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


def record(operator: User, verb: str, target: str, words: str = "") -> OperatorAct:
    """The act stands in the log."""
    return OperatorAct.objects.create(
        operator=operator, operator_name=operator.get_username(), verb=verb, target=target, words=words
    )
