"""The terminal's client in real Chromium against a node in memory: nothing lost, nothing repeated, nothing freezes."""

import json
import random
from collections.abc import Callable, Iterator

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override
from playwright.sync_api import Page

from labs.script_words import SCRIPTS, script_words
from tests.browser.conftest import ROOT, OpenPage, StaticSite, complaints_of
from tests.browser.terminal_server import WINDOW_BYTES, TerminalServer, running_terminal

pytestmark = pytest.mark.browser

PAGE = """<!DOCTYPE html><html lang="en"><head><title>Terminal</title>
<link rel="stylesheet" href="/static/community/tokens.css">
<link rel="stylesheet" href="/static/vendor/xterm/css/xterm.css">
<link rel="stylesheet" href="/static/labs/terminal.css">
<style nonce="test">#here {{ height: 70vh; }}</style>
{importmap}
<script type="application/json" id="lab-words" nonce="test">{words}</script></head>
<body><button id="before">Before</button><main id="here" class="terminal-panels"></main><button id="after">After</button>
{template}
<script type="module" nonce="test">
import {{ fitStylesToPolicy }} from "@labs/csp.js";
import {{ TerminalView }} from "@labs/terminal.js";
fitStylesToPolicy();
const panel = document.getElementById("terminal-template").content.firstElementChild.cloneNode(true);
document.getElementById("here").append(panel);
panel.hidden = false;
window.view = new TerminalView({{
  path: {path}, node: "lb", number: 1, panel, preferences: {{ screenReader: false, scrollback: 100000 }},
  leave: (step) => document.getElementById(step > 0 ? "after" : "before").focus(),
  search: () => {{ window.searched = true; }},
}});
window.view.show();
window.view.focus();
</script></body></html>"""


@pytest.fixture
def terminal() -> Iterator[TerminalServer]:
    with running_terminal() as server:
        yield server


Attach = Callable[[TerminalServer], Page]


@pytest.fixture
def attach(static_site: StaticSite, open_page: OpenPage) -> Attach:
    """A page that holds one terminal attached to the given server, under the lab page's own policy."""

    def attached(server: TerminalServer, **options: object) -> Page:
        importmap = render_to_string("labs/importmap.html", {"scripts": SCRIPTS})
        with override("en"):
            html = PAGE.format(
                importmap=importmap.replace('nonce=""', 'nonce="test"'),
                words=json.dumps(script_words()),
                template=render_to_string("labs/terminal_template.html"),
                path=json.dumps(server.url),
            )
        policy = (
            "default-src 'none'; script-src 'self' 'nonce-test'; style-src 'self'; "
            f"style-src-elem 'self' 'nonce-test'; img-src 'self' data:; connect-src 'self' {server.url.split('/nodes')[0]}"
        )
        address = static_site.hang("/terminal", html, Content_Security_Policy=policy)
        page = open_page(language="en-US", **options)
        page.goto(address)
        page.wait_for_function("() => window.view")
        return page

    return attached


def shown(page: Page) -> str:
    """All text the terminal holds, without the empty lines below the last."""
    return page.evaluate("window.view.lines().join('\\n')").rstrip()


def wait_for_text(page: Page, text: str) -> None:
    page.wait_for_function("text => window.view.lines().join('\\n').includes(text)", arg=text)


def numbered_lines(count: int) -> str:
    return "".join(f"{number:06d} 云联开放实验室 🚀 café\r\n" for number in range(count))


def test_every_module_is_in_the_import_map() -> None:
    scripts = {path.name for path in (ROOT / "labs" / "static" / "labs").glob("*.js")}
    begin_a_page = {"boot.js", "recordings.js", "wall.js", "watch.js"}
    assert scripts - begin_a_page == set(SCRIPTS)


def test_output_survives_cuts_at_any_byte_without_loss_or_repetition(attach: Attach) -> None:
    text = numbered_lines(3000)
    dice = random.Random(20261122)
    cuts = [dice.randrange(1, 30_000) for _ in range(3)]
    with running_terminal(stream=text.encode(), cuts=[*cuts]) as server:
        page = attach(server)
        wait_for_text(page, "002999")
        assert shown(page) == text.replace("\r\n", "\n").rstrip()
        expected = [sum(cuts[:place]) for place in range(len(cuts) + 1)]
        assert server.offsets_asked == expected


def test_a_lost_connection_says_so_and_can_be_retried_at_once(
    attach: Attach, terminal: TerminalServer
) -> None:
    terminal.say(b"$ ")
    page = attach(terminal)
    wait_for_text(page, "$")
    terminal.leave()
    retry = page.get_by_role("button", name="Try again now")
    retry.wait_for()
    assert "Connection lost. Connecting again in" in page.locator("[data-part=banner-words]").inner_text()
    terminal.is_away = False
    retry.click()
    terminal.wait_until(lambda: terminal.connections)
    retry.wait_for(state="hidden")
    assert set(terminal.offsets_asked[1:]) == {2}


def test_consumed_output_is_acknowledged_and_the_window_is_never_exceeded(attach: Attach) -> None:
    text = numbered_lines(20_000).encode()
    with running_terminal(stream=text) as server:
        page = attach(server)
        server.wait_until(lambda: server.acks and server.acks[-1] == len(text), 20)
        assert server.acks == sorted(set(server.acks))
        assert server.most_unacknowledged <= WINDOW_BYTES
        assert len(server.acks) <= len(text) / (8 * 1024)
        wait_for_text(page, "019999")


def test_a_new_epoch_empties_the_terminal_says_so_and_starts_from_its_first_byte(
    attach: Attach, terminal: TerminalServer
) -> None:
    terminal.say(b"old life " + "云".encode()[:2])
    page = attach(terminal)
    wait_for_text(page, "old life")
    terminal.restart(b"first words of the new life, longer than the old one was")
    wait_for_text(page, "longer than the old one was")
    text = shown(page)
    assert "old life" not in text
    assert "first words of the new life" in text
    assert "lb was restarted" in text


def test_what_the_ring_no_longer_holds_is_shown_as_a_gap(attach: Attach) -> None:
    with running_terminal(stream=b"x" * 1000 + b"still here", oldest=1000) as server:
        page = attach(server)
        wait_for_text(page, "still here")
        assert "1,000 bytes of earlier output are no longer held" in shown(page)


def test_no_huge_count_freezes_the_page(attach: Attach, terminal: TerminalServer) -> None:
    page = attach(terminal)
    terminal.wait_until(lambda: terminal.connections)
    slow = []
    for final in [*"LMSTZIb@PX", " @", " A", "'}", "'~"]:
        started = page.evaluate("performance.now()")
        terminal.say(f"x\x1b[999999999{final}\x1b[H\x1b[2Jalive after {final}.".encode())
        wait_for_text(page, f"alive after {final}.")
        if page.evaluate("performance.now()") - started > 1500:
            slow.append(final)
    assert slow == []


def test_ordinary_counts_still_work(attach: Attach, terminal: TerminalServer) -> None:
    page = attach(terminal)
    terminal.say(b"ab\x1b[3bc\r\n\x1b[2Ld")
    wait_for_text(page, "abbbbc")


def test_a_string_without_end_is_cut_off(attach: Attach, terminal: TerminalServer) -> None:
    page = attach(terminal)
    for place, opening in enumerate([b"\x1b]0;", b"\x1bP", b"\x1b_", b"\xc2\x9d2;", b"\x1bPq\x07"]):
        terminal.say(b"before" + opening + b"z" * 300_000 + b"\x1b\\after %d." % place)
        wait_for_text(page, f"after {place}.")
    assert "zzz" not in shown(page)


def test_f6_and_shift_f6_leave_the_terminal(attach: Attach, terminal: TerminalServer) -> None:
    page = attach(terminal)
    page.keyboard.press("Tab")
    terminal.wait_until(lambda: terminal.typed == b"\t")
    page.keyboard.press("F6")
    assert page.evaluate("document.activeElement.id") == "after"
    page.evaluate("window.view.focus()")
    page.keyboard.press("Shift+F6")
    assert page.evaluate("document.activeElement.id") == "before"
    assert terminal.typed == b"\t"


def test_what_an_input_method_composes_arrives_as_utf8(attach: Attach, terminal: TerminalServer) -> None:
    page = attach(terminal)
    page.keyboard.insert_text("中文，🙂")
    terminal.wait_until(lambda: terminal.typed.decode(errors="replace") == "中文，🙂")


def test_a_paste_is_bracketed_when_the_shell_asks_for_it(attach: Attach, terminal: TerminalServer) -> None:
    terminal.say(b"\x1b[?2004hready")
    page = attach(terminal)
    wait_for_text(page, "ready")
    page.evaluate("window.view.run('echo one\\necho two')")
    terminal.wait_until(lambda: terminal.typed == b"\x1b[200~echo one\recho two\x1b[201~\r")


def test_what_is_typed_before_the_connection_stands_is_sent_once_it_does(attach: Attach) -> None:
    with running_terminal() as server:
        page = attach(server)
        server.wait_until(lambda: server.connections)
        server.leave()
        page.get_by_role("button", name="Try again now").wait_for()
        page.evaluate("window.view.type('ls')")
        server.is_away = False
        server.wait_until(lambda: server.typed == b"ls")


def test_questions_in_old_output_are_not_answered_again(attach: Attach, terminal: TerminalServer) -> None:
    terminal.say(b"\x1b[6n\x1b[c\x1b[>c\x1b]11;?\x07\x1bP$qm\x1b\\old")
    page = attach(terminal)
    wait_for_text(page, "old")
    page.wait_for_function("() => window.view.isLive")
    assert terminal.typed == b""
    terminal.say(b"\x1b[6n")
    terminal.wait_until(lambda: terminal.typed.endswith(b"R"))


def test_the_shells_end_is_told_and_enter_starts_another(attach: Attach, terminal: TerminalServer) -> None:
    terminal.say(b"$ exit\r\n")
    page = attach(terminal)
    wait_for_text(page, "exit")
    terminal.send_text({"type": "exit", "code": 3})
    wait_for_text(page, "the shell ended with code 3")
    page.keyboard.press("Enter")
    terminal.wait_until(lambda: terminal.offsets_asked == [0, 8])
    assert terminal.typed == b""


def test_a_refusal_is_final(attach: Attach) -> None:
    with running_terminal(refuse_with=4410) as server:
        page = attach(server)
        page.get_by_text("This terminal is not available any more.").wait_for()
        assert page.get_by_role("button", name="Try again now").is_hidden()
        assert server.offsets_asked == [0]


def test_the_nodes_window_follows_the_pages_size(attach: Attach, terminal: TerminalServer) -> None:
    page = attach(terminal)
    terminal.wait_until(lambda: terminal.resizes)
    wide = terminal.resizes[-1]
    page.set_viewport_size({"width": 600, "height": 400})
    terminal.wait_until(lambda: terminal.resizes[-1][0] < wide[0])


def test_on_a_phones_screen_text_has_the_size_it_was_asked_for(
    attach: Attach, terminal: TerminalServer
) -> None:
    terminal.say(b"m" * 10)
    page = attach(terminal, phone=True)
    wait_for_text(page, "mmmmmmmmmm")
    page.locator(".xterm-rows, .xterm-screen canvas:not([class])").first.wait_for()
    drawn = page.locator(".xterm-screen canvas:not([class])")
    if drawn.count():
        backing, on_page = drawn.evaluate("canvas => [canvas.width, canvas.clientWidth]")
        assert abs(backing - 2 * on_page) <= 2
    else:
        row = page.locator(".xterm-rows span", has_text="mmmm").first
        assert 60 <= row.evaluate("span => span.getBoundingClientRect().width") <= 100


def test_a_program_may_copy_only_what_a_person_allows_and_read_nothing(
    attach: Attach, terminal: TerminalServer
) -> None:
    page = attach(terminal)
    terminal.wait_until(lambda: terminal.connections)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('mine')")
    page.wait_for_function("() => window.view.isLive")
    terminal.say(b"\x1b]52;c;c3RvbGVu\x07")
    page.get_by_text("wants to copy to your clipboard: stolen").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "mine"
    page.get_by_role("button", name="Copy it").click()
    page.wait_for_function("async () => await navigator.clipboard.readText() === 'stolen'")
    terminal.say(b"\x1b]52;c;?\x07done")
    wait_for_text(page, "done")
    assert b"c3RvbGVu" not in terminal.typed


def test_no_style_or_script_breaks_the_policy_with_either_renderer(
    attach: Attach, terminal: TerminalServer
) -> None:
    terminal.say("\x1b[38;2;1;200;3mtrue colour 宽字 🙂\x1b[0m ┌─┐".encode())
    page = attach(terminal)
    wait_for_text(page, "true colour")
    page.locator(".xterm-screen canvas:not([class])").wait_for()
    page.evaluate(
        """document.querySelectorAll('.xterm-screen canvas').forEach(canvas =>
             canvas.getContext('webgl2')?.getExtension('WEBGL_lose_context')?.loseContext())"""
    )
    page.locator(".xterm-rows span", has_text="true").first.wait_for(state="attached")
    colour = page.locator(".xterm-rows span", has_text="true").first.evaluate(
        "span => getComputedStyle(span).color"
    )
    assert colour == "rgb(1, 200, 3)"
    assert complaints_of(page) == []
