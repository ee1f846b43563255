"""The files of a session's nodes."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import quote_from_bytes
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Field, Query, Router, Schema, Status

from labs.files import contents, folders
from labs.files.places import Place, path_from, path_text, place_of
from labs.files.refusals import FileTooBig
from labs.rest.answers import REFUSED, Lang, Problem, mine, speaking

router = Router(tags=["files"])
BASE = "/lab-sessions/{uuid:session_id}/nodes/{slug:node}/files"
PART_BYTES = 64 * 1024
PATH_WORDS = "Percent-encoded bytes, as listings give it; relative ones start in the home folder."
FilePath = Query(..., max_length=12_300, description=PATH_WORDS)
REFUSED_FILE: dict[int, type[Problem]] = {**REFUSED, 413: Problem, 415: Problem}


class EntryBody(Schema):
    name: str = Field(description="To be looked at; `path` is what to ask with.")
    path: str
    kind: str = Field(description="file, folder, link or other (a device, a pipe).")
    target: str = Field(description="What a link leads to; `nothing` when it leads nowhere.")
    size: int
    modified_at: int = Field(description="Seconds since 1970, by the node's clock.")
    mode: str


class FolderBody(Schema):
    path: str
    shown: str
    parent: str
    more: bool = Field(description="Not every entry is listed.")
    entries: list[EntryBody]


class TextBody(Schema):
    path: str
    name: str
    text: str
    version: str


class SavedBody(Schema):
    path: str
    version: str


class PathWish(Schema):
    path: str = Field(max_length=12_300, description=PATH_WORDS)


class MoveWish(PathWish):
    target: str = Field(max_length=12_300)


def _place(request: HttpRequest, session_id: UUID, node: str) -> Place:
    return place_of(mine(request, session_id), node)


@router.get(BASE, response={200: FolderBody, **REFUSED_FILE}, summary="What is in a folder")
def list_files(
    request: HttpRequest,
    session_id: UUID,
    node: str,
    path: str = Query("", max_length=12_300, description=PATH_WORDS),
    lang: str = Lang,
) -> Any:
    """Folders first, then by name; the home folder when no path is given."""
    with speaking(lang):
        return asdict(folders.list_folder(_place(request, session_id, node), path_from(path)))


@router.get(f"{BASE}/text", response={200: TextBody, **REFUSED_FILE}, summary="Read a text file")
def read_text(
    request: HttpRequest, session_id: UUID, node: str, path: str = FilePath, lang: str = Lang
) -> Any:
    """Its text in UTF-8 and the version to save it with."""
    with speaking(lang):
        return asdict(contents.read_text(_place(request, session_id, node), path_from(path)))


@router.put(f"{BASE}/content", response={200: SavedBody, **REFUSED_FILE}, summary="Write a file")
def write_file(
    request: HttpRequest,
    session_id: UUID,
    node: str,
    path: str = FilePath,
    version: str = Query(
        "", max_length=100, description="As read; empty: there must be no such file; *: whatever there is."
    ),
    lang: str = Lang,
) -> Any:
    """The body is the file's content. It replaces the file at once, or not at all; 409 when it is another by now."""
    with speaking(lang):
        limit = settings.LABS_UPLOAD_MIB
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit * contents.MIB:
            raise FileTooBig(limit)
        place, wish = _place(request, session_id, node), path_from(path)
        written = contents.write(place, wish, version, _parts(request, limit * contents.MIB))
        return {"path": path_text(wish), "version": written}


def _parts(request: HttpRequest, limit: int) -> Iterator[bytes]:
    taken = 0
    while part := request.read(PART_BYTES):
        taken += len(part)
        if taken > limit:
            raise FileTooBig(limit // contents.MIB)
        yield part


@router.post(f"{BASE}/folders", response={201: PathWish, **REFUSED_FILE}, summary="Make a folder")
def make_folder(request: HttpRequest, session_id: UUID, node: str, wish: PathWish, lang: str = Lang) -> Any:
    """409 when something has the name already."""
    with speaking(lang):
        folders.make_folder(_place(request, session_id, node), path_from(wish.path))
        return Status(201, {"path": wish.path})


@router.post(f"{BASE}/moves", response={200: PathWish, **REFUSED_FILE}, summary="Rename or move")
def move(request: HttpRequest, session_id: UUID, node: str, wish: MoveWish, lang: str = Lang) -> Any:
    """Never overwrites: 409 when something has the new name."""
    with speaking(lang):
        folders.move(_place(request, session_id, node), path_from(wish.path), path_from(wish.target))
        return {"path": wish.target}


@router.delete(BASE, response={204: None, **REFUSED_FILE}, summary="Remove a file or a folder")
def remove(request: HttpRequest, session_id: UUID, node: str, path: str = FilePath, lang: str = Lang) -> Any:
    """For good, a folder with all that is in it. Links are removed, not followed."""
    with speaking(lang):
        folders.remove(_place(request, session_id, node), path_from(path))
        return Status(204, None)


@router.get(f"{BASE}/download", summary="Download a file, or a folder as a tar", response=REFUSED_FILE)
def download(
    request: HttpRequest, session_id: UUID, node: str, path: str = FilePath, lang: str = Lang
) -> Any:
    """Sent while it is read. A connection that breaks off before its end means that the node did."""
    with speaking(lang):
        found = contents.download(_place(request, session_id, node), path_from(path))
    response = StreamingHttpResponse(found.content, content_type="application/octet-stream")
    name = quote_from_bytes(found.name, safe="")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "no-store"
    return response
