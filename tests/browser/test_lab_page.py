"""The lab page in real Chromium on real sandboxes: nothing is lost, the keyboard goes everywhere, every window fits."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import OpenContext, axe_violations, complaints_of, sideways_overflow
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.docker, pytest.mark.browser]

ONE_NODE = "linux-processes"
THREE_NODES = "load-balancing"
SLOW_MS = 60_000
LEARNER = "lab-page"
PASSWORD = "a-quiet-morning-by-the-sea"
MAKE_LEARNER = f"""
from community.models import User
person, _made = User.objects.get_or_create(username="{LEARNER}", defaults={{"email": "lab-page@example.org"}})
person.set_password("{PASSWORD}")
person.save()
"""
PROMPT = """node => {
  const name = node || document.querySelector('#terminal-tabs [role=tab]')?.dataset.key.slice(0, -2);
  return name && /[$#] *$/.test((window.yunlian?.terminal(name)?.lines().join('\\n').trimEnd() ?? '') + ' ');
}"""
HELD = """() => [...document.querySelectorAll('#terminal-tabs [role=tab]')].map(({ dataset }) => {
  const view = window.yunlian.terminal(dataset.key.slice(0, -2));
  return [dataset.key, view.position, view.isLive, view.lines().filter(Boolean).slice(-5)];
})"""
LONG_SCROLLBACK = "localStorage.setItem('yunlian.scrollback', '250000')"


@pytest.fixture(scope="module")
def signed_in(stack: Stack) -> dict[str, Any]:
    """Filled with the storage of the signed-in learner's browser by the first context that needs it."""
    stack.manage("shell", "-v", "0", "-c", MAKE_LEARNER)
    return {}


OpenAsLearner = Callable[..., BrowserContext]


@pytest.fixture
def as_learner(stack: Stack, signed_in: dict[str, Any], open_context: OpenContext) -> Iterator[OpenAsLearner]:
    """A browser context in which the learner is signed in; what they leave running is ended afterwards."""
    opened: list[BrowserContext] = []

    def open_as_learner(**options: Any) -> BrowserContext:
        if not signed_in:
            first = open_context()
            sign_in(first.new_page(), stack)
            signed_in.update(first.storage_state())
        opened.append(open_context(storage_state=signed_in, **options))
        return opened[-1]

    yield open_as_learner
    # Pages go first: one that hears of its session's end loads itself anew.
    for context in opened:
        context.close()
    if opened:
        end_everything(open_context(storage_state=signed_in), stack)


def sign_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/en/accounts/login/")
    page.fill("[name=login]", LEARNER)
    page.fill("[name=password]", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page).to_have_url(re.compile("/dashboard/"))


def end_everything(context: BrowserContext, stack: Stack) -> None:
    csrf = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == "csrftoken")
    for lab in context.request.get(f"{stack.url}/api/v1/labs").json():
        if lab["session"]:
            answer = context.request.delete(
                f"{stack.url}/api/v1/lab-sessions/{lab['session']}", headers={"X-CSRFToken": csrf}
            )
            assert answer.ok


def start(page: Page, stack: Stack, slug: str = ONE_NODE, language: str = "en") -> None:
    """The lab's page is open and its first terminal shows a prompt."""
    page.goto(f"{stack.url}/{language}/labs/{slug}/")
    expect(page.locator("main")).to_contain_text("Start the lab")
    page.locator('form[action$="/start/"] button').click()
    wait_for_prompt(page)


def wait_for_prompt(page: Page, node: str = "") -> None:
    """The node's first terminal (of the first node, if none is named) shows a prompt; else says what it shows."""
    try:
        page.wait_for_function(PROMPT, arg=node, timeout=SLOW_MS)
    except PlaywrightTimeout:
        words = page.locator("main").inner_text()[:800]
        pytest.fail(f"no prompt at {page.url}: {words!r} {page.evaluate(HELD)}")


def lines(page: Page, node: str = "box") -> list[str]:
    return page.evaluate("node => window.yunlian.terminal(node).lines()", node)


def wait_for_line(page: Page, line: str, node: str = "box") -> None:
    page.wait_for_function(
        "([node, line]) => window.yunlian?.terminal(node)?.lines().some(held => held.trim() === line)",
        arg=[node, line],
        timeout=SLOW_MS,
        polling=200,
    )


def focused(page: Page) -> str:
    """Where the focus is: the id of the pane, or of the element outside of every pane."""
    return page.evaluate(
        """() => document.activeElement.closest('#lab-bar, #lab-instructions, #lab-work')?.id
             ?? document.activeElement.id"""
    )


def fits(page: Page) -> None:
    assert axe_violations(page) == []
    assert sideways_overflow(page) == 0


def test_a_reload_in_the_middle_of_the_output_loses_and_repeats_nothing(
    stack: Stack, as_learner: OpenAsLearner
) -> None:
    page = as_learner().new_page()
    page.add_init_script(LONG_SCROLLBACK)
    complaints = complaints_of(page)
    start(page, stack)
    page.evaluate("window.yunlian.terminal('box').run('clear; seq 1 200000')")
    page.wait_for_function("() => window.yunlian.terminal('box').position.received > 200000")
    page.reload()
    wait_for_line(page, "200000")
    held = [int(line) for line in lines(page) if line.isdecimal()]
    assert held == list(range(1, 200_001))
    assert complaints == []


def test_a_page_whose_scripts_were_cut_off_while_loading_loads_itself_anew(
    stack: Stack, as_learner: OpenAsLearner
) -> None:
    page = as_learner().new_page()
    cut: list[str] = []

    def cut_off_once(route: Route) -> None:
        if cut:
            route.continue_()
        else:
            cut.append(route.request.url)
            route.abort("internetdisconnected")

    page.route("**/labs/clock.js", cut_off_once)
    start(page, stack)
    assert cut
    assert page.evaluate("() => sessionStorage.getItem('yunlian.reloads')") is None


def test_a_second_window_shows_the_same_terminal_from_its_first_byte(
    stack: Stack, as_learner: OpenAsLearner
) -> None:
    context = as_learner()
    page = context.new_page()
    start(page, stack)
    page.evaluate("window.yunlian.terminal('box').run('echo 云联-$((6 * 7)) 🚀')")
    wait_for_line(page, "云联-42 🚀")
    second = context.new_page()
    second.goto(page.url)
    wait_for_line(second, "云联-42 🚀")
    second.evaluate("window.yunlian.terminal('box').run('echo from-the-second')")
    wait_for_line(page, "from-the-second")


def test_everything_can_be_done_with_the_keyboard(stack: Stack, as_learner: OpenAsLearner) -> None:
    page = as_learner().new_page()
    page.goto(f"{stack.url}/en/labs/{THREE_NODES}/")
    press_until_focused(page, "Tab", 'form[action$="/start/"] button')
    page.keyboard.press("Enter")
    wait_for_prompt(page)

    page.locator("#lab-instructions").focus()
    page.keyboard.press("F6")
    assert focused(page) == "lab-work"
    page.keyboard.type("echo key-$((3 * 4))\n")
    wait_for_line(page, "key-12", "lb")
    page.keyboard.press("F6")
    assert focused(page) == "lab-bar"
    page.keyboard.press("Shift+F6")
    assert focused(page) == "lab-work"

    press_until_focused(page, "Shift+F6", "#lab-instructions, #lab-instructions *")
    press_until_focused(page, "Tab", "[data-check-step]")
    page.keyboard.press("Enter")
    result = page.locator(".step:not([hidden]) [data-slot=result]")
    expect(result).to_contain_text("0 of 2 checks pass.", timeout=SLOW_MS)
    expect(page.locator("[data-check] [data-slot=hint]").first).to_contain_text("Hint:")

    press_until_focused(page, "Tab", "#lab-divider")
    before = page.locator("#lab-divider").get_attribute("aria-valuenow")
    page.keyboard.press("ArrowRight")
    assert page.locator("#lab-divider").get_attribute("aria-valuenow") != before
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-web1-1"
    wait_for_prompt(page, "web1")

    press_until_focused(page, "F6", "#lab-bar, #lab-bar *")
    press_until_focused(page, "Tab", "#lab-bar summary")
    page.keyboard.press("Enter")
    press_until_focused(page, "Tab", "#lab-abandon")
    page.keyboard.press("Enter")
    expect(page.locator("#dialog-abandon")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog-abandon")).to_be_hidden()
    page.locator("#lab-abandon").evaluate("button => button.closest('details').open = true")
    page.locator("#lab-abandon").focus()
    page.keyboard.press("Enter")
    press_until_focused(page, "Tab", "#dialog-abandon button[value=yes]")
    page.keyboard.press("Enter")
    expect(page.locator(".lab-ending")).to_contain_text("You left this lab", timeout=SLOW_MS)


def press_until_focused(page: Page, key: str, selector: str, most: int = 60) -> None:
    """``key`` pressed until an element that matches ``selector`` has the focus; fails after ``most`` times."""
    for _press in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press(key)
    pytest.fail(f"{key} pressed {most} times never came to {selector}")


def test_a_clicked_command_runs_on_the_node_it_names(stack: Stack, as_learner: OpenAsLearner) -> None:
    page = as_learner().new_page()
    start(page, stack, THREE_NODES)
    command = page.locator("button.command[data-node=web1]").first
    text = command.get_attribute("data-command") or ""
    step = command.evaluate("button => button.closest('[data-step]').dataset.step")
    page.locator(f"[data-step-entry={step}] a").click()
    command.click()
    expect(page.locator("#tab-web1-1")).to_have_attribute("aria-selected", "true")
    page.wait_for_function(
        "text => window.yunlian.terminal('web1').lines().join('').includes(text)",
        arg=text.splitlines()[0],
        timeout=SLOW_MS,
    )
    assert focused(page) == "lab-work"


def test_a_restart_warns_first_empties_the_home_says_so_and_can_be_undone(
    stack: Stack, as_learner: OpenAsLearner
) -> None:
    page = as_learner().new_page()
    start(page, stack)
    page.evaluate("window.yunlian.terminal('box').run('touch ~/mine; echo made-$((1 + 1))')")
    wait_for_line(page, "made-2")
    page.locator(".terminal-tools summary").click()
    page.locator("#lab-restart").click()
    expect(page.locator("#dialog-restart")).to_contain_text("kept for an hour")
    page.locator("#dialog-restart button[value=yes]").click()
    page.wait_for_function(
        "() => window.yunlian.terminal('box').lines().join('').includes('box was restarted')",
        timeout=SLOW_MS,
    )
    wait_for_prompt(page, "box")
    page.evaluate("window.yunlian.terminal('box').run('ls ~/mine || echo gone-$((1 + 1))')")
    wait_for_line(page, "gone-2")
    page.locator(".terminal-tools summary").click()
    page.locator("#lab-undo-restart").click()
    expect(page.locator("#lab-status")).to_contain_text("Your files are back", timeout=SLOW_MS)
    page.evaluate("window.yunlian.terminal('box').run('ls ~/mine && echo back-$((1 + 1))')")
    wait_for_line(page, "back-2")


def test_frozen_machines_say_so_and_a_key_wakes_them(stack: Stack, as_learner: OpenAsLearner) -> None:
    page = as_learner().new_page()
    complaints = complaints_of(page)
    start(page, stack)
    page.locator(".lab-controls details summary").click()
    page.locator("#lab-suspend").click()
    expect(page.locator("#lab-frozen")).to_contain_text("any key wakes it", timeout=SLOW_MS)
    fits(page)
    page.locator("#lab-terminals .terminal:not([hidden]) textarea").press_sequentially(
        "echo woken-$((1 + 1))\n"
    )
    wait_for_line(page, "woken-2")
    expect(page.locator("#lab-frozen")).to_be_hidden(timeout=SLOW_MS)
    page.locator(".lab-controls details summary").click()
    page.locator("#lab-suspend").click()
    expect(page.locator("#lab-frozen")).to_be_visible(timeout=SLOW_MS)
    page.reload()
    wait_for_prompt(page)
    expect(page.locator("#lab-frozen")).to_be_hidden(timeout=SLOW_MS)
    assert complaints == []


def test_a_running_machine_is_given_another_size(stack: Stack, as_learner: OpenAsLearner) -> None:
    page = as_learner().new_page()
    complaints = complaints_of(page)
    start(page, stack)
    page.locator(".terminal-tools summary").click()
    page.locator("#lab-size").click()
    dialog = page.locator("#dialog-size")
    expect(dialog).to_contain_text("64 MiB")
    fits(page)
    page.locator("#size-memory").fill("128")
    expect(dialog.locator("[data-slot=memory]")).to_have_text("128 MiB")
    dialog.locator("button[value=yes]").click()
    expect(page.locator("#lab-status")).to_contain_text("box now has", timeout=SLOW_MS)
    expect(page.locator("#lab-status")).to_contain_text("128 MiB")
    assert complaints == []


def test_files_are_saved_shared_and_found_again(stack: Stack, as_learner: OpenAsLearner) -> None:
    context = as_learner(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    complaints = complaints_of(page)
    start(page, stack)
    page.evaluate("window.yunlian.terminal('box').run('echo kept > ~/mine; echo made-$((1 + 1))')")
    wait_for_line(page, "made-2")
    page.locator(".lab-controls details summary").click()
    page.locator("#lab-save").click()
    expect(page.locator("#lab-status")).to_contain_text("The files are saved", timeout=SLOW_MS)
    page.locator(".lab-controls details summary").click()
    page.locator("#lab-fork").click()
    expect(page.locator("#dialog-fork [data-slot=url]")).to_contain_text("/labs/forks/")
    fits(page)
    page.locator("#dialog-fork button[value=no]").click()
    page.goto(f"{stack.url}/en/labs/kept/")
    expect(page.locator(".kept-list").first).to_contain_text("kept until")
    fits(page)
    assert complaints == []


def test_more_time_moves_the_clock_on_and_counts_down_what_is_left(
    stack: Stack, as_learner: OpenAsLearner
) -> None:
    page = as_learner().new_page()
    start(page, stack)
    expect(page.locator("#lab-clock")).to_have_text(re.compile(r"^4\d:\d\d$"))
    page.locator("#lab-extend").click()
    expect(page.locator("#lab-clock")).to_have_text(re.compile(r"^1:1\d:\d\d$"))
    expect(page.locator("#lab-extensions")).to_have_text("3 left")


def test_a_finish_with_failing_checks_names_them_and_the_session_goes_on(
    stack: Stack, as_learner: OpenAsLearner
) -> None:
    page = as_learner().new_page()
    start(page, stack)
    page.locator("#lab-finish").click()
    expect(page.locator("#dialog-finish li").first).to_be_visible()
    fits(page)
    page.locator("#dialog-finish button[value=yes]").click()
    expect(page.locator("#lab-alert")).to_contain_text("Not passed yet", timeout=SLOW_MS)
    expect(page.locator("[data-check][data-state=failed]").first).to_be_visible()
    expect(page.locator("#lab-finish")).to_have_text("Finish")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_the_labs_is_accessible_in_both_colour_schemes(
    stack: Stack, as_learner: OpenAsLearner, scheme: str
) -> None:
    page = as_learner(color_scheme=scheme).new_page()
    for path in ("labs/", "labs/?q=nothing+like+it", f"labs/{THREE_NODES}/"):
        page.goto(f"{stack.url}/en/{path}")
        fits(page)
    page.locator('form[action$="/start/"] button').click()
    page.wait_for_url("**/sessions/**")
    fits(page)
    wait_for_prompt(page)
    fits(page)
    page.locator("[data-check-step]").first.click()
    expect(page.locator("[data-check][data-state=failed]").first).to_be_visible(timeout=SLOW_MS)
    fits(page)
    session = page.url
    page.goto(f"{stack.url}/en/labs/{ONE_NODE}/")
    expect(page.locator(".notice")).to_contain_text("still running")
    fits(page)
    page.goto(session)
    page.locator(".lab-bar .menu summary").click()
    page.locator("#lab-abandon").click()
    page.locator("#dialog-abandon button[value=yes]").click()
    expect(page.locator(".lab-ending")).to_be_visible(timeout=SLOW_MS)
    fits(page)


def test_a_phone_shows_instructions_and_terminal_in_turn_in_both_languages(
    stack: Stack, as_learner: OpenAsLearner
) -> None:
    page = as_learner(phone=True).new_page()
    for language in ("zh-hans", "en"):
        for path in ("labs/", f"labs/{THREE_NODES}/"):
            page.goto(f"{stack.url}/{language}/{path}")
            fits(page)
    page.locator('form[action$="/start/"] button').click()
    page.wait_for_url("**/en/labs/sessions/**")
    expect(page.locator("#lab-startup")).to_be_hidden(timeout=SLOW_MS)
    for language, terminal in (("en", "Terminal"), ("zh-hans", "终端")):
        if language not in page.url:
            page.locator(f"a.tool[lang^={language[:2]}]").click()
            page.wait_for_url(f"**/{language}/labs/sessions/**")
        expect(page.locator(".step:not([hidden]) h2")).to_be_visible()
        fits(page)
        page.get_by_role("tab", name=terminal, exact=True).click()
        wait_for_prompt(page)
        fits(page)
        expect(page.locator("#lab-instructions")).to_be_hidden()
        page.locator("[data-key=control]").click()
        page.keyboard.type("c")
        page.wait_for_function("() => window.yunlian.terminal('lb').lines().join('').includes('^C')")


def test_a_lost_page_says_so_and_comes_back_by_itself(stack: Stack, as_learner: OpenAsLearner) -> None:
    page = as_learner().new_page()
    page.add_init_script(LONG_SCROLLBACK)
    start(page, stack)
    page.evaluate(
        "window.yunlian.terminal('box').run('clear; for n in $(seq 1 160); do echo $n; sleep 0.05; done')"
    )
    wait_for_line(page, "40")
    stack.kill("web")
    expect(page.locator("[data-part=banner]").first).to_be_visible(timeout=SLOW_MS)
    wait_for_line(page, "160")
    expect(page.locator("[data-part=banner]").first).to_be_hidden()
    held = [int(line) for line in lines(page) if line.isdecimal()]
    assert held == list(range(1, 161))
