"""The instructor's wall and the looking on: who needs help first, live pictures, and typing only by leave."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.test import Client
from django.utils import timezone

from community.models import ApiToken
from labs import consumers
from labs.models import CheckRequest, CheckResult, Deed, LabSession, Mode, TypingLeave
from labs.teaching import board, classes, helping
from labs.teaching.board import board_of
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node
from tests.labs.sockets import Screen, bearer

pytestmark = pytest.mark.django_db
MODEL = "django.contrib.auth.backends.ModelBackend"
live = pytest.mark.django_db(transaction=True, available_apps=[app.name for app in apps.get_app_configs()])


@pytest.fixture
def teacher():
    return LearnerFactory(first_name="Ming", last_name="Li")


@pytest.fixture
def taught(teacher):
    return classes.open_class(teacher, "Spring")


def pupil(taught, engine=None, **changes):
    """An open session of a learner of the class, with two steps of one check each."""
    lab = LabFactory(nodes=[node("a"), node("b")], steps={"first": {"up": "a"}, "second": {"kept": "a"}})
    session = SessionFactory(lab=lab, **changes)
    classes.join(session.learner, taught)
    if engine is not None:
        session.ref = session.sandbox.ref
        engine.create(session.sandbox.spec())
    return session


def found(session, check, *, passed, failures=0, step="first", at=None):
    request = CheckRequest.objects.create(session=session, step=step, answered_at=timezone.now())
    return CheckResult.objects.create(
        session=session,
        request=request,
        step=step,
        check_key=check,
        node="a",
        passed=passed,
        exit_code=0 if passed else 1,
        duration_ms=1,
        failures=failures,
        checked_at=at or timezone.now(),
    )


def card_of(taught, teacher, session):
    return next(card for card in board_of(taught, teacher).cards if card["session"] == str(session.pk))


class TestBoard:
    def test_it_says_at_which_step_a_learner_is(self, taught, teacher):
        session = pupil(taught)
        assert card_of(taught, teacher, session)["place"] == 1
        found(session, "up", passed=True)
        card = card_of(taught, teacher, session)
        assert (card["place"], [step["state"] for step in card["steps"]]) == (2, ["passed", "unknown"])

    def test_time_in_a_step_counts_from_when_the_one_before_was_done(self, taught, teacher):
        now = timezone.now()
        session = pupil(taught, opened_at=now - timedelta(minutes=30))
        assert card_of(taught, teacher, session)["minutes"] == 30
        found(session, "up", passed=True, at=now - timedelta(minutes=4))
        assert card_of(taught, teacher, session)["minutes"] == 4

    def test_long_in_one_step_or_failing_again_and_again_is_stuck(self, taught, teacher, settings):
        settings.LABS_STUCK_MINUTES = 10
        slow = pupil(taught, opened_at=timezone.now() - timedelta(minutes=11))
        failing, fine = pupil(taught), pupil(taught)
        found(failing, "up", passed=False, failures=board.FAILURES_OF_STUCK)
        found(fine, "up", passed=False, failures=1)
        stuck = {card["session"]: card["stuck"] for card in board_of(taught, teacher).cards}
        assert stuck == {str(slow.pk): True, str(failing.pk): True, str(fine.pk): False}

    def test_raised_hands_come_first_then_who_is_stuck_then_the_others_then_who_is_away(
        self, taught, teacher
    ):
        away = LearnerFactory(username="aaa")
        classes.join(away, taught)
        fine, stuck, asking = pupil(taught), pupil(taught), pupil(taught)
        found(stuck, "up", passed=False, failures=5)
        helping.raise_hand(asking, "why?")
        order = [card["session"] for card in board_of(taught, teacher).cards]
        assert order == [str(asking.pk), str(stuck.pk), str(fine.pk), None]

    def test_a_check_that_passed_before_and_fails_now_is_named(self, taught, teacher):
        session = pupil(taught)
        found(session, "up", passed=True)
        found(session, "up", passed=False, failures=1)
        assert len(card_of(taught, teacher, session)["fell"]) == 1

    def test_nobody_from_elsewhere_stands_on_it(self, taught, teacher):
        pupil(classes.open_class(LearnerFactory(), "Autumn"))
        assert board_of(taught, teacher).cards == []

    def test_thirty_learners_take_as_many_queries_as_one(
        self, taught, teacher, django_assert_max_num_queries
    ):
        for number in range(30):
            session = pupil(taught)
            found(session, "up", passed=number % 2 == 0, failures=number % 3)
        with django_assert_max_num_queries(12):
            assert len(board_of(taught, teacher).cards) == 30

    def test_the_pages_are_for_the_classs_instructors_alone(self, taught, teacher):
        session = pupil(taught)
        stranger = LearnerFactory()
        pupil(classes.open_class(stranger, "Autumn"))
        addresses = [f"/en/labs/classes/{taught.pk}/wall/", f"/en/labs/watching/{session.pk}/"]
        for person, status in ((teacher, 200), (stranger, 404), (session.learner, 404)):
            client = Client()
            client.force_login(person, MODEL)
            assert [client.get(address).status_code for address in addresses] == [status, status]


def wall(taught):
    return f"/ws/labs/classes/{taught.pk}/wall/?lang=en"


def watching(session, name="a"):
    return f"/ws/labs/watching/{session.pk}/nodes/{name}/terminals/1/?offset=0"


def terminal(session, name="a"):
    return f"/ws/labs/sessions/{session.pk}/nodes/{name}/terminals/1/?offset=0"


@live
class TestSockets:
    @pytest.fixture
    def session(self, engine, taught):
        return pupil(taught, engine)

    @pytest.fixture
    def learner(self, session):
        return bearer(ApiToken.issue(session.learner))

    @pytest.fixture
    def instructor(self, teacher):
        return bearer(ApiToken.issue(teacher))

    @pytest.fixture
    def stranger(self):
        person = LearnerFactory()
        classes.open_class(person, "Autumn")
        return bearer(ApiToken.issue(person))

    @pytest.fixture
    def quick(self, settings):
        settings.LABS_WALL_SECONDS = 0.05

    async def test_the_wall_shows_what_a_terminal_says(self, quick, taught, session, learner, instructor):
        async with (
            Screen(terminal(session, "b"), learner) as screen,
            Screen(wall(taught), instructor) as looking,
        ):
            assert (await looking.until_frame("board"))["cards"][0]["session"] == str(session.pk)
            await screen.type("echo 你好\n")
            await screen.until("\r\n你好".encode())
            while True:
                picture = (await looking.until_frame("pictures"))["pictures"][0]
                if "你好" in picture["lines"]:
                    break
            assert picture["node"] == "b"

    async def test_a_hand_that_goes_up_comes_up_on_the_wall(self, quick, taught, session, instructor):
        async with Screen(wall(taught), instructor) as looking:
            await looking.until_frame("board")
            await sync_to_async(helping.raise_hand)(session, "why?")
            assert (await looking.until_frame("board"))["cards"][0]["hand"]["words"] == "why?"

    async def test_another_classs_instructor_sees_neither_wall_nor_terminal(
        self, taught, session, stranger, learner
    ):
        for path in (wall(taught), watching(session)):
            for token in (stranger, learner):
                async with Screen(path, token) as screen:
                    assert await screen.until_closed() == consumers.Code.NOT_FOUND

    async def test_looking_on_starts_no_shell(self, engine, session, instructor):
        async with Screen(watching(session), instructor) as looking:
            await looking.take()
            assert ("attach", session.ref) not in engine.calls
            assert ("watch", session.ref) in engine.calls

    async def test_what_is_typed_without_leave_goes_nowhere(self, engine, session, learner, instructor):
        async with (
            Screen(terminal(session), learner) as screen,
            Screen(watching(session), instructor) as looking,
        ):
            await screen.until(b"$ ")
            await looking.until(b"$ ")
            await looking.type("echo secretly\n")
            await looking.until_frame("no-leave")
            await screen.type("echo mine\n")
            await screen.until(b"\r\nmine")
            assert b"secretly" not in screen.seen

    async def test_with_leave_it_is_typed_and_the_learner_reads_who_types(
        self, session, learner, instructor, teacher
    ):
        await self.grant(session, teacher)
        events = f"/ws/labs/sessions/{session.pk}/events/?lang=en"
        async with (
            Screen(terminal(session), learner) as screen,
            Screen(events, learner) as page,
            Screen(watching(session), instructor) as looking,
        ):
            await screen.until(b"$ ")
            await page.until_frame("session")
            await looking.type("echo together\n")
            await screen.until(b"\r\ntogether")
            await looking.until(b"\r\ntogether")
            typing = await page.until_frame("typing")
            assert (typing["who"], typing["node"]) == ("Ming Li", "a")
        deeds = await sync_to_async(lambda: set(session.teaching_events.values_list("deed", flat=True)))()
        assert {Deed.WATCHED, Deed.TYPED} <= deeds

    async def test_a_leave_withdrawn_or_over_stops_the_very_next_key(
        self, session, learner, instructor, teacher
    ):
        async with (
            Screen(terminal(session), learner) as screen,
            Screen(watching(session), instructor) as looking,
        ):
            await screen.until(b"$ ")
            for end in (self.withdraw, self.expire):
                leave = await self.grant(session, teacher)
                await looking.type("echo a\n")
                await screen.until(b"\r\na")
                screen.seen.clear()
                await end(session, leave)
                await looking.type("echo b\n")
                await looking.until_frame("no-leave")
            await screen.type("echo mine\n")
            await screen.until(b"\r\nmine")
            assert b"echo b" not in screen.seen

    async def test_in_an_exam_nobody_types_along(self, session, learner, instructor, teacher):
        await self.grant(session, teacher)
        await LabSession.objects.filter(pk=session.pk).aupdate(mode=Mode.EXAM)
        async with Screen(watching(session), instructor) as looking:
            await looking.type("echo the answer\n")
            await looking.until_frame("no-leave")

    async def test_an_onlooker_who_reads_nothing_holds_nobody_up(self, session, learner, instructor):
        async with Screen(terminal(session), learner) as screen, Screen(watching(session), instructor):
            await screen.type("seq 1 120000\n")
            await screen.until(b"\r\n120000\r\n")

    @staticmethod
    async def grant(session, teacher):
        leave = await sync_to_async(helping.ask_leave)(teacher, session)
        await sync_to_async(helping.grant)(session, leave.pk)
        return leave

    @staticmethod
    async def withdraw(session, leave):
        await sync_to_async(helping.end_leave)(session, leave.pk, session.learner)

    @staticmethod
    async def expire(session, leave):
        past = timezone.now() - timedelta(seconds=1)
        standing = TypingLeave.objects.filter(pk=leave.pk)
        await standing.aupdate(granted_at=past - timedelta(minutes=1), expires_at=past)
