"""What learners ask of machines that run: another size. The wish becomes a row, a worker hears of it after commit."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from labs import notices, scheduling, tasks
from labs.models import LabSession, Node, Resize, Sandbox
from labs.refusals import OutOfRange, SizeChanging
from labs.sessions import restable


@dataclass(frozen=True)
class Size:
    """What a node's programs get: thousandths of a processor, and MiB."""

    millicpus: int
    memory_mib: int


@transaction.atomic
def resize_node(session: LabSession, name: str, size: Size) -> Resize | None:
    """The node is to have ``size`` while it runs; None when it has it already. The host's room for more is taken at once.

    Raises SessionClosed, NotReady, Node.DoesNotExist, OutOfRange, SizeChanging, or HostFull.
    """
    host = scheduling.take_turns()
    sandbox = restable(session)
    node = sandbox.nodes.get(name=name)
    _ensure_in_range(node, size)
    if (node.millicpus, node.memory_mib) == (size.millicpus, size.memory_mib):
        return None
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
