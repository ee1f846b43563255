"""The base image: pulled where a registry answers, bootstrapped from Debian's packages where none does."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from docker.errors import APIError

from labs.drivers.base import DriverError
from labs.drivers.docker.engine import api, engine_errors, is_missing

SUITE = "bookworm"
BASE_REPOSITORY = "yunlian/debian"
BASE_TAG = f"{SUITE}-slim"
BASE_IMAGE = f"{BASE_REPOSITORY}:{BASE_TAG}"
PULL_TIMEOUT_S = 20
BOOTSTRAP_TIMEOUT_S = 1200
SLIM = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*")

Report = Callable[[str], None]


def ensure_base(report: Report, *, renew: bool = False) -> str:
    """The base image is there under BASE_IMAGE; returns its id. Raises DriverError with what is missing."""
    known = None if renew else image_id(BASE_IMAGE)
    if known:
        return known
    if not _pulled(report):
        _bootstrap(report)
    made = image_id(BASE_IMAGE)
    if made is None:
        raise DriverError(f"The engine did not keep {BASE_IMAGE}; look at its log for the cause.")
    return made


def image_id(tag: str) -> str | None:
    """The engine's id of ``tag``, or None when it has no such image."""
    client = api()
    with engine_errors():
        try:
            return str(client.inspect_image(tag)["Id"])
        except APIError as error:
            if is_missing(error):
                return None
            raise


def _pulled(report: Report) -> bool:
    report(f"pulling debian:{BASE_TAG}")
    client = api(PULL_TIMEOUT_S)
    try:
        with engine_errors():
            for line in client.pull("debian", tag=BASE_TAG, stream=True, decode=True):
                if "error" in line:
                    raise DriverError(str(line["error"]))
            client.tag(f"debian:{BASE_TAG}", BASE_REPOSITORY, tag=BASE_TAG)
    except DriverError:
        report("no registry answers; bootstrapping from Debian's packages instead")
        return False
    return True


def _bootstrap(report: Report) -> None:
    """Made by mmdebstrap or debootstrap with the package sources this host itself uses."""
    with tempfile.TemporaryDirectory(prefix="yunlian-bootstrap-") as folder:
        archive = Path(folder) / "root.tar"
        if shutil.which("mmdebstrap"):
            _run(_mmdebstrap(archive), report)
        elif shutil.which("debootstrap"):
            root = Path(folder) / "root"
            _run(_debootstrap(root), report)
            _run(["tar", "-C", str(root), "-cf", str(archive), "."], report)
        else:
            raise DriverError("No registry answers and no bootstrap tool is here: apt-get install mmdebstrap")
        report("importing the bootstrapped image")
        with engine_errors():
            api(BOOTSTRAP_TIMEOUT_S).import_image(
                src=str(archive), repository=BASE_REPOSITORY, tag=BASE_TAG, changes=['CMD ["/bin/bash"]']
            )


def _mmdebstrap(archive: Path) -> list[str]:
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--include=ca-certificates",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in SLIM),
        SUITE,
        str(archive),
        *host_sources(),
    ]


def _debootstrap(root: Path) -> list[str]:
    sources = host_sources()
    mirror = [sources[0].split()[1]] if sources else []
    return ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(root), *mirror]


def host_sources() -> list[str]:
    """One ``deb`` line per Debian archive of SUITE that this host's apt knows; empty for the tool's own default."""
    if not shutil.which("apt-get"):
        return []
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]
    done = subprocess.run(  # noqa: S603
        [*asked, "Created-By: Packages", "Origin: Debian"], capture_output=True, text=True, check=False
    )
    found = (line.split() for line in done.stdout.splitlines())
    return [f"deb {' '.join(words)}" for words in found if len(words) == 3 and words[1].startswith(SUITE)]


def _run(command: list[str], report: Report) -> None:
    report(" ".join(command[:1] + [word for word in command[1:] if word == SUITE]))
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, timeout=BOOTSTRAP_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise DriverError(
            f"{command[0]} took longer than {BOOTSTRAP_TIMEOUT_S // 60} minutes; check the network."
        ) from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise DriverError(f"{command[0]} failed: {last} (apt-get update, then try again)")
