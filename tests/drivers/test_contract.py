"""What every driver promises; each test runs on the fake engine and on the real one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from labs.drivers.base import (
    WINDOW_BYTES,
    DriverBusy,
    Exited,
    Gap,
    Modes,
    NodeGone,
    Resized,
    SubnetTaken,
)
from tests.drivers.conftest import DEADLINE_S, Screen, World, spec_of

pytestmark = pytest.mark.filterwarnings("error")


def test_a_created_sandbox_runs_and_is_listed(world: World):
    spec = world.sandbox("lb", "web")
    assert world.driver.health(spec.ref).ok
    assert set(world.driver.health(spec.ref).nodes) == {"lb", "web"}
    assert world.driver.list_refs() == {spec.ref}


async def test_creating_twice_changes_nothing(world: World):
    spec = world.sandbox()
    first = await world.driver.attach(spec.ref, "node", 1, offset=0)
    world.driver.create(spec)
    second = await world.driver.attach(spec.ref, "node", 1, offset=0)
    assert second.hello.epoch == first.hello.epoch
    await first.close()
    await second.close()


async def test_creating_completes_a_half_made_sandbox(world: World):
    spec = world.sandbox("lb", "web")
    kept = await world.driver.attach(spec.ref, "lb", 1, offset=0)
    world.lose(spec.ref, "web")
    assert not world.driver.health(spec.ref).ok
    assert not world.driver.health(spec.ref).nodes["web"].running
    world.driver.create(spec)
    assert world.driver.health(spec.ref).ok
    again = await world.driver.attach(spec.ref, "lb", 1, offset=0)
    assert again.hello.epoch == kept.hello.epoch
    await kept.close()
    await again.close()


def test_created_twice_at_the_same_time_it_is_one_sandbox(world: World):
    spec = world.sandbox()
    world.driver.destroy(spec.ref)
    with ThreadPoolExecutor(3) as crowd:
        for made in [crowd.submit(world.driver.create, spec) for _ in range(3)]:
            made.result()
    assert world.driver.health(spec.ref).ok
    assert world.driver.list_refs() == {spec.ref}


def test_destroying_while_it_is_created_leaves_all_or_nothing(world: World):
    spec = world.sandbox("lb", "web")
    with ThreadPoolExecutor(2) as crowd:
        created, destroyed = (
            crowd.submit(world.driver.create, spec),
            crowd.submit(world.driver.destroy, spec.ref),
        )
        created.result()
        destroyed.result()
    assert world.driver.health(spec.ref).ok or world.driver.list_refs() == set()


def test_an_overlapping_subnet_is_taken(world: World):
    first = world.sandbox()
    second = spec_of()
    second = type(second)(second.ref, second.uid, first.subnet, second.nodes)
    with pytest.raises(SubnetTaken):
        world.driver.create(second)
    world.driver.destroy(second.ref)
    assert world.driver.list_refs() == {first.ref}


def test_destroying_leaves_nothing_and_may_be_repeated(world: World):
    spec = world.sandbox("lb", "web")
    world.driver.destroy(spec.ref)
    world.driver.destroy(spec.ref)
    assert world.driver.list_refs() == set()
    assert not world.driver.health(spec.ref).ok


def test_what_was_never_made_may_be_destroyed(world: World):
    world.driver.destroy("never-made")
    assert world.driver.list_refs() == set()


def test_a_script_tells_its_output_and_exit_code(world: World):
    spec = world.sandbox()
    result = world.driver.run(
        spec.ref, "node", "echo one\necho 二\nexit 3\n", uid=spec.checker_uid, gid=spec.uid, timeout_s=10
    )
    assert (result.exit_code, result.output) == (3, "one\n二\n")
    assert not result.timed_out


def test_a_script_ends_when_its_time_is_up(world: World):
    spec = world.sandbox()
    script = "echo started\nsleep 60\necho never\n"
    result = world.driver.run(spec.ref, "node", script, uid=spec.checker_uid, gid=spec.uid, timeout_s=1)
    assert result.timed_out
    assert result.output == "started\n"
    assert result.duration_ms < 5000


def test_of_a_flood_of_output_the_end_is_kept(world: World):
    spec = world.sandbox()
    script = "".join(f"echo {'x' * 1000}{n}\n" for n in range(200)) + "echo reason\n"
    result = world.driver.run(spec.ref, "node", script, uid=spec.uid, gid=spec.uid, timeout_s=10)
    assert len(result.output) <= 64 * 1024
    assert result.output.endswith("199\nreason\n")


def test_a_node_that_is_not_there_is_gone(world: World):
    spec = world.sandbox()
    for ref, node in ((spec.ref, "nobody"), ("nothing", "node")):
        with pytest.raises(NodeGone):
            world.driver.run(ref, node, "echo", uid=spec.uid, gid=spec.uid, timeout_s=5)
        with pytest.raises(NodeGone):
            world.driver.resize(ref, node, cpus=1, memory_mib=64)


async def test_a_lost_node_can_be_neither_run_on_nor_attached_to(world: World):
    spec = world.sandbox()
    world.lose(spec.ref, "node")
    with pytest.raises(NodeGone):
        world.driver.run(spec.ref, "node", "echo", uid=spec.uid, gid=spec.uid, timeout_s=5)
    with pytest.raises(NodeGone):
        await world.driver.attach(spec.ref, "node", 1, offset=0)


async def test_what_is_typed_is_done_and_shown(world: World):
    spec = world.sandbox()
    screen = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    await screen.until(b"$")
    await screen.terminal.write("echo 你好 hello\r".encode())
    await screen.until("你好 hello\r\n".encode(), times=2)
    await screen.terminal.close()


async def test_an_attachment_resumes_at_the_very_byte(world: World):
    spec = world.sandbox()
    first = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    await first.terminal.write(b"seq 1 2000\r")
    whole = await first.until(b"\n2000\r\n")
    await first.quiet()
    whole = bytes(first.data)
    await first.terminal.close()
    for cut in (0, 1, 777, len(whole) // 2, len(whole)):
        again = Screen(await world.driver.attach(spec.ref, "node", 1, offset=cut))
        assert (again.terminal.hello.offset, again.terminal.hello.gap) == (cut, 0)
        assert (await again.quiet(0.1)).startswith(whole[cut:])
        await again.terminal.close()


async def test_an_offset_from_another_life_starts_at_the_oldest_byte(world: World):
    spec = world.sandbox()
    terminal = await world.driver.attach(spec.ref, "node", 1, offset=123_456_789)
    assert (terminal.hello.offset, terminal.hello.gap) == (0, 0)
    await terminal.close()


async def test_terminals_of_a_node_are_separate(world: World):
    spec = world.sandbox()
    one = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    two = Screen(await world.driver.attach(spec.ref, "node", 2, offset=0))
    await one.terminal.write(b"echo only here\r")
    await one.until(b"only here\r\n", times=2)
    assert b"only here" not in await two.quiet()
    await one.terminal.close()
    await two.terminal.close()


async def test_an_ended_shell_tells_its_code_and_the_next_one_continues_the_stream(world: World):
    spec = world.sandbox()
    first = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    await first.until(b"$")
    await first.terminal.write(b"exit 3\r")
    assert await first.until_event(Exited) == Exited(3)
    again = Screen(await world.driver.attach(spec.ref, "node", 1, offset=first.end))
    assert again.terminal.hello.epoch == first.terminal.hello.epoch
    assert again.terminal.hello.offset == first.end
    await again.until(b"$")
    await first.terminal.close()
    await again.terminal.close()


async def test_a_new_size_reaches_the_shell_and_every_viewer(world: World):
    spec = world.sandbox()
    typist = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0, cols=90, rows=30))
    viewer = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0, cols=40, rows=10))
    assert (viewer.terminal.hello.cols, viewer.terminal.hello.rows) == (90, 30)
    await typist.terminal.resize(100, 35)
    assert await viewer.until_event(Resized) == Resized(100, 35)
    await typist.terminal.write(b"stty size\r")
    await typist.until(b"35 100")
    await typist.terminal.close()
    await viewer.terminal.close()


async def test_the_viewer_that_typed_last_decides_the_size(world: World):
    spec = world.sandbox()
    first = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0, cols=90, rows=30))
    second = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0, cols=40, rows=10))
    await second.terminal.write(b"stty size\r")
    assert await first.until_event(Resized) == Resized(40, 10)
    await second.until(b"10 40")
    await first.terminal.close()
    await second.terminal.close()


async def test_without_acknowledgement_output_stops_at_the_window(world: World):
    spec = world.sandbox()
    screen = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0), acking=False)
    await screen.terminal.write(b"seq 1 200000\r")
    await screen.quiet(1)
    assert len(screen.data) == WINDOW_BYTES
    screen.acking = True
    await screen.terminal.ack(screen.end)
    await screen.until(b"\n200000\r\n")
    await screen.terminal.close()


async def test_a_restarted_node_is_fresh(world: World):
    spec = world.sandbox("node", "other")
    before = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    other = await world.driver.attach(spec.ref, "other", 1, offset=0)
    await before.terminal.write(b"echo something said\r")
    await before.until(b"something said\r\n", times=2)
    world.driver.restart(spec, "node")
    with pytest.raises(NodeGone):
        await before.until(b"never said")
    after = await world.driver.attach(spec.ref, "node", 1, offset=0)
    assert after.hello.epoch != before.terminal.hello.epoch
    assert b"something" not in await Screen(after).quiet()
    untouched = await world.driver.attach(spec.ref, "other", 1, offset=0)
    assert untouched.hello.epoch == other.hello.epoch
    for terminal in (before.terminal, other, after, untouched):
        await terminal.close()


def test_restarting_what_is_not_there_is_refused(world: World):
    with pytest.raises(NodeGone):
        world.driver.restart(spec_of(), "node")


async def test_a_suspended_sandbox_answers_again_once_resumed(world: World):
    spec = world.sandbox()
    world.driver.suspend(spec.ref)
    world.driver.suspend(spec.ref)
    assert world.driver.health(spec.ref).ok
    with pytest.raises(DriverBusy):
        world.driver.run(spec.ref, "node", "echo", uid=spec.uid, gid=spec.uid, timeout_s=5)
    world.driver.resume(spec.ref)
    world.driver.resume(spec.ref)
    result = world.driver.run(spec.ref, "node", "echo back", uid=spec.uid, gid=spec.uid, timeout_s=5)
    assert result.output == "back\n"


def test_what_is_suspended_can_be_destroyed(world: World):
    spec = world.sandbox("lb", "web")
    world.driver.suspend(spec.ref)
    world.driver.destroy(spec.ref)
    assert world.driver.list_refs() == set()


async def test_a_terminal_goes_on_at_the_very_byte_after_a_sleep(world: World):
    spec = world.sandbox()
    screen = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    await screen.until(b"$")
    world.driver.suspend(spec.ref)
    world.driver.resume(spec.ref)
    await screen.terminal.write(b"echo after the sleep\r")
    await screen.until(b"after the sleep\r\n", times=2)
    await screen.terminal.close()


def test_suspending_what_is_not_there_is_refused(world: World):
    with pytest.raises(NodeGone):
        world.driver.suspend("nothing")
    with pytest.raises(NodeGone):
        world.driver.resume("nothing")


def test_usage_is_told_node_by_node(world: World):
    spec = world.sandbox("lb", "web")
    used = world.driver.usage(spec.ref)
    assert set(used) == {"lb", "web"}
    assert all(node.cpu_ns > 0 and node.memory_bytes > 0 and node.pids > 0 for node in used.values())
    assert world.driver.usage("nothing") == {}
    every = world.driver.usages()
    assert set(every) == {spec.ref}
    assert {name: node.epoch for name, node in every[spec.ref].items()} == {
        name: node.epoch for name, node in used.items()
    }


def test_a_node_made_anew_has_a_counter_of_its_own_and_a_frozen_one_keeps_it(world: World):
    spec = world.sandbox("lb", "web")
    before = world.driver.usage(spec.ref)
    world.driver.restart(spec, "web")
    world.driver.suspend(spec.ref)
    after = world.driver.usage(spec.ref)
    assert after["lb"].epoch == before["lb"].epoch != ""
    assert after["web"].epoch != before["web"].epoch
    assert world.driver.usage(spec.ref)["web"].cpu_ns == after["web"].cpu_ns


def test_a_usable_engine_has_no_problem_worth_telling(world: World):
    problem = world.driver.problem()
    assert problem is None or "images" in problem.message


async def test_closing_ends_the_reading(world: World):
    spec = world.sandbox()
    terminal = await world.driver.attach(spec.ref, "node", 1, offset=0)

    async def read() -> None:
        async for _event in terminal:
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    await terminal.close()
    await asyncio.wait_for(reading, 5)


async def test_a_watch_starts_no_shell_and_sees_the_first_byte_of_the_one_that_is_started(world: World):
    spec = world.sandbox()
    watch = Screen(await world.driver.watch(spec.ref, "node", 1, offset=0))
    assert (watch.terminal.hello.cols, watch.terminal.hello.rows) == (0, 0)
    assert await watch.quiet(0.1) == b""
    typist = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0, cols=90, rows=30))
    await typist.terminal.write(b"echo seen\r")
    await typist.until(b"seen\r\n", times=2)
    assert (await watch.until(b"seen\r\n", times=2)).startswith(typist.data)
    assert Resized(90, 30) in watch.events
    await typist.terminal.close()
    await watch.terminal.close()


async def test_a_watch_resumes_at_the_very_byte(world: World):
    spec = world.sandbox()
    typist = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    await typist.terminal.write(b"seq 1 2000\r")
    await typist.until(b"\n2000\r\n")
    whole = await typist.quiet()
    for cut in (0, 777, len(whole)):
        watch = Screen(await world.driver.watch(spec.ref, "node", 1, offset=cut))
        assert (watch.terminal.hello.offset, watch.terminal.hello.gap) == (cut, 0)
        assert await watch.quiet(0.1) == whole[cut:]
        await watch.terminal.close()
    await typist.terminal.close()


async def test_a_watch_that_does_not_read_holds_nobody_up_and_is_told_what_it_missed(world: World):
    spec = world.sandbox()
    watch = Screen(await world.driver.watch(spec.ref, "node", 1, offset=0), acking=False)
    typist = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    await typist.terminal.write(b"seq 1 400000\r")
    await typist.until(b"\n400000\r\n")
    assert not any(isinstance(event, Gap) for event in typist.events)
    await watch.quiet()
    assert len(watch.data) == WINDOW_BYTES
    watch.acking = True
    await watch.terminal.ack(watch.end)
    await watch.until(b"\n400000\r\n")
    assert any(isinstance(event, Gap) for event in watch.events)
    await typist.terminal.close()
    await watch.terminal.close()


async def test_watching_neither_sizes_a_terminal_nor_takes_it_over(world: World):
    spec = world.sandbox()
    watch = await world.driver.watch(spec.ref, "node", 1, offset=0)
    first = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0, cols=90, rows=30))
    await first.until(b"$")
    await first.terminal.close()
    second = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0, cols=40, rows=10))
    assert (second.terminal.hello.cols, second.terminal.hello.rows) == (40, 10)
    await watch.close()
    await second.terminal.write(b"stty size\r")
    await second.until(b"10 40")
    await second.terminal.close()


async def test_a_watch_outlives_the_shell(world: World):
    spec = world.sandbox()
    watch = Screen(await world.driver.watch(spec.ref, "node", 1, offset=0))
    first = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    await first.until(b"$")
    await first.terminal.write(b"exit 3\r")
    assert await watch.until_event(Exited) == Exited(3)
    await first.terminal.close()
    assert await watch.quiet(0.1) == watch.data, "nobody started another shell"
    second = Screen(await world.driver.attach(spec.ref, "node", 1, offset=watch.end))
    await second.terminal.write(b"echo another\r")
    await watch.until(b"another\r\n", times=2)
    await second.terminal.close()
    await watch.terminal.close()


async def test_a_watch_is_told_when_what_is_typed_is_hidden(world: World):
    spec = world.sandbox()
    watch = Screen(await world.driver.watch(spec.ref, "node", 1, offset=0))
    typist = Screen(await world.driver.attach(spec.ref, "node", 1, offset=0))
    await typist.until(b"$")
    await watch.until(b"$")
    assert not any(event.hidden for event in watch.events if isinstance(event, Modes))
    await typist.terminal.write(b"stty -echo\rhead -n 1\r")
    async with asyncio.timeout(DEADLINE_S):
        while not any(isinstance(event, Modes) and event.hidden for event in watch.events):
            await watch.take()
    await typist.terminal.close()
    await watch.terminal.close()


async def test_a_lost_node_cannot_be_watched(world: World):
    spec = world.sandbox()
    watch = Screen(await world.driver.watch(spec.ref, "node", 1, offset=0))
    world.lose(spec.ref, "node")
    with pytest.raises(NodeGone):
        await watch.until(b"never said")
    with pytest.raises(NodeGone):
        await world.driver.watch(spec.ref, "node", 1, offset=0)
    await watch.terminal.close()


def test_a_suspended_sandbox_can_be_removed(world: World):
    spec = world.sandbox("node")
    world.driver.suspend(spec.ref)
    world.driver.destroy(spec.ref)
    assert spec.ref not in world.driver.list_refs()


def test_making_what_is_suspended_changes_nothing_and_it_goes_on_when_resumed(world: World):
    spec = world.sandbox("node")
    world.driver.suspend(spec.ref)
    world.driver.create(spec)
    assert world.driver.health(spec.ref).ok
    world.driver.resume(spec.ref)
    result = world.driver.run(spec.ref, "node", "echo back", uid=spec.uid, gid=spec.uid, timeout_s=5)
    assert result.output == "back\n"


def test_thawing_is_done_at_once_or_left_to_resume(world: World):
    spec = world.sandbox("node", "other")
    assert not world.driver.thaw(spec.ref)
    assert not world.driver.thaw("nothing")
    world.driver.suspend(spec.ref)
    if not world.driver.thaw(spec.ref):
        world.driver.resume(spec.ref)
    result = world.driver.run(spec.ref, "other", "echo back", uid=spec.uid, gid=spec.uid, timeout_s=5)
    assert result.output == "back\n"


def test_an_image_has_a_version_that_stays_while_nothing_changes(world: World):
    assert world.driver.version_of("base") == world.driver.version_of("base") != ""


def test_what_the_host_has_left_is_told_or_said_to_be_unknown(world: World):
    use = world.driver.host_use()
    assert use.available_mib is None or use.available_mib > 0
    assert use.disk_percent is None or 0 <= use.disk_percent <= 100
    assert (use.disk_percent is None) == (use.disk_free_mib is None)
