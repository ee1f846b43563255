"""A session gets its machines: the rows that a worker then makes real."""

from labs.models import LabSession, Node, Sandbox
from labs.scheduling.addresses import free_subnet, free_uid
from labs.scheduling.amounts import Amount


def seat(session: LabSession, need: Amount) -> Sandbox:
    """The session's sandbox is asked for; call it with the turn taken.

    Raises HostFull, before anything is written, when no uid or subnet is left.
    """
    uid, subnet = free_uid(), free_subnet()
    sandbox = Sandbox.objects.create(
        session=session, uid=uid, subnet=subnet, millicpus=need.millicpus, memory_mib=need.memory_mib
    )
    Node.objects.bulk_create(Node.wanted(sandbox, wish) for wish in session.lab.nodes)
    sandbox.record(sandbox.state)
    return sandbox
