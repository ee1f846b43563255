"""The figures of a table of marks: by hand where the table is small, by other formulas where it is any table."""

import io
import json
import math
import sys
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from statistics import correlation, covariance, fmean, stdev, variance

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from courses.exams import mark_tables
from courses.exams.item_analysis import Analysis, Contradiction, MarkTable, analyse
from courses.management.commands.item_analysis import Command, report

HEADER = "attempt,slot,maxmark,mark\n"
# Four attempts, three slots worth 1, 1 and 2:
#
#            x1  x2  x3 |  T
#    ann      1   1   2 |  4
#    ben      1   0   1 |  2
#    cai      0   1   1 |  2
#    dan      0   0   0 |  0
SMALL = [[1, 1, 2], [1, 0, 1], [0, 1, 1], [0, 0, 0]]


def table_of(rows: list[list], maxmarks: list | None = None, *, times: Fraction = Fraction(1)) -> MarkTable:
    """One row per attempt, one column per slot; None where the attempt's paper had no such slot."""
    table = MarkTable()
    for attempt, row in enumerate(rows):
        for slot, mark in enumerate(row, start=1):
            if mark is not None:
                most = Fraction(maxmarks[slot - 1] if maxmarks else 5)
                table.add(attempt, slot, most * times, Fraction(mark) * times)
    return table


def figures(analysis: Analysis, name: str) -> list[float | None]:
    return [getattr(item, name) for item in analysis.items]


def about(*values: float | None) -> list:
    return [value if value is None else pytest.approx(value) for value in values]


def test_the_slots_of_a_small_table_have_the_figures_computed_by_hand():
    analysis = analyse(table_of(SMALL, [1, 1, 2]))
    # Means 1/2, 1/2 and 1, of 1, 1 and 2 to be had.
    assert figures(analysis, "facility") == [0.5, 0.5, 0.5]
    # Squares of distances: 4 * 1/4 = 1, the same, and 1 + 1 = 2; each over n - 1 = 3.
    assert figures(analysis, "sd") == about(math.sqrt(1 / 3), math.sqrt(1 / 3), math.sqrt(2 / 3))
    assert figures(analysis, "intended_weight") == [25, 25, 50]
    # T is 2, 0, 0, -2 from its mean. C(x1, T) = (1/2 * 2 + 1/2 * 2) / 3 = 2/3, x2 the same, C(x3, T) = (2 + 2) / 3 = 4/3.
    # The roots are as 1 : 1 : sqrt(2).
    whole = 2 + math.sqrt(2)
    assert figures(analysis, "effective_weight") == about(
        100 / whole, 100 / whole, 100 * math.sqrt(2) / whole
    )
    # X1 = 3, 1, 2, 0: V = 5/3, C(x1, X1) = (3/4 - 1/4 - 1/4 + 3/4) / 3 = 1/3; (1/3) / sqrt(1/3 * 5/3) = 1 / sqrt(5).
    # X2 = 3, 2, 1, 0 gives the same; X3 = 2, 1, 1, 0 is x3 itself.
    assert figures(analysis, "discrimination_index") == about(100 / math.sqrt(5), 100 / math.sqrt(5), 100)
    # Sorted: (3/4 + 1/4 + 1/4 + 3/4) / 3 = 2/3 is the most for x1 and x2, of which 1/3 is half.
    assert figures(analysis, "discriminative_efficiency") == about(50, 50, 100)


def test_the_exam_of_a_small_table_has_the_figures_computed_by_hand():
    exam = analyse(table_of(SMALL, [1, 1, 2])).exam
    assert (exam.attempts, exam.median, exam.mean) == (4, 2, 2)
    # V(T) = (4 + 4) / 3.
    assert exam.sd == pytest.approx(math.sqrt(8 / 3))
    assert exam.skewness == 0
    # m2 = 8/4 = 2, m4 = 32/4 = 8; k4 = 16 * (5 * 8 - 3 * 3 * 4) / (3 * 2 * 1) = 32/3; over k2 squared = 64/9.
    assert exam.kurtosis == pytest.approx(1.5)
    # 3/2 * (1 - (1/3 + 1/3 + 2/3) / (8/3)) = 3/2 * 1/2.
    assert exam.alpha == 0.75
    assert exam.error_ratio == 50
    assert exam.standard_error == pytest.approx(math.sqrt(8 / 3) / 2)


def test_a_negative_alpha_is_told_as_it_is():
    # x1 = 1, 0, 1 and x2 = 0, 1, 1: variances 1/3 each. T = 1, 1, 2: variance 1/3. 2 * (1 - 2) = -2.
    analysis = analyse(table_of([[1, 0], [0, 1], [1, 1]], [1, 1]))
    assert analysis.exam.alpha == -2
    assert analysis.exam.error_ratio == pytest.approx(100 * math.sqrt(3))
    assert analysis.exam.standard_error == pytest.approx(1)
    # T is -1/3, -1/3, 2/3 from its mean: m3 = 2/27, k3 = 9 * 2/27 / 2 = 1/3, over (1/3) ** 1.5.
    assert analysis.exam.skewness == pytest.approx(math.sqrt(3))
    assert analysis.exam.kurtosis is None
    # C(x1, x2) = (-2/9 - 2/9 + 1/9) / 2 = -1/6, of variances 1/3; sorted they are the same, so that 1/3 is the most.
    assert figures(analysis, "discrimination_index") == about(-50, -50)
    assert figures(analysis, "discriminative_efficiency") == about(-50, -50)


def test_a_slot_that_goes_against_the_total_has_no_effective_weight_and_takes_none_from_others():
    # x1 = 1, 1, 0 with T = 1, 2, 4: C(x1, T) = (-4/9 - 1/9 - 10/9) / 2 < 0.
    analysis = analyse(table_of([[1, 0], [1, 1], [0, 4]]))
    assert figures(analysis, "effective_weight") == about(None, 100)


def test_a_single_attempt_has_a_mean_and_no_spread():
    analysis = analyse(table_of([[1, 0]], [1, 1]))
    assert figures(analysis, "facility") == [1, 0]
    for name in ("sd", "effective_weight", "discrimination_index", "discriminative_efficiency"):
        assert figures(analysis, name) == [None, None]
    exam = analysis.exam
    assert (exam.median, exam.mean) == (1, 1)
    assert {exam.sd, exam.skewness, exam.kurtosis, exam.alpha, exam.error_ratio, exam.standard_error} == {
        None
    }


def test_a_single_slot_has_no_rest_to_be_compared_with():
    analysis = analyse(table_of([[1], [0], [1], [0]], [1]))
    assert figures(analysis, "effective_weight") == [100]
    assert figures(analysis, "discrimination_index") == [None]
    assert figures(analysis, "discriminative_efficiency") == [None]
    assert (analysis.exam.alpha, analysis.exam.error_ratio, analysis.exam.standard_error) == (
        None,
        None,
        None,
    )
    assert analysis.exam.sd == pytest.approx(math.sqrt(1 / 3))


@pytest.mark.parametrize("mark", ["0.1", "0.3333333333333333", "7"])
def test_marks_that_never_vary_leave_everything_but_the_means_undefined(mark):
    # 0.1 + 0.1 + 0.1 in floats is not 3 * 0.1; such dust must not become a correlation.
    analysis = analyse(table_of([[mark, mark, mark]] * 5))
    assert figures(analysis, "sd") == [0, 0, 0]
    for name in ("effective_weight", "discrimination_index", "discriminative_efficiency"):
        assert figures(analysis, name) == [None] * 3
    assert analysis.exam.sd == 0
    assert {analysis.exam.skewness, analysis.exam.kurtosis, analysis.exam.alpha} == {None}


def test_a_slot_that_never_varies_weighs_nothing():
    analysis = analyse(table_of([[1, 2, 0], [0, 2, 3], [1, 2, 5]]))
    assert figures(analysis, "effective_weight")[1] == 0
    assert figures(analysis, "discrimination_index")[1] is None
    assert analysis.exam.alpha is not None


def test_a_slot_worth_nothing_has_no_facility():
    analysis = analyse(table_of([[0, 1], [0, 0]], [0, 1]))
    assert figures(analysis, "facility") == [None, 0.5]


def test_attempts_without_a_slot_stay_out_of_its_figures():
    drawn = [[1, 0, None], [0, None, 3], [None, 1, 5], [1, 1, None]]
    analysis = analyse(table_of(drawn, [1, 1, 5]))
    assert figures(analysis, "facility") == about(2 / 3, 2 / 3, 0.8)
    assert [item.attempts for item in analysis.items] == [3, 3, 2]
    # x1 = 1, 0, 1 with rests 0, 3, 1: C = ((1/3)(-4/3) + (-2/3)(5/3) + (1/3)(-1/3)) / 2 = -15/18; V = 1/3 and 7/3.
    assert figures(analysis, "discrimination_index")[0] == pytest.approx(
        -100 * (15 / 18) / (math.sqrt(7) / 3)
    )
    assert analysis.exam.mean == pytest.approx((1 + 3 + 6 + 2) / 4)


def test_alpha_and_intended_weights_need_one_paper_for_all():
    analysis = analyse(table_of([[1, 0, 1], [0, 1, 1], [1, 1, None]]))
    assert (analysis.exam.alpha, analysis.exam.error_ratio, analysis.exam.standard_error) == (
        None,
        None,
        None,
    )
    assert figures(analysis, "intended_weight") == [None] * 3
    assert analysis.exam.sd is not None


def test_an_empty_table_has_nothing_to_say():
    analysis = analyse(MarkTable())
    assert analysis.items == ()
    assert analysis.exam.mean is None


@pytest.mark.parametrize(
    ("maxmark", "attempt", "what"),
    [(2, "ben", "maximum mark 2 here and 1 before"), (1, "ann", "attempt ann has a mark in slot 1 already")],
)
def test_marks_that_contradict_each_other_are_refused(maxmark, attempt, what):
    table = MarkTable()
    table.add("ann", 1, Fraction(1), Fraction(1))
    with pytest.raises(Contradiction, match=what):
        table.add(attempt, 1, Fraction(maxmark), Fraction(0))
    assert table.columns == {1: {"ann": 1}}


def rows(*, attempts: tuple[int, int], slots: tuple[int, int]) -> st.SearchStrategy[list[list[int]]]:
    """Tables of small marks, bonus and penalty among them."""
    width = st.integers(*slots)
    return width.flatmap(
        lambda many: st.lists(
            st.lists(st.integers(-1, 6), min_size=many, max_size=many),
            min_size=attempts[0],
            max_size=attempts[1],
        )
    )


ANY = rows(attempts=(1, 7), slots=(1, 5))
SEVERAL = rows(attempts=(2, 7), slots=(2, 5))


@settings(deadline=None)
@given(ANY, st.randoms(use_true_random=False))
def test_neither_the_order_of_attempts_nor_that_of_slots_changes_a_figure(marks, chance):
    placed = [
        (attempt, slot, Fraction(mark, 3))
        for attempt, row in enumerate(marks)
        for slot, mark in enumerate(row)
    ]
    shuffled = chance.sample(placed, len(placed))
    one, other = MarkTable(), MarkTable()
    for table, entries in ((one, placed), (other, shuffled)):
        for attempt, slot, mark in entries:
            table.add(attempt, slot, Fraction(2), mark)
    first, second = analyse(one), analyse(other)
    assert first.exam == second.exam
    assert {item.slot: item for item in first.items} == {item.slot: item for item in second.items}


@settings(deadline=None)
@given(ANY, st.fractions(min_value=Fraction(1, 50), max_value=50, max_denominator=50))
def test_worth_more_or_less_the_same_marks_say_the_same(marks, times):
    plain, scaled = analyse(table_of(marks)), analyse(table_of(marks, times=times))
    for before, after in zip(plain.items, scaled.items, strict=True):
        assert before.facility == after.facility
        assert before.discrimination_index == after.discrimination_index
        assert before.discriminative_efficiency == after.discriminative_efficiency
        assert [after.effective_weight] == about(before.effective_weight)
        assert [after.sd] == about(before.sd and before.sd * times)
    for name in ("skewness", "kurtosis", "alpha", "error_ratio"):
        assert getattr(plain.exam, name) == getattr(scaled.exam, name)
    for name in ("mean", "median", "sd", "standard_error"):
        before = getattr(plain.exam, name)
        assert [getattr(scaled.exam, name)] == about(before and before * times)


@settings(deadline=None)
@given(ANY)
def test_effective_weights_are_a_hundred_together_or_none_at_all(marks):
    weights = [
        weight for weight in figures(analyse(table_of(marks)), "effective_weight") if weight is not None
    ]
    # All covariances with the total are together the total's variance.
    varies = len(marks) > 1 and len({sum(row) for row in marks}) > 1
    assert bool(weights) is varies
    if weights:
        assert math.fsum(weights) == pytest.approx(100)


@settings(deadline=None)
@given(SEVERAL)
def test_alpha_is_what_the_mean_covariance_between_slots_gives(marks):
    columns = [[float(mark) for mark in column] for column in zip(*marks, strict=True)]
    assume(len({sum(row) for row in marks}) > 1)
    many = len(columns)
    between = fmean(covariance(one, other) for one, other in permutations(columns, 2))
    within = fmean(variance(column) for column in columns)
    exam = analyse(table_of(marks)).exam
    assert exam.alpha == pytest.approx(many * between / (within + (many - 1) * between), abs=1e-9)
    assert exam.alpha <= 1
    assert exam.error_ratio == pytest.approx(100 * math.sqrt(max(0, 1 - exam.alpha)), abs=1e-5)
    assert exam.standard_error == pytest.approx(exam.error_ratio / 100 * exam.sd, abs=1e-9)


@settings(deadline=None)
@given(rows(attempts=(2, 5), slots=(2, 4)))
def test_discrimination_is_a_correlation_and_efficiency_is_of_the_best_order(marks):
    analysis = analyse(table_of(marks))
    for place, item in enumerate(analysis.items):
        own = [row[place] for row in marks]
        rest = [sum(row) - row[place] for row in marks]
        if len(set(own)) == 1 or len(set(rest)) == 1:
            assert (item.discrimination_index, item.discriminative_efficiency) == (None, None)
            continue
        assert item.discrimination_index == pytest.approx(100 * correlation(own, rest), abs=1e-6)
        assert -100 <= item.discrimination_index <= 100
        best = max(covariance(order, rest) for order in permutations(own))
        assert item.discriminative_efficiency == pytest.approx(100 * covariance(own, rest) / best, abs=1e-6)
        assert item.discriminative_efficiency <= 100


@settings(deadline=None)
@given(rows(attempts=(4, 9), slots=(1, 3)))
def test_skewness_and_kurtosis_are_those_of_the_textbooks_for_samples(marks):
    totals = [float(sum(row)) for row in marks]
    assume(len(set(totals)) > 1)
    n, middle, spread = len(totals), fmean(totals), stdev(totals)
    away = [(total - middle) / spread for total in totals]
    skewness = n / ((n - 1) * (n - 2)) * sum(z**3 for z in away)
    fourths = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * sum(z**4 for z in away)
    exam = analyse(table_of(marks)).exam
    assert exam.skewness == pytest.approx(skewness, abs=1e-9)
    assert exam.kurtosis == pytest.approx(fourths - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)), abs=1e-9)


def printed(file: str | Path) -> dict:
    out = io.StringIO()
    call_command("item_analysis", str(file), stdout=out)
    return json.loads(out.getvalue())


def csv_of(marks: list[list[int]], maxmarks: list[int]) -> str:
    lines = [
        f"a{attempt},{slot},{maxmarks[slot - 1]},{mark}\n"
        for attempt, row in enumerate(marks)
        for slot, mark in enumerate(row, start=1)
    ]
    return HEADER + "".join(lines)


def test_the_command_prints_the_named_figures_and_nothing_else(tmp_path):
    file = tmp_path / "marks.csv"
    file.write_text(csv_of(SMALL, [1, 1, 2]))
    told = printed(file)
    assert set(told) == {"items", "exam"}
    assert [set(item) for item in told["items"]] == [
        {"slot", "facility", "sd", "effective_weight", "discrimination_index", "discriminative_efficiency"}
    ] * 3
    assert [item["slot"] for item in told["items"]] == [1, 2, 3]
    assert told["exam"] == {
        "median": 2,
        "mean": 2,
        "sd": pytest.approx(math.sqrt(8 / 3)),
        "skewness": 0,
        "kurtosis": pytest.approx(1.5),
        "alpha": 0.75,
        "error_ratio": 50,
        "standard_error": pytest.approx(math.sqrt(8 / 3) / 2),
    }


def test_what_is_undefined_is_printed_as_null(tmp_path):
    file = tmp_path / "marks.csv"
    file.write_text(HEADER + "ann,1,1,1\n")
    told = printed(file)
    assert told["items"] == [
        {
            "slot": 1,
            "facility": 1,
            "sd": None,
            "effective_weight": None,
            "discrimination_index": None,
            "discriminative_efficiency": None,
        }
    ]
    assert told["exam"]["alpha"] is None


def test_the_table_may_come_by_the_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(csv_of(SMALL, [1, 1, 2]).encode())))
    assert printed("-")["exam"]["alpha"] == 0.75


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "\ufeff" + HEADER + "ann,1,2,1\nben,1,2,\n", id="a byte order mark, a question not answered"
        ),
        pytest.param(
            HEADER + "\n ann , 1 ,2.0, 1e0\n,,,\nben,1,2,-0\n\n",
            id="spaces, blank lines, numbers written otherwise",
        ),
        pytest.param(
            HEADER.replace("\n", "\r\n") + 'ann,1,2,"1"\r\nben,1,2,0\r\n', id="lines of Windows, quotes"
        ),
        pytest.param(
            "mark,name,slot,maxmark,attempt\n1,安,1,2,安\n0,本,1,2,本\n", id="another order, one column more"
        ),
    ],
)
def test_tables_are_read_as_other_systems_write_them(text):
    assert report(analyse(mark_tables.read(text.encode())))["items"][0]["facility"] == 0.25


def test_slots_are_sorted_as_numbers_when_all_are_and_keep_their_names_otherwise():
    for slots, shown in ((["10", "9"], [9, 10]), (["10", "9b"], ["10", "9b"]), (["01", "1"], ["01", "1"])):
        text = HEADER + "".join(f"ann,{slot},1,1\n" for slot in slots)
        assert [item["slot"] for item in report(analyse(mark_tables.read(text.encode())))["items"]] == shown


def test_marks_beyond_the_maximum_and_below_zero_count_as_they_are():
    table = mark_tables.read((HEADER + "ann,1,2,3\nben,1,2,-1\ncai,1,2,2.5\n").encode())
    assert analyse(table).items[0].facility == 0.75


BAD = {
    "no table at all": ("", "line 1: no column attempt, slot, maxmark, mark"),
    "other separators": (HEADER.replace(",", ";") + "ann;1;1;1\n", "line 1: no column attempt"),
    "a column missing": ("attempt,slot,mark\nann,1,1\n", "line 1: no column maxmark"),
    "a column twice": ("attempt,slot,maxmark,mark,mark\nann,1,1,1,0\n", "line 1: more than one column mark"),
    "no marks": (HEADER, "the table has no marks"),
    "a field missing": (HEADER + "ann,1,1,1\nben,1,1\n", "line 3: 3 fields, but the header has 4"),
    "a field too many": (HEADER + "ann,1,1,1,0\n", "line 2: 5 fields"),
    "no name": (HEADER + ",1,1,1\n", "line 2: attempt and slot need 1 to 200 characters"),
    "no slot": (HEADER + "ann, ,1,1\n", "line 2: attempt and slot need"),
    "a long name": (HEADER + "n" * 201 + ",1,1,1\n", "line 2: attempt and slot need"),
    "no maximum": (HEADER + "ann,1,,1\n", "line 2: maxmark is empty"),
    "a word for a mark": (HEADER + "ann,1,1,1\n\nben,1,1,good\n", "line 4: mark 'good' is not a number"),
    "a word for a maximum": (HEADER + "ann,1,one,1\n", "line 2: maxmark 'one' is not a number"),
    "not a number": (HEADER + "ann,1,1,NaN\n", "line 2: mark 'NaN' is not a number"),
    "endless": (HEADER + "ann,1,inf,1\n", "line 2: maxmark 'inf' is not a number"),
    "a decimal comma": (HEADER + 'ann,1,1,"0,5"\n', "line 2: mark '0,5' is not a number"),
    "other digits": (HEADER + "ann,1,1,١\n", "line 2: mark '١' is not a number"),
    "an underscore": (HEADER + "ann,1,1,1_0\n", "line 2: mark '1_0' is not a number"),
    "a huge mark": (HEADER + "ann,1,1,1e99\n", "line 2: mark 1e+99 is not below"),
    "endless decimals": (HEADER + "ann,1,1,1e-31\n", "line 2: mark has more than 30 decimals"),
    "endless digits": (HEADER + "ann,1,1," + "1" * 5000 + "\n", "line 2: mark '1111"),
    "the same twice": (HEADER + "ann,1,1,1\nann,1,1,0\n", "line 3: attempt ann has a mark in slot 1 already"),
    "two maxima": (HEADER + "ann,1,1,1\nben,1,2,1\n", "line 3: slot 1 has maximum mark 2 here and 1 before"),
    "a negative maximum": (HEADER + "ann,1,-1,0\n", "line 2: the maximum mark of slot 1 is negative"),
    "an open quote": (HEADER + 'ann,1,1,"1\n', "line 2: unexpected end of data"),
    "a stray quote": (HEADER + 'ann,1,1,"1"0\n', "line 2: "),
}


@pytest.mark.parametrize(("text", "fault"), BAD.values(), ids=BAD.keys())
def test_a_bad_table_is_refused_with_the_line_at_fault(tmp_path, text, fault):
    file = tmp_path / "marks.csv"
    file.write_text(text)
    out = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("item_analysis", str(file), stdout=out)
    assert f"{file}: {fault}" in str(refused.value)
    assert out.getvalue() == ""


def test_text_that_is_not_utf_8_is_refused_with_the_line_at_fault():
    with pytest.raises(mark_tables.Unreadable, match="line 3: the text is not UTF-8"):
        mark_tables.read(HEADER.encode() + b"ann,1,1,1\n" + "安,1,1,1\n".encode("gb18030"))


def test_what_is_too_large_is_refused(monkeypatch, tmp_path):
    file = tmp_path / "marks.csv"
    file.write_text(HEADER + "ann,1,1,1\nben,1,1,1\ncai,1,1,1\n")
    monkeypatch.setattr(mark_tables, "MAX_ROWS", 2)
    with pytest.raises(CommandError, match="line 4: the table has more than 2 rows"):
        printed(file)
    monkeypatch.setattr(mark_tables, "MAX_BYTES", 20)
    with pytest.raises(CommandError, match="the table is larger than"):
        printed(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"none\.csv: No such file"):
        printed(tmp_path / "none.csv")
    with pytest.raises(CommandError, match="Is a directory"):
        printed(tmp_path)


def test_a_refusal_is_an_exit_code_and_a_word_on_the_error_channel(tmp_path, capsys):
    file = tmp_path / "marks.csv"
    file.write_text(HEADER + "ann,1,1,good\n")
    with pytest.raises(SystemExit) as left:
        Command().run_from_argv(["manage.py", "item_analysis", str(file)])
    assert left.value.code == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "line 2: mark 'good' is not a number" in told.err
