"""The whole product on this machine, from the first step to the last process stopped."""

import asyncio
import contextlib
import errno
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from config.launch import images
from config.launch.console import Failure, Step, say, step, warn
from config.launch.engine import Engine, start_or_explain
from config.launch.installation import WILDCARDS, Installation, Wish
from config.launch.processes import Program, Supervisor, kill_group, python, run_once

HEALTHY_SECONDS = 60
BROKER_SECONDS = 20
STOP_SANDBOXES_SECONDS = 60


def confirm_url(installation: Installation, wish: Wish) -> str:
    """The public address of this start; a changed one only after a yes.

    Raises Failure when nobody can be asked.
    """
    wanted, saved = installation.wanted_url(wish), installation.saved_url
    if saved and wanted != saved and not wish.change_url:
        words = " ".join(word for word in sys.argv[1:] if word != "up")
        command = f"./dev up {words}".strip() + " --change-url"
        told = f"PUBLIC_URL={wanted} " if os.environ.get("PUBLIC_URL") else ""
        why = f"This installation's address is {saved}, and its credentials carry it; {wanted} would be another."
        if not sys.stdin.isatty():
            raise Failure(why, f"keep it (./dev up), or change it for good: {told}{command}")
        say(f"{why}\nCredentials already issued will point to {saved}.")
        if input("Change it? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise Failure("The address was not changed.", "./dev up starts at the old one")
    if wanted != saved:
        installation.keep_url(wanted)
    host, port = installation.listen_address(wish)
    if host in WILDCARDS and urlsplit(wanted).hostname == "localhost":
        warn(
            f"This listens on every address, but answers to {wanted} only, and credentials carry that. "
            f"Fix, for people on other machines: PUBLIC_URL=http://{socket.gethostname()}:{port} "
            f"./dev up --host {host} --change-url"
        )
    return wanted


def listen(installation: Installation, wish: Wish) -> socket.socket:
    """A listening socket at the address asked for. Raises Failure when it is not to be had."""
    host, port = installation.listen_address(wish)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fix = f"stop that program, or choose another: ./dev up --port {port + 1}"
            fix += " --change-url" if installation.saved_url else ""
            raise Failure(f"Port {port} on {host} is taken by another program.", fix) from error
        if error.errno == errno.EACCES:
            raise Failure(
                f"Port {port} is for root only.", "choose one above 1023: ./dev up --port 8000"
            ) from error
        raise Failure(
            f"{host} port {port} cannot be used ({error.strerror}).", "./dev up --host 127.0.0.1"
        ) from error
    listening.set_inheritable(True)
    return listening


def clear_leftovers(installation: Installation) -> None:
    """Processes of a launcher that was killed are gone, so that they fight nobody over broker and database."""
    mark = f"YUNLIAN_VAR={installation.var}".encode()
    for pid in installation.state().get("processes", {}).values():
        with contextlib.suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                kill_group(pid)


class Launch:
    """One run of ``up``."""

    def __init__(self, installation: Installation, wish: Wish) -> None:
        self.installation = installation
        self.wish = wish
        self.engine = Engine(installation.logs)
        self.listening: socket.socket | None = None
        self.url = ""
        self.ready = False
        self.problem: Failure | None = None
        self.supervisor = Supervisor(installation.run, installation.logs, {}, self.tell_state)

    def tell_state(self) -> None:
        self.installation.write_state(
            pid=os.getpid(), url=self.url, ready=self.ready, processes=self.supervisor.pids
        )

    # --- starting ---

    async def start(self) -> None:
        """The site answers. Raises Failure with cause and fix."""
        started = time.monotonic()
        first = not self.installation.saved_url
        if first:  # the address is kept only once it is known to be free
            self.listening = listen(self.installation, self.wish)
        self.url = confirm_url(self.installation, self.wish)
        self.listening = self.listening or listen(self.installation, self.wish)
        self.installation.keep_listen_address(*self.listening.getsockname()[:2])
        self.supervisor.environment = self.installation.environment()
        clear_leftovers(self.installation)
        self.tell_state()
        self.problem = start_or_explain(self.engine)
        building = asyncio.create_task(self.build_images())
        try:
            await self.start_broker()
            if not self.installation.is_prepared():
                await self.prepare()
            with step("Web and worker"):
                await self.supervisor.start(self.web())
                await self.supervisor.start(self.worker())
                await self.wait_until_healthy()
            await self.supervisor.start(self.beat())
            await self.supervisor.start(self.recorder())
            await self.supervisor.start(self.egress())
            await building
        finally:
            building.cancel()
        self.ready = True
        self.tell_state()
        say(f"\nYunlian 云联 is at {self.url} after {time.monotonic() - started:.1f} s.")
        say(self.installation.people_table())
        say(f"  Passwords: {self.installation.var / 'people.json'}   Logs: {self.installation.logs}")

    def web(self) -> Program:
        assert self.listening is not None  # noqa: S101  (bound before)
        number = self.listening.fileno()
        return Program("web", python("-m", "config.launch.web", "--fd", str(number)), 8, (number,))

    def worker(self) -> Program:
        return Program(
            "worker",
            python("-m", "celery", "-A", "config.celery", "worker", "--concurrency=4",
                "--queues=celery,sandboxes,checks", "-Ofair",
                   "--without-gossip", "--without-mingle", "--loglevel=INFO", "-n", "worker@%h"),
            10,
        )  # fmt: skip

    def beat(self) -> Program:
        schedule = self.installation.run / "beat-schedule"
        return Program(
            "beat",
            python("-m", "celery", "-A", "config.celery", "beat", f"--schedule={schedule}", "--pidfile=",
                   "--loglevel=WARNING"),
            5,
        )  # fmt: skip

    def recorder(self) -> Program:
        return Program("recorder", python("manage.py", "record_terminals"), 5)

    def egress(self) -> Program:
        return Program("egress", python("manage.py", "egress_proxy"), 5)

    async def start_broker(self) -> None:
        """A broker answers: the one of REDIS_URL, else our own on a unix socket."""
        if os.environ.get("REDIS_URL"):
            return
        program = shutil.which("redis-server")
        if program is None:
            raise Failure(
                "There is no redis-server on this machine.", "apt-get install redis-server, or set REDIS_URL"
            )
        folder = self.installation.broker
        path = folder / "redis.sock"
        path.unlink(missing_ok=True)
        argv = [program, "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(folder),
                "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"]  # fmt: skip
        await self.supervisor.start(Program("broker", argv, 10))
        deadline = time.monotonic() + BROKER_SECONDS
        while not await broker_answers(path):
            if time.monotonic() > deadline or self.supervisor.deaths("broker") > 2:
                raise Failure(
                    f"redis-server does not answer: {self.supervisor.last_words('broker')}",
                    f"read {self.supervisor.log_of('broker')}; a broken {folder} may be moved away",
                )
            await asyncio.sleep(0.05)

    async def prepare(self) -> None:
        """Schema and demo world are those of this source."""
        with step("Database and demo world") as shown:
            await self.run_django("prepare", shown, "-m", "config.launch.prepare")
            self.installation.keep_prepared()

    async def build_images(self) -> None:
        """Every sandbox image is built; when that fails, labs do not run and the person knows why."""
        if self.problem is not None:
            return
        record = self.installation.run / "images.json"
        if images.are_built(record):
            return
        try:
            with step("Sandbox images") as shown:
                await self.run_django("images", shown, "manage.py", "build_images")
                images.keep_built(record)
        except Failure as failure:
            warn(f"Labs will not run. {failure}")

    async def run_django(self, name: str, shown: Step, *words: str) -> None:
        failures: list[Failure] = []

        def tell(line: str) -> None:
            if line.startswith("FAILURE "):
                failures.append(Failure(**json.loads(line.removeprefix("FAILURE "))))
            else:
                shown.detail(line)

        log = self.installation.logs / f"{name}.log"
        try:
            await run_once(python(*words), self.supervisor.environment, log, tell, name=shown.title)
        except Failure as failure:
            raise (failures or [failure])[0] from failure

    async def wait_until_healthy(self) -> None:
        """/healthz/ answers 200. Raises Failure with the last words of the web process."""
        host, port = self.installation.listen_address(self.wish)
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        deadline = time.monotonic() + HEALTHY_SECONDS
        while not await is_healthy(host, port, urlsplit(self.url).netloc):
            if self.supervisor.deaths("web") > 2:
                raise Failure(
                    f"The web process keeps ending: {self.supervisor.last_words('web')}",
                    f"read the end of {self.supervisor.log_of('web')}, correct it, ./dev up",
                )
            if time.monotonic() > deadline:
                raise Failure(
                    f"The site did not answer within {HEALTHY_SECONDS} s: {self.supervisor.last_words('web')}",
                    f"read {self.supervisor.log_of('web')}",
                )
            await asyncio.sleep(0.1)

    # --- stopping ---

    async def stop(self) -> None:
        """No process, container or network of this installation is left."""
        self.ready = False
        if self.listening is not None:
            self.listening.close()
        if self.supervisor.watched:
            with step("Web, beat, recorder, egress and worker stopped") as shown:
                for name in ("web", "beat", "recorder", "egress", "worker"):
                    shown.detail(name)
                    await self.supervisor.stop(name)
        if self.problem is None and (self.installation.var / "people.json").exists():
            await self.stop_sandboxes()
        await self.supervisor.stop("broker")
        await asyncio.to_thread(self.engine.leave)
        self.installation.forget_state()

    async def stop_sandboxes(self) -> None:
        with step("Sandboxes stopped") as shown:
            try:
                async with asyncio.timeout(STOP_SANDBOXES_SECONDS):
                    await self.run_django("sandboxes", shown, "manage.py", "stop_sandboxes")
            except (Failure, TimeoutError) as failure:
                warn(f"Some sandboxes may be left. {failure} The next ./dev up or ./dev down removes them.")


async def broker_answers(path: Path) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"PING\r\n")
        answer = await asyncio.wait_for(reader.readline(), 2)
        writer.close()
    except (OSError, TimeoutError):
        return False
    return answer.startswith(b"+PONG")


async def is_healthy(host: str, port: int, name: str) -> bool:
    """Whether GET /healthz/ answers 200; waits in the queue while the web process is still starting."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"GET /healthz/ HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            status = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status


async def run(launch: Launch, ready: Callable[[], Awaitable[None]] | None = None) -> None:
    """Start, stay until a signal, stop. Raises Failure when the start failed; everything is stopped then, too."""
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()

    def ask() -> None:
        if asked_to_stop.is_set():
            say("Already stopping; a moment.")
        asked_to_stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask)
    starting = asyncio.create_task(launch.start())
    waiting = asyncio.create_task(asked_to_stop.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            say("Ctrl-C stops everything." if sys.stdin.isatty() else "SIGTERM stops everything.")
        await waiting
        say("\nStopping")
    finally:
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError, Failure):
            await starting
        waiting.cancel()
        await launch.stop()
