"""Where a lab's machines and the links between them stand in a drawing: pure arithmetic in SVG units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BOX_WIDTH = 128
BOX_HEIGHT = 52
GAP_ACROSS = 20
GAP_DOWN = 44
MARGIN = 4


@dataclass(frozen=True)
class Box:
    name: str
    image: str
    x: int
    y: int
    links: tuple[str, ...]

    @property
    def middle(self) -> int:
        return self.x + BOX_WIDTH // 2

    @property
    def bottom(self) -> int:
        return self.y + BOX_HEIGHT


@dataclass(frozen=True)
class Line:
    """From one box to another, from rim to rim."""

    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True)
class Drawing:
    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def draw(nodes: Sequence[Mapping[str, object]]) -> Drawing:
    """The machines in rows, whoever links to others above them; links to unknown machines are left out.

    Each node has ``name``, ``image`` and optionally ``links``, a list of names.
    """
    names = [str(node["name"]) for node in nodes]
    links = {str(node["name"]): _links(node, names) for node in nodes}
    rows = _rows(names, links)
    widest = max((len(row) for row in rows), default=1)
    width = widest * (BOX_WIDTH + GAP_ACROSS) - GAP_ACROSS
    images = {str(node["name"]): str(node["image"]) for node in nodes}
    boxes = {}
    for depth, row in enumerate(rows):
        taken = len(row) * (BOX_WIDTH + GAP_ACROSS) - GAP_ACROSS
        for place, name in enumerate(row):
            boxes[name] = Box(
                name=name,
                image=images[name],
                x=MARGIN + (width - taken) // 2 + place * (BOX_WIDTH + GAP_ACROSS),
                y=MARGIN + depth * (BOX_HEIGHT + GAP_DOWN),
                links=links[name],
            )
    height = len(rows) * (BOX_HEIGHT + GAP_DOWN) - GAP_DOWN
    return Drawing(
        width=width + 2 * MARGIN,
        height=height + 2 * MARGIN,
        boxes=tuple(boxes[name] for name in names),
        lines=tuple(_line(boxes[name], boxes[other]) for name in names for other in links[name]),
    )


def _links(node: Mapping[str, object], names: Sequence[str]) -> tuple[str, ...]:
    wanted = node.get("links") or ()
    assert isinstance(wanted, Sequence)  # noqa: S101  (bundles.read allows nothing else)
    return tuple(str(name) for name in wanted if name in names and name != node["name"])


def _rows(names: Sequence[str], links: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each machine one row below the lowest that links to it; a circle of links stays where it was entered."""
    depth = dict.fromkeys(names, 0)
    for _round in names:
        for name in names:
            for other in links[name]:
                if depth[other] <= depth[name] < len(names) - 1 and name not in links[other]:
                    depth[other] = depth[name] + 1
    used = sorted(set(depth.values()))
    return [[name for name in names if depth[name] == row] for row in used]


def _line(start: Box, end: Box) -> Line:
    if start.y == end.y:
        left, right = sorted((start, end), key=lambda box: box.x)
        middle = start.y + BOX_HEIGHT // 2
        first, last = left.x + BOX_WIDTH, right.x
        return Line(first, middle, last, middle) if left is start else Line(last, middle, first, middle)
    if start.y < end.y:
        return Line(start.middle, start.bottom, end.middle, end.y)
    return Line(start.middle, start.y, end.middle, end.bottom)
