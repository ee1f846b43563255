"""Instructions: everything an author needs, nothing a page should not hold."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.markup import ATTRIBUTES, TAGS, render


def test_a_run_block_is_a_command_for_its_node():
    html = render("```run node=lb\ncurl -s \"http://web1/?a=1&b=2\" | grep '<ok>'\n```\n")
    assert html.startswith('<button type="button" class="command" data-node="lb" data-command="curl -s')
    assert "&amp;b=2" in html
    assert "&lt;ok&gt;" in html


def test_a_run_block_without_a_node_is_for_the_terminal_in_use():
    html = render("```run\nls -l\n```\n")
    assert "data-node" not in html
    assert 'data-command="ls -l"' in html


def test_several_lines_stay_several_lines():
    assert 'data-command="cd /tmp\nls"' in render("```run\ncd /tmp\nls\n```\n")


def test_other_code_is_shown_and_can_be_scrolled_by_keyboard():
    html = render("```yaml\na: <b>\n```\n")
    assert html == '<pre tabindex="0"><code class="language-yaml">a: &lt;b&gt;\n</code></pre>\n'


def test_headings_begin_below_the_steps_own():
    assert render("# One\n\n#### Four\n") == "<h3>One</h3>\n<h5>Four</h5>\n"


def test_a_table_can_be_scrolled_and_heads_its_columns():
    html = render("| a | b |\n|---|--:|\n| 1 | 2 |\n")
    assert '<div class="table" tabindex="0" role="group"><table>' in html
    assert '<th scope="col">a</th>' in html
    assert '<td class="align-right">2</td>' in html
    assert "style" not in html


@pytest.mark.parametrize("target", ["https://www.debian.org/", "/en/labs/", "#step", "other"])
def test_links_lead_to_https_and_to_our_own_pages(target):
    assert f'href="{target}"' in render(f"[x]({target})")


@pytest.mark.parametrize(
    "target",
    [
        "http://example.org/",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//example.org/",
        "ftp://example.org",
        "file:///etc/passwd",
    ],
)
def test_links_lead_nowhere_else(target):
    assert "href=" not in render(f"[x]({target})")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<b onclick=alert(1)>x</b>",
        "![x](https://example.org/x.png)",
        '```run node=lb" onclick="alert(1)\nls\n```',
        '```"><script>\nx\n```',
    ],
)
def test_nothing_of_the_authors_becomes_markup_of_its_own(text):
    seen = Seen()
    seen.feed(render(text))
    assert seen.unknown == []
    assert not {"script", "b", "img"} & set(seen.tags)


class Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.unknown = []
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        allowed = ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set())
        self.unknown += [tag] if tag not in TAGS else []
        self.unknown += [name for name, _value in attrs if name not in allowed]


@given(st.text(st.characters(codec="utf-8"), max_size=300))
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_only_known_markup_comes_out(text):
    seen = Seen()
    seen.feed(render(text))
    assert seen.unknown == []
