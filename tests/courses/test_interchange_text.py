"""GIFT and Aiken as people type them: each construct is a question of ours, a note with its line, or a reason to refuse."""

from textwrap import dedent

import pytest

from courses.exams.content import write_content
from courses.exams.interchange import formats
from courses.exams.interchange.base import Reading, Refused


def gift(words: str) -> Reading:
    return formats.read(dedent(words).encode(), "questions.gift")


def aiken(words: str) -> Reading:
    return formats.read(dedent(words).lstrip("\n").encode(), "questions.txt")


def content(reading: Reading) -> dict:
    (item,) = reading.items
    return write_content(item.content)


def english(parts: list[dict]) -> list[str]:
    return [part["text"]["en"] for part in parts]


def codes(reading: Reading) -> list[tuple[int, str]]:
    return [(note.line, note.code) for note in reading.notes]


def refusal(read, words: str) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        read(words)
    return refused.value.told.line, refused.value.told.code


def test_a_whole_file_of_gift_is_read_with_names_categories_and_lines():
    reading = gift("""\
        $CATEGORY: $course$/top/Net/TCP//IP

        // question: 1  name: first
        // [id:net-1] [tag:net] [tag:a\\]b]
        ::Ports:: Which port is for SSH? {
          =22 # right
          ~80 # that is HTTP
          ~%-50%443
          #### See RFC 4253.
        }

        // nothing but a comment

        // [id:net-2]
        SSH uses UDP.{F#no#yes}
        """)
    first, second = reading.items
    assert (first.title, first.category, first.line) == ("Ports", ("Net", "TCP/IP"), 5)
    assert (first.identifier, first.tags) == ("net-1", ("net", "a]b"))
    assert (second.identifier, second.category, second.line) == ("net-2", ("Net", "TCP/IP"), 15)
    told = write_content(first.content)
    assert english(told["options"]) == ["22", "80", "443"]
    assert [option.get("feedback", {}).get("en") for option in told["options"]] == [
        "right",
        "that is HTTP",
        None,
    ]
    assert told["explanation"]["en"] == "See RFC 4253."
    assert codes(reading) == [(8, "choice_percent"), (15, "answer_feedback"), (15, "answer_feedback")]


def test_labels_belong_to_what_they_stand_at():
    reading = gift("// [id:a]\n$CATEGORY: C\n\nx{T}\n")
    assert (reading.items[0].category, reading.items[0].identifier) == (("C",), "")


@pytest.mark.parametrize(
    ("words", "kind", "expected"),
    [
        ("q{=a ~b}", "single", {"key": "a"}),
        ("q{~%50%a ~%50%b ~%-100%c}", "multiple", {"key": ["a", "b"], "rule": "right_minus_wrong"}),
        ("q{TRUE}", "true_false", {"key": True}),
        ("q{false}", "true_false", {"key": False}),
        ("q{#3.50:0.1}", "numeric", {"key": "3.5", "tolerance": "0.1"}),
        ("q{#1..2}", "numeric", {"key": "1.5", "tolerance": "0.5"}),
        ("q{#=7:1}", "numeric", {"key": "7", "tolerance": "1"}),
        ("q{#-7}", "numeric", {"key": "-7", "tolerance": "0"}),
        ("q{=a -> b =c -> d = -> e}", "matching", {"key": {"l1": "r1", "l2": "r2"}}),
        ("q{}", "essay", {"most_words": 2000}),
    ],
)
def test_every_kind_of_gift_is_read(words, kind, expected):
    told = content(gift(words))
    assert told["kind"] == kind
    assert {name: told[name] for name in expected} == expected


def test_short_answers_of_gift_have_shares_and_stars():
    told = content(gift(r"q{=ls =%50%dir =chmod * =2\\*3}"))
    assert [(one["text"], one["rule"], one["share"]) for one in told["accepted"]] == [
        ("ls", "normalised", "1"),
        ("dir", "normalised", "0.5"),
        ("(?i)chmod .*", "regex", "1"),
        ("2*3", "normalised", "1"),
    ]


def test_a_missing_word_leaves_a_line_to_fill():
    assert content(gift("The shell {=bash ~top} starts."))["stem"]["en"] == r"The shell \_\_\_\_\_ starts."


def test_escaped_signs_are_words():
    told = content(gift(r"a \{b\} \= \~ \# \: c\nd \\ e{=\=x ~\{y\}}"))
    assert told["stem"]["en"] == "a {b} = ~ # : c\\\nd \\\\ e"
    assert english(told["options"]) == ["=x", "{y}"]


@pytest.mark.parametrize(
    ("words", "markdown"),
    [
        ("[markdown]**a**{T}", "**a**"),
        ("[html]<b>a</b>{T}", "**a**"),
        ("[plain]**a**{T}", r"\*\*a\*\*"),
        ("a <b>b</b>{T}", "a **b**"),
        ("[1] a{T}", "[1] a"),
    ],
)
def test_formats_of_gift(words, markdown):
    assert content(gift(words))["stem"]["en"] == markdown


@pytest.mark.parametrize(
    ("words", "line", "code"),
    [
        ("\nJust words.", 2, "description_lost"),
        ("q{\n=a\n=b\n~c}", 2, "choice_several_right"),
        ("q{\n~a\n~b}", 2, "choice_none_right"),
        ("q{>ALL\na\nb}", 1, "question_kind"),
        ("q{#x}", 1, "number_broken"),
        ("q{\n\tstray =a ~b}", 2, "gift_stray"),
        ("{T}", 1, "question_broken"),
    ],
)
def test_what_gift_says_and_we_cannot_is_named_at_its_line(words, line, code):
    reading = formats.read(words.encode(), "q.gift")
    assert reading.items == ()
    assert codes(reading) == [(line, code)]


@pytest.mark.parametrize(
    ("words", "line", "code"),
    [
        ("a{T}\n\nb{=a ~b", 3, "gift_brace"),
        ("a}b", 1, "gift_brace"),
        ("a{T} b{F}", 1, "gift_brace"),
        ("a{word}", 1, "gift_answer"),
        ("a{T}\n\nb\0{T}", 3, "control_character"),
        ("a{T}\n\n\nb\U000f007b{T}", 4, "control_character"),
    ],
)
def test_a_broken_file_of_gift_is_refused_at_its_line(words, line, code):
    assert refusal(lambda one: formats.read(one.encode(), "q.gift"), words) == (line, code)


@pytest.mark.parametrize("name", ["q.gift", "q.txt"])
def test_text_that_is_not_utf8_is_refused_at_its_line(name):
    with pytest.raises(Refused) as refused:
        formats.read("端口{T}\n\n端口{T}\n".encode("gb18030"), name)
    assert (refused.value.told.code, refused.value.told.line) == ("not_utf8", 1)
    with pytest.raises(Refused) as refused:
        formats.read("a{T}\n\n端口{T}\n".encode("gb18030"), name)
    assert refused.value.told.line == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_in_every_unicode_that_says_so(encoding):
    assert content(formats.read("端口是 22{T}\r\n".encode(encoding), "q.gift"))["stem"]["zh"] == "端口是 22"


def test_a_file_of_aiken_is_read():
    reading = aiken("""
        Which port is for SSH?
        A. 22
        B) 80

        C. 443
        ANSWER: A

        哪个命令列出文件？
        A. ls
        B. *cat*
        answer: B
        """)
    first, second = reading.items
    assert (write_content(first.content)["key"], first.line) == ("a", 1)
    assert english(write_content(first.content)["options"]) == ["22", "80", "443"]
    told = write_content(second.content)
    assert (told["stem"]["zh"], told["key"], second.line) == ("哪个命令列出文件？", "b", 8)
    assert told["options"][1]["text"]["en"] == r"\*cat\*"
    assert reading.notes == ()


@pytest.mark.parametrize(
    ("words", "line", "code"),
    [
        ("q\nA. a\nC. b\nANSWER: A\n", 3, "aiken_letter"),
        ("q\nA. a\nB. b\nANSWER: C\n", 4, "aiken_key"),
        ("q\nA. a\nB. b\nANSWER:\n", 4, "aiken_key"),
        ("q\nA. a\nB. b\nANSWER: A, B\n", 4, "aiken_key"),
        ("q\nA. a\nANSWER: A\n", 3, "aiken_options"),
        ("q\nA. a\nB. b\nnext\nA. a\nB. b\nANSWER: A", 4, "aiken_answer"),
        ("q\nA. a\nB. b\nANSWER: A\nq\nA. a\nB. b\n", 8, "aiken_answer"),
    ],
)
def test_a_broken_file_of_aiken_is_refused_at_its_line(words, line, code):
    assert refusal(aiken, words) == (line, code)


def test_the_format_is_told_by_the_content_whatever_the_name():
    assert write_content(formats.read(b"q\nA. a\nB. b\nANSWER: B\n", "x").items[0].content)["key"] == "b"
    assert write_content(formats.read(b"q{T}", "x").items[0].content)["key"] is True
    quiz = b'<quiz><question type="category"><category><text>a</text></category></question></quiz>'
    with pytest.raises(Refused) as refused:
        formats.read(quiz, "x.gift")
    assert refused.value.told.code == "no_items"
