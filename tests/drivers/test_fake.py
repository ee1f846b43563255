"""What tests may ask of the fake engine beyond the contract."""

import pytest

from labs.drivers.base import DriverBusy, DriverOptions, NodeGone, RunResult, SubnetTaken
from labs.drivers.fake import FakeDriver, Run
from tests.drivers.conftest import spec_of


@pytest.fixture
def fake() -> FakeDriver:
    return FakeDriver(DriverOptions("test", "/nowhere"))


def test_a_verb_fails_as_often_as_told(fake: FakeDriver):
    fake.fail("create", DriverBusy("not now"), times=2)
    spec = spec_of()
    for _attempt in range(2):
        with pytest.raises(DriverBusy, match="not now"):
            fake.create(spec)
    fake.create(spec)
    assert fake.calls == [("create", spec.ref)] * 3


def test_a_script_is_answered_as_told_last(fake: FakeDriver):
    spec = spec_of()
    fake.create(spec)
    fake.answer("curl", RunResult(1, "no-listener\n", 3))
    fake.answer("curl localhost", lambda run: RunResult(0, f"{run.node} {run.uid}\n", 3))
    ask = {"uid": 7, "gid": 6, "timeout_s": 5}
    assert fake.run(spec.ref, "node", "curl elsewhere", **ask).output == "no-listener\n"
    assert fake.run(spec.ref, "node", "curl localhost", **ask).output == "node 7\n"
    assert fake.runs[0] == Run(spec.ref, "node", "curl elsewhere", 7, 6)


def test_a_taken_subnet_is_refused(fake: FakeDriver):
    spec = spec_of()
    fake.taken_subnets.add(spec.subnet)
    with pytest.raises(SubnetTaken):
        fake.create(spec)


async def test_a_lost_sandbox_is_gone(fake: FakeDriver):
    spec = spec_of()
    fake.create(spec)
    fake.lose(spec.ref)
    assert fake.list_refs() == set()
    with pytest.raises(NodeGone):
        await fake.attach(spec.ref, "node", 1, offset=0)


def test_resetting_forgets_everything(fake: FakeDriver):
    fake.create(spec_of())
    fake.fail("destroy", DriverBusy("no"))
    fake.reset()
    fake.destroy("anything")
    assert fake.list_refs() == set()
    assert fake.calls == [("destroy", "anything"), ("list_refs", "")]
