"""What measurements run on: the real engine, a driver of its own installation, and the whole product as processes."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import docker

from bench.spares import memory_mib
from config.launch.installation import ROOT
from labs.drivers.base import DriverOptions
from labs.drivers.docker.driver import DockerDriver
from tests.stack import Stack, migrated_template

LABEL = "yunlian.bench"


class World:
    """Made once per run; whatever was made in it is gone when the run ends."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.cleaning = ExitStack()
        self.label = f"b{uuid.uuid4().hex[:9]}"

    def close(self) -> None:
        self.cleaning.close()

    def times(self, full: int) -> int:
        """How often to repeat: a fifth of ``full``, at least three times, in a quick run."""
        return max(3, full // 5) if self.quick else full

    def say(self, words: str) -> None:
        """A word for whoever waits; the standard output is for lines of JSON alone."""
        print(words, file=sys.stderr, flush=True)

    @cached_property
    def template(self) -> Path:
        """A migrated database to copy: the suite's where there is one, else made once in this run."""
        found = migrated_template()
        if found is not None:
            return found
        self.say("migrating a database")
        made = self.folder / "template.sqlite3"
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": f"sqlite:///{made}",
        }
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=environment,
            check=True,
        )
        return made

    @property
    def spares(self) -> int:
        """How many sandboxes of a lab stand ready for a run of clicks, the first of which fills caches."""
        return self.times(20) + 1

    @cached_property
    def folder(self) -> Path:
        """A folder of this run; short, as sockets live below it."""
        made = tempfile.mkdtemp(prefix="yb-")
        self.cleaning.callback(shutil.rmtree, made, ignore_errors=True)
        return Path(made)

    @cached_property
    def engine(self) -> docker.APIClient:
        """The raw Engine. Containers and networks made with ``labels`` go at the end."""
        client = docker.APIClient(version="auto", timeout=60)
        self.cleaning.callback(client.close)
        self.cleaning.callback(self._clean_engine, client)
        return client

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL: self.label}

    @cached_property
    def driver(self) -> DockerDriver:
        """The product's driver for an installation of this run."""
        options = DriverOptions(
            self.label, str(self.folder / "k"), 0, {"images": str(ROOT / "sandbox_images")}
        )
        made = DockerDriver(options)
        self.cleaning.callback(self._clean_driver, made)
        return made

    @cached_property
    def product(self) -> Stack:
        """Web, worker, beat and broker, running, with the demo world."""
        self.say("starting the product")
        var = Path(tempfile.mkdtemp(prefix="yb-"))
        self.cleaning.callback(shutil.rmtree, var, ignore_errors=True)
        running = Stack(var, subnets=f"10.{random.randrange(230, 250)}.0.0/17", template=self.template)
        # The pool may take all there is, and there is no more than a run of clicks takes.
        running.extra["SANDBOX_POOL_PERCENT"] = "100"
        running.extra["SANDBOX_CAPACITY_MIB"] = str(memory_mib(self.spares))
        self.cleaning.callback(running.stop)
        running.start()
        return running

    def subnet(self) -> str:
        """A /28 by chance, in which nothing else of a run is made."""
        return f"10.251.{random.randrange(256)}.{random.randrange(0, 256, 16)}/28"

    def _clean_engine(self, client: docker.APIClient) -> None:
        wanted = {"label": [f"{LABEL}={self.label}"]}
        for container in client.containers(all=True, filters=wanted):
            client.remove_container(container["Id"], force=True, v=True)
        for network in client.networks(filters=wanted):
            client.remove_network(network["Id"])

    def _clean_driver(self, driver: DockerDriver) -> None:
        for ref in driver.list_refs():
            driver.destroy(ref)
