"""A solution's script cut into the commands that are typed: nothing lost, nothing cut in two, nothing left together."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.playback.splitting import commands

SOLUTIONS = sorted((Path(__file__).parents[2] / "sandbox_images" / "labs").glob("*/solve/*.sh"))

WORDS = st.sampled_from(
    [
        "ls",
        "done.log",
        "a#b",
        "do-it",
        "$HOME",
        "${x#y}",
        "$(date)",
        "$((1 + 2))",
        "if",
        "esac",
        "~/a.txt",
        "\\$",
        "*",
    ]
)
QUOTED = st.sampled_from(
    ["'a  b'", '"it is $(echo "now")"', "'two\nlines'", '"two\nlines"', "`echo x`", "'if'"]
)
SIMPLE = st.lists(WORDS | QUOTED, min_size=1, max_size=4).map(lambda words: " ".join(["echo", *words]))
DOCUMENT = st.tuples(
    st.sampled_from(["END", "'END'", '"END"']),
    st.lists(st.sampled_from(["", "if then", "it's", "done (", "  END", "${", "\tx"]), max_size=4),
).map(lambda parts: "\n".join([f"cat > ~/a.txt <<{parts[0]}", *parts[1], "END"]))


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, min_size=1, max_size=2).map("\n".join)
    return st.one_of(
        body.map(lambda text: f"if true; then\n{text}\nelse\n{text}\nfi"),
        body.map(lambda text: f"for x in 1 2; do\n{text}\ndone"),
        body.map(lambda text: f"while false\ndo {text}\ndone > ~/out"),
        body.map(lambda text: f"status() {{\n{text}\n}}"),
        body.map(lambda text: f"(\n{text}\n)"),
        body.map(lambda text: f'case "$x" in\n  a | b) {text}\n  ;;\nesac'),
    )


SIMPLE_LINE = SIMPLE.filter(lambda text: "\n" not in text)
JOINED = st.tuples(
    SIMPLE_LINE, st.sampled_from([" &&\n  ", " |\n", " \\\n  ", " || # or\n"]), SIMPLE_LINE
).map("".join)
COMMAND = st.recursive(SIMPLE | DOCUMENT | JOINED | st.just("# why so"), compound, max_leaves=6)


@given(st.lists(COMMAND, max_size=5), st.sampled_from(["\n", "\n\n", "\n  \n\n"]))
def test_a_script_is_cut_exactly_between_its_commands(wanted: list[str], between: str) -> None:
    assert commands(between.join(wanted)) == wanted


@given(st.text(alphabet="if done\n'\"`${}()<>E;&|\\#\t", max_size=40))
def test_whatever_a_script_holds_no_line_of_it_is_lost(script: str) -> None:
    kept = [line for command in commands(script) for line in command.split("\n") if line.strip()]
    assert kept == [line for line in script.split("\n") if line.strip()]


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_a_shell_takes_each_command_of_our_solutions_whole_and_no_beginning_of_one(path: Path) -> None:
    for command in commands(path.read_text()):
        assert complaint(command) == ""
        lines = command.split("\n")
        for count in range(1, len(lines)):
            beginning = "\n".join(lines[:count])
            assert beginning.endswith("\\") or complaint(beginning) != "", beginning


def complaint(script: str) -> str:
    """What bash says of the script's grammar."""
    found = subprocess.run(
        ["bash", "-n"], input=f"{script}\n", text=True, capture_output=True, check=False, timeout=30
    )
    return found.stderr
