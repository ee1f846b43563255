"""The whole self-test of this host, kept as a row for the operators' page."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from labs.drivers.base import Driver, DriverBusy, DriverError, NodeSpec, SandboxSpec
from labs.engine import isolation_driver
from labs.isolation.arena import IMAGE, SIBLING, TARGET, Arena, create, host_services, sandbox, serve
from labs.isolation.attack import attack
from labs.isolation.probe import Outcome
from labs.isolation.probes import AREAS
from labs.models import IsolationReport

Report = Callable[[Outcome], None]


def run_selftest(say: Report = lambda outcome: None) -> IsolationReport:
    """Every probe was tried and what came of it is a row; ``say`` hears of each at once.

    Nothing of it is left on the engine. Raises DriverBusy while another self-test runs here, DriverError when no
    sandbox can be made at all.
    """
    driver = isolation_driver()
    problem = driver.problem()
    if problem:
        raise DriverError(f"{problem.message} {problem.remedy}")
    began = timezone.now()
    outcomes: list[Outcome] = []
    with _alone(), _arena(driver) as arena:
        for outcome in attack(arena, AREAS):
            outcomes.append(outcome)
            say(outcome)
    return IsolationReport.objects.create(
        host_name=os.uname().nodename,
        began_at=began,
        outcomes=[asdict(outcome) for outcome in outcomes],
        held=sum(outcome.holds for outcome in outcomes),
        failed=sum(not outcome.holds for outcome in outcomes),
    )


@contextmanager
def _arena(driver: Driver) -> Iterator[Arena]:
    """Two sandboxes with two nodes each, made as a learner's would be; they are gone afterwards."""
    _clear(driver)
    try:
        with host_services() as (port, addresses):
            target, neighbour = (_create(driver, *names) for names in ((TARGET, SIBLING), ("next", "beside")))
            for spec in (target, neighbour):
                for node in spec.nodes[0 if spec is neighbour else 1 :]:
                    serve(driver, spec, node.name)
            yield Arena(driver, target, neighbour, addresses, port)
    finally:
        _clear(driver)


def _create(driver: Driver, *names: str) -> SandboxSpec:
    subnets, prefix = settings.SANDBOX_SUBNETS, settings.SANDBOX_SUBNET_PREFIX
    nodes = (NodeSpec(name, IMAGE, "") for name in names)
    spec = sandbox(settings.SANDBOX_UIDS, subnets, prefix, *(replace(node, home_mib=16) for node in nodes))
    return create(driver, spec, subnets, prefix)


def _clear(driver: Driver) -> None:
    for ref in driver.list_refs():
        driver.destroy(ref)


@contextmanager
def _alone() -> Iterator[None]:
    path = Path(settings.SANDBOX_RUN_DIR).with_name("isolation.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DriverBusy("Another self-test runs on this host.") from error
        yield
