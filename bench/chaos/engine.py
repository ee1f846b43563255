"""A Docker engine of the drill's own, so that killing it hurts nobody else's containers."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import docker

from config.launch.engine import SEARCH_PATH

START_S = 60


class OwnEngine:
    """dockerd with folders, socket and bridge of its own; killed and started again at will."""

    def __init__(self, *, live_restore: bool) -> None:
        self.live_restore = live_restore
        self.folder = Path(tempfile.mkdtemp(prefix="yc-"))
        # A second engine told to have no bridge removes docker0, which is the first one's.
        self.bridge = f"yc{uuid.uuid4().hex[:8]}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"unix://{self.folder}/d.sock"

    def start(self, images: list[str]) -> None:
        """It answers and has ``images``, copied from the machine's engine."""
        self._ip("link", "add", self.bridge, "type", "bridge")
        self._ip("address", "add", "10.254.253.1/28", "dev", self.bridge)
        self._run()
        with docker.APIClient(version="auto") as theirs, self.client() as ours:
            for image in images:
                ours.load_image(b"".join(theirs.get_image(image)))

    def client(self) -> docker.APIClient:
        return docker.APIClient(base_url=self.address, version="auto", timeout=60)

    def kill(self) -> None:
        """The daemon got SIGKILL and a new one answers."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._run()

    def close(self) -> None:
        """Nothing of it is left on the machine."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._ip("link", "delete", self.bridge)
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if (point := line.split()[1]).startswith(f"{self.folder}/"):
                subprocess.run(["umount", "-l", point], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self) -> None:
        (self.folder / "d.pid").unlink(missing_ok=True)
        with (self.folder / "dockerd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "dockerd", "--host", self.address, "--data-root", str(self.folder / "data"),
                    "--exec-root", str(self.folder / "exec"), "--pidfile", str(self.folder / "d.pid"),
                    f"--bridge={self.bridge}", *(["--live-restore"] if self.live_restore else []),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PATH": SEARCH_PATH},
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"dockerd did not start: {self.folder}/dockerd.log")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (docker.errors.DockerException, OSError):
            return False

    @staticmethod
    def _ip(*words: str) -> None:
        subprocess.run(
            ["ip", *words], check=False, capture_output=True, env={**os.environ, "PATH": SEARCH_PATH}
        )
