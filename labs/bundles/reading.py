"""Reading a lab's folder; every fault is named with its file and line, all of them at once."""

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from pydantic import ValidationError

from labs import markup
from labs.bundles.lines import Lines
from labs.bundles.manifest import Manifest

MANIFEST = "lab.toml"
# No check can have this name: ids begin with a letter.
COMMON = "checks/_common.sh"
LANGUAGES = ("zh", "en")
LARGEST_FILE = 256 * 1024
AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


class BundleError(Exception):
    """The folder is no valid lab. ``faults`` are lines ``file:line: what is wrong``."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Bundle:
    """A lab as text.

    ``bodies`` by step and language, ``scripts`` by check, ``solutions`` by step and node; ``common`` begins every
    check's script and may be empty.
    """

    manifest: Manifest
    text: str
    bodies: dict[tuple[str, str], str]
    scripts: dict[str, str]
    solutions: dict[tuple[str, str], str]
    common: str = ""

    def script_of(self, check: str) -> str:
        """What is run in the node for ``check``."""
        return self.common + self.scripts[check]

    def solve_order(self) -> list[tuple[str, str, str]]:
        """Step, node and script of every solution, in the order to run them."""
        steps = [step.id for step in self.manifest.steps]
        ordered = sorted(self.solutions, key=lambda key: (steps.index(key[0]), key[1]))
        return [(step, node, self.solutions[step, node]) for step, node in ordered]


@dataclass
class Reader:
    folder: Path
    faults: list[str] = field(default_factory=list)

    def fault(self, name: str, line: int, words: str) -> None:
        self.faults.append(f"{self.folder / name}:{line}: {words}")

    def text(self, name: str) -> str:
        """The file's text; empty, with the fault noted, when it cannot serve."""
        path = self.folder / name
        try:
            if path.is_symlink() or not path.resolve().is_relative_to(self.folder.resolve()):
                self.fault(name, 1, "is a link; a lab holds only files of its own")
                return ""
            data = path.read_bytes()
            text = data.decode()
        except FileNotFoundError:
            self.fault(name, 1, "is missing")
            return ""
        except UnicodeDecodeError as error:
            self.fault(name, data[: error.start].count(b"\n") + 1, "is not UTF-8")
            return ""
        except OSError as error:
            self.fault(name, 1, error.strerror or str(error))
            return ""
        if len(data) > LARGEST_FILE:
            self.fault(name, 1, f"is larger than {LARGEST_FILE // 1024} KiB")
        if "\x00" in text or "\r" in text:
            self.fault(name, 1, "holds a NUL or carriage return; use plain text with line feeds")
        if not text.strip():
            self.fault(name, 1, "is empty")
        elif not text.endswith("\n"):
            self.fault(name, text.count("\n") + 1, "must end with a line feed")
        return text

    def manifest(self, text: str) -> Manifest | None:
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = AT_LINE.search(str(error))
            line = int(place[1]) if place else text.count("\n") + 1
            self.fault(MANIFEST, line, AT_LINE.sub("", str(error)).strip())
            return None
        lines = Lines(text)
        try:
            manifest = Manifest.model_validate(values)
        except ValidationError as error:
            for found in error.errors():
                path = tuple(part for part in found["loc"] if part != "[key]")
                name = ".".join(str(part) for part in path)
                self.fault(MANIFEST, lines.of(path), f"{name}: {found['msg']}")
            return None
        for path, words in manifest.faults():
            self.fault(MANIFEST, lines.of(path), words)
        if manifest.slug != self.folder.resolve().name:
            self.fault(
                MANIFEST,
                lines.of(("slug",)),
                f"slug must be the folder's name, {self.folder.resolve().name!r}",
            )
        return manifest

    def body(self, name: str, manifest: Manifest) -> str:
        text = self.text(name)
        for token in MarkdownIt("commonmark").parse(text):
            line = (token.map or [0])[0] + 1
            if token.type == "fence" and token.info.split()[:1] == ["run"]:
                run = markup.RUN.match(token.info.strip())
                if run is None:
                    self.fault(name, line, f"write ```run node=NAME, not ```{token.info}")
                elif run["node"] and run["node"] not in manifest.node_names:
                    self.fault(name, line, f"{run['node']!r} is no node of this lab")
        return text

    def unknown_files(self, known: set[str]) -> None:
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if not path.is_dir() and name not in known:
                self.fault(name, 1, "belongs to no step, check or solution of lab.toml")

    def solutions(self, manifest: Manifest) -> Iterator[tuple[str, str]]:
        steps = [step.id for step in manifest.steps]
        for path in sorted((self.folder / "solve").glob("*.sh")):
            step, _dot, node = path.stem.rpartition(".")
            if step in steps and node in manifest.node_names:
                yield step, node


def read(folder: Path | str) -> Bundle:
    """The lab in ``folder``. Raises BundleError with every fault found."""
    reader = Reader(Path(folder))
    text = reader.text(MANIFEST)
    manifest = reader.manifest(text) if text else None
    if manifest is None:
        raise BundleError(reader.faults)
    bodies = {(step.id, lang): f"steps/{step.id}.{lang}.md" for step in manifest.steps for lang in LANGUAGES}
    scripts = {check.id: f"checks/{check.script_name}.sh" for check in manifest.checks}
    solutions = {(step, node): f"solve/{step}.{node}.sh" for step, node in reader.solutions(manifest)}
    bundle = Bundle(
        manifest=manifest,
        text=text,
        bodies={key: reader.body(name, manifest) for key, name in bodies.items()},
        scripts={key: reader.text(name) for key, name in scripts.items()},
        solutions={key: reader.text(name) for key, name in solutions.items()},
        common=reader.text(COMMON) if os.path.lexists(reader.folder / COMMON) else "",
    )
    reader.unknown_files({MANIFEST, COMMON, *bodies.values(), *scripts.values(), *solutions.values()})
    if reader.faults:
        raise BundleError(reader.faults)
    return bundle
