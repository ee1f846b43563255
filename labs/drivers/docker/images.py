"""What nodes are made from: images built from reviewable folders, named by the hash of what went into them."""

import fcntl
import hashlib
import io
import os
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from labs.drivers.base import LABEL, DriverError
from labs.drivers.docker.bootstrap import BASE_IMAGE, ensure_base, image_id
from labs.drivers.docker.engine import api, engine_errors

REPOSITORY = "yunlian"
HASH_LABEL = "yunlian.image"
BUILD_TIMEOUT_S = 1800
STEP_WIDTH = 100
# Known to every build without being declared, and kept out of what it makes.
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
FROM_LINE = re.compile(rf"^(FROM\s+)({REPOSITORY}/[a-z0-9._-]+)(:[^\s]+)?", re.IGNORECASE | re.MULTILINE)

Report = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """One image folder: what it is called, what it stands on, and every file that goes into it."""

    name: str
    folder: Path
    dockerfile: str
    parents: tuple[str, ...]
    files: Mapping[str, Path] = field(repr=False)

    def digest(self, of_parents: Mapping[str, str]) -> str:
        """Twelve hex digits that change whenever a file, a file's mode or a parent does."""
        digest = hashlib.sha256()
        for parent in self.parents:
            digest.update(f"{parent}={of_parents[parent]}\n".encode())
        for path, source in sorted(self.files.items()):
            content = source.read_bytes()
            digest.update(f"{path} {_mode(source):o} {len(content)}\n".encode())
            digest.update(content)
        return digest.hexdigest()[:12]


def recipes(folder: Path) -> dict[str, Recipe]:
    """The images of ``folder``, parents before children. Raises DriverError for a missing parent or a ring."""
    found = {path.parent.name: _recipe(path.parent) for path in sorted(folder.glob("*/Dockerfile"))}
    ordered: dict[str, Recipe] = {}

    def place(name: str, waiting: tuple[str, ...]) -> None:
        if name in ordered:
            return
        if name in waiting:
            raise DriverError(f"{folder}: the images {' > '.join((*waiting, name))} stand on each other")
        if name not in found:
            raise DriverError(
                f"{folder}/{waiting[-1]}/Dockerfile: FROM {REPOSITORY}/{name}, and there is none"
            )
        for parent in found[name].parents:
            if parent != BASE_IMAGE:
                place(parent, (*waiting, name))
        ordered[name] = found[name]

    for name in found:
        place(name, ())
    return ordered


def build_all(folder: Path, report: Report, *, only: str = "", renew: bool = False) -> dict[str, str]:
    """Every image of ``folder`` (or ``only`` and what it stands on) is built; returns the tag of each by name.

    An image whose content did not change is not built again. ``renew`` fetches the base image anew. Callers of
    several processes wait for each other. Raises DriverError with the failing build's last words.
    """
    wanted = recipes(folder)
    if only and only not in wanted:
        raise DriverError(f"{folder} has no image {only}; it has: {', '.join(wanted)}")
    with _one_builder(folder):
        digests = {BASE_IMAGE: ensure_base(report, renew=renew)}
        chosen = [r for r in wanted.values() if not only or r.name in _lineage(only, wanted)]
        tags = {}
        for number, recipe in enumerate(chosen, start=1):
            digests[recipe.name] = recipe.digest(digests)
            tags[recipe.name] = _tag(recipe.name, digests[recipe.name])
            if image_id(tags[recipe.name]) is None:
                report(f"[{number}/{len(chosen)}] building {recipe.name}")
                _build(recipe, tags, report)
            with engine_errors():
                api().tag(tags[recipe.name], f"{REPOSITORY}/{recipe.name}", tag="latest")
            report(f"[{number}/{len(chosen)}] {tags[recipe.name]} is ready")
    return tags


def tags_of(folder: Path) -> dict[str, str]:
    """The tag each image of ``folder`` has when built from what the folder holds now."""
    base = image_id(BASE_IMAGE)
    if base is None:
        return {}
    digests, tags = {BASE_IMAGE: base}, {}
    for recipe in recipes(folder).values():
        digests[recipe.name] = recipe.digest(digests)
        tags[recipe.name] = _tag(recipe.name, digests[recipe.name])
    return tags


def tag_of(name: str, folder: Path | None = None) -> str:
    """The tag a node of image ``name`` starts from: the folder's present content, or whatever was built last."""
    return tags_of(folder).get(name, "") if folder else f"{REPOSITORY}/{name}:latest"


def missing(folder: Path) -> list[str]:
    """Names of the images that must still be built."""
    tags = tags_of(folder)
    return [name for name in recipes(folder) if name not in tags or image_id(tags[name]) is None]


def _recipe(folder: Path) -> Recipe:
    dockerfile = (folder / "Dockerfile").read_text()
    parents = []
    for _from, repository, tag in FROM_LINE.findall(dockerfile):
        parent = (
            BASE_IMAGE if f"{repository}{tag}" == BASE_IMAGE else repository.removeprefix(f"{REPOSITORY}/")
        )
        if parent not in parents:
            parents.append(parent)
    if not parents:
        raise DriverError(f"{folder}/Dockerfile stands on no image of ours; start it FROM {REPOSITORY}/base")
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return Recipe(folder.name, folder, dockerfile, tuple(parents), files)


def _lineage(name: str, wanted: Mapping[str, Recipe]) -> set[str]:
    lineage = {name}
    for parent in wanted[name].parents:
        if parent in wanted:
            lineage |= _lineage(parent, wanted)
    return lineage


def _tag(name: str, digest: str) -> str:
    return f"{REPOSITORY}/{name}:{digest}"


def _mode(path: Path) -> int:
    """Only what git keeps: another umask must not make another image."""
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def _context(recipe: Recipe, tags: Mapping[str, str]) -> io.BytesIO:
    """The folder as a tar without dates or owners, its FROM lines pinned to the parents' present tags."""

    def pinned(line: re.Match[str]) -> str:
        name = line[2].removeprefix(f"{REPOSITORY}/")
        return f"{line[1]}{tags[name]}" if name in tags else line[0]

    contents = {path: source.read_bytes() for path, source in recipe.files.items()}
    contents["Dockerfile"] = FROM_LINE.sub(pinned, recipe.dockerfile).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in sorted(contents.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), _mode(recipe.files[path])
            archive.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    return packed


def _build(recipe: Recipe, tags: Mapping[str, str], report: Report) -> None:
    said: list[str] = []
    with engine_errors():
        stream = api(BUILD_TIMEOUT_S).build(
            fileobj=_context(recipe, tags),
            custom_context=True,
            tag=tags[recipe.name],
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
            labels={LABEL: "image", HASH_LABEL: tags[recipe.name]},
            buildargs={name: os.environ[name] for name in PROXIES if name in os.environ},
        )
        for line in stream:
            text = str(line.get("stream", "")).strip()
            if text:
                said.append(text)
            if text.startswith("Step "):
                report(f"  {recipe.name}: {text[:STEP_WIDTH]}")
            if "error" in line:
                last = " / ".join(said[-3:])
                raise DriverError(f"Building {recipe.name} failed: {line['error']} (last words: {last})")


@contextmanager
def _one_builder(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
