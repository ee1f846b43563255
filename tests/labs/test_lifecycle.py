"""The table is its own test."""

from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labs.lifecycle import MOVES, Reason, State, sources_of
from labs.models import Sandbox
from tests.labs.factories import SandboxFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("here", "there"), list(product(State, State)))
def test_a_sandbox_moves_only_along_the_table(here, there):
    sandbox = SandboxFactory(state=here)
    assert sandbox.move(there) is (there in MOVES[here])
    assert sandbox.state == (there if there in MOVES[here] else here)


@pytest.mark.parametrize(("here", "there"), list(product(State, State)))
def test_every_move_leaves_one_line_of_history_and_no_other_does(here, there):
    sandbox = SandboxFactory(state=here)
    sandbox.move(there, reason=Reason.FINISHED)
    assert list(sandbox.events.values_list("state", "reason")) == (
        [(there, Reason.FINISHED)] if there in MOVES[here] else []
    )


def test_the_table_names_every_state_and_leads_every_live_state_to_stopping():
    assert set(MOVES) == set(State)
    assert set(sources_of(State.STOPPING)) == set(State) - {State.STOPPING, State.STOPPED}
    assert MOVES[State.STOPPED] == frozenset()


def test_of_two_actors_that_saw_the_same_state_one_moves():
    sandbox = SandboxFactory(state=State.READY)
    other = Sandbox.objects.get(pk=sandbox.pk)
    assert sandbox.move(State.STOPPING)
    assert not other.move(State.STOPPING)
    assert sandbox.events.count() == 1


def test_a_worker_whose_lease_was_taken_over_moves_nothing():
    sandbox = SandboxFactory(state=State.PROVISIONING)
    token = sandbox.take_lease()
    Sandbox.objects.update(lease_until=None)
    assert Sandbox.objects.get(pk=sandbox.pk).take_lease() == token + 1
    assert not sandbox.move(State.READY, token=token)
    assert sandbox.move(State.READY, token=token + 1)


def test_a_held_lease_is_not_given_twice():
    sandbox = SandboxFactory(state=State.REQUESTED)
    assert sandbox.take_lease() == 1
    assert Sandbox.objects.get(pk=sandbox.pk).take_lease() is None


def test_a_stopped_sandbox_is_leased_to_nobody():
    assert SandboxFactory(state=State.STOPPED).take_lease() is None


def test_beginning_to_stop_closes_the_session():
    session = SessionFactory()
    assert session.sandbox.begin_stop(Reason.EXPIRED)
    session.refresh_from_db()
    assert session.closed_at is not None
    assert session.passed_at is None


@given(wishes=st.lists(st.sampled_from(list(State)), max_size=12))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_whatever_is_wished_history_and_state_agree(wishes):
    sandbox = SandboxFactory(state=State.REQUESTED)
    for wish in wishes:
        sandbox.move(wish)
    walked = [State.REQUESTED, *(State(s) for s in sandbox.events.values_list("state", flat=True))]
    assert walked[-1] == sandbox.state
    assert all(there in MOVES[here] for here, there in pairwise(walked))
