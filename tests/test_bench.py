"""The measurements' own arithmetic; what they measure is never asserted."""

import json

import pytest

import bench.exams
import bench.labs
from bench.figures import Figure, percentile
from bench.running import modules, summary


@pytest.mark.parametrize(
    ("figure", "ratio", "target", "met"),
    [
        (Figure("start ms", 110, 100, at_most=1.1), 1.1, "<= 1.1", True),
        (Figure("start ms", 111, 100, at_most=1.1), 1.11, "<= 1.1", False),
        (Figure("throughput MiB/s", 90, 40, at_least=2), 2.25, ">= 2", True),
        (Figure("sandboxes per GiB", 150, at_least=200), None, ">= 200", False),
        (Figure("load", 3.2), None, None, None),
    ],
)
def test_a_figure_says_whether_its_target_is_met(figure, ratio, target, met):
    told = json.loads(figure.line())
    assert (told["ratio"], told["target"], told["met"]) == (ratio, target, met)
    assert set(told) == {"metric", "value", "reference", "ratio", "target", "met"}


def test_a_percentile_is_one_of_the_samples():
    samples = [float(number) for number in range(1, 101)]
    assert [percentile(samples, percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile([7.0], 99) == 7.0


def test_the_summary_names_what_missed_its_target():
    figures = [
        Figure("start ms", 110, 100, at_most=1.1),
        Figure("echo ms", 9, 3, at_most=2),
        Figure("load", 3.2),
    ]
    assert summary(figures) == "1 of 2 targets met; missed: echo ms"
    assert summary(figures[:1]) == "1 of 1 targets met"


def test_every_measurement_is_found_by_its_name():
    assert "starts" in modules(bench.labs)
    assert "item_analysis" in modules(bench.exams)
