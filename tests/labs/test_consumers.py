"""The terminal protocol and the session's events, as docs/terminal-protocol.md promises them."""

import asyncio
import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer, channel_layers
from django.apps import apps
from django.test import Client
from django.utils import timezone

from community.models import ApiToken
from labs import consumers, provisioning, sessions, suspending, tasks, terminals
from labs.drivers.base import CHUNK_BYTES, RING_BYTES, WINDOW_BYTES, DriverUnavailable
from labs.lifecycle import Reason, State
from labs.models import LabSession, Node, QueuePlace, Sandbox
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node
from tests.labs.sockets import OURS, Screen, Socket, bearer, cookie

# Naming the apps spares each test the rebuilding of permissions after its flush.
pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
)


@pytest.fixture
def session(engine):
    session = SessionFactory(lab=LabFactory(nodes=[node("a"), node("b")]))
    session.sandbox_pk, session.ref = session.sandbox.pk, session.sandbox.ref
    engine.create(session.sandbox.spec())
    return session


@pytest.fixture
def token(session):
    return bearer(ApiToken.issue(session.learner))


def terminal(session, name="a", number=1, query="?offset=0"):
    return f"/ws/labs/sessions/{session.pk}/nodes/{name}/terminals/{number}/{query}"


def events(session, query="?lang=en"):
    return f"/ws/labs/sessions/{session.pk}/events/{query}"


async def refused(path, *headers, host=b"testserver"):
    """The close code of a socket that was never accepted."""
    screen = Socket(path, *headers, host=host)
    code = await screen.connect()
    await screen.leave()
    return code


async def closed(path, *headers):
    async with Screen(path, *headers) as screen:
        return await screen.until_closed()


async def test_hello_comes_first_and_says_where_the_stream_begins(session, token):
    async with Screen(terminal(session, query="?offset=0&cols=100&rows=30"), token) as screen:
        hello = await screen.take()
        assert hello == {
            "type": "hello",
            "epoch": hello["epoch"],
            "offset": 0,
            "gap": 0,
            "cols": 100,
            "rows": 30,
        }


async def test_what_is_typed_comes_back(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.type("echo 你好\n")
        await screen.until("\r\n你好\r\n".encode())


async def test_output_comes_in_frames_of_at_most_16_kib(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.type("seq 1 30000\n")
        sizes = []
        while b"30000\r\n" not in screen.seen:
            taken = await screen.take()
            sizes += [len(taken)] if isinstance(taken, bytes) else []
        assert max(sizes) == CHUNK_BYTES == 16 * 1024


async def test_a_reload_resumes_at_the_exact_byte(session, token):
    async with Screen(terminal(session), token) as first:
        await first.type("seq 1 20000\n")
        await first.until(b"1000\r\n")
    async with Screen(terminal(session, query=f"?offset={first.offset}"), token) as second:
        await second.until(b"\r\n20000\r\n")
        assert (second.hello["offset"], second.hello["gap"]) == (first.offset, 0)
        assert second.hello["epoch"] == first.hello["epoch"]
    both = bytes(first.seen + second.seen)
    assert b"\r\n".join(b"%d" % n for n in range(1, 20001)) in both


async def test_output_no_longer_held_is_a_gap(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.type("seq 1 500000\n")
        await screen.until(b"\r\n500000\r\n")
        end = screen.offset
    async with Screen(terminal(session), token) as late:
        hello = await late.take()
        assert hello["gap"] == hello["offset"] > 0
        assert end - hello["offset"] <= RING_BYTES


async def test_without_acknowledgements_output_stops_at_the_window(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.type("seq 1 200000\n")
        while len(screen.seen) < WINDOW_BYTES:
            await screen.take(ack=False)
        with pytest.raises(TimeoutError):
            await screen.take(ack=False, within_s=0.3)


async def test_an_acknowledgement_lets_it_flow_again(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.type("seq 1 200000\n")
        while len(screen.seen) < WINDOW_BYTES:
            await screen.take(ack=False)
        await screen.tell({"type": "ack", "offset": screen.offset})
        await screen.until(b"\r\n200000\r\n")


async def test_a_resize_reaches_the_shell(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.take()
        await screen.tell({"type": "resize", "cols": 132, "rows": 43})
        notice = await screen.until_frame("resized")
        assert (notice["cols"], notice["rows"]) == (132, 43)


async def test_the_end_of_the_shell_is_told_and_a_new_one_follows_in_the_same_stream(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.type("exit 3\n")
        assert (await screen.until_frame("exit"))["code"] == 3
        assert await screen.until_closed() == consumers.Code.SHELL_ENDED
    async with Screen(terminal(session, query=f"?offset={screen.offset}"), token) as again:
        await again.until(b"$ ")
        assert again.hello["epoch"] == screen.hello["epoch"]


@pytest.mark.parametrize(
    "frame",
    [
        "no json",
        "[]",
        "null",
        "{}",
        '{"type": "unknown"}',
        '{"type": "ack"}',
        '{"type": "ack", "offset": -1}',
        '{"type": "ack", "offset": 1.5}',
        '{"type": "ack", "offset": true}',
        '{"type": "ack", "offset": "1"}',
        '{"type": "ack", "offset": 1e999}',
        '{"type": "resize", "cols": 0, "rows": 24}',
        '{"type": "resize", "cols": 80, "rows": 100000}',
        '{"type": "resize", "cols": "80", "rows": 24}',
        '{"type": "resize", "cols": 80}',
        "[" * 500,
    ],
)
async def test_a_frame_against_the_protocol_closes_with_its_code(session, token, frame):
    async with Screen(terminal(session), token) as screen:
        await screen.take()
        await screen.socket.send_text(frame)
        assert await screen.until_closed() == consumers.Code.BAD_FRAME


async def test_control_frames_are_bounded(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.socket.send_text(json.dumps({"type": "ack", "offset": 0, "x": "x" * 2000}))
        assert await screen.until_closed() == consumers.Code.TOO_MUCH


async def test_input_frames_are_bounded(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.type("x" * (consumers.INPUT_FRAME_BYTES + 1))
        assert await screen.until_closed() == consumers.Code.TOO_MUCH


async def test_input_that_nobody_reads_is_bounded(session, token, monkeypatch):
    async def never(_terminal, _data):
        await asyncio.Event().wait()

    monkeypatch.setattr("labs.drivers.fake.FakeTerminal.write", never)
    async with Screen(terminal(session), token) as screen:
        await screen.take()
        for _frame in range(consumers.INPUT_WAITING_BYTES // consumers.INPUT_FRAME_BYTES + 1):
            await screen.type("x" * consumers.INPUT_FRAME_BYTES)
        assert await screen.until_closed() == consumers.Code.TOO_MUCH


@pytest.mark.parametrize(
    "query", ["?offset=-1", "?offset=x", "?offset=1&cols=1", "?rows=9999", f"?offset={2**60}"]
)
async def test_an_address_out_of_range_closes_with_its_code(session, token, query):
    assert await closed(terminal(session, query=query), token) == consumers.Code.BAD_FRAME


async def test_a_page_of_ours_attaches_with_its_cookie(session, client):
    await sync_to_async(client.force_login)(session.learner)
    async with Screen(terminal(session), OURS, cookie(client)) as screen:
        assert (await screen.take())["type"] == "hello"


@pytest.mark.parametrize(
    "origin",
    [None, b"null", b"", b"http://evil.example", b"http://testserver.evil.example", b"http://testserver:81"],
)
async def test_the_cookie_opens_nothing_to_another_origin(session, client, origin, settings):
    settings.ALLOWED_HOSTS = ["*", "testserver"]
    await sync_to_async(client.force_login)(session.learner)
    headers = [cookie(client)] + ([(b"origin", origin)] if origin is not None else [])
    assert await refused(terminal(session), *headers) == consumers.Code.NOT_SIGNED_IN
    assert await refused(events(session), *headers) == consumers.Code.NOT_SIGNED_IN


async def test_a_host_that_is_not_ours_is_no_origin_of_ours(session, client, settings):
    settings.ALLOWED_HOSTS = ["*"]
    await sync_to_async(client.force_login)(session.learner)
    headers = ((b"origin", b"http://rebound.example"), cookie(client))
    assert await refused(terminal(session), *headers, host=b"rebound.example") == consumers.Code.NOT_SIGNED_IN


async def test_a_bad_token_is_not_signed_in_whatever_the_cookie_says(session, client):
    await sync_to_async(client.force_login)(session.learner)
    headers = (OURS, cookie(client), bearer("yl_wrong"))
    assert await closed(terminal(session), *headers) == consumers.Code.NOT_SIGNED_IN


async def test_somebody_elses_terminal_is_not_to_be_found(session):
    other = bearer(await sync_to_async(lambda: ApiToken.issue(LearnerFactory()))())
    assert await closed(terminal(session), other) == consumers.Code.NOT_FOUND
    assert await closed(events(session), other) == consumers.Code.NOT_FOUND


@pytest.mark.parametrize(
    ("name", "number"), [("nowhere", 1), ("a", 0), ("a", 3), ("a", 99999999999999999999)]
)
async def test_a_terminal_that_is_not_there_is_not_found(session, token, name, number):
    assert await closed(terminal(session, name, number), token) == consumers.Code.NOT_FOUND


async def test_while_the_machines_start_the_page_is_told_to_come_later(engine):
    session = await sync_to_async(SessionFactory)(state=State.PROVISIONING)
    token = bearer(await sync_to_async(ApiToken.issue)(session.learner))
    async with Screen(terminal(session, "box"), token) as screen:
        assert await screen.until_closed() == consumers.Code.NOT_YET
        assert screen.frames == [{"type": "notice", "kind": "starting"}]


async def test_while_a_node_restarts_its_terminals_come_later(session, token):
    await Node.objects.aupdate(restart_asked_at=timezone.now())
    assert await closed(terminal(session), token) == consumers.Code.NOT_YET


async def test_when_the_session_ends_its_terminals_say_why_and_close(session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.take()
        await sync_to_async(provisioning.stop)(session.sandbox_pk, Reason.EXPIRED)
        assert await screen.until_closed() == consumers.Code.ENDED
        assert screen.frames[-1] == {"type": "notice", "kind": "ended", "reason": "expired"}


async def test_when_a_keeper_vanishes_the_page_is_told_to_come_back(engine, session, token):
    async with Screen(terminal(session), token) as screen:
        await screen.take()
        engine.lose(session.ref, "a")
        assert await screen.until_closed() == consumers.Code.NODE_WENT
        assert screen.frames[-1] == {"type": "notice", "kind": "node-went"}


async def test_a_restarted_node_begins_a_new_epoch(engine, session, token):
    async with Screen(terminal(session), token) as before:
        await before.take()
        await sync_to_async(sessions.restart_node)(session, "a")
        assert await before.until_closed() == consumers.Code.NODE_WENT
    async with Screen(terminal(session, query=f"?offset={before.offset}"), token) as after:
        await after.take()
        assert after.hello["epoch"] != before.hello["epoch"]


async def test_without_an_engine_the_code_says_so(engine, session, token):
    engine.fail("attach", DriverUnavailable("no", "start it"))
    assert await closed(terminal(session), token) == consumers.Code.NO_ENGINE


async def test_one_person_holds_only_so_many_sockets(session, token, settings):
    settings.LABS_SOCKETS_PER_PERSON = 1
    async with Screen(terminal(session), token) as screen:
        await screen.take()
        assert await closed(terminal(session), token) == consumers.Code.TOO_MANY
        assert await closed(events(session), token) == consumers.Code.TOO_MANY
    async with Screen(terminal(session), token) as again:
        assert (await again.take())["type"] == "hello"
    assert not consumers.sockets_of


class AbsentLayer(InMemoryChannelLayer):
    """A channel layer whose broker is away."""

    async def group_add(self, group, channel):
        raise ConnectionError("no broker")


class DyingLayer(InMemoryChannelLayer):
    """A channel layer whose broker goes away while a socket listens."""

    async def receive(self, channel):
        await asyncio.sleep(0.2)
        raise ConnectionError("no broker")


@pytest.mark.parametrize("layer", [AbsentLayer, DyingLayer])
async def test_a_broker_that_goes_away_keeps_no_seat(session, token, monkeypatch, layer):
    monkeypatch.setattr(channel_layers, "backends", {"default": layer()})
    watcher = Socket(events(session), token)
    assert await watcher.connect() is None
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(asyncio.shield(watcher.future), 10)
    assert not consumers.sockets_of


@pytest.fixture
def hurried(settings):
    """Permission is asked for anew all the time."""
    settings.LABS_SOCKET_RECHECK_SECONDS = 0.05


async def test_a_revoked_token_closes_open_sockets(hurried, session, token):
    async with Screen(terminal(session), token) as screen, Screen(events(session), token) as watcher:
        await screen.take()
        await watcher.take()
        await ApiToken.objects.aupdate(revoked_at=timezone.now())
        assert await screen.until_closed() == consumers.Code.NOT_SIGNED_IN
        assert await watcher.until_closed() == consumers.Code.NOT_SIGNED_IN


async def test_logging_out_closes_open_sockets(hurried, session):
    client = Client()
    await sync_to_async(client.force_login)(session.learner)
    async with Screen(terminal(session), OURS, cookie(client)) as screen:
        await screen.take()
        await sync_to_async(client.logout)()
        assert await screen.until_closed() == consumers.Code.NOT_SIGNED_IN


async def test_a_new_password_closes_open_sockets(hurried, session, client):
    await sync_to_async(client.force_login)(session.learner)
    async with Screen(terminal(session), OURS, cookie(client)) as screen:
        await screen.take()
        session.learner.set_password("another")
        await session.learner.asave()
        assert await screen.until_closed() == consumers.Code.NOT_SIGNED_IN


async def test_no_keystroke_asks_the_database_or_the_channel_layer(session, token, monkeypatch):
    loop, noted, note = asyncio.get_running_loop(), asyncio.Event(), terminals.note_presence

    def note_presence(*who, **how):
        note(*who, **how)
        loop.call_soon_threadsafe(noted.set)

    monkeypatch.setattr(terminals, "note_presence", note_presence)
    async with Screen(terminal(session), token) as screen:
        await screen.until(b"$ ")
        await asyncio.wait_for(noted.wait(), 30)
        asked = []
        monkeypatch.setattr(
            "django.db.backends.utils.CursorWrapper.execute", lambda *call: asked.append(call)
        )
        monkeypatch.setattr("channels.layers.get_channel_layer", lambda *call: asked.append(call))
        monkeypatch.setattr("channels.consumer.aclose_old_connections", lambda *call: asked.append(call))
        for _key in range(50):
            await screen.type("x")
        await screen.until(b"x" * 50)
        monkeypatch.undo()
        assert asked == []


async def test_the_session_is_told_at_connect(session, token):
    async with Screen(events(session), token) as watcher:
        body = await watcher.take()
        assert body["type"] == "session"
        assert (body["id"], body["state"]) == (str(session.pk), "ready")
        assert body["nodes"][0]["terminal"] == terminal(session, query="")


async def test_every_change_is_told(session, token):
    async with Screen(events(session), token) as watcher:
        await watcher.take()
        await sync_to_async(sessions.extend_time)(session)
        assert (await watcher.until_frame("session"))["extensions_left"] == 3
        await sync_to_async(sessions.abandon)(session)
        states = [(await watcher.until_frame("session"))["state"]]
        while states[-1] != "stopped":
            states.append((await watcher.until_frame("session"))["state"])


async def test_a_start_is_told_step_by_step(engine):
    session = await sync_to_async(SessionFactory)(state=State.REQUESTED)
    token = bearer(await sync_to_async(ApiToken.issue)(session.learner))
    async with Screen(events(session), token) as watcher:
        assert (await watcher.take())["state"] == "requested"
        pk = (await Sandbox.objects.aget()).pk
        await sync_to_async(provisioning.provision)(pk)
        progress = await watcher.until_frame("progress")
        assert (progress["phase"], bool(progress["detail"])) == ("nodes", True)
        while (await watcher.until_frame("session"))["state"] != "ready":
            pass


async def test_a_check_is_told_in_the_language_of_the_page(session, token):
    chinese = "?lang=zh-hans"
    async with Screen(events(session, chinese), token) as watcher:
        await watcher.take()
        await sync_to_async(lambda: session.lab.steps.get().checks.update(script="echo silent\nexit 1\n"))()
        await sync_to_async(sessions.finish_lab)(session)
        check = await watcher.until_frame("check")
        assert (check["step"], check["id"], check["passed"]) == ("first", "greets", False)
        assert check["reason"] == "It says nothing（中文）"


async def test_the_language_follows_the_cookie_and_the_browser(session, client):
    await sync_to_async(client.force_login)(session.learner)
    name, value = cookie(client)
    with_language = (name, value + b"; django_language=zh-hans")
    for headers, title in (
        ([(name, value), (b"accept-language", b"en-GB")], "Processes"),
        ([with_language, (b"accept-language", b"en")], "进程"),
    ):
        async with Screen(events(session, ""), OURS, *headers) as watcher:
            assert (await watcher.take())["title"] == title


async def test_the_events_take_no_frames(session, token):
    async with Screen(events(session), token) as watcher:
        await watcher.take()
        await watcher.type("hello")
        assert await watcher.until_closed() == consumers.Code.BAD_FRAME


async def test_an_old_session_still_tells_how_it_ended(session, token):
    await sync_to_async(provisioning.stop)(session.sandbox_pk, Reason.EXPIRED)
    await LabSession.objects.aupdate(expires_at=timezone.now() - timedelta(days=1))
    async with Screen(events(session), token) as watcher:
        body = await watcher.take()
        assert (body["state"], body["reason"], bool(body["message"])) == ("stopped", "expired", True)
    assert await closed(terminal(session), token) == consumers.Code.ENDED


def frozen(session):
    sessions.suspend(session)
    suspending.settle(session.sandbox_pk)
    assert session.sandbox.state == State.SUSPENDED


async def test_attaching_to_frozen_machines_wakes_them(session, token):
    await sync_to_async(frozen)(session)
    async with Screen(terminal(session), token) as screen:
        hello = await screen.until_frame("hello")
        assert hello["offset"] == 0
    assert await sync_to_async(lambda: session.sandbox.state)() == State.READY


async def test_a_client_that_comes_back_by_itself_wakes_nothing(session, token):
    await sync_to_async(frozen)(session)
    async with Screen(terminal(session, query="?offset=0&wake=0"), token) as screen:
        notice = await screen.take()
        assert notice == {"type": "notice", "kind": "frozen"}
        assert await screen.until_closed() == consumers.Code.FROZEN
    assert await sync_to_async(lambda: session.sandbox.wished_state)() == State.SUSPENDED


async def test_a_key_after_a_pause_wakes_frozen_machines(session, token, monkeypatch):
    monkeypatch.setattr("labs.consumers.terminal.QUIET_S", 0)
    async with Screen(terminal(session), token) as screen:
        await screen.until(b"$")
        await sync_to_async(frozen)(session)
        await screen.type("echo here\r")
        await screen.until(b"here\r\n")
        async with asyncio.timeout(20):
            while await sync_to_async(lambda: session.sandbox.state)() != State.READY:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_an_open_terminal_is_noted_and_so_is_typing(session, token, settings):
    settings.LABS_SOCKET_RECHECK_SECONDS = 0.05

    def sandbox():
        return session.sandbox

    long_ago = timezone.now() - timedelta(hours=1)
    await sync_to_async(Sandbox.objects.update)(active_at=long_ago)
    async with Screen(terminal(session), token) as screen:
        await screen.until(b"$")
        assert (await sync_to_async(sandbox)()).attended_at > long_ago
        assert (await sync_to_async(sandbox)()).active_at == long_ago
        async with asyncio.timeout(20):
            while (await sync_to_async(sandbox)()).active_at == long_ago:
                await screen.type("x")
                await asyncio.sleep(0.02)


async def test_a_page_in_the_queue_keeps_its_place_and_hears_when_its_turn_comes(engine, settings):
    settings.SANDBOX_CAPACITY_CPUS = 0.5
    waiting, token, inside = await sync_to_async(a_full_house)()
    async with Screen(events(waiting), bearer(token)) as page:
        assert (await page.until_frame("session"))["queue"]["position"] == 1
        assert await QueuePlace.objects.filter(seen_at__gt=timezone.now() - timedelta(minutes=30)).aexists()
        await sync_to_async(tasks.stop)(inside, Reason.FINISHED)
        while (heard := await page.until_frame("session"))["state"] == "queued":
            pass
    assert heard["queue"] is None


def a_full_house():
    lab = LabFactory()
    inside = sessions.start_lab(LearnerFactory(), lab)
    waiting = sessions.start_lab(LearnerFactory(), lab)
    QueuePlace.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    return waiting, ApiToken.issue(waiting.learner), inside.sandbox.pk
