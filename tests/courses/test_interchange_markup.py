"""HTML of other systems becomes our Markdown; what it cannot say is noted at its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.exams.interchange.base import Notes
from courses.exams.interchange.markup import html_to_markdown, plain_to_markdown, to_html
from courses.exams.interchange.trees import read_html


def converted(html: str, line: int = 1) -> tuple[str, list[tuple[int, str]]]:
    notes = Notes("quiz.xml")
    return html_to_markdown(html, notes, line), [(note.line, note.code) for note in notes.all]


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("plain words", "plain words"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one<br>two</div>", "one\\\ntwo"),
        ("<h3>Title</h3><p>x</p>", "### Title\n\nx"),
        ("<p><b>b</b> <i>i</i> <del>d</del> <code>a*b</code></p>", "**b** *i* ~~d~~ `a*b`"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n  - c"),
        ('<ol start="3"><li><p>a</p></li><li>b</li></ol>', "3. a\n4. b"),
        ('<pre><code class="language-sh">ls\n```\n</code></pre>', "````sh\nls\n```\n````"),
        ("<code>a`b</code>", "``a`b``"),
        ("<blockquote><p>q</p><p>r</p></blockquote>", "> q\n>\n> r"),
        ("<table><tr><th>a|b</th></tr><tr><td>1</td></tr></table>", "| a\\|b |\n| --- |\n| 1 |"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "|  |  |\n| --- | --- |\n| 1 | 2 |"),
        ('<a href="https://a.example/x (1)">y</a>', "[y](https://a.example/x%20%281%29)"),
        ('<img src="@@PLUGINFILE@@/a%20b.png" alt="two">', "![two](media:a%20b.png)"),
        ("<p>a</p><hr><p>b</p>", "a\n\n---\n\nb"),
        ("<strong>注意：</strong>请", "**注意**：请"),
        ("a&nbsp;&lt;b&gt; &amp;amp;", "a \\<b> \\&amp;"),
    ],
)
def test_what_both_can_say_is_kept_without_a_note(html, markdown):
    assert converted(html) == (markdown, [])


@pytest.mark.parametrize(
    ("html", "markdown", "code"),
    [
        ("2<sup>10</sup>", "2¹⁰", "markup_raised"),
        ("x<sub>a b</sub>", "x\\_(a b)", "markup_raised"),
        ("a<script>alert(1)</script>", "a", "markup_element_lost"),
        ('a<iframe src="https://a.example"></iframe>', "a", "markup_element_lost"),
        ("<u>a</u>", "a", "markup_element_changed"),
        ('<p style="color:red">a</p>', "a", "markup_attribute"),
        ('<a href="javascript:x()">a</a>', "a", "markup_link"),
        ('<img src="data:image/png;base64,AA" alt="a">', "a", "markup_link"),
        ("<table><tr><td colspan='2'>a</td></tr><tr><td>b</td><td>c</td></tr></table>", None, "markup_table"),
        ('<video src="@@PLUGINFILE@@/a.mp4"></video>', "[a.mp4](media:a.mp4)", "markup_media_linked"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "**a**\n\nb", "markup_element_changed"),
        (r"\(x^2\)", r"\\(x^2\\)", "markup_formula"),
        ("<blink>a</blink>", "a", "markup_element_changed"),
    ],
)
def test_what_markdown_cannot_say_is_noted_at_its_line(html, markdown, code):
    got, told = converted("\n\n" + html, 40)
    assert markdown is None or got == markdown
    assert told == [(40 if code == "markup_formula" else 42, code)]


NASTY = st.text(alphabet="ab中。 *_`[]()<>&#+-=.~!|\\1:{}\"'\n", max_size=40)


@given(NASTY)
def test_plain_words_are_shown_as_they_are_whatever_signs_they_hold(words):
    shown = read_html(to_html(plain_to_markdown(words)), Notes("x")).text
    assert "".join(shown.split()) == "".join(words.split())


@given(
    st.lists(
        st.tuples(st.sampled_from(["p", "b", "li", "code", "td", "pre", "h2", "blockquote", "i"]), NASTY)
    )
)
def test_no_word_of_a_page_is_lost_without_a_note(pieces):
    import html

    page = "".join(f"<{name}>{html.escape(words)}</{name}>" for name, words in pieces)
    notes = Notes("x")
    shown = read_html(to_html(html_to_markdown(page, notes)), Notes("x")).text
    if not any(note.code == "markup_differs" for note in notes.all):
        assert "".join(shown.split()) == "".join("".join(words.split()) for _name, words in pieces)


@pytest.mark.parametrize(
    "words",
    [
        "<span " * 16_000,
        "<!--" * 24_000,
        "<!" * 49_000,
        "<a b" * 24_000,
        "a'\"=<" * 19_000,
        '<a "' * 24_000,
        "<script>" + "</" * 49_000,
        "\\(" * 49_000,
        "\n" * 99_000,
    ],
    ids=lambda words: repr(words[:8]),
)
def test_markup_made_to_take_for_ever_is_read_in_one_pass(words):
    # Each of these takes minutes where every mark is looked for in all that follows it.
    assert isinstance(converted(words)[0], str)


def test_a_tag_with_a_mark_in_its_attribute_stays_one_tag():
    assert converted('<img src="a.png" alt="a < b > c">')[0] == "![a < b > c](a.png)"


def test_comments_and_declarations_say_nothing_and_move_no_line():
    assert converted("<!-- a\nb --><!DOCTYPE html>\n<u>x</u>") == ("x", [(3, "markup_element_changed")])
