"""Usage that no machine had: what an installation that is only shown finds in the ledger of months that are over."""

import secrets
from datetime import datetime, timedelta

from labs.lifecycle import State
from labs.models import Lab, Meter, Node, Sandbox, UsageEntry


def enter(
    lab: Lab, *, learner: int, organisation: int, began_at: datetime, minutes: int, cpu_percent: int
) -> None:
    """One sitting of ``lab`` is in the ledger, sealed as metered ones are; its programs used so much of what they held."""
    sandbox = Sandbox(ref=f"shown{secrets.token_hex(6)}")
    entries = []
    for node in (Node.wanted(sandbox, wish) for wish in lab.nodes):
        meter = Meter(
            sandbox=sandbox,
            node=node.name,
            state=State.READY,
            learner_id=learner,
            organisation_id=organisation,
            lab=lab.slug,
            millicpus=node.millicpus,
            memory_mib=node.limit_mib,
            since=began_at,
            # A millicpu for a minute is 60,000,000 ns; a hundredth of it:
            counter=node.millicpus * minutes * cpu_percent * 600_000,
        )
        entries.append(meter.cut(began_at + timedelta(minutes=minutes)))
    UsageEntry.objects.bulk_create(entry for entry in entries if entry is not None)
