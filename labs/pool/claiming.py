"""A sandbox leaves the pool for one learner: one compare-and-set, and its machines go on after the commit."""

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction

from labs.drivers.base import DriverError
from labs.engine import get_driver
from labs.lifecycle import State
from labs.models import Expectation, ImageSet, Lab, LabSession, Sandbox
from labs.models.pool import key_of, machines_of

log = logging.getLogger(__name__)

TRIES = 8


def claim(session: LabSession) -> Sandbox | None:
    """A sandbox of exactly the lab's machines, from now on this session's and READY; None when none waits.

    Call it in the transaction that opens the session, once it is known that there is room for the lab: what waits
    holds its memory, but no processors. Call ``thaw_at_once`` after the commit: if that is lost, the sweep of the pool
    does it. The compare-and-set alone keeps two learners apart, whatever locks are held.
    """
    if not settings.SANDBOX_POOL_PERCENT:
        return None
    key = key_of(machines_of(session.lab, exam=session.is_exam))
    alike = Sandbox.objects.pooled().filter(image_set__key=key).order_by("pk")
    for _try in range(TRIES):
        sandbox = alike.first()
        if sandbox is None:
            return None
        if sandbox.hand_over(session):
            # Its meter reads the move in its history, with the moment, at the next reading: a claim waits for nothing.
            return sandbox
    return None


def thaw_at_once(sandbox: Sandbox) -> bool:
    """The claimed sandbox goes on without a worker's help; False when a worker must do it. For web processes."""
    if sandbox.frozen_at is None:
        return True
    try:
        if not get_driver().thaw(sandbox.ref):
            return False
    except DriverError as error:
        log.warning("sandbox %s could not be thawed at once: %s", sandbox.ref, error)
        return False
    _note_thawed(sandbox.pk)
    return True


def thaw(sandbox_id: int) -> None:
    """The claimed sandbox goes on. Repeating changes nothing; what fails is repeated by the sweep of the pool."""
    sandbox = Sandbox.objects.still_frozen().filter(pk=sandbox_id).first()
    if sandbox is None:
        return
    try:
        get_driver().resume(sandbox.ref)
    except DriverError as error:
        log.warning("sandbox %s could not be thawed yet: %s", sandbox.ref, error)
        return
    _note_thawed(sandbox_id)


def _note_thawed(sandbox_id: int) -> None:
    Sandbox.objects.filter(pk=sandbox_id, state=State.READY).update(frozen_at=None)


@transaction.atomic
def expect(lab: Lab, seats: int, until: datetime) -> None:
    """So many sandboxes of ``lab`` are made ready and kept until then; 0 withdraws it. Repeating replaces."""
    if seats <= 0:
        Expectation.objects.filter(lab=lab).delete()
        return
    Expectation.objects.update_or_create(
        lab=lab,
        defaults={"image_set": ImageSet.objects.for_lab(lab), "seats": seats, "until": until},
    )
