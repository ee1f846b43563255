"""A lab's solution played: who may have it, how it is typed and checked, and that nobody else ever sees it."""

import asyncio
import json
from contextlib import suppress

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from community.api import Role, assign
from community.models import ApiToken
from labs import keeping, sessions
from labs.consumers import Code
from labs.drivers import fake_terminals
from labs.drivers.base import RunResult
from labs.models import ClassPlace, Deed, LabSession, Mode, Place, Playback
from labs.playback.opening import WorkingThere, open_playback
from labs.playback.player import Player, score
from labs.playback.typist import AT_ONCE
from labs.refusals import NotInPlayback
from labs.teaching import classes
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node
from tests.labs.sockets import Screen, Socket, bearer

pytestmark = pytest.mark.django_db
live = pytest.mark.django_db(transaction=True, available_apps=[app.name for app in apps.get_app_configs()])
SECRET = "plum-orchard"


@pytest.fixture
def lab():
    return LabFactory(
        nodes=[node("a"), node("b")],
        steps={"first": {"up": "a"}, "second": {"kept": "b"}},
        solutions={
            "first.a": f"echo one {SECRET}\n\nif true\nthen echo two\nfi\n",
            "second.b": "echo four\n",
            "second.a": "echo three\n",
        },
    )


@pytest.fixture
def author(db):
    person = LearnerFactory()
    assign(person, Role.INSTRUCTOR)
    return person


def play_session(person, lab):
    """As open_playback gives it, with machines; the engine knows them when it is asked for."""
    session = SessionFactory(learner=person, lab=lab, mode=Mode.PLAYBACK)
    return LabSession.objects.get(pk=session.pk)


class TestWhoMay:
    @pytest.mark.parametrize("role", [Role.INSTRUCTOR, Role.OPERATOR])
    def test_who_writes_or_runs_labs_may(self, lab, role):
        person = LearnerFactory()
        assign(person, role)
        assert person.has_perm("labs.play_solution", lab)

    def test_a_learner_may_not_whatever_classes_they_are_in(self, lab, learner):
        taught = classes.open_class(LearnerFactory(), "Spring")
        classes.join(learner, taught)
        SessionFactory(learner=learner, lab=lab)
        assert not learner.has_perm("labs.play_solution", lab)

    def test_who_teaches_a_class_may_for_the_labs_that_its_learners_are_in(self, lab):
        teacher, pupil = LearnerFactory(), LearnerFactory()
        taught = classes.open_class(teacher, "Spring")
        classes.join(pupil, taught)
        assert not teacher.has_perm("labs.play_solution", lab)
        SessionFactory(learner=pupil, lab=lab)
        assert teacher.has_perm("labs.play_solution", lab)

    def test_who_learns_in_another_class_that_uses_it_may_not(self, lab):
        teacher, pupil = LearnerFactory(), LearnerFactory()
        taught, other = classes.open_class(teacher, "Spring"), classes.open_class(LearnerFactory(), "Autumn")
        classes.join(pupil, taught)
        SessionFactory(learner=pupil, lab=lab)
        ClassPlace.objects.create(taught_class=other, person=pupil, role=Place.LEARNS)
        ClassPlace.objects.create(taught_class=other, person=teacher, role=Place.LEARNS)
        assert not teacher.has_perm("labs.play_solution", lab)

    def test_nobody_may_while_they_sit_its_exam(self, lab, author):
        SessionFactory(learner=author, lab=lab, mode=Mode.EXAM)
        assert not author.has_perm("labs.play_solution", lab)

    def test_a_lab_without_a_solution_offers_none(self, author):
        assert not author.has_perm("labs.play_solution", LabFactory())


class TestOpening:
    def test_it_opens_an_own_session_in_which_the_solution_is_played_and_records_it(
        self, author, lab, engine
    ):
        session = open_playback(author, lab)
        assert (session.learner, session.mode) == (author, Mode.PLAYBACK)
        assert session.teaching_events.get().deed == Deed.PLAYED
        assert open_playback(author, lab) == session

    def test_who_works_there_themselves_finishes_that_first(self, author, lab):
        SessionFactory(learner=author, lab=lab)
        with pytest.raises(WorkingThere):
            open_playback(author, lab)

    def test_it_is_never_passed_saved_or_shared(self, author, lab):
        session = play_session(author, lab)
        for verb in (sessions.finish_lab, keeping.save):
            with pytest.raises(NotInPlayback):
                verb(session)
        with pytest.raises(IntegrityError), transaction.atomic():
            session.record_pass(1, 1, [])

    def test_the_labs_page_offers_it_to_who_may_alone(self, client, author, learner, lab):
        address = reverse("labs:play", args=[lab.slug])
        for person, offered in ((author, True), (learner, False)):
            client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
            assert (address in client.get(reverse("labs:lab", args=[lab.slug])).content.decode()) is offered
        assert client.post(address).status_code == 404
        assert not learner.lab_sessions.exists()


class TestSecrecy:
    def test_no_page_or_answer_holds_a_word_of_it_not_even_for_who_may_play_it(self, author, learner, lab):
        for person, session in (
            (author, play_session(author, lab)),
            (learner, SessionFactory(learner=learner, lab=lab)),
        ):
            browser = Client()
            browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
            pages = [reverse("labs:lab", args=[lab.slug]), reverse("labs:session", args=[session.pk])]
            for address in [*pages, f"/api/v1/lab-sessions/{session.pk}", "/api/v1/labs"]:
                answer = browser.get(address)
                assert answer.status_code == 200
                assert SECRET not in answer.content.decode()
            assert ("playback.css" in browser.get(pages[1]).content.decode()) is (person == author)


def test_the_score_is_in_the_order_of_steps_and_nodes(lab):
    assert [(c.step, c.node, c.text.split("\n")[0], c.number, c.of) for c in score(lab)] == [
        ("first", "a", f"echo one {SECRET}", 1, 2),
        ("first", "a", "if true", 2, 2),
        ("second", "a", "echo three", 1, 2),
        ("second", "b", "echo four", 2, 2),
    ]


@pytest.fixture
def editing_shell(monkeypatch):
    """The engine's shell says when it reads a line, and has no half-typed one to be cleared."""
    monkeypatch.setattr(fake_terminals, "PROMPT", b"\x1b[?2004h$ ")
    monkeypatch.setattr("labs.playback.typist.CLEAR", b"")


@live
@pytest.mark.usefixtures("editing_shell")
class TestPlaying:
    @pytest.fixture
    def session(self, transactional_db, engine, lab, author):
        session = play_session(author, lab)
        engine.create(session.sandbox.spec())
        return session

    @pytest.fixture
    def told(self):
        return []

    @pytest.fixture
    def player(self, session, told):
        async def tell(standing):
            told.append(standing)

        player = Player.of(session, tell)
        player.pace = AT_ONCE
        return player

    @staticmethod
    async def said(engine, session, name):
        ref = await sync_to_async(lambda: session.sandbox.ref)()
        watch = await engine.watch(ref, name, 1, offset=0)
        seen = bytearray()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                async for event in watch:
                    seen += getattr(event, "data", b"")
        await watch.close()
        return bytes(seen)

    async def test_a_step_is_typed_line_by_line_then_checked_and_the_next_waits(
        self, engine, session, player, told
    ):
        await player.play(to_the_end=False)
        assert [standing.state for standing in told] == [
            "typing",
            "typing",
            "typing",
            "checking",
            "ready",
        ]
        assert (told[-1].step, told[-1].command) == ("second", 0)
        seen = await self.said(engine, session, "a")
        assert [line in seen for line in (b"\r\none plum-orchard", b"then echo two", b"echo three")] == [
            True,
            True,
            False,
        ]
        assert await session.check_results.filter(passed=True).acount() == 1

    async def test_all_that_is_left_is_played_on_every_node(self, engine, session, player, told):
        await player.play(to_the_end=True)
        assert told[-1].state == "done"
        assert b"\r\nthree" in await self.said(engine, session, "a")
        assert b"\r\nfour" in await self.said(engine, session, "b")

    async def test_it_halts_at_a_step_whose_checks_fail_and_may_go_on_all_the_same(
        self, engine, player, told
    ):
        engine.answer("check up", RunResult(1, "silent\n", 1))
        await player.play(to_the_end=True)
        assert (told[-1].state, told[-1].problem, told[-1].step) == ("problem", "failing", "first")
        await player.play(to_the_end=True)
        assert told[-1].state == "done"

    async def test_pausing_takes_effect_before_the_next_command(self, player, told):
        async def tell(standing):
            told.append(standing)
            player.is_pausing = standing.command == 0 and standing.state == "typing"

        player.tell = tell
        await player.play(to_the_end=True)
        assert (told[-1].state, told[-1].step, told[-1].command) == ("ready", "first", 1)
        player.tell = lambda standing: asyncio.sleep(0, told.append(standing))
        await player.play(to_the_end=True)
        assert told[-1].state == "done"

    async def test_stopping_interrupts_and_no_command_is_ended_twice(self, engine, session, player, told):
        reached = asyncio.Event()

        async def tell(standing):
            told.append(standing)
            if (standing.state, standing.command) == ("typing", 1):
                reached.set()
                await asyncio.Event().wait()

        player.tell = tell
        playing = asyncio.create_task(player.play(to_the_end=True))
        await asyncio.wait_for(reached.wait(), 10)
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
        playback = await Playback.objects.aget(session=session)
        assert (playback.position, playback.held_until) == (1, None)
        player.tell = lambda standing: asyncio.sleep(0, told.append(standing))
        await player.play(to_the_end=True)
        seen = await self.said(engine, session, "a")
        assert b"\x03" in seen
        assert seen.count(b"\r\none plum-orchard") == 1

    async def test_one_plays_at_a_time(self, session, player, told):
        await sync_to_async(player.playback.hold)(60)
        await player.play(to_the_end=True)
        assert [(standing.state, standing.problem) for standing in told] == [("problem", "held")]

    async def test_a_shell_that_does_not_wait_for_commands_is_said_to_be_busy(
        self, player, told, monkeypatch
    ):
        monkeypatch.setattr(fake_terminals, "PROMPT", b"$ ")
        monkeypatch.setattr("labs.playback.typist.SHELL_WAIT_S", 0.2)
        await player.play(to_the_end=True)
        assert (told[-1].state, told[-1].problem) == ("problem", "no_prompt")


@live
@pytest.mark.usefixtures("editing_shell")
class TestDoor:
    @staticmethod
    def key(person):
        return bearer(ApiToken.issue(person))

    async def test_the_buttons_of_the_page_play_into_the_terminal_that_it_shows(
        self, transactional_db, engine, lab, author
    ):
        session = await sync_to_async(play_session)(author, lab)
        await sync_to_async(lambda: engine.create(session.sandbox.spec()))()
        key = await sync_to_async(self.key)(author)
        socket = Socket(f"/ws/labs/sessions/{session.pk}/playback/", key)
        assert await socket.connect() is None
        frame = json.loads((await socket.receive(10))["text"])
        assert (frame["state"], frame["step"], frame["commands"]) == ("ready", "first", 2)
        assert SECRET not in json.dumps(frame)
        terminal = f"/ws/labs/sessions/{session.pk}/nodes/a/terminals/1/"
        async with Screen(terminal, key) as screen:
            await socket.send_text(json.dumps({"do": "next", "pace": "fast"}))
            await screen.until(f"\r\none {SECRET}".encode())
        await socket.send_text(json.dumps({"do": "stop"}))
        await socket.leave()

    async def test_it_does_not_exist_for_learners_or_in_a_session_of_work(
        self, transactional_db, lab, author, learner
    ):
        for person, owner, mode in (
            (learner, author, Mode.PLAYBACK),
            (learner, learner, Mode.PLAYBACK),
            (author, author, Mode.PRACTICE),
            (author, author, Mode.EXAM),
        ):
            await LabSession.objects.all().adelete()
            session = await sync_to_async(SessionFactory)(learner=owner, lab=lab, mode=mode)
            socket = Socket(
                f"/ws/labs/sessions/{session.pk}/playback/", await sync_to_async(self.key)(person)
            )
            await socket.connect()
            assert await socket.receive(10) == {"type": "websocket.close", "code": Code.NOT_FOUND}

    async def test_a_wish_that_is_none_closes_it(self, transactional_db, engine, lab, author):
        session = await sync_to_async(play_session)(author, lab)
        socket = Socket(f"/ws/labs/sessions/{session.pk}/playback/", await sync_to_async(self.key)(author))
        await socket.connect()
        await socket.receive(10)
        await socket.send_text('{"do": "next", "pace": "sudden"}')
        assert (await socket.receive(10))["code"] == Code.BAD_FRAME
