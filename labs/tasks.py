"""Messages to the workers: ids in, rows out. Each may run twice or be lost; the sweep repairs."""

from typing import Any

from celery import shared_task
from django.db import transaction

from labs import (
    grading,
    metering,
    pool,
    provisioning,
    queueing,
    resizing,
    snapshots,
    snapshotting,
    suspending,
    sweeping,
)
from labs.egress import ledger
from labs.lifecycle import Reason
from labs.metering import budgets, quotas, statements
from labs.recordings import keeping

# How soon a stop is asked for again that waits for the recorder.
RECORDING_PAUSE_S = 1


def after_commit(task: Any, *ids: object, after_s: float | None = None) -> None:
    """``task`` is enqueued once the current transaction is committed; a broker that is away fails nothing.

    It is begun no sooner than ``after_s`` seconds later, where that is asked for.
    """

    def enqueue() -> None:
        # No partial: Django's log asks for the name of what failed, and one that has none fails the request after all.
        task.apply_async(ids, countdown=after_s)

    transaction.on_commit(enqueue, robust=True)


@shared_task
def provision(sandbox_id: int) -> None:
    provisioning.provision(sandbox_id)
    snapshotting.carry_homes(sandbox_id)


@shared_task
def stop(sandbox_id: int, reason: str = "") -> None:
    if provisioning.stop(sandbox_id, reason):
        admit()
    else:
        stop.apply_async((sandbox_id,), countdown=RECORDING_PAUSE_S)


@shared_task
def admit() -> None:
    owed = queueing.admit()
    for task, ids in ((stop, owed.stop), (provision, owed.provision)):
        for sandbox_id in ids:
            task.delay(sandbox_id)


@shared_task
def restart_nodes(sandbox_id: int) -> None:
    provisioning.restart_nodes(sandbox_id)


@shared_task
def settle(sandbox_id: int) -> None:
    awaited = suspending.settle(sandbox_id)
    snapshotting.carry_homes(sandbox_id)
    if awaited.restart:
        restart_nodes.delay(sandbox_id)
    for pk in awaited.checks:
        check_work.delay(str(pk))


@shared_task
def resize_nodes(sandbox_id: int) -> None:
    resizing.resize_nodes(sandbox_id)


@shared_task
def carry_homes(sandbox_id: int) -> None:
    snapshotting.carry_homes(sandbox_id)


@shared_task
def forget_snapshots() -> None:
    snapshots.forget_old()


@shared_task
def check_work(request_id: str) -> None:
    finished = grading.check_work(request_id)
    if finished is not None:
        stop.delay(finished)


@shared_task
def thaw(sandbox_id: int) -> None:
    pool.thaw(sandbox_id)


@shared_task
def refill() -> None:
    owed = pool.refill()
    for task, ids in ((thaw, owed.thaw), (stop, owed.stop), (provision, owed.provision)):
        for pk in ids:
            task.delay(pk)


@shared_task
def forget_recordings() -> None:
    keeping.forget_old()


@shared_task
def forget_egress() -> None:
    ledger.forget_old()


@shared_task
def sweep() -> None:
    owed = sweeping.sweep()
    for task, ids in (
        (provision, owed.provision),
        (stop, owed.stop),
        (settle, owed.settle),
        (resize_nodes, owed.resize),
        (carry_homes, owed.carry),
        (restart_nodes, owed.restart),
        (check_work, [str(pk) for pk in owed.checks]),
    ):
        for pk in ids:
            task.delay(pk)


@shared_task
def sample() -> None:
    metering.sample()
    due = budgets.watch()
    for pk in {*due.stop, *quotas.watch().stop}:
        stop.delay(pk, Reason.QUOTA)
    for pk in due.mail:
        mail_warning.delay(pk)


@shared_task
def mail_warning(warning_id: int) -> None:
    budgets.mail_warning(warning_id)


@shared_task
def issue_statements() -> None:
    statements.issue_due()
