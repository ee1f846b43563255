"""A test that failed beside others is run once more alone, and only then is the whole run's verdict known."""

import pytest

from config.launch import tests as suite


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Pytest's runs as a list of their words; ``answers`` are their exit codes, ``failed`` what the first left."""
    made = []

    class Runs(list):
        answers = [0]
        failed: list[str] = []

    made = Runs()
    record = tmp_path / "lastfailed"
    monkeypatch.setattr(suite, "LAST_FAILED", record)

    def pytest_run(*words):
        record.write_text(str(dict.fromkeys(made.failed, True)))
        made.append(words)
        return made.answers[len(made) - 1]

    monkeypatch.setattr(suite, "pytest", pytest_run)
    return made


def test_a_clean_run_is_not_repeated(runs):
    assert suite.run([]) == 0
    assert len(runs) == 1


def test_what_fails_beside_others_and_passes_alone_is_named_and_passes(runs, capsys):
    runs.answers, runs.failed = [1, 0], ["tests/a.py::test_one", "tests/a.py::test_two"]
    assert suite.run([]) == 0
    assert "--last-failed" in runs[1]
    assert "2 of all tests passed only when they ran alone" in capsys.readouterr().out


def test_what_fails_twice_fails_the_run(runs):
    runs.answers, runs.failed = [1, 1], ["tests/a.py::test_one"]
    assert suite.run([]) == 1


def test_many_failures_are_no_accident_and_are_not_repeated(runs):
    runs.answers, runs.failed = [1, 0], [f"tests/a.py::test_{n}" for n in range(suite.MOST_REPEATED + 1)]
    assert suite.run([]) == 1
    assert len(runs) == 1


@pytest.mark.parametrize(("code", "words"), [(1, ["tests/a.py"]), (2, []), (5, [])])
def test_chosen_tests_and_broken_runs_are_not_repeated(runs, code, words):
    runs.answers, runs.failed = [code, 0], ["tests/a.py::test_one"]
    assert suite.run(words) == code
    assert len(runs) == 1
