"""A Docker engine of the drill's own, so that killing it hurts nobody else's containers."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import docker

from config.launch.engine import SEARCH_PATH

START_S = 90
STOP_S = 30


class OwnEngine:
    """dockerd with folders, socket and network namespace of its own; killed and started again at will.

    Two engines in one network namespace would write the same chains of iptables, and one would undo the other's.
    """

    def __init__(self, *, live_restore: bool) -> None:
        self.live_restore = live_restore
        self.folder = Path(tempfile.mkdtemp(prefix="yc-"))
        self.name = f"yc{uuid.uuid4().hex[:8]}"
        self.process: subprocess.Popen[bytes] | None = None
        self.containerd: subprocess.Popen[bytes] | None = None

    @property
    def _containerd(self) -> Path:
        return self.folder / "c.sock"

    @property
    def address(self) -> str:
        return f"unix://{self.folder}/d.sock"

    def start(self, images: list[str]) -> None:
        """It answers and has ``images``, copied from the machine's engine."""
        self._ip("netns", "add", self.name)
        self._ip("-n", self.name, "link", "set", "lo", "up")
        # Named, because an engine told to have no bridge removes whatever is called docker0.
        self._ip("-n", self.name, "link", "add", self.name, "type", "bridge")
        self._ip("-n", self.name, "address", "add", "10.254.253.1/28", "dev", self.name)
        self._run_containerd()
        self._run()
        with docker.APIClient(version="auto", timeout=300) as theirs, self.client() as ours:
            # All in one, so that what they share is copied once; the SDK's own call takes one image.
            address = f"{theirs.base_url}/v{theirs.api_version}/images/get"
            saved = theirs.get(address, params=[("names", image) for image in images], timeout=theirs.timeout)
            for _said in ours.load_image(saved.content, quiet=True):
                continue  # until they are there

    def client(self) -> docker.APIClient:
        return docker.APIClient(base_url=self.address, version="auto", timeout=300)

    def kill(self) -> None:
        """The daemon got SIGKILL and a new one answers."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._run()

    def links(self) -> list[str]:
        """The network interfaces that are not the engine's own."""
        told = self._ip("-n", self.name, "-o", "link").splitlines()
        names = [line.split(":")[1].strip().partition("@")[0] for line in told]
        return [name for name in names if name not in {"lo", self.name}]

    def shims(self) -> list[str]:
        """The processes of containerd that look after a container."""
        return [f"{pid}" for pid in self._processes() if "containerd-shim" in self._words(pid)]

    def end_forgotten(self) -> list[str]:
        """The containers that the engine itself knows no more, and in which no program ever began, are ended.

        An engine killed in the middle of a start makes such ones: runc waits for a word that never comes, and no client
        of the engine can see or remove it. One whose programs run is not touched: that one is a leak.
        """
        with self.client() as client:
            known = {container["Id"] for container in client.containers(all=True)}
        ended = []
        for shim in map(int, self.shims()):
            container = container_of(self._words(shim))
            inside = processes_in(Path("/proc"), container) - {shim}
            if container not in known and all(self._words(pid) == "runc init " for pid in inside):
                kill_all([*inside, shim])
                ended.append(container[:12])
        return ended

    def close(self) -> None:
        """Nothing of it is left on the machine."""
        if self.process is not None and self.process.poll() is None:
            with self.client() as client:
                for container in client.containers(all=True):
                    client.remove_container(container["Id"], force=True, v=True)
        for process in (self.process, self.containerd):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        for pid in self._processes():
            container = container_of(self._words(pid))
            kill_all([*(processes_in(Path("/proc"), container) if container else ()), pid])
        self._ip("netns", "delete", self.name)
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if (point := line.split()[1]).startswith(f"{self.folder}/"):
                subprocess.run(["umount", "-l", point], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run_containerd(self) -> None:
        """The containers' keeper, which lives on while dockerd is killed, as where both are services of the system."""
        config = self.folder / "containerd.toml"
        config.write_text(
            f'version = 2\nroot = "{self.folder}/exec/root"\nstate = "{self.folder}/exec/state"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{self._containerd}"\n'
        )
        self.containerd = self._inside(["containerd", "--config", str(config)], "containerd.log")
        self._wait(self.containerd, self._containerd.exists, "containerd.log")

    def _run(self) -> None:
        (self.folder / "d.pid").unlink(missing_ok=True)
        words = [
            "dockerd", "--host", self.address, "--containerd", str(self._containerd),
            "--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec"),
            "--pidfile", str(self.folder / "d.pid"), f"--bridge={self.name}",
        ]  # fmt: skip
        self.process = self._inside(
            [*words, *(["--live-restore"] if self.live_restore else [])], "dockerd.log"
        )
        self._wait(self.process, self._answers, "dockerd.log")

    def _inside(self, words: list[str], log: str) -> "subprocess.Popen[bytes]":
        """The program, in this engine's network namespace."""
        with (self.folder / log).open("ab") as told:
            return subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.name}", *words],
                stdin=subprocess.DEVNULL, stdout=told, stderr=told, start_new_session=True,
                env={**os.environ, "PATH": SEARCH_PATH},
            )  # fmt: skip

    def _wait(self, process: "subprocess.Popen[bytes]", is_there: Callable[[], bool], log: str) -> None:
        deadline = time.monotonic() + START_S
        while not is_there():
            if process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / log).read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the drill's engine did not start: {said}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (docker.errors.DockerException, OSError):
            return False

    def _processes(self) -> list[int]:
        """Whatever was started with this engine's folder among its words, its two daemons left out."""
        mine = {process.pid for process in (self.process, self.containerd) if process}
        return [
            pid
            for path in Path("/proc").glob("[0-9]*")
            if (pid := int(path.name)) not in mine and f"{self.folder}/" in self._words(pid)
        ]

    @staticmethod
    def _words(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""

    @staticmethod
    def _ip(*words: str) -> str:
        environment = {**os.environ, "PATH": SEARCH_PATH}
        done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True, env=environment)
        return done.stdout


def container_of(shim: str) -> str:
    """Which container the shim with this command line looks after; empty for what is no shim."""
    return shim.partition(" -id ")[2].partition(" ")[0]


def kill_all(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes_in(proc: Path, container: str) -> set[int]:
    """The processes in the container's control groups."""
    found = set()
    for path in proc.glob("[0-9]*/cgroup"):
        with suppress(OSError):  # it ended meanwhile
            if container in path.read_text():
                found.add(int(path.parent.name))
    return found
