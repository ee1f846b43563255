"""The checks' own tools on this host: taken once from their image, then mounted read-only into every node.

A learner who may write a node's root can replace its shell, its grep, its loader; what is mounted from outside they
cannot. docs/isolation.md says what in it is tied to its place.
"""

import fcntl
import io
import os
import shutil
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from docker.errors import APIError

from labs.drivers.docker.containers import PATH, TOOLKIT
from labs.drivers.docker.engine import api, engine_errors, is_missing
from labs.drivers.docker.keepers import disk_errors

IMAGE = "toolkit"
INSIDE = "/toolkit"
RUNNER = f"{TOOLKIT}/bin/runner"
SHELL = f"{TOOLKIT}/bin/sh"
# Nothing that a program would read from the learner's home or a library from the node's root.
ENVIRONMENT = {
    "PATH": f"{TOOLKIT}/bin:{PATH}",
    "CURL_HOME": TOOLKIT,
    "GCONV_PATH": f"{TOOLKIT}/lib/gconv",
    "OPENSSL_CONF": "/dev/null",
    "PYTHONSAFEPATH": "1",
    "PYTHONNOUSERSITE": "1",
    **dict.fromkeys(
        ("ENV", "BASH_ENV", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME"), ""
    ),
}


def toolkit_folder(root: Path, image: str) -> Path | None:
    """The tools of ``image`` on the host's disk, below ``root``; None when no such image is built."""
    folder = root / f".toolkit-{image.rpartition(':')[2]}"
    if folder.is_dir():
        return folder
    with disk_errors():
        root.mkdir(mode=0o750, parents=True, exist_ok=True)
        with (root / ".toolkit.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir() and not _fetch(image, folder):
                return None
    return folder


def _fetch(image: str, folder: Path) -> bool:
    with engine_errors():
        try:
            container = api().create_container(image, command=["/bin/true"], network_disabled=True)["Id"]
        except APIError as error:
            if is_missing(error):
                return False
            raise
        try:
            chunks, _stat = api().get_archive(container, INSIDE)
            packed = io.BytesIO(b"".join(chunks))
        finally:
            with suppress(APIError):
                api().remove_container(container, force=True)
    waiting = tempfile.mkdtemp(prefix=".toolkit-", dir=folder.parent)
    try:
        with tarfile.open(fileobj=packed) as archive:
            archive.extractall(waiting, filter="tar")
        os.rename(os.path.join(waiting, INSIDE.strip("/")), folder)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
    return True
