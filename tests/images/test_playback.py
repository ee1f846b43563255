"""Each lab's solution typed into its terminals on the real engine, as instructors have it played to a class."""

import asyncio
from collections.abc import Callable

import pytest

from labs.playback.splitting import commands
from labs.playback.typist import AT_ONCE, Typist
from tests.images.conftest import LABS, Machines
from tests.images.test_labs import passed

pytestmark = pytest.mark.docker


async def typed(machines: Machines, step: str) -> None:
    for of_step, node, script in machines.lab.solve_order():
        if of_step == step:
            async with Typist(machines.driver, machines.spec.ref, node) as typist:
                for command in commands(script):
                    await typist.play(command, AT_ONCE)


@pytest.mark.parametrize("slug", LABS)
def test_a_lab_is_passed_by_its_solution_typed_step_by_step(slug: str, start: Callable[[str], Machines]):
    machines = start(slug)
    for step in machines.lab.manifest.steps:
        asyncio.run(typed(machines, step.id))
        found = machines.check(step.id)
        assert passed(found) == set(found), (step.id, {k: (f.reason, f.output) for k, f in found.items()})
    at_the_end = machines.check()
    assert passed(at_the_end) == set(at_the_end), {k: (f.reason, f.output) for k, f in at_the_end.items()}
