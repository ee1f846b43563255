"""A session gets its machines: the rows that a worker then makes real."""

from datetime import datetime, timedelta

from labs.models import Booking, Lab, LabSession, Node, Sandbox
from labs.models.pool import machines_of
from labs.scheduling.addresses import free_subnet, free_uid
from labs.scheduling.amounts import Amount


def ends_at(lab: Lab, booking: Booking | None, begins_at: datetime) -> datetime:
    """When a session that begins then is over: after the lab's time, and with its class where it has a seat in one."""
    end = begins_at + timedelta(minutes=lab.minutes)
    return min(end, booking.ends_at) if booking is not None and booking.ends_at > begins_at else end


def seat(session: LabSession, need: Amount) -> Sandbox:
    """The session's sandbox is asked for; call it with the turn taken.

    Raises HostFull, before anything is written, when no uid or subnet is left.
    """
    uid, subnet = free_uid(), free_subnet()
    sandbox = Sandbox.objects.create(
        session=session, uid=uid, subnet=subnet, millicpus=need.millicpus, memory_mib=need.memory_mib
    )
    Node.objects.bulk_create(
        Node.wanted(sandbox, wish) for wish in machines_of(session.lab, exam=session.is_exam)
    )
    sandbox.record(sandbox.state)
    return sandbox
