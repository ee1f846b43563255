"""On which line of a TOML text a value stands; tomllib does not say."""

import re
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

NAME = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
DOTTED = rf"{NAME}(?:\s*\.\s*{NAME})*"
TABLE = re.compile(rf"^\s*(\[\[?)\s*({DOTTED})\s*\]\]?\s*(?:#.*)?$")
ENTRY = re.compile(rf"^\s*({DOTTED})\s*=(.*)$")
# A whole string of one line, the start of a string of several, a bracket, or the rest as a comment.
TOKEN = re.compile(
    r"""(?P<open>\"{3}|'{3})|"(?:\\.|[^"\\])*"|'[^']*'|(?P<bracket>[\[\]{}])|(?P<comment>\#.*)"""
)


@dataclass
class Scan:
    """How far into a value of several lines the reading is."""

    depth: int = 0
    quote: str = ""

    @property
    def inside(self) -> bool:
        return bool(self.quote) or self.depth > 0

    def take(self, text: str) -> None:
        at = 0
        while at < len(text):
            if self.quote:
                end = text.find(self.quote, at)
                if end < 0:
                    return
                at, self.quote = end + 3, ""
                continue
            token = TOKEN.search(text, at)
            if token is None:
                return
            at = token.end()
            self.quote = token["open"] or ""
            if token["bracket"]:
                self.depth += 1 if token["bracket"] in "[{" else -1


@dataclass
class Lines:
    """The line of every table and entry of ``text``, by its path."""

    text: str
    found: dict[Path, int] = field(default_factory=dict)
    counts: dict[Path, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        here: Path = ()
        scan = Scan()
        for number, line in enumerate(self.text.splitlines(), start=1):
            if scan.inside:
                scan.take(line)
            elif table := TABLE.match(line):
                here = self._table(_names(table[2]), number, repeated=table[1] == "[[")
            elif entry := ENTRY.match(line):
                path = here
                for name in _names(entry[1]):
                    path = (*path, name)
                    self.found.setdefault(path, number)
                scan = Scan()
                scan.take(entry[2])

    def of(self, path: Path) -> int:
        """The line of ``path``, else of the nearest thing around it, else 1."""
        while path not in self.found and path:
            path = path[:-1]
        return self.found.get(path, 1)

    def _table(self, names: list[str], number: int, *, repeated: bool) -> Path:
        path: Path = ()
        for place, name in enumerate(names):
            path = (*path, name)
            if repeated and place == len(names) - 1:
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path = (*path, self.counts[path])
            self.found.setdefault(path, number)
        return path


def _names(dotted: str) -> list[str]:
    return [name.strip("\"'") for name in re.findall(NAME, dotted)]
