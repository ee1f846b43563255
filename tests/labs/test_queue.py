"""When all places are taken: who waits where, who is let in next, and how a place is lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone

from community.models import ApiToken, Membership, Organisation
from labs import bodies, provisioning, queueing, sessions, sweeping, tasks, terminals
from labs.lifecycle import Reason, StartKind, State
from labs.models import Allowance, LabSession, Outcome, QueuePlace, Sandbox
from labs.refusals import HostFull, NotReady, QuotaExceeded
from tests.labs.factories import LabFactory, LearnerFactory, node

pytestmark = pytest.mark.django_db


def organisation(name: str, *members, weight: int = 1) -> None:
    made = Organisation.objects.create(slug=name, name_zh=name, name_en=name)
    Allowance.objects.create(organisation=made, weight=weight)
    Membership.objects.bulk_create(Membership(organisation=made, person=person) for person in members)


def line() -> list[str]:
    """The names of those who wait, in the order of their positions."""
    rows = QueuePlace.objects.waiting().order_by("position")
    assert [place.position for place in rows] == list(range(1, len(rows) + 1))
    return [place.session.learner.username for place in rows.select_related("session__learner")]


@pytest.fixture
def one_seat(settings, lab):
    """A host with room for one sandbox of ``lab``, and somebody in it."""
    settings.SANDBOX_CAPACITY_CPUS = 0.5
    return sessions.start_lab(LearnerFactory(username="inside"), lab)


def joined(name: str, lab, *, minutes_ago: float = 0) -> LabSession:
    session = sessions.start_lab(LearnerFactory(username=name), lab)
    if minutes_ago:
        moment = timezone.now() - timedelta(minutes=minutes_ago)
        QueuePlace.objects.filter(session=session).update(joined_at=moment)
        queueing.admit()
    return session


def test_when_all_places_are_taken_the_session_is_open_and_waits(engine, one_seat, lab):
    session = joined("first", lab)
    body = bodies.session_body(session)
    assert session.is_open
    assert session.is_new
    assert (body["state"], body["queue"]["position"], body["queue"]["of"]) == ("queued", 1, 1)
    assert session.sandbox is None


def test_starting_again_gives_the_same_place(engine, one_seat, lab, learner):
    first = sessions.start_lab(learner, lab)
    assert sessions.start_lab(learner, lab) == first
    assert QueuePlace.objects.count() == 1


def test_the_expected_wait_is_a_range_up_to_when_the_one_inside_must_leave(engine, one_seat, lab):
    low, high = bodies.session_body(joined("first", lab))["queue"]["expected_s"]
    assert 0 < low < high
    assert high == pytest.approx(lab.minutes * 60, abs=5)


def test_when_somebody_leaves_the_first_in_line_is_let_in_and_gets_machines(engine, committed, one_seat, lab):
    first, second = joined("first", lab), joined("second", lab)
    committed(sessions.abandon, one_seat)
    first.refresh_from_db()
    assert first.sandbox.state == State.READY
    assert first.place.outcome == Outcome.ADMITTED
    assert line() == ["second"]
    assert second.sandbox is None


def test_the_time_of_a_session_begins_when_it_is_let_in(engine, committed, one_seat, lab):
    first = joined("first", lab)
    LabSession.objects.filter(pk=first.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    sweeping.sweep()
    committed(sessions.abandon, one_seat)
    first.refresh_from_db()
    assert first.is_open
    assert first.expires_at - first.opened_at == timedelta(minutes=lab.minutes)


def test_the_sweep_lets_in_when_the_message_was_lost(engine, one_seat, lab):
    first = joined("first", lab)
    sessions.abandon(one_seat)
    provisioning.stop(one_seat.sandbox.pk)
    assert sweeping.sweep().provision == [first.sandbox.pk]


def test_letting_in_twice_lets_in_once(engine, one_seat, lab):
    joined("first", lab)
    joined("second", lab)
    provisioning.stop(one_seat.sandbox.pk, Reason.ABANDONED)
    assert [len(queueing.admit().provision) for _time in range(2)] == [1, 0]


def test_a_newcomer_does_not_slip_past_those_who_wait(engine, one_seat, lab):
    first = joined("first", lab)
    provisioning.stop(one_seat.sandbox.pk, Reason.ABANDONED)
    joined("late", lab)
    first.refresh_from_db()
    assert first.sandbox is not None
    assert line() == ["late"]


def test_a_large_lab_is_not_passed_over_for_small_ones(engine, settings, lab):
    settings.SANDBOX_CAPACITY_CPUS = 1
    inside = [sessions.start_lab(LearnerFactory(), lab) for _n in range(2)]
    joined("large", LabFactory(nodes=[node(cpus=1)]), minutes_ago=1)
    joined("small", lab)
    provisioning.stop(inside[0].sandbox.pk, Reason.FINISHED)
    assert queueing.admit().provision == []
    assert line() == ["large", "small"]
    provisioning.stop(inside[1].sandbox.pk, Reason.FINISHED)
    assert len(queueing.admit().provision) == 1
    assert line() == ["small"]


def test_who_has_had_least_lately_comes_first(engine, settings, lab):
    settings.SANDBOX_CAPACITY_CPUS = 0.5
    busy = LearnerFactory(username="busy")
    sessions.start_lab(busy, lab)
    sandbox = Sandbox.objects.get()
    Sandbox.objects.update(requested_at=timezone.now() - timedelta(minutes=30))
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    joined("inside", lab)
    sessions.start_lab(busy, lab)
    joined("fresh", lab)
    assert line() == ["fresh", "busy"]


def test_waiting_makes_up_for_what_one_has_had(engine, settings, lab):
    settings.SANDBOX_CAPACITY_CPUS = 0.5
    settings.LABS_FAIR_AGEING_PERCENT = 100
    busy = LearnerFactory(username="busy")
    sessions.start_lab(busy, lab)
    sandbox = Sandbox.objects.get()
    Sandbox.objects.update(requested_at=timezone.now() - timedelta(minutes=30))
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    joined("inside", lab)
    waits = sessions.start_lab(busy, lab)
    QueuePlace.objects.filter(session=waits).update(joined_at=timezone.now() - timedelta(minutes=31))
    joined("fresh", lab)
    assert line() == ["busy", "fresh"]


def test_organisations_take_turns_by_weight(engine, one_seat, lab):
    heavy = [LearnerFactory(username=f"heavy{n}") for n in range(4)]
    light = [LearnerFactory(username=f"light{n}") for n in range(4)]
    organisation("heavy", *heavy, weight=3)
    organisation("light", *light)
    moment = timezone.now()
    for person in heavy + light:
        session = sessions.start_lab(person, lab)
        QueuePlace.objects.filter(session=session).update(joined_at=moment)
    queueing.admit()
    assert [name[:5] for name in line()[:4]].count("heavy") == 3


def test_a_place_is_kept_for_a_while_and_then_lapses_with_the_reason(engine, one_seat, lab, settings):
    first, second = joined("first", lab), joined("second", lab)
    away = timezone.now() - timedelta(minutes=settings.LABS_QUEUE_KEEP_MINUTES)
    QueuePlace.objects.filter(session=first).update(seen_at=away + timedelta(seconds=30))
    queueing.admit()
    assert line() == ["first", "second"]
    QueuePlace.objects.filter(session=first).update(seen_at=away - timedelta(seconds=1))
    sweeping.sweep()
    assert line() == ["second"]
    first.refresh_from_db()
    body = bodies.session_body(first)
    assert not first.is_open
    assert (body["state"], body["reason"]) == ("stopped", "lapsed")
    assert "10" in body["message"]
    assert second.waiting_place is not None


def test_being_seen_keeps_the_place(engine, one_seat, lab):
    first = joined("first", lab)
    QueuePlace.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    queueing.seen(first.pk)
    queueing.admit()
    assert line() == ["first"]


def test_giving_up_a_place_closes_the_session_and_moves_the_others_up(engine, committed, one_seat, lab):
    first = joined("first", lab)
    joined("second", lab)
    committed(sessions.abandon, first)
    assert line() == ["second"]
    assert not first.is_open
    assert bodies.session_body(first)["reason"] == "left"
    committed(sessions.abandon, first)
    assert first.place.outcome == Outcome.LEFT


def test_who_waits_for_one_lab_starts_no_other(engine, one_seat, lab, learner):
    sessions.start_lab(learner, lab)
    with pytest.raises(QuotaExceeded):
        sessions.start_lab(learner, LabFactory())


def test_in_the_queue_nothing_is_checked_extended_or_restarted(engine, one_seat, lab):
    first = joined("first", lab)
    for verb in (sessions.finish_lab, sessions.extend_time, lambda s: sessions.restart_node(s, "box")):
        with pytest.raises(NotReady):
            verb(first)


def test_seats_kept_for_exams_are_given_to_exams_alone(engine, settings, lab):
    settings.SANDBOX_CAPACITY_CPUS = 2
    settings.LABS_EXAM_PERCENT = 50
    kinds = [StartKind.PRACTICE] * 3 + [StartKind.EXAM] * 3
    started = [sessions.start_lab(LearnerFactory(), lab, kind) for kind in kinds]
    assert [session.sandbox is not None for session in started] == [True, True, False, True, True, False]


def test_a_lab_too_large_for_the_seats_of_practice_is_refused_at_once(engine, settings, learner):
    settings.SANDBOX_CAPACITY_CPUS = 2
    settings.LABS_EXAM_PERCENT = 50
    lab = LabFactory(nodes=[node(cpus=1.5)])
    with pytest.raises(HostFull):
        sessions.start_lab(learner, lab)
    assert sessions.start_lab(learner, lab, StartKind.EXAM).sandbox is not None


def test_who_no_longer_fits_after_the_host_shrank_is_in_nobodys_way(engine, settings, lab):
    settings.SANDBOX_CAPACITY_CPUS = 2
    inside = sessions.start_lab(LearnerFactory(), LabFactory(nodes=[node(cpus=2)]))
    joined("large", LabFactory(nodes=[node(cpus=2)]), minutes_ago=5)
    joined("small", lab)
    settings.SANDBOX_CAPACITY_CPUS = 1
    provisioning.stop(inside.sandbox.pk, Reason.FINISHED)
    assert len(queueing.admit().provision) == 1
    assert line() == ["large"]


def client_of(person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def test_the_page_of_a_waiting_session_shows_the_place_and_the_way_out(engine, one_seat, lab, learner):
    session = sessions.start_lab(learner, lab)
    page = client_of(learner).get(f"/en/labs/sessions/{session.pk}/").content.decode()
    assert "You are in the queue" in page
    assert "1 / 1" in page
    assert "Give up my place" in page


def test_a_lapsed_place_is_explained_on_the_page_of_the_session(engine, one_seat, lab, learner):
    session = sessions.start_lab(learner, lab)
    queueing.leave(session, Outcome.LAPSED)
    page = client_of(learner).get(f"/en/labs/sessions/{session.pk}/").content.decode()
    assert "Your place in the queue has lapsed" in page
    assert "Start the lab again" in page


def test_over_rest_a_start_is_queued_and_looking_keeps_the_place(engine, one_seat, lab, learner):
    program = Client(headers={"authorization": f"Bearer {ApiToken.issue(learner)}"})
    answer = program.post("/api/v1/lab-sessions", {"lab": lab.slug}, content_type="application/json")
    body = answer.json()
    assert (answer.status_code, body["state"], body["queue"]["position"]) == (201, "queued", 1)
    QueuePlace.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    path = f"/api/v1/lab-sessions/{body['id']}"
    assert program.get(path).json()["state"] == "queued"
    queueing.admit()
    assert line() == [learner.username]
    ended = program.delete(path).json()
    assert (ended["state"], ended["reason"], ended["queue"]) == ("stopped", "left", None)


def test_a_terminal_of_a_waiting_session_is_not_yet_there(engine, one_seat, lab, learner):
    session = sessions.start_lab(learner, lab)
    with pytest.raises(terminals.NotYet):
        terminals.place_of(learner, str(session.pk), "box", 1)


def test_joining_a_long_queue_takes_a_bounded_number_of_queries(
    engine, one_seat, lab, learner, django_assert_max_num_queries
):
    for number in range(30):
        joined(f"w{number}", lab)
    with django_assert_max_num_queries(27):
        sessions.start_lab(learner, lab)


@pytest.mark.django_db(transaction=True, available_apps=[app.name for app in apps.get_app_configs()])
def test_of_100_starts_at_capacity_20_exactly_20_run_and_80_wait_in_order(engine, settings, monkeypatch):
    monkeypatch.setattr("labs.tasks.after_commit", lambda *_call: None)
    settings.SANDBOX_CAPACITY_CPUS = 10
    lab = LabFactory(nodes=[node(cpus=0.5)])
    learners = [LearnerFactory() for _n in range(100)]

    def start(person):
        try:
            return sessions.start_lab(person, lab)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        started = list(threads.map(start, learners))
    assert len({session.pk for session in started}) == 100
    assert Sandbox.objects.live().count() == 20
    assert len(line()) == 80
    # As the running ones end, everybody has their turn, in the order in which they waited.
    waited = line()
    for sandbox in list(Sandbox.objects.live()):
        tasks.stop(sandbox.pk, Reason.FINISHED)
    assert Sandbox.objects.live().count() == 20
    assert line() == waited[20:]
