"""The drawing of a lab's machines: nothing overlaps, every link is drawn from rim to rim."""

import itertools

import pytest

from labs.topology import BOX_HEIGHT, BOX_WIDTH, draw


def node(name: str, *links: str) -> dict[str, object]:
    return {"name": name, "image": "base", "links": list(links)}


BALANCED = [node("lb", "web1", "web2"), node("web1"), node("web2")]
CIRCLE = [node("a", "b"), node("b", "c"), node("c", "a")]
CHAIN = [node("a", "b"), node("b", "c"), node("c")]
PAIR = [node("a", "b"), node("b", "a")]


def test_whoever_links_stands_above_whom_it_links_to() -> None:
    lb, web1, web2 = draw(BALANCED).boxes
    assert lb.y < web1.y == web2.y
    assert lb.middle == (web1.middle + web2.middle) / 2


def test_a_chain_goes_down_row_by_row() -> None:
    ys = [box.y for box in draw(CHAIN).boxes]
    assert ys == sorted(set(ys))


@pytest.mark.parametrize("nodes", [BALANCED, CIRCLE, CHAIN, PAIR, [node("one")], [node("a"), node("b")]])
def test_no_two_boxes_overlap_and_all_lie_in_the_drawing(nodes: list[dict[str, object]]) -> None:
    drawing = draw(nodes)
    assert len(drawing.boxes) == len(nodes)
    for one, other in itertools.combinations(drawing.boxes, 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - BOX_WIDTH
        assert 0 <= box.y <= drawing.height - BOX_HEIGHT


def test_every_link_is_a_line_between_the_rims_of_its_boxes() -> None:
    drawing = draw(BALANCED)
    lb, web1, _web2 = drawing.boxes
    assert len(drawing.lines) == 2
    assert (drawing.lines[0].x1, drawing.lines[0].y1) == (lb.middle, lb.bottom)
    assert (drawing.lines[0].x2, drawing.lines[0].y2) == (web1.middle, web1.y)


def test_links_to_itself_or_to_unknown_machines_are_left_out() -> None:
    drawing = draw([node("a", "a", "ghost")])
    assert drawing.lines == ()
    assert drawing.boxes[0].links == ()
