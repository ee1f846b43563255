"""What learners ask of machines that run: another size. The wish becomes a row, a worker hears of it after commit."""

from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from labs import notices, scheduling, tasks
from labs.metering import limits, quotas, rates
from labs.metering.limits import Limit
from labs.models import Kind, LabSession, Node, Resize, Sandbox
from labs.refusals import OutOfRange, QuotaExceeded, SizeChanging
from labs.sessions import restable


@dataclass(frozen=True)
class Size:
    """What a node's programs get: thousandths of a processor, and MiB."""

    millicpus: int
    memory_mib: int


@dataclass(frozen=True)
class Outlook:
    """What a new size would change: the price of an hour, where anything costs, and how long the allowances then last.

    ``lasts_s`` is None where no amount is limited; ``tightest`` is what runs out first.
    """

    price: rates.Change | None
    lasts_s: int | None
    tightest: Limit | None


def outlook(session: LabSession, name: str, size: Size) -> Outlook:
    """What ``size`` would cost and how long it could be kept; nothing is changed.

    Raises SessionClosed, NotReady, Node.DoesNotExist or OutOfRange.
    """
    sandbox = restable(session)
    node = sandbox.nodes.get(name=name)
    _ensure_in_range(node, size)
    lasts_s, tightest = min(
        (
            (limits.lasts_s(limit, *_held_with(sandbox, node, size)), limit)
            for limit in quotas.amounts_of(session.learner_id)
        ),
        key=lambda found: found[0],
        default=(None, None),
    )
    return Outlook(rates.price_change(node, size.millicpus, size.memory_mib), lasts_s, tightest)


def _held_with(sandbox: Sandbox, node: Node, size: Size) -> tuple[int, int]:
    """What the whole sandbox would hold with the node at ``size``."""
    return (
        sandbox.millicpus + size.millicpus - node.millicpus,
        sandbox.memory_mib + size.memory_mib - node.memory_mib,
    )


def _ensure_lasts(session: LabSession, sandbox: Sandbox, node: Node, size: Size) -> None:
    """Raises QuotaExceeded when an amount of what becomes more would be used up before anybody could be warned."""
    more = {Kind.CPU: size.millicpus > node.millicpus, Kind.MEMORY: size.memory_mib > node.memory_mib}
    if not any(more.values()):
        return
    held = _held_with(sandbox, node, size)
    for limit in quotas.amounts_of(session.learner_id):
        lasts_s = limits.lasts_s(limit, *held)
        if more[limit.kind] and lasts_s < settings.LABS_BUDGET_GRACE_SECONDS:
            raise QuotaExceeded(
                _("At this size, what is left of an allowance would last only %(time)s.")
                % {"time": limits.duration(lasts_s)},
                _("Choose a smaller size. The allowance is given anew on %(renews)s.")
                % {"renews": limits.renewal(limit)},
            )


@transaction.atomic
def resize_node(session: LabSession, name: str, size: Size) -> Resize | None:
    """The node is to have ``size`` while it runs; None when it has it already. The host's room for more is taken at once.

    Raises SessionClosed, NotReady, Node.DoesNotExist, OutOfRange, QuotaExceeded, SizeChanging, or HostFull.
    """
    host = scheduling.take_turns()
    sandbox = restable(session)
    node = sandbox.nodes.get(name=name)
    _ensure_in_range(node, size)
    if (node.millicpus, node.memory_mib) == (size.millicpus, size.memory_mib):
        return None
    _ensure_lasts(session, sandbox, node, size)
    more_cpus, more_memory = size.millicpus - node.millicpus, size.memory_mib - node.memory_mib
    scheduling.ensure_room(max(0, more_cpus), max(0, more_memory), host)
    try:
        with transaction.atomic():
            wish = Resize.objects.create(
                node=node,
                millicpus_before=node.millicpus,
                memory_mib_before=node.memory_mib,
                millicpus=size.millicpus,
                memory_mib=size.memory_mib,
            )
    except IntegrityError as error:
        raise SizeChanging from error
    Sandbox.objects.filter(pk=sandbox.pk).update(
        millicpus=sandbox.millicpus + max(0, more_cpus), memory_mib=sandbox.memory_mib + max(0, more_memory)
    )
    notices.session_changed(session.pk)
    tasks.after_commit(tasks.resize_nodes, sandbox.pk)
    return wish


def _ensure_in_range(node: Node, size: Size) -> None:
    cpus = range(node.millicpus_least, node.millicpus_most + 1)
    memory = range(node.memory_mib_least, node.memory_mib_most + 1)
    if size.millicpus not in cpus or size.memory_mib not in memory:
        raise OutOfRange(
            _("%(node)s may have %(least)s to %(most)s processors and %(least_mib)d to %(most_mib)d MiB.")
            % {
                "node": node.name,
                "least": f"{node.millicpus_least / 1000:g}",
                "most": f"{node.millicpus_most / 1000:g}",
                "least_mib": node.memory_mib_least,
                "most_mib": node.memory_mib_most,
            },
            _("Choose a size within this range."),
        )
