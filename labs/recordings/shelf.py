"""Recordings in the database: what is to be followed, what was begun, what is over."""

from collections.abc import Callable, Set
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from labs.models import Node, Recording
from labs.recordings.recorder import Kept, ShelfTrouble, Spot

T = TypeVar("T")


def _troubled(verb: Callable[..., T]) -> Callable[..., T]:
    @wraps(verb)
    def told(*args: Any) -> T:
        try:
            return verb(*args)
        except DatabaseError as error:
            raise ShelfTrouble(f"the database does not answer: {error}") from error

    return told


@_troubled
def spots() -> set[Spot]:
    """Every terminal of every session whose machines run; none when recordings are not to be kept at all.

    Those on their way out wait for the recorder.
    """
    if not settings.LABS_RECORDING_DAYS:
        return set()
    rows = Node.objects.unfinished().values_list(
        "sandbox__session_id", "sandbox__ref", "name", "sandbox__session__lab__terminals"
    )
    return {
        Spot(str(session), ref, name, terminal)
        for session, ref, name, terminals in rows
        for terminal in range(1, terminals + 1)
    }


@_troubled
def last(spot: Spot) -> Kept | None:
    found = Recording.objects.running().filter(ref=spot.ref, node=spot.node, terminal=spot.terminal).first()
    return _kept(found) if found else None


@_troubled
def begin(spot: Spot, epoch: str) -> Kept:
    """Entered; a second call finds the first one's."""
    recording, _created = Recording.objects.update_or_create(
        ref=spot.ref,
        node=spot.node,
        terminal=spot.terminal,
        epoch=epoch,
        defaults={"ended_at": None},
        create_defaults={"session_id": spot.session},
    )
    return _kept(recording)


@_troubled
def end(kept: Kept) -> None:
    _end(Recording.objects.get(pk=kept.id))


@_troubled
def end_left(busy: Set[Spot]) -> int:
    """Recordings that nobody writes any more are over; how many were."""
    ended = 0
    places = {(spot.ref, spot.node, spot.terminal) for spot in busy}
    for recording in Recording.objects.running():
        if (recording.ref, recording.node, recording.terminal) not in places:
            _end(recording)
            ended += 1
    return ended


def _end(recording: Recording) -> None:
    """Over since the file was last written."""
    try:
        found = recording.path.stat()
        recording.bytes = found.st_size
        recording.ended_at = datetime.fromtimestamp(found.st_mtime, UTC)
    except FileNotFoundError:
        recording.ended_at = timezone.now()
    recording.save(update_fields=["bytes", "ended_at"])


def _kept(recording: Recording) -> Kept:
    return Kept(recording.pk, recording.epoch, recording.began_at.timestamp(), recording.path)


class DatabaseShelf:
    """The shelf of a recorder that writes for this installation."""

    async def last(self, spot: Spot) -> Kept | None:
        return await database_sync_to_async(last)(spot)

    async def begin(self, spot: Spot, epoch: str) -> Kept:
        return await database_sync_to_async(begin)(spot, epoch)

    async def end(self, kept: Kept) -> None:
        await database_sync_to_async(end)(kept)
