"""The product's programs and the one that watches over them: started in order, restarted when they die, stopped in
the opposite order, with nothing of theirs left."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.launch.console import Failure, warn
from config.launch.installation import ROOT

PR_SET_PDEATHSIG = 1
KEEP_LOG_BYTES = 10 * 1024 * 1024
# Longer than a start takes: what dies after it had worked is started again at once, what never works ever more slowly.
HEALTHY_SECONDS = 10
LONGEST_PAUSE_SECONDS = 15
LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Program:
    """One long-running process. ``grace_s`` is how long it may take to end by itself."""

    name: str
    argv: Sequence[str]
    grace_s: float = 10
    pass_fds: tuple[int, ...] = ()


def end_with_launcher() -> None:
    """In the child: a launcher killed with -9 takes its processes along."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


@dataclass
class Watched:
    """A program with its present process and the task that restarts it."""

    program: Program
    process: asyncio.subprocess.Process
    since: float = field(default_factory=time.monotonic)
    deaths: int = 0
    watch: "asyncio.Task[None] | None" = None


class Supervisor:
    """Runs programs until told to stop them."""

    def __init__(
        self, run: Path, logs: Path, environment: dict[str, str], changed: Callable[[], None] = lambda: None
    ) -> None:
        self.run = run
        self.logs = logs
        self.environment = environment
        self.changed = changed
        self.watched: dict[str, Watched] = {}
        self.stopping = False

    @property
    def pids(self) -> dict[str, int]:
        return {name: watched.process.pid for name, watched in self.watched.items()}

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    async def start(self, program: Program) -> None:
        """The program runs and will be started again whenever it dies."""
        log = self.log_of(program.name)
        if log.exists() and log.stat().st_size > KEEP_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        watched = Watched(program, await self._spawn(program))
        self.watched[program.name] = watched
        watched.watch = asyncio.create_task(self._keep_alive(watched))
        self.changed()

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        with self.log_of(program.name).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *program.argv,
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                pass_fds=program.pass_fds,
                start_new_session=True,
                preexec_fn=end_with_launcher,
            )

    async def _keep_alive(self, watched: Watched) -> None:
        """Start the program again after every death, more slowly when it keeps dying."""
        while True:
            code = await watched.process.wait()
            kill_group(watched.process.pid)
            lived = time.monotonic() - watched.since
            watched.deaths = 0 if lived > HEALTHY_SECONDS else watched.deaths + 1
            pause = min(2.0 ** (watched.deaths - 2), LONGEST_PAUSE_SECONDS) if watched.deaths > 1 else 0
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            warn(
                f"{watched.program.name} {how}; starting it again"
                + (f" in {pause:.0f} s" if pause else "")
                + (f": {self.last_words(watched.program.name)}" if watched.deaths > 1 else "")
                + f" (log: {self.log_of(watched.program.name)})"
            )
            await asyncio.sleep(pause)
            watched.process = await self._spawn(watched.program)
            watched.since = time.monotonic()
            self.changed()

    async def stop(self, name: str) -> None:
        """The program and everything it started have ended."""
        watched = self.watched.pop(name, None)
        if watched is None:
            return
        if watched.watch is not None:
            watched.watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watched.watch
        process = watched.process
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), watched.program.grace_s)
        except TimeoutError:
            kill_group(process.pid)
            await process.wait()
        kill_group(process.pid)
        self.changed()

    def deaths(self, name: str) -> int:
        watched = self.watched.get(name)
        return watched.deaths if watched else 0

    def last_words(self, name: str) -> str:
        """The last line of the program's log that says what went wrong."""
        lines = (
            self.log_of(name).read_text(errors="replace").splitlines()[-200:]
            if self.log_of(name).exists()
            else []
        )
        told = [line.strip() for line in lines if line.strip()]
        errors = [line for line in told if "Error" in line or "error" in line or "Improperly" in line]
        return (errors or told or ["(its log is empty)"])[-1]


def kill_group(leader: int) -> None:
    """Whatever is left in the process group of ``leader`` is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


async def run_once(
    argv: Sequence[str],
    environment: dict[str, str],
    log: Path,
    tell: Callable[[str], None],
    *,
    name: str,
) -> None:
    """The command ran to its end, each of its output lines passed to ``tell`` and the log.

    Raises Failure with its last error line when it failed. A cancelled call takes the command along.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        start_new_session=True,
        preexec_fn=end_with_launcher,
        limit=4 * 1024 * 1024,
    )
    last = ""
    try:
        assert process.stdout is not None  # noqa: S101  (asked for above)
        with log.open("ab") as kept:
            async for raw in process.stdout:
                kept.write(raw)
                line = raw.decode(errors="replace").strip()
                if line:
                    last = line
                    tell(line)
        if await process.wait() != 0:
            raise Failure(
                f"{name} failed: {last or 'it said nothing'}", f"read the end of {log}, correct it, ./dev up"
            )
    finally:
        if process.returncode is None:
            kill_group(process.pid)
            await process.wait()


def python(*words: str) -> list[str]:
    return [sys.executable, *words]
