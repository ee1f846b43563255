"""Many at once (test_postgres.py runs this on PostgreSQL as well): one sitting, one paper each, no answer twice."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from courses.exams import closing, sitting
from courses.exams.papers import build_papers
from courses.exams.saving import Outcome, save
from courses.models import AnswerEvent, Attempt, AttemptEvent, Paper
from tests.courses.exams.worlds import exam_world
from tests.courses.test_cohort_races import at_once
from tests.racing import AT_ONCE

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
)


@pytest.fixture
def world():
    return exam_world()


def test_all_who_begin_at_once_get_a_paper_of_their_own(world):
    build_papers(world.exam, AT_ONCE - 2)
    people = [world.candidate() for _number in range(AT_ONCE)]
    attempts = at_once(lambda number: sitting.begin(world.exam, people[number]))
    assert len({attempt.paper_id for attempt in attempts}) == AT_ONCE
    assert Paper.objects.filter(taken_at=None).count() == 0


def test_a_double_click_begins_one_sitting(world):
    person = world.candidate()
    attempts = at_once(lambda _number: sitting.begin(world.exam, person))
    assert len({attempt.pk for attempt in attempts}) == 1
    assert Paper.objects.exclude(taken_at=None).count() == 1


def test_a_change_sent_on_many_connections_at_once_is_kept_once(world):
    change = world.change(world.attempt())
    told = [saving.outcome for [saving] in at_once(lambda _number: save([change]))]
    assert sorted(told) == sorted([Outcome.SAVED] + [Outcome.KEPT_ALREADY] * (AT_ONCE - 1))
    assert AnswerEvent.objects.count() == 1


def test_changes_of_one_attempt_at_once_make_one_chain(world):
    attempt = world.attempt()
    changes = [world.change(attempt, 1 + number % 4, 1 + number // 4) for number in range(AT_ONCE)]
    at_once(lambda number: save([changes[number]]))
    places = list(AnswerEvent.objects.order_by("place").values_list("place", flat=True))
    attempt.refresh_from_db()
    assert places == list(range(1, attempt.saved_count + 1))
    assert AnswerEvent.objects.get(place=attempt.saved_count).link == attempt.last_link


def test_handing_in_and_closing_at_once_end_it_once(world):
    attempt = world.attempt()
    Attempt.objects.update(deadline_at=timezone.now() - timedelta(minutes=1))
    at_once(lambda number: closing.close_due() if number % 2 else sitting.hand_in(attempt))
    assert AttemptEvent.objects.filter(kind=AttemptEvent.Kind.ENDED).count() == 1
