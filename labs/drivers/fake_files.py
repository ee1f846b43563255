"""The files of a node in memory's engine: a folder of this machine, in the hands of the program that nodes run."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "sandbox_images" / "base" / "files.py"


class FakeHome:
    """Made when first looked at, gone with its node. The program takes it for the whole disk."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        with self._lock:
            if self._path is None:
                self._path = Path(tempfile.mkdtemp(prefix="yunlian-home-"))
            return self._path

    def open(self) -> socket.socket:
        """Both standard streams of a fresh files program."""
        ours, its = socket.socketpair()
        command = [sys.executable, "-I", "-S", "-B", os.fspath(PROGRAM), os.fspath(self.path)]
        program = subprocess.Popen(command, stdin=its.fileno(), stdout=its.fileno(), cwd=self.path)  # noqa: S603
        its.close()
        threading.Thread(target=program.wait, daemon=True).start()
        return ours

    def remove(self) -> None:
        with self._lock:
            if self._path is not None:
                shutil.rmtree(self._path, ignore_errors=True)
            self._path = None
