"""Probes carried out: scripts piped into the nodes in batches, and what each came to."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from labs.drivers.base import DriverError, SandboxSpec
from labs.isolation.arena import TARGET, Arena
from labs.isolation.prelude import PRELUDE, REACH
from labs.isolation.probe import Area, Outcome, Probe, Verdict, Who
from labs.isolation.stress import stress

AT_ONCE = 3
DETAIL_CHARS = 300
SLACK_S = 20
MARK = "@@ "
SAID = {"@held": Verdict.HELD, "@broken": Verdict.BROKEN, "@unclear": Verdict.UNCLEAR}
SILENT = "the script ended without a word"


def attack(arena: Arena, areas: Iterable[Area], *, node: str = TARGET) -> Iterator[Outcome]:
    """What became of every probe of ``areas`` on ``node``, as it is known. Floods come one after another."""
    for area in areas:
        plain = [probe for probe in area.probes if not probe.witness and probe.who in _PIPED]
        yield from _in_batches(arena, area, node, plain)
        for probe in area.probes:
            if probe.witness:
                yield _flood(arena, area, node, probe)
            elif probe.who is Who.OUTSIDE:
                yield _granted(arena, area, node, probe)
            elif probe.who is Who.TERMINAL:
                verdict, detail = stress(arena.driver, arena.spec.ref, node, probe.script)
                yield Outcome(area.key, probe.key, verdict, detail)


_PIPED = frozenset({Who.LEARNER, Who.CHECKER})


def _in_batches(arena: Arena, area: Area, node: str, probes: list[Probe]) -> Iterator[Outcome]:
    batches = [
        batch
        for who in sorted(_PIPED)
        for batch in _pieces([probe for probe in probes if probe.who is who], area.together)
    ]
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        for outcomes in crowd.map(lambda batch: _run(arena, area, node, batch), batches):
            yield from outcomes


def _run(arena: Arena, area: Area, node: str, probes: list[Probe]) -> list[Outcome]:
    try:
        told = say(
            arena, arena.spec, node, {p.key: p.script for p in probes}, probes[0].who, _patience(probes)
        )
    except DriverError as error:
        return [Outcome(area.key, probe.key, Verdict.UNCLEAR, str(error)[:DETAIL_CHARS]) for probe in probes]
    return [Outcome(area.key, probe.key, *told.get(probe.key, (Verdict.UNCLEAR, SILENT))) for probe in probes]


def _flood(arena: Arena, area: Area, node: str, probe: Probe) -> Outcome:
    """The witness's word while the flood goes on; the node is as before afterwards."""
    patience = _patience([probe])
    try:
        rose = _quietly(lambda: say(arena, arena.spec, node, {probe.key: probe.script}, probe.who, patience))
        if rose and rose[probe.key][0] is Verdict.UNCLEAR and rose[probe.key][1] != SILENT:
            return Outcome(area.key, probe.key, *rose[probe.key])
        other = arena.neighbour
        told = say(arena, other, other.nodes[0].name, {probe.key: probe.witness}, Who.LEARNER, patience)
        return Outcome(area.key, probe.key, *told[probe.key])
    except DriverError as error:
        return Outcome(area.key, probe.key, Verdict.BROKEN, str(error)[:DETAIL_CHARS])
    finally:
        clean = {probe.key: probe.clean}
        if _quietly(lambda: say(arena, arena.spec, node, clean, probe.who, patience)) is None:
            arena.driver.restart(arena.spec, node)


def _granted(arena: Arena, area: Area, node: str, probe: Probe) -> Outcome:
    try:
        found = arena.driver.granted(arena.spec.ref).get(node, {})
    except DriverError as error:
        return Outcome(area.key, probe.key, Verdict.UNCLEAR, str(error)[:DETAIL_CHARS])
    wrong = [
        f"{word}: {found.get(word)}" for word, value in probe.granted.items() if found.get(word) != value
    ]
    return Outcome(area.key, probe.key, Verdict.BROKEN if wrong else Verdict.HELD, ", ".join(wrong))


def say(
    arena: Arena, spec: SandboxSpec, node: str, scripts: Mapping[str, str], who: Who, patience_s: int
) -> dict[str, tuple[Verdict, str]]:
    """The word of each script, run one after another on ``node``. Raises DriverError."""
    uid = spec.checker_uid if who is Who.CHECKER else spec.uid
    text = batch_text(scripts, arena.facts(node) if spec is arena.spec else arena_facts(arena, spec))
    found = arena.driver.run(spec.ref, node, text, uid=uid, gid=spec.uid, timeout_s=patience_s)
    told = read(found.output)
    return {key: told.get(key, (Verdict.UNCLEAR, SILENT)) for key in scripts}


def arena_facts(arena: Arena, spec: SandboxSpec) -> Mapping[str, str]:
    """What a witness in the neighbour is told: the same names, with its own addresses."""
    return {
        "OWN_UID": str(spec.uid),
        "NEIGHBOURS_SIBLING": spec.nodes[-1].address,
        "SIBLING": spec.nodes[-1].address,
        "NEIGHBOUR": arena.spec.nodes[0].address,
    }


def batch_text(scripts: Mapping[str, str], facts: Mapping[str, str], patience_s: int = 14) -> str:
    """One script that runs every one of ``scripts`` in a shell of its own and frames what it says. Pure."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in facts.items()]
    lines += [f"export REACH={shlex.quote(REACH)}", f"export PRELUDE={shlex.quote(PRELUDE)}", "cd /tmp"]
    for key, script in scripts.items():
        text = shlex.quote(f'eval "$PRELUDE"\n{script}\nheld\n')
        lines.append(f"printf '\\n{MARK}{key}\\n'")
        lines.append(f"timeout -k 1 {patience_s} sh -c {text} 2>&1 </dev/null | tail -c {DETAIL_CHARS}")
    return "\n".join(lines) + "\n"


def read(output: str) -> dict[str, tuple[Verdict, str]]:
    """What a batch said, by probe; a probe that did not say anything final is unclear. Pure."""
    told: dict[str, tuple[Verdict, str]] = {}
    for part in f"\n{output}".split(f"\n{MARK}")[1:]:
        key, _, rest = part.partition("\n")
        word = next((line for line in rest.splitlines() if line.split(" ")[0] in SAID), "")
        said, _, detail = word.partition(" ")
        tail = rest[rest.find(word) + len(word) :] if word else rest
        detail = f"{detail} {' '.join(tail.split())}".strip()[:DETAIL_CHARS]
        told[key] = (SAID[said], detail) if word else (Verdict.UNCLEAR, detail or SILENT)
    return told


def _pieces(probes: list[Probe], size: int) -> Iterator[list[Probe]]:
    rest = iter(probes)
    while piece := list(islice(rest, size)):
        yield piece


def _patience(probes: list[Probe]) -> int:
    return min(110, SLACK_S + 4 * len(probes))


def _quietly(
    verb: Callable[[], dict[str, tuple[Verdict, str]]],
) -> dict[str, tuple[Verdict, str]] | None:
    try:
        return verb()
    except DriverError:
        return None
