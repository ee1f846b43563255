"""The keeper's directory is no way to the host: tried from inside, and with what a learner could have put there."""

import os
import socket
import stat
from pathlib import Path

import pytest

from labs.drivers.base import NodeGone, SandboxSpec
from labs.drivers.docker import nodes, wire
from labs.drivers.docker.containers import EngineFacts, container_config
from labs.drivers.docker.names import container_name
from labs.drivers.docker.networks import ensure_network
from labs.drivers.docker.scripts import run_script
from tests.drivers.conftest import Place, World, docker_place, docker_world, eventually, spec_of

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    "attempt",
    [
        "rm -f /run/keeper/keeper.sock",
        "mv /run/keeper/keeper.sock /run/keeper/other",
        "ln -sf /var/run/docker.sock /run/keeper/keeper.sock",
        "ln -s /etc /run/keeper/link",
        "ln /run/keeper/keeper.sock /tmp/keeper.sock",
        "touch /run/keeper/file",
        "mkdir /run/keeper/folder",
        "dd if=/dev/zero of=/run/keeper/fill bs=1M count=50",
        "echo 'root::0:0::/:/bin/sh' >> /run/keeper/passwd",
        "chmod 777 /run/keeper",
        "chown learner /run/keeper",
        "mv /run/keeper /run/else",
        "nc -U -w 1 /run/keeper/keeper.sock </dev/null",
    ],
)
def test_the_keepers_directory_refuses_the_learner(place: Place, attempt: str):
    result = place.as_learner(attempt)
    assert result.exit_code != 0
    assert any(
        word in result.output for word in ("denied", "not permitted", "Read-only", "busy", "cross-device")
    ), result.output


def test_the_keepers_directory_is_roots_and_the_socket_closed(place: Place):
    folder = place.driver.folders.path(place.spec.ref, "node")
    entry, sock = os.lstat(folder), os.lstat(folder / "keeper.sock")
    assert (entry.st_uid, stat.S_IMODE(entry.st_mode)) == (0, 0o755)
    assert stat.S_ISSOCK(sock.st_mode)
    assert (sock.st_uid, stat.S_IMODE(sock.st_mode)) == (0, 0o660)


def test_even_with_the_socket_open_the_keeper_refuses_peers_from_inside(base_image: str, tmp_path: Path):
    with docker_place(tmp_path) as made:
        folder = made.driver.folders.path(made.spec.ref, "node")
        (folder / "keeper.sock").chmod(0o666)
        hello = "import socket; s = socket.socket(1); s.connect('/run/keeper/keeper.sock'); s.send(b'\\x01\\0\\0\\0\\0'); print('answer', s.recv(5))"
        script, uid = f'python3 -c "{hello}"', made.spec.uid
        told = run_script(made.container(), script, uid=uid, gid=uid, timeout_s=5).output
    assert "x81" not in told
    assert "answer b''" in told or "ConnectionReset" in told or "BrokenPipe" in told, told


def test_the_driver_does_not_follow_what_a_learner_could_have_put_there(base_image: str, tmp_path: Path):
    with docker_place(tmp_path) as made:
        folder = made.driver.folders.path(made.spec.ref, "node")
        real = folder / "keeper.sock"
        with socket.socket(socket.AF_UNIX) as trap:
            trap.bind(str(tmp_path / "trap.sock"))
            trap.listen()
            trap.setblocking(False)
            real.rename(folder / "moved")
            real.symlink_to(tmp_path / "trap.sock")
            assert not made.driver.folders.is_secured(made.spec.ref, "node")
            assert not made.driver.health(made.spec.ref).ok
            with pytest.raises(BlockingIOError):
                trap.accept()
        # A directory with anything unexpected in it is not opened but made anew.
        made.driver.create(made.spec)
        assert made.driver.health(made.spec.ref).ok
        assert stat.S_ISSOCK(os.lstat(real).st_mode)


def test_before_the_take_over_no_learners_program_starts(base_image: str, tmp_path: Path):
    world = docker_world(tmp_path)
    spec = spec_of()
    try:
        started_but_not_taken_over(world, spec)
        folder = world.driver.folders.path(spec.ref, "node")
        assert os.lstat(folder).st_uid == spec.uid
        with socket.socket(socket.AF_UNIX) as early:
            early.settimeout(5)
            early.connect(str(folder / "keeper.sock"))
            early.sendall(wire.attach(1, 0, 80, 24))
            frame, length = wire.header(early.recv(wire.HEADER.size))
            assert wire.event(frame, early.recv(length)) == wire.Failed("not open yet")
        with pytest.raises(NodeGone):
            world.driver.run(spec.ref, "node", "true", uid=spec.uid, gid=spec.uid, timeout_s=5)
        assert not world.driver.health(spec.ref).ok
        # A worker that died there is followed by one that completes it, without starting the node anew.
        before = Place(world, spec).pid_1()
        world.driver.create(spec)
        assert Place(world, spec).pid_1() == before
        assert os.lstat(folder).st_uid == 0
        assert world.driver.health(spec.ref).ok
    finally:
        world.clean()


def started_but_not_taken_over(world: World, spec: SandboxSpec) -> None:
    """The world as a worker leaves it that is killed in the middle of a start."""
    driver = world.driver
    network = ensure_network(driver.installation, spec)
    folder = driver.folders.prepare(spec.ref, "node", spec.uid)
    config = container_config(
        driver.installation,
        spec,
        spec.nodes[0],
        image="yunlian/base:latest",
        network=network,
        keeper_folder=str(folder),
        facts=EngineFacts(),
    )
    nodes.start(container_name(driver.installation, spec.ref, "node"), config)
    eventually(lambda: driver.folders.has_socket(spec.ref, "node"), "the keeper listens")


def test_a_restarted_node_is_taken_over_again(base_image: str, tmp_path: Path):
    with docker_place(tmp_path) as made:
        made.driver.restart(made.spec, "node")
        folder = os.lstat(made.driver.folders.path(made.spec.ref, "node"))
        assert (folder.st_uid, stat.S_IMODE(folder.st_mode)) == (0, 0o755)
        assert made.as_learner("touch /run/keeper/file").exit_code != 0
