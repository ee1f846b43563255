"""The wall's small screens: what a terminal shows, as text, whatever its bytes are."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from labs.teaching.screens import GAP, LONGEST_SEQUENCE, Screen


def shown(*chunks, cols=20, rows=4):
    screen = Screen(cols, rows)
    for chunk in chunks:
        screen.feed(chunk if isinstance(chunk, bytes) else chunk.encode())
    return screen.text()


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("$ ls\r\na b\r\n$ ", ["$ ls", "a b", "$"]),
        ("one\rtwo", ["two"]),
        ("abc\b\bX", ["aXc"]),
        ("a\tb", ["a       b"]),
        ("1\r\n2\r\n3\r\n4\r\n5", ["2", "3", "4", "5"]),
        ("x" * 25, ["x" * 20, "x" * 5]),
        ("\x1b[31mred\x1b[0m", ["red"]),
        ("\x1b]0;title\x07after", ["after"]),
        ("\x1b]52;c;aGVsbG8=\x1b\\after", ["after"]),
        ("\x1bP1$qx\x1b\\after", ["after"]),
        ("\x1b(Bafter", ["after"]),
        ("hello\x1b[2D\x1b[K", ["hel"]),
        ("hello\x1b[3Gy", ["heylo"]),
        ("\x1b[2;3Hx\x1b[Ay", ["   y", "  x"]),
        ("old\x1b[2J\x1b[Hnew", ["new"]),
        ("abcdef\x1b[1;2H\x1b[2P", ["adef"]),
        ("abc\x1b[1;2H\x1b[2@", ["a  bc"]),
        ("abc\x1b[1;2H\x1b[1X", ["a c"]),
        ("1\r\n2\r\n3\x1b[1;1H\x1b[L", ["", "1", "2", "3"]),
        ("1\r\n2\r\n3\x1b[1;1H\x1b[M", ["2", "3"]),
        ("1\r\n2\x1b[1;1H\x1bM", ["", "1", "2"]),
        ("shell\x1b[?1049h\x1b[Hvim\x1b[?1049l$", ["shell$"]),
        ("shell\x1b[?1049h\x1b[Hvim", ["vim"]),
        ("a\x1b7bc\x1b8X", ["aXc"]),
        ("lost\x1bcfresh", ["fresh"]),
        ("a\u202eb\u200bc\x85d", ["abcd"]),
    ],
)
def test_a_screen_shows_what_a_terminal_would(said, lines):
    assert shown(said) == lines


def test_wide_signs_take_two_columns_and_never_half_of_one():
    assert shown("你好", cols=3) == ["你", "好"]
    assert shown("你好\x1b[1;2Hx") == [" x好"]
    assert shown("你好\x1b[1;3H\x1b[1K") == []
    assert shown("a你\x1b[1;1H\x1b[P") == ["你"]


@hypothesis_settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, 60))
def test_it_does_not_matter_where_the_bytes_are_cut(cut):
    said = "$ 你好\x1b[31m\x1b]0;t\x07红\x1b[0m\r\n\x1b[2;5Hx\x1b[?1049hy\x1b[?1049l".encode()
    assert shown(said[:cut], said[cut:]) == shown(said)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.integers(-5, 500), st.integers(-5, 500))
def test_no_bytes_break_a_screen_or_its_bounds(data, cols, rows):
    screen = Screen(cols, rows)
    screen.feed(data)
    screen.feed(b"\x1b[999;999H" + data)
    assert len(screen.lines) == screen.rows
    assert {len(line) for line in screen.lines} == {screen.cols}
    assert all(sign == GAP or sign.isprintable() for line in screen.lines for sign in line)
    assert not any("\x1b" in line for line in screen.text())
    assert len(screen.rest) <= LONGEST_SEQUENCE


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["你", "a", "\x1b[P", "\x1b[@", "\x1b[X", "\x1b[D", "\x1b[K", "\x1b[1K", "\r", "\b"])
    )
)
def test_whatever_is_edited_no_wide_sign_is_left_in_half(words):
    screen = Screen(7, 2)
    screen.feed("".join(words).encode())
    for line in screen.lines:
        for at, sign in enumerate(line):
            assert (sign == GAP) == (at > 0 and line[at - 1] in {"你"}), line


def test_a_sequence_without_an_end_hides_only_itself():
    assert shown("\x1b]" + "x" * 5000, "\r\nafter")[-1] == "after"


def test_after_bytes_were_left_out_what_was_half_way_is_forgotten():
    screen = Screen(20, 2)
    screen.feed(b"\x1b[3" + "你".encode()[:1])
    screen.skip()
    screen.feed(b"1mok")
    assert screen.text() == ["1mok"]
