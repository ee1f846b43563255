"""get_driver(): the one reader of SANDBOX_DRIVER, and where the drivers' words are marked for translation."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_noop as _

from labs.drivers.base import Driver, DriverOptions
from labs.drivers.docker import images
from labs.drivers.docker.driver import DockerDriver
from labs.drivers.fake import FakeDriver

DRIVERS: dict[str, Callable[[DriverOptions], Driver]] = {"docker": DockerDriver, "fake": FakeDriver}

# The driver knows no translation; its words are marked for translation here, and a test compares the two.
SAID_BY_DRIVERS = {
    _("No Docker engine is running on this machine."),
    _("Start it with: service docker start (or install it: apt-get install docker.io)"),
    _("This process may not talk to the Docker engine."),
    _("Start it as root: sudo ./dev up"),
    _("The Docker engine does not answer."),
    _("Look at the engine's log, then restart it: service docker restart"),
    _("The Docker engine is too old."),
    _("Install version 20.10 or newer: apt-get install docker.io"),
    _("Sandboxes need a worker that runs as root."),
    _("This kernel does not limit the memory, processes or processor time of a sandbox."),
    _(
        "Mount the cgroup controllers memory, pids and cpu (boot with cgroup_enable=memory), then restart the engine."
    ),
    _("The Docker engine runs without seccomp."),
    _("Install an engine built with seccomp on a kernel that has it: apt-get install docker.io"),
    _("Sandbox images are missing or out of date."),
    _("Build them: python manage.py build_images"),
}


def get_driver() -> Driver:
    """The driver that SANDBOX_DRIVER names; the same one at every call of this process."""
    return _driver(
        settings.SANDBOX_DRIVER,
        settings.INSTALLATION_ID,
        str(settings.SANDBOX_RUN_DIR),
        settings.SANDBOX_KEEPER_GID,
        str(images_folder()),
    )


def isolation_driver() -> Driver:
    """A driver like get_driver()'s for sandboxes of the self-test, which no sweep of ours takes for lost ones."""
    return _driver(
        settings.SANDBOX_DRIVER,
        f"{settings.INSTALLATION_ID}-isolation",
        str(Path(settings.SANDBOX_RUN_DIR).with_name("isolation")),
        settings.SANDBOX_KEEPER_GID,
        str(images_folder()),
    )


def images_folder() -> Path:
    """Where the images' folders are."""
    return Path(settings.LABS_BUNDLE_DIR).parent


def build_images(
    folder: Path, report: Callable[[str], None], *, only: str = "", renew: bool = False
) -> dict[str, str]:
    """Every image of ``folder`` is built where its content changed; see labs.drivers.docker.images.build_all."""
    return images.build_all(folder, report, only=only, renew=renew)


@lru_cache
def _driver(kind: str, installation: str, run_dir: str, keeper_gid: int, folder: str) -> Driver:
    if kind not in DRIVERS:
        raise ValueError(f"SANDBOX_DRIVER is {kind!r}; this product has: {', '.join(DRIVERS)}")
    options = DriverOptions(installation, run_dir, keeper_gid, {"images": folder})
    return DRIVERS[kind](options)
