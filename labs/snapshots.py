"""Homes as files of ours: written by workers, read by workers, checked by their sum, gone when their time is up."""

import gzip
import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import IO, cast

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from labs.drivers.base import DriverError, HomeTooLarge
from labs.engine import get_driver
from labs.models import Node, PuttingBack, Sandbox, Snapshot, SnapshotHome
from labs.models.snapshot import Purpose

log = logging.getLogger(__name__)

MIB = 2**20
# For one home; a machine that is restarted may be one that hangs, so there the learner waits less.
CARRY_S = 60
BEFORE_RESTART_S = 10


class Damaged(Exception):
    """A file is not there or not as it was written."""


def folder() -> Path:
    """Where the homes lie, for nobody's eyes but ours."""
    path = Path(settings.VAR_DIR) / "snapshots"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def save_homes(sandbox: Sandbox, snapshot: Snapshot, nodes: Iterable[Node], timeout_s: int = CARRY_S) -> None:
    """The homes of ``nodes`` are kept as ``snapshot``; together at most LABS_SNAPSHOT_MIB. Raises DriverError."""
    left = settings.LABS_SNAPSHOT_MIB * MIB
    for node in nodes:
        try:
            left -= _save_home(sandbox, snapshot, node.name, left, timeout_s)
        except HomeTooLarge as error:
            raise HomeTooLarge(settings.LABS_SNAPSHOT_MIB * MIB) from error


def _save_home(sandbox: Sandbox, snapshot: Snapshot, node: str, limit_bytes: int, timeout_s: int) -> int:
    home = SnapshotHome(snapshot=snapshot, node=node)
    path = folder() / home.file_name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Each worker writes a file of its own, should two be at it.
    part = path.with_suffix(f".{secrets.token_hex(4)}")
    try:
        with (
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, filename="", mtime=0) as packed,
        ):
            size = get_driver().save_home(
                sandbox.ref,
                node,
                cast(IO[bytes], packed),
                uid=sandbox.learner_uid(node),
                limit_bytes=limit_bytes,
                timeout_s=timeout_s,
            )
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    SnapshotHome.objects.update_or_create(
        snapshot=snapshot,
        node=node,
        defaults={"tar_bytes": size, "file_bytes": path.stat().st_size, "sha256": _sum_of(path)},
    )
    return size


def load_homes(sandbox: Sandbox, snapshot: Snapshot) -> None:
    """The files of ``snapshot`` are in the homes again, over what was there. Raises DriverError or Damaged."""
    names = set(sandbox.nodes.values_list("name", flat=True))
    for home in snapshot.homes.filter(node__in=names):
        path = folder() / home.file_name
        if not path.is_file() or _sum_of(path) != home.sha256:
            raise Damaged(home.file_name)
        with gzip.open(path, "rb") as packed:
            get_driver().load_home(
                sandbox.ref,
                home.node,
                cast(IO[bytes], packed),
                uid=sandbox.learner_uid(home.node),
                timeout_s=CARRY_S,
            )


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep_before_restart(sandbox: Sandbox, node: Node) -> None:
    """The node's home is kept for a while, so that its restart can be undone; a restart never fails for it."""
    session = sandbox.session
    if session is None:
        return
    now = timezone.now()
    snapshot = Snapshot.objects.create(
        learner_id=session.learner_id,
        lab_id=session.lab_id,
        session=session,
        purpose=Purpose.UNDO,
        node=node.name,
        asked_at=now,
        answered_at=now,
        expires_at=now + timedelta(minutes=settings.LABS_UNDO_MINUTES),
    )
    try:
        save_homes(sandbox, snapshot, [node], BEFORE_RESTART_S)
    except (DriverError, OSError) as error:
        log.warning("%s of %s is restarted without a way back: %s", node.name, sandbox.ref, error)
        snapshot.delete()


def forget_old() -> int:
    """Files and rows of snapshots that are over are gone; says how many."""
    now = timezone.now()
    undo_until = now - timedelta(minutes=settings.LABS_UNDO_MINUTES)
    over = Snapshot.objects.filter(Q(expires_at__lt=now) | Q(deleted_at__lt=undo_until))
    needed = PuttingBack.objects.unanswered().exclude(snapshot=None).values("snapshot")
    gone = 0
    for snapshot in over.exclude(pk__in=needed):
        shutil.rmtree(folder() / str(snapshot.pk), ignore_errors=True)
        snapshot.delete()
        gone += 1
    return gone
