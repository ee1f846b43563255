"""``python -m config.launch VERB``: what ./dev hands over to once the machine has what it needs."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from config.launch import checks, images, tests, up
from config.launch.console import Failure, say, step
from config.launch.engine import Engine, poll_gone, start_or_explain
from config.launch.installation import ROOT, Installation, Wish
from config.launch.processes import python

DETACHED_SECONDS = 1800
LAUNCHER_END_SECONDS = 10


def start(installation: Installation, options: argparse.Namespace) -> int:
    """Run the product until a signal, or hand that to a process of its own with --detach."""
    installation.make_folders()
    if installation.is_running():
        return already_running(installation)
    if options.detach:
        return start_detached(installation, options)
    if not installation.take():
        return already_running(installation)
    try:
        asyncio.run(up.run(up.Launch(installation, Wish(options.host, options.port, options.change_url))))
    finally:
        installation.release()
    say("Stopped.")
    return 0


def already_running(installation: Installation) -> int:
    state = installation.state()
    if not state.get("ready"):
        say(f"Already starting (process {state.get('pid')}). Its log: {installation.logs}")
        return 0
    say(f"Already running at {state['url']} (process {state['pid']}); ./dev down stops it.")
    say(installation.people_table())
    return 0


def start_detached(installation: Installation, options: argparse.Namespace) -> int:
    """The product runs in a session of its own; returns when it is ready or has failed."""
    if installation.saved_url:  # asked here, where there is a terminal; the new process finds it settled
        up.confirm_url(installation, Wish(options.host, options.port, options.change_url))
    words = ["--port", str(options.port)] if options.port else []
    words += ["--host", options.host] if options.host else []
    log = installation.logs / "launcher.log"
    with log.open("wb") as told:
        child = subprocess.Popen(
            python("-m", "config.launch", "up", *words),
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=told, stderr=told, start_new_session=True,
        )  # fmt: skip
    with log.open() as said:
        deadline = time.monotonic() + DETACHED_SECONDS
        while time.monotonic() < deadline:
            ended = child.poll() is not None
            sys.stdout.write(said.read())
            sys.stdout.flush()
            if ended:
                return child.returncode
            if installation.state().get("ready") and installation.state().get("pid") == child.pid:
                sys.stdout.write(said.read())
                say("Runs in the background; ./dev down stops it.")
                return 0
            time.sleep(0.1)
    raise Failure(
        f"The start takes longer than {DETACHED_SECONDS // 60} minutes.", f"read {log}; ./dev down stops it"
    )


def stop(installation: Installation, options: argparse.Namespace) -> int:
    """Nothing of this installation runs any more."""
    if not installation.run.is_dir():
        say("Nothing is running.")
        return 0
    if installation.is_running():
        launcher = os.pidfd_open(installation.state()["pid"])
        try:
            signal.pidfd_send_signal(launcher, signal.SIGTERM)
            with step("Stopped"):
                installation.wait_until_released()
                poll_gone(launcher, LAUNCHER_END_SECONDS)
        finally:
            os.close(launcher)
        return 0
    if not installation.state():
        say("Nothing is running.")
        return 0
    say("The last launcher was killed; removing what it left.")
    installation.take()
    asyncio.run(sweep_up(installation))
    installation.release()
    return 0


async def sweep_up(installation: Installation) -> None:
    """Processes, sandboxes and networks of a killed launcher are gone."""
    up.clear_leftovers(installation)
    launch = up.Launch(installation, Wish())
    launch.supervisor.environment = installation.environment()
    launch.problem = start_or_explain(launch.engine)
    await launch.start_broker()
    await launch.stop()


def build_images(installation: Installation, options: argparse.Namespace) -> int:
    installation.make_folders()
    engine = Engine(installation.logs)
    engine.ensure()
    try:
        done = subprocess.run(
            python("manage.py", "build_images", *options.rest),
            cwd=ROOT,
            env=installation.environment(),
            check=False,
        ).returncode
        if done == 0:
            images.keep_built(installation.run / "images.json")
        return done
    finally:
        engine.leave()


def test(installation: Installation, options: argparse.Namespace) -> int:
    """Pytest's own exit code, on built images and a running engine."""
    return on_engine(installation, lambda: tests.run(options.rest))


def bench(installation: Installation, options: argparse.Namespace) -> int:
    """The exit code of the measurements asked for, on built images and a running engine."""
    what = options.rest[:1]
    if what not in (["labs"], ["exams"]):
        raise Failure("What should be measured?", "./dev bench labs or ./dev bench exams")
    return _measured(installation, f"bench.{what[0]}", *options.rest[1:])


def chaos(installation: Installation, options: argparse.Namespace) -> int:
    """0 when nothing was lost or left by lab lives in the middle of kills."""
    return _measured(installation, "bench.chaos", *options.rest)


def _measured(installation: Installation, module: str, *words: str) -> int:
    foreign = {"DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "YUNLIAN_VAR"}
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    argv = python("-m", module, *words)
    return on_engine(
        installation, lambda: subprocess.run(argv, cwd=ROOT, env=environment, check=False).returncode
    )


def on_engine(installation: Installation, verb: Callable[[], int]) -> int:
    """What ``verb`` returned, called on built images and a running engine."""
    installation.make_folders()
    engine = Engine(installation.logs)
    engine.ensure()
    try:
        record = installation.run / "images.json"
        if not images.are_built(record):
            with step("Sandbox images"):
                built = subprocess.run(
                    python("manage.py", "build_images"), cwd=ROOT, env=installation.environment(), check=False
                )
            if built.returncode:
                raise Failure("The sandbox images could not be built (above).", "./dev images shows it again")
            images.keep_built(record)
        return verb()
    finally:
        engine.leave()


def manage(installation: Installation, options: argparse.Namespace) -> int:
    installation.make_folders()
    os.chdir(ROOT)
    argv = python("manage.py", *options.rest)
    os.execve(argv[0], argv, installation.environment())  # noqa: S606


def lint(installation: Installation, options: argparse.Namespace) -> int:
    return checks.run_all(options.rest)


VERBS = {
    "up": start,
    "down": stop,
    "images": build_images,
    "test": test,
    "bench": bench,
    "chaos": chaos,
    "manage": manage,
    "lint": lint,
}


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev")
    verbs = parser.add_subparsers(dest="verb", required=True)
    start_words = verbs.add_parser("up")
    start_words.add_argument("--port", type=int)
    start_words.add_argument("--host")
    start_words.add_argument("--detach", action="store_true", help="return once the site answers")
    start_words.add_argument("--change-url", action="store_true", help="change the public address for good")
    verbs.add_parser("down")
    if words[:1] and words[0] in VERBS.keys() - {"up", "down"}:  # the rest belongs to another program
        return argparse.Namespace(verb=words[0], rest=words[1:])
    return parser.parse_args(words)


def main() -> int:
    options = parse(sys.argv[1:])
    try:
        return VERBS[options.verb](Installation.here(), options)
    except Failure as failure:
        print(f"✗ {failure.cause}\n  Fix: {failure.fix}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
