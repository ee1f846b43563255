"""docs/isolation-probes.md, made from the probes themselves; a test holds the two together."""

from labs.isolation.probe import Probe
from labs.isolation.probes import AREAS

HEAD = """# The probes of the isolation self-test

Made by `python manage.py isolation_selftest --document > docs/isolation-probes.md`; do not edit by hand.

`python manage.py isolation_selftest` starts a sandbox as learners get it and a neighbour, tries each of these attacks
and says for each whether it **held**, is **broken** (the attack worked) or **unclear** (it failed, but not in the way it
must; that counts as a failure). *Guards* are the measures of which each, removed alone, makes the probe fail;
`tests/drivers/test_measures.py` removes them one by one.
"""


def document() -> str:
    """The page, with every probe by area."""
    parts = [HEAD, f"{sum(len(area.probes) for area in AREAS)} probes in {len(AREAS)} areas.\n"]
    for area in AREAS:
        parts.append(f"## {area.key}\n")
        parts.append("| probe | the attack | by | guards |\n|---|---|---|---|")
        parts.append("\n".join(_row(probe) for probe in area.probes) + "\n")
    return "\n".join(parts)


def _row(probe: Probe) -> str:
    who = f"{probe.who}, against the neighbour" if probe.witness else str(probe.who)
    return f"| `{probe.key}` | {probe.says} | {who} | {', '.join(sorted(probe.guards))} |"
