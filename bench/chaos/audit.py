"""What is left when every life is over: asked of the engine, the disk and the database."""

import json
import time
from dataclasses import dataclass

import docker

from tests.stack import Stack

SETTLE_S = 120
# Printed by the installation's own manage.py, so that its database is asked with its own settings.
ROWS = """
import json
from django.db.models import Count
from labs.lifecycle import State
from labs.models import LabSession, Sandbox
live = list(Sandbox.objects.live().filter(session__isnull=False).values_list("ref", flat=True))
twice = list(Sandbox.objects.filter(session__isnull=False).values("session").annotate(n=Count("pk"))
    .filter(n__gt=1).values_list("session", flat=True))
reasons = dict(Sandbox.objects.filter(state=State.STOPPED).order_by().values_list("reason").annotate(n=Count("pk")))
print("AUDIT" + json.dumps({
    "live": live, "open": LabSession.objects.open().count(), "twice": [str(pk) for pk in twice], "reasons": reasons,
}))
"""
# Intervals of one node that overlap, miss one another or count a cgroup's nanoseconds twice, and meters that still run.
CHARGES = """
import json
from labs.lifecycle import State
from labs.models import Meter, UsageEntry
wrong, before = [], {}
for entry in UsageEntry.objects.order_by("ref", "node", "sequence").iterator():
    place = f"{entry.ref}/{entry.node}"
    last = before.get(place)
    if last is not None and (
        entry.sequence != last.sequence + 1
        or entry.began_at < last.ended_at
        or (entry.epoch == last.epoch and entry.counter_start != last.counter_end)
    ):
        wrong.append(f"{place} {entry.sequence}")
    before[place] = entry
running = Meter.objects.running().filter(sandbox__state=State.STOPPED)
wrong += [f"{meter} still runs" for meter in running.select_related("sandbox")]
print("AUDIT" + json.dumps(wrong))
"""


@dataclass(frozen=True)
class Left:
    """Everything that should not be there any more, each as its count."""

    containers: int
    networks: int
    volumes: int
    folders: int
    rows: int
    double_charges: int
    reasons: dict[str, int]

    @property
    def total(self) -> int:
        return self.containers + self.networks + self.volumes + self.folders + self.rows + self.double_charges


def ask(stack: Stack, script: str) -> object:
    """What ``script`` printed behind the word AUDIT."""
    said = stack.manage("shell", "-c", script)
    return json.loads(said.rpartition("AUDIT")[2])


def audit(stack: Stack, client: docker.APIClient) -> Left:
    """What is left once nothing changes any more, or SETTLE_S after the last life."""
    deadline = time.monotonic() + SETTLE_S
    while (left := _look(stack, client)).total and time.monotonic() < deadline:
        time.sleep(2)
    return left


def _look(stack: Stack, client: docker.APIClient) -> Left:
    rows = ask(stack, ROWS)
    charges = ask(stack, CHARGES)
    assert isinstance(rows, dict)
    assert isinstance(charges, list)
    label = {"label": f"yunlian.installation={stack.installation_id}"}
    folders = [path for path in (stack.var / "keepers").glob("[!.]*") if path.is_dir()]
    return Left(
        containers=len(client.containers(all=True, filters=label)),
        networks=len(client.networks(filters=label)),
        volumes=len((client.volumes(filters=label) or {}).get("Volumes") or []),
        folders=len(folders),
        rows=len(rows["live"]) + rows["open"] + len(rows["twice"]),
        double_charges=len(charges),
        reasons=rows["reasons"],
    )
