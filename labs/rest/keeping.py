"""Files kept beyond a session: saved, put back, undone, shared by a link."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from labs import bodies, keeping, keeping_bodies
from labs.models import Fork, Snapshot
from labs.rest.answers import REFUSED, Lang, Problem, mine, speaking
from labs.rest.sessions import SessionBody

router = Router(tags=["labs"])


class NameWish(Schema):
    name: str = Field("", max_length=80)


class SnapshotBody(Schema):
    id: str
    lab: str
    title: str
    name: str
    nodes: list[str]
    bytes: int = Field(description="What it takes on our disk.")
    asked_at: datetime
    expires_at: datetime
    deleted_at: datetime | None = Field(description="Deleted; can be undone for an hour.")
    ready: bool = Field(description="Whether it can be put back.")
    problem: str


class OpeningBody(Schema):
    person: str
    opened_at: datetime


class ForkBody(Schema):
    id: int
    lab: str
    title: str
    url: str = Field(description="Whoever is signed in and has this address may open a copy.")
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    open: bool
    openings: list[OpeningBody]


class TokenWish(Schema):
    token: str = Field(max_length=64, description="The last part of the link.")


def _mine(request: HttpRequest, snapshot_id: UUID) -> Snapshot:
    return keeping.snapshot_of(request.auth, snapshot_id)  # type: ignore[attr-defined]


@router.post(
    "/lab-sessions/{uuid:session_id}/snapshots",
    response={202: SnapshotBody, **REFUSED},
    summary="Save the files",
)
def save(request: HttpRequest, session_id: UUID, wish: NameWish, lang: str = Lang) -> Any:
    """Keeps the files in the home of each machine; running programs, /tmp and the rest of the disk are not kept."""
    with speaking(lang):
        return Status(202, keeping_bodies.snapshot_body(keeping.save(mine(request, session_id), wish.name)))


@router.post(
    "/lab-sessions/{uuid:session_id}/nodes/{slug:node}/undo-restart",
    response={202: SessionBody, **REFUSED},
    summary="Undo a restart",
)
def undo_restart(request: HttpRequest, session_id: UUID, node: str, lang: str = Lang) -> Any:
    """Puts the files back that the node's home held before its last restart; they are kept for an hour."""
    with speaking(lang):
        session = mine(request, session_id)
        keeping.undo_restart(session, node)
        return Status(202, bodies.session_body(session))


@router.get("/lab-snapshots", response={200: list[SnapshotBody], 401: Problem}, summary="My saved files")
def list_snapshots(request: HttpRequest, lang: str = Lang) -> Any:
    """Newest first."""
    with speaking(lang):
        mine_all = keeping.snapshots_of(request.auth)  # type: ignore[attr-defined]
        return [keeping_bodies.snapshot_body(snapshot) for snapshot in mine_all]


@router.patch("/lab-snapshots/{uuid:snapshot_id}", response={200: SnapshotBody, **REFUSED}, summary="Rename")
def rename(request: HttpRequest, snapshot_id: UUID, wish: NameWish, lang: str = Lang) -> Any:
    """Its name, at most 80 characters."""
    with speaking(lang):
        return keeping_bodies.snapshot_body(keeping.rename(_mine(request, snapshot_id), wish.name))


@router.delete("/lab-snapshots/{uuid:snapshot_id}", response={200: SnapshotBody, **REFUSED}, summary="Delete")
def delete(request: HttpRequest, snapshot_id: UUID, lang: str = Lang) -> Any:
    """Gone in an hour, unless that is undone. Repeating changes nothing."""
    with speaking(lang):
        return keeping_bodies.snapshot_body(keeping.delete(_mine(request, snapshot_id)))


@router.post(
    "/lab-snapshots/{uuid:snapshot_id}/undelete",
    response={200: SnapshotBody, **REFUSED},
    summary="Undo a deletion",
)
def undelete(request: HttpRequest, snapshot_id: UUID, lang: str = Lang) -> Any:
    """It stays after all."""
    with speaking(lang):
        return keeping_bodies.snapshot_body(keeping.undelete(_mine(request, snapshot_id)))


@router.post(
    "/lab-snapshots/{uuid:snapshot_id}/resume",
    response={201: SessionBody, **REFUSED},
    summary="Resume from saved files",
)
def resume(request: HttpRequest, snapshot_id: UUID, lang: str = Lang) -> Any:
    """Starts the lab with these files in its homes; a session of it that runs already gets them, too."""
    with speaking(lang):
        session = keeping.resume_from(request.auth, _mine(request, snapshot_id))  # type: ignore[attr-defined]
        return Status(201, bodies.session_body(session))


@router.post(
    "/lab-sessions/{uuid:session_id}/forks", response={202: ForkBody, **REFUSED}, summary="Share a copy"
)
def fork(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """A link to the session's files at this moment; whoever is signed in and has it may open a copy for a day."""
    with speaking(lang):
        return Status(202, keeping_bodies.fork_body(keeping.fork(mine(request, session_id))))


@router.get("/lab-forks", response={200: list[ForkBody], 401: Problem}, summary="My shared copies")
def list_forks(request: HttpRequest, lang: str = Lang) -> Any:
    """With who opened each."""
    with speaking(lang):
        return [keeping_bodies.fork_body(one) for one in keeping.forks_of(request.auth)]  # type: ignore[attr-defined]


@router.delete("/lab-forks/{int:fork_id}", response={200: ForkBody, **REFUSED}, summary="Revoke a link")
def revoke(request: HttpRequest, fork_id: int, lang: str = Lang) -> Any:
    """Nobody opens it any more; sandboxes opened before go on."""
    with speaking(lang):
        return keeping_bodies.fork_body(keeping.revoke(keeping.fork_of(request.auth, fork_id)))  # type: ignore[attr-defined]


@router.post("/lab-forks/open", response={201: SessionBody, **REFUSED}, summary="Open a shared copy")
def open_fork(request: HttpRequest, wish: TokenWish, lang: str = Lang) -> Any:
    """A session of your own with the copied files; its owner sees who opened it."""
    with speaking(lang):
        found = keeping.find_fork(wish.token)
        if found is None:
            raise Fork.DoesNotExist
        session = keeping.open_fork(request.auth, found)  # type: ignore[attr-defined]
        return Status(201, bodies.session_body(session))
