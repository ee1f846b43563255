"""What answers are worth: exact, bounded, and never guessed."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.exams.answers import AnswerRefused, read_answer
from courses.exams.content import content_hash, read_content, write_content
from courses.exams.scoring import LATEST, SCORERS, Waiting, number, plain, score, score_rubric
from courses.exams.shapes import Kind
from tests.courses.questions import RUBRIC, SAMPLES, SCORED_AT_ONCE, STEM, parts, text

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6)


def worth(content: dict, raw: dict | None, evidence: dict | None = None) -> Fraction | None:
    question = read_content(content)
    return score(question, read_answer(question, raw), evidence).fraction


def test_there_is_a_sample_of_every_kind():
    assert set(SAMPLES) == {str(kind) for kind in Kind}


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_a_question_is_written_and_read_without_a_change(kind: str):
    question = read_content(SAMPLES[kind].content)
    again = read_content(write_content(question))
    assert again == question
    assert content_hash(again) == content_hash(question)


@pytest.mark.parametrize("kind", SCORED_AT_ONCE)
def test_the_right_answer_is_worth_all_and_a_wrong_one_nothing(kind: str):
    sample = SAMPLES[kind]
    assert worth(sample.content, sample.right) == 1
    assert worth(sample.content, sample.wrong) == 0


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_no_answer_is_worth_nothing_and_waits_for_nobody(kind: str):
    for raw in (None, {}):
        question = read_content(SAMPLES[kind].content)
        told = score(question, read_answer(question, raw))
        assert (told.fraction, told.waiting) == (0, None)


@pytest.mark.parametrize("kind", sorted(kind for kind, sample in SAMPLES.items() if sample.partly))
def test_a_partly_right_answer_is_worth_its_exact_share(kind: str):
    sample = SAMPLES[kind]
    assert sample.partly
    assert worth(sample.content, sample.partly[0]) == sample.partly[1]


@pytest.mark.parametrize(
    ("kind", "waiting"), [("essay", "marker"), ("file_upload", "marker"), ("code", "evidence")]
)
def test_what_needs_a_person_or_a_run_says_so(kind: str, waiting: str):
    question = read_content(SAMPLES[kind].content)
    told = score(question, read_answer(question, SAMPLES[kind].right))
    assert (told.fraction, told.waiting) == (None, Waiting(waiting))


@pytest.mark.parametrize(
    ("evidence", "share"),
    [
        ({"t1": True, "t2": True}, Fraction(1)),
        ({"t2": True}, Fraction(3, 4)),
        ({"t1": True, "other": True}, Fraction(1, 4)),
        ({}, Fraction(0)),
    ],
)
def test_a_program_is_worth_the_weight_of_the_tests_it_passed(evidence: dict, share: Fraction):
    assert worth(SAMPLES["code"].content, SAMPLES["code"].right, evidence) == share


def test_a_lab_task_without_named_checks_counts_each_check_of_the_lab_alike():
    content = {"kind": "lab_task", **STEM, "lab": "linux-processes"}
    assert worth(content, {"session": 1}, {"1/a": True, "1/b": False, "2/a": True}) == Fraction(2, 3)
    assert worth(content, {"session": 1}, {}) == 0


def test_a_rubric_is_worth_its_points_of_the_most_there_are():
    question = read_content({"kind": "essay", **STEM, "rubric": RUBRIC})
    assert score_rubric(question, {"clear": 1, "correct": 3}).fraction == Fraction(4, 6)
    for points in ({"clear": 1}, {"clear": 2, "correct": 3}, {"clear": 1, "correct": 3, "kind": 0}):
        with pytest.raises(ValueError, match="points"):
            score_rubric(question, points)


@pytest.mark.parametrize(
    ("rule", "chosen", "share"),
    [
        ("all_or_nothing", "ab", Fraction(1)),
        ("all_or_nothing", "abc", Fraction(0)),
        ("right_minus_wrong", "abc", Fraction(1, 2)),
        ("right_minus_wrong", "abcd", Fraction(0)),
        ("each_option", "abc", Fraction(3, 4)),
        ("each_option", "a", Fraction(3, 4)),
        ("each_option", "", Fraction(0)),
    ],
)
def test_each_rule_of_partial_credit_for_several_options(rule: str, chosen: str, share: Fraction):
    content = {"kind": "multiple", **STEM, "options": parts(*"abcd"), "key": ["a", "b"], "rule": rule}
    assert worth(content, {"choices": list(chosen)}) == share


@pytest.mark.parametrize(
    ("rule", "order", "share"),
    [
        ("all_or_nothing", "abcd", Fraction(1)),
        ("all_or_nothing", "abdc", Fraction(0)),
        ("neighbours", "dabc", Fraction(2, 3)),
        ("neighbours", "bcd", Fraction(2, 3)),
        ("places", "dabc", Fraction(0)),
        ("places", "abc", Fraction(3, 4)),
    ],
)
def test_each_rule_of_partial_credit_for_an_order(rule: str, order: str, share: Fraction):
    content = {"kind": "ordering", **STEM, "items": parts(*"abcd"), "rule": rule}
    assert worth(content, {"order": list(order)}) == share


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.sets(st.sampled_from("abcdef"), min_size=1))
def test_a_share_is_never_below_nothing_or_above_all_and_the_key_is_worth_all(
    chosen: list[str], key: set[str]
):
    for rule in ("all_or_nothing", "right_minus_wrong", "each_option"):
        content = {"kind": "multiple", **STEM, "options": parts(*"abcdef"), "key": sorted(key), "rule": rule}
        share = worth(content, {"choices": chosen})
        assert share is not None
        assert 0 <= share <= 1
        assert (share == 1) == (set(chosen) == key)


@given(numbers, st.decimals(min_value=0, max_value=1000, places=6))
def test_the_edges_of_a_tolerance_are_inside_and_what_is_just_beyond_is_not(key: Decimal, tolerance: Decimal):
    content = {"kind": "numeric", **STEM, "key": f"{key:f}", "tolerance": str(tolerance)}
    for edge, beyond in ((key - tolerance, Decimal("-0.000001")), (key + tolerance, Decimal("0.000001"))):
        assert worth(content, {"value": f"{edge:f}"}) == 1
        assert worth(content, {"value": f"{edge + beyond:f}"}) == 0


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3.5", Fraction(7, 2)),
        ("-3", Fraction(-3)),
        ("\u22123", Fraction(-3)),
        ("１２．５", Fraction(25, 2)),
        ("1,048,576", Fraction(2**20)),
        ("2e3", Fraction(2000)),
        (".5", Fraction(1, 2)),
        ("0.1", Fraction(1, 10)),
    ],
)
def test_a_number_is_read_as_people_write_it(written: str, value: Fraction):
    assert number(written) == value


@pytest.mark.parametrize(
    "written", ["", ".", "-", "e5", "1,5", "1,0000", "0x10", "nan", "inf", "1e999", "1 or 2", "½x"]
)
def test_what_is_no_number_is_none_and_no_guess(written: str):
    assert number(written) is None


@pytest.mark.parametrize(
    ("unit_rule", "unit", "share"), [("optional", "", 1), ("required", "", 0), ("required", "TiB", 0)]
)
def test_a_unit_is_needed_when_the_question_says_so(unit_rule: str, unit: str, share: int):
    content = {"kind": "numeric", **STEM, "key": "3", "units": [{"name": "GiB"}], "unit_rule": unit_rule}
    assert worth(content, {"value": "3", "unit": unit}) == share


def test_a_short_text_that_is_nearly_right_is_wrong():
    content = {"kind": "short_text", **STEM, "accepted": [{"text": "chmod 644"}]}
    assert worth(content, {"text": "ＣＨＭＯＤ  ６４４"}) == 1
    assert worth(content, {"text": "chmod 645"}) == 0
    assert worth(content, {"text": "chmod-644"}) == 0


@given(st.text(max_size=50))
def test_plain_text_stays_what_it_is(words: str):
    assert plain(plain(words)) == plain(words)


def test_an_expression_made_to_hang_answers_at_once():
    content = {"kind": "short_text", **STEM, "accepted": [{"text": "(a+)+(a+)+(a|aa)*$", "rule": "regex"}]}
    assert worth(content, {"text": "a" * 1900 + "b"}) == 0


REFUSED = [
    ("single", {"choice": "z"}),
    ("single", {"choices": ["a"]}),
    ("single", {"choice": "a", "score": 1}),
    ("single", "a"),
    ("multiple", {"choices": ["a", "a"]}),
    ("multiple", {"choices": ["a", "z"]}),
    ("true_false", {"value": "perhaps"}),
    ("numeric", {"value": "1" * 101}),
    ("short_text", {"text": "x" * 2001}),
    ("matching", {"pairs": {"l1": "z"}}),
    ("matching", {"pairs": {"z": "r1"}}),
    ("ordering", {"order": ["a", "a"]}),
    ("cloze", {"gaps": {"g9": "x"}}),
    ("cloze", {"gaps": {"g2": "z"}}),
    ("essay", {"text": "x" * 200_001}),
    ("file_upload", {"files": [{"id": "../../etc", "name": "a.pdf", "bytes": 1, "sha256": "0" * 64}]}),
    ("code", {"source": None}),
    ("lab_task", {"session": -1}),
]


@pytest.mark.parametrize(("kind", "raw"), REFUSED)
def test_an_answer_that_does_not_fit_its_question_is_refused(kind: str, raw: object):
    with pytest.raises(AnswerRefused):
        read_answer(read_content(SAMPLES[kind].content), raw)


def test_a_file_of_another_kind_or_too_large_is_refused():
    question = read_content(SAMPLES["file_upload"].content)
    file = SAMPLES["file_upload"].right["files"][0]  # type: ignore[index]
    for change in ({"name": "run.exe"}, {"bytes": 11 * 2**20}):
        with pytest.raises(AnswerRefused):
            read_answer(question, {"files": [{**file, **change}]})
    with pytest.raises(AnswerRefused):
        read_answer(question, {"files": [file, file]})


WRONG_CONTENT = [
    ("single", {"key": "z"}, "none of the options"),
    ("single", {"options": parts("a", "a", "b")}, "different ids"),
    ("single", {"options": parts("b")}, "at least 2"),
    ("single", {"marks": 3}, "Extra inputs"),
    ("multiple", {"key": ["z"]}, "no options"),
    ("multiple", {"key": []}, "at least 1"),
    ("numeric", {"unit_rule": "none"}, "name units"),
    ("numeric", {"tolerance": "-1"}, "greater than or equal"),
    ("short_text", {"accepted": [{"text": "(", "rule": "regex"}]}, "no regular expression"),
    ("matching", {"key": {"l1": "r1"}}, "needs its match"),
    ("matching", {"key": {"l1": "r1", "l2": "z"}}, "none of the items"),
    ("cloze", {"stem": {"en": "[[g1]] twice [[g1]] [[g2]]"}}, "exactly once"),
    ("cloze", {"stem": {"en": "[[g1]] [[g2]]", "zh": "[[g1]]"}}, "in every language"),
    ("essay", {"rubric": []}, "at least 1"),
    ("essay", {"least_words": 3000}, "more words"),
    ("file_upload", {"extensions": ["../x"]}, "pattern"),
    ("lab_task", {"lab": "../x"}, "pattern"),
    ("true_false", {"stem": {"zh": " ", "en": ""}}, "needs words"),
    ("true_false", {"stem": text("x" * 20_001)}, "at most 20000"),
]


@pytest.mark.parametrize(("kind", "change", "said"), WRONG_CONTENT)
def test_a_question_that_cannot_be_asked_is_refused_with_the_reason(kind: str, change: dict, said: str):
    with pytest.raises(ValueError, match=said):
        read_content({**SAMPLES[kind].content, **change})


def test_the_latest_scorer_is_used_unless_another_is_named():
    question = read_content(SAMPLES["single"].content)
    answer = read_answer(question, {"choice": "b"})
    assert score(question, answer) == score(question, answer, version=LATEST)
    with pytest.raises(KeyError):
        score(question, answer, version=max(SCORERS) + 1)
