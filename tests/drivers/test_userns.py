"""An engine that remaps users: nodes run there as elsewhere, root of a node is nobody on the host, and may be asked for."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import docker
import pytest

from config.launch.engine import SEARCH_PATH
from labs.drivers.base import NodeSpec
from labs.drivers.docker.containers import EngineFacts, why_no_root
from tests.drivers.conftest import Place, World, docker_place, docker_world

SHIFT = 1_000_000
START_S = 60
ENVIRONMENT = {**os.environ, "PATH": SEARCH_PATH}
# Its own /etc/subuid, since the range of the host's is too small for our uids, or there is none.
START = """
mount --bind {folder}/ranges /etc/subuid
mount --bind {folder}/ranges /etc/subgid
exec dockerd --host unix://{folder}/d.sock --data-root {folder}/data --exec-root {folder}/exec \\
    --pidfile {folder}/d.pid --bridge={bridge} --iptables=false --ip-masq=false --userns-remap=nobody:nogroup
"""


def run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode:
        pytest.skip(f"no second engine here: {' '.join(words[:2])} says {done.stderr.strip()}")


@pytest.fixture(scope="module")
def remapping(base_image: str) -> Iterator[Path]:
    """DOCKER_HOST is an engine of our own that remaps users and has the base image; a folder that it sees mounts in.

    It has mounts of its own, a bridge of its own (told to have none it would remove the first engine's) and keeps its
    hands off the firewall, whose rules for the first engine's networks it would sweep away.
    """
    folder = Path(tempfile.mkdtemp(prefix="yu-"))
    folder.chmod(0o711)  # the engine wants its data to be reached by the users it remaps to
    bridge, shared = f"yu{uuid.uuid4().hex[:8]}", folder / "run"
    shared.mkdir()
    (folder / "ranges").write_text(f"nobody:{SHIFT}:1000000\nnogroup:{SHIFT}:1000000\n")
    with ExitStack() as owed:
        owed.callback(shutil.rmtree, folder, ignore_errors=True)
        run("ip", "link", "add", bridge, "type", "bridge")
        owed.callback(subprocess.run, ["ip", "link", "delete", bridge], check=False, env=ENVIRONMENT)
        run("ip", "address", "add", "10.254.252.1/28", "dev", bridge)
        run("mount", "--bind", str(shared), str(shared))
        owed.callback(subprocess.run, ["umount", "-l", str(shared)], check=False, env=ENVIRONMENT)
        run("mount", "--make-shared", str(shared))
        owed.enter_context(engine(folder, bridge))
        address = f"unix://{folder}/d.sock"
        with docker.APIClient(version="auto") as theirs, docker.APIClient(address, version="auto") as ours:
            ours.load_image(b"".join(theirs.get_image(base_image)))
            ours.tag(base_image, "yunlian/base", "latest")
        owed.enter_context(pytest.MonkeyPatch.context()).setenv("DOCKER_HOST", address)
        yield shared


class engine(ExitStack):
    """The daemon answers, and is gone at the end."""

    def __init__(self, folder: Path, bridge: str) -> None:
        super().__init__()
        self.folder, self.script = folder, START.format(folder=folder, bridge=bridge)

    def __enter__(self) -> "engine":
        log = self.enter_context((self.folder / "dockerd.log").open("wb"))
        words = ["unshare", "--mount", "--propagation", "slave", "sh", "-ec", self.script]
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=ENVIRONMENT
        )
        self.callback(_end, process)
        deadline = time.monotonic() + START_S
        while not _answers(f"unix://{self.folder}/d.sock"):
            if process.poll() is not None or time.monotonic() > deadline:
                self.close()
                said = (self.folder / "dockerd.log").read_text(errors="replace").strip().splitlines()
                pytest.skip(f"no engine that remaps users can be started here: {(said or ['silence'])[-1]}")
            time.sleep(0.1)
        return self


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(address: str) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as door:
        door.settimeout(5)
        door.connect(address.removeprefix("unix://"))
        door.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b" 200 " in door.recv(64)
    return False


def world_there(folder: Path) -> World:
    """Nodes start from the image that was loaded last, whatever the folder of images holds."""
    return docker_world(folder, images="")


@pytest.fixture(scope="module")
def remapped(remapping: Path) -> Iterator[Place]:
    with docker_place(remapping / "keepers", "node", "other", options={"images": ""}) as made:
        yield made


@pytest.fixture(scope="module")
def rooted(remapping: Path) -> Iterator[Place]:
    options = {"images": ""}
    with docker_place(remapping / "rooted", options=options, root=True, disk_mib=16) as made:
        yield made


@pytest.mark.docker
def test_a_node_of_a_remapping_engine_runs_as_elsewhere_and_its_learner_is_another_on_the_host(
    remapped: Place,
):
    assert remapped.driver.health(remapped.spec.ref).ok
    assert (
        remapped.as_learner("id -u; touch ~/mine; stat -c %u ~/mine").output.split()
        == [str(remapped.spec.uid)] * 2
    )
    assert remapped.as_checker("ls ~").output == "mine\n"
    assert Path(f"/proc/{remapped.pid_1()}").stat().st_uid in {0, remapped.spec.uid + SHIFT}
    status = Path(f"/proc/{remapped.pid_1()}/status").read_text()
    assert f"Uid:\t{remapped.spec.uid + SHIFT}" in status


@pytest.mark.docker
async def test_terminals_files_suspending_and_the_neighbour_work_there(remapped: Place):
    async with remapped.attached() as terminal:
        await terminal.write(b"tty; stat -c %G $(tty); echo do''ne\n")
        said = b""
        async for event in terminal:
            said += getattr(event, "data", b"")
            if b"done" in said:
                break
    assert b"/dev/pts/0" in said
    assert b"tty\r\n" in said
    remapped.driver.open_files(remapped.spec.ref, "node").close()
    remapped.driver.suspend(remapped.spec.ref)
    remapped.driver.resume(remapped.spec.ref)
    assert remapped.as_learner("getent hosts other >/dev/null && echo known").output == "known\n"
    assert remapped.driver.usage(remapped.spec.ref)["node"].memory_bytes > 0


@pytest.mark.docker
def test_root_of_a_node_is_nobody_on_the_host(rooted: Place):
    def as_root(script: str) -> str:
        return rooted.driver.run(rooted.spec.ref, "node", script, uid=0, gid=0, timeout_s=15).output

    assert as_root("id -u; echo kept > ~/mine; stat -c %u ~/mine; cat ~/mine").split() == ["0", "0", "kept"]
    assert rooted.as_checker("cat ~/mine").output == "kept\n"
    assert f"Uid:\t{SHIFT}" in Path(f"/proc/{rooted.pid_1()}/status").read_text()
    rights = int(as_root("grep ^CapEff /proc/self/status").split()[1], 16)
    assert rights in {0, 1 << 10}, "nothing but low ports of its own network"
    for attempt in (
        "echo more >> /etc/hosts",
        "echo more > /new",
        "touch /run/keeper/new",
        "rm /run/keeper/keeper.sock",
        "echo x > /run/keeper/passwd",
        "cat /proc/1/environ",
        "head -c 1 /proc/1/mem",
        "mount -t tmpfs none /mnt",
        "chown 5:5 ~/mine",
        "mknod /tmp/sda b 8 0",
        "hostname other",
        "ip link set eth0 down",
        "kill -9 1; sleep 0.2; ! kill -0 1",
    ):
        assert as_root(f"sh -c {attempt!r} >/dev/null 2>&1 && echo WORKED || echo no") == "no\n", attempt
    assert as_root('python3 -c \'import socket; socket.create_server(("", 80)); print("low")\'') == "low\n"


@pytest.mark.docker
def test_a_disk_of_a_remapped_node_is_its_learners_and_goes_with_it(remapping: Path):
    world = world_there(remapping / "disks")
    try:
        place = Place(world, world.sandbox(disk_mib=16))
        assert (
            place.as_learner("touch ~/kept && stat -c %u ~ ~/kept").output.split()
            == [str(place.spec.uid)] * 2
        )
        place.driver.restart(place.spec, "node")
        assert place.as_learner("ls ~").output == "kept\n"
    finally:
        world.clean()
    assert f"{remapping}/disks" not in Path("/proc/self/mounts").read_text()
    assert not world.driver.list_refs()


def test_root_is_lent_by_a_kernel_of_its_own_or_by_an_engine_that_remaps_users():
    plain, remaps = EngineFacts(), EngineFacts(uid_shift=SHIFT, gid_shift=SHIFT)
    root = {
        runtime: NodeSpec("node", "base", "", root=True, runtime=runtime)
        for runtime in ("", "runc", "runsc", "kata")
    }
    assert {runtime for runtime, node in root.items() if not why_no_root(node, plain)} == {"runsc", "kata"}
    assert {runtime for runtime, node in root.items() if not why_no_root(node, remaps)} == set(root)
    assert why_no_root(NodeSpec("node", "base", ""), plain) == ""


def test_where_an_engine_remaps_users_is_read_from_what_it_tells():
    told = {"SecurityOptions": ["name=seccomp,profile=default", "name=userns"]}
    there = EngineFacts.read({**told, "DockerRootDir": "/var/lib/docker/231072.231073"}, "1.41")
    assert (there.uid_shift, there.gid_shift, there.remaps_users) == (231072, 231073, True)
    here = EngineFacts.read({"DockerRootDir": "/var/lib/docker/231072.231073"}, "1.41")
    assert not here.remaps_users
