"""What a lab says, without an engine: complete in both languages, and true to its own parts."""

import re

import pytest

from community.api import ClauseReference
from labs import grading
from labs.bundles.manifest import OTHERWISE
from tests.images.conftest import IMAGES, LABS, read

RUN_BLOCK = re.compile(r"^ *```run[^\n]*\n.*?^ *```$", re.MULTILINE | re.DOTALL)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# How our checks name a reason: `fail KEY` and `echo KEY; exit 1` in shell, `end("KEY")` in Python.
SAID = (
    re.compile(r"\bfail ([a-z0-9-]+)"),
    re.compile(r"\becho ([a-z0-9-]+); exit 1"),
)
ENDED = re.compile(r"\bend\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
QUOTED = re.compile(r'"([a-z][a-z0-9-]*)"')
CLAUSES = {
    "isolation-process",
    "isolation-network",
    "isolation-resource",
    "isolation-credential",
    "lifecycle-start",
    "lifecycle-stop",
    "lifecycle-recovery",
    "service-health",
    "service-balancing",
    "service-failover",
    "messaging-durability",
    "messaging-acknowledgement",
    "metering-usage",
    "evidence-records",
}

every_lab = pytest.mark.parametrize("slug", LABS)


def keys_said(script: str) -> set[str]:
    said = {key for pattern in SAID for key in pattern.findall(script)}
    for inside in ENDED.findall(script):
        said |= set(QUOTED.findall(inside))
    return said


def test_the_catalogue_holds_the_three_first_labs():
    assert {"linux-processes", "load-balancing", "message-queue"} <= set(LABS)


@every_lab
def test_a_lab_is_a_valid_bundle_with_a_solution_for_every_step(slug):
    lab = read(slug)
    assert {step for step, _node in lab.solutions} == {step.id for step in lab.manifest.steps}


@every_lab
def test_every_step_is_checked_and_every_image_exists(slug):
    manifest = read(slug).manifest
    assert [step.id for step in manifest.steps if not step.checks] == []
    assert [n.image for n in manifest.nodes if not (IMAGES / n.image / "Dockerfile").is_file()] == []


@every_lab
def test_both_languages_offer_the_same_commands_in_the_same_order(slug):
    lab = read(slug)
    for step in lab.manifest.steps:
        chinese, english = lab.bodies[step.id, "zh"], lab.bodies[step.id, "en"]
        assert RUN_BLOCK.findall(chinese) == RUN_BLOCK.findall(english), step.id
        assert RUN_BLOCK.findall(chinese), f"{step.id} has nothing to click"


@every_lab
def test_each_text_is_in_its_own_language(slug):
    lab = read(slug)
    manifest = lab.manifest
    texts = [manifest.title, manifest.summary]
    for step in manifest.steps:
        texts.append(step.title)
        for check in step.checks:
            texts += [check.title, *(reason.reason for reason in check.reasons.values())]
    chinese = [text.zh for text in texts] + [lab.bodies[step.id, "zh"] for step in manifest.steps]
    english = [text.en for text in texts] + [lab.bodies[step.id, "en"] for step in manifest.steps]
    assert [text for text in chinese if not CHINESE.search(text)] == []
    assert [text for text in english if CHINESE.search(text)] == []


@every_lab
def test_every_reason_but_the_last_resort_has_a_hint(slug):
    checks = read(slug).manifest.checks
    assert [(c.id, key) for c in checks for key, reason in c.reasons.items() if not reason.hints.zh] == []


@every_lab
def test_every_reason_a_check_gives_is_explained_and_every_explanation_can_be_given(slug):
    lab = read(slug)
    for check in lab.manifest.checks:
        script = lab.scripts[check.id]
        unexplained = keys_said(script) - set(check.reasons) - set(grading.BUILT_IN)
        assert unexplained == set(), check.id
        never_given = {key for key in check.reasons if not re.search(rf"\b{key}\b", script)} - {OTHERWISE}
        assert never_given == set(), check.id


@every_lab
def test_every_check_attests_clauses_of_the_draft(slug):
    for check in read(slug).manifest.checks:
        references = [ClauseReference.parse(text) for text in check.clauses]
        assert references, check.id
        assert {(r.standard, r.edition) for r in references} == {("yl-t-001", "2026")}
        assert {r.clause for r in references} <= CLAUSES


@every_lab
def test_no_check_lets_the_learner_configure_its_tools(slug):
    lab = read(slug)
    scripts = {key: lab.script_of(key) for key in lab.scripts}
    assert [key for key, text in scripts.items() if re.search(r"\bcurl (?!-q )", text)] == []
    assert [key for key, text in scripts.items() if re.search(r"\bpython3 (?!-I )", text)] == []
