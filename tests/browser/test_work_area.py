"""Beside the terminals in real Chromium on a real sandbox: files, the editor, and the keyboard's way through them."""

import json
import re
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import axe_violations, complaints_of, sideways_overflow
from tests.browser.test_lab_page import (
    ONE_NODE,
    SLOW_MS,
    THREE_NODES,
    OpenAsLearner,
    as_learner,  # noqa: F401  (a fixture)
    signed_in,  # noqa: F401  (a fixture)
    start,
    wait_for_line,
    wait_for_prompt,
)
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.docker, pytest.mark.browser]

# The nodes have a small Python without a web server.
SERVER = (
    'python3 -c $\'import socket\\nd=socket.create_server(("",8080))\\nprint("serv"+"ing",flush=True)\\nwhile 1:\\n'
    ' g=d.accept()[0];g.recv(9999);g.sendall(b"HTTP/1.0 200 OK\\\\r\\\\n\\\\r\\\\n<p id=a>here");g.close()\''
)


def run(page: Page, command: str) -> None:
    """Typed into the first terminal; the browser's focus is there afterwards."""
    page.locator("#terminal-panels .xterm-helper-textarea").first.focus()
    page.keyboard.insert_text(command)
    page.keyboard.press("Enter")


def entry(page: Page, name: str) -> object:
    return page.locator("#files-rows").get_by_role("button", name=name, exact=True)


def write_to_database(stack: Stack, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(stack.var / "db.sqlite3", timeout=20)) as database, database:
        assert database.execute(statement, values).rowcount == 1


@pytest.fixture
def listed(stack: Stack) -> Iterator[str]:
    """The one host that the lab's machines may reach for the time of a test."""
    statement = "UPDATE labs_lab SET egress = ? WHERE slug = ?"
    write_to_database(stack, statement, json.dumps(["listed.example.org"]), ONE_NODE)
    yield "listed.example.org"
    write_to_database(stack, statement, "[]", ONE_NODE)


def make_file(page: Page, name: str) -> None:
    page.click("#files-new")
    page.fill("#name-input", name)
    page.keyboard.press("Enter")
    # The editor is some thirty modules, loaded when the first file is opened.
    expect(page.locator(".cm-content")).to_be_focused(timeout=SLOW_MS)


@pytest.mark.filterwarnings("error")
def test_a_file_is_made_edited_saved_and_run(stack: Stack, as_learner: OpenAsLearner):  # noqa: F811
    page = as_learner().new_page()
    heard = complaints_of(page)
    start(page, stack)
    page.click("#work-open")
    make_file(page, "hello.sh")
    page.keyboard.type("echo hel''lo 云联")
    expect(page.locator("#work-tab-editor")).to_have_attribute("data-unsaved", "true")
    page.keyboard.press("Control+s")
    expect(page.locator("#work-tab-editor")).to_have_attribute("data-unsaved", "false", timeout=SLOW_MS)
    assert page.locator(".cm-line").first.inner_text() == "echo hel''lo 云联"
    run(page, "sh hello.sh")
    wait_for_line(page, "hello 云联")

    run(page, "echo changed > hello.sh; echo wri''tten")
    wait_for_line(page, "written")
    page.locator(".cm-content").click()
    page.keyboard.type("# mine ")
    page.keyboard.press("Control+s")
    expect(page.locator("#dialog-conflict")).to_be_visible(timeout=SLOW_MS)
    page.locator("#dialog-conflict button[value=theirs]").click()
    expect(page.locator(".cm-line").first).to_have_text("changed", timeout=SLOW_MS)
    assert axe_violations(page) == []
    # The answer 409 is the browser's own complaint about a refused save, and the only one.
    assert [line for line in heard if "409" not in line] == []


def test_files_go_up_and_come_down(stack: Stack, as_learner: OpenAsLearner, tmp_path: Path):  # noqa: F811
    page = as_learner().new_page()
    start(page, stack)
    page.click("#work-open")
    (tmp_path / "数据.txt").write_text("first")
    page.set_input_files("#files-input", tmp_path / "数据.txt")
    expect(entry(page, "数据.txt")).to_be_visible(timeout=SLOW_MS)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download 数据.txt").click()
    assert download.value.suggested_filename == "数据.txt"
    assert Path(download.value.path()).read_text() == "first"

    (tmp_path / "数据.txt").write_text("second")
    page.set_input_files("#files-input", tmp_path / "数据.txt")
    with page.expect_response(lambda answer: "/files/content" in answer.url and answer.ok):
        page.locator("#dialog-replace button[value=yes]").click()
    run(page, "cat 数据.txt; echo")
    wait_for_line(page, "second")

    page.get_by_role("button", name="Delete 数据.txt").click()
    page.locator("#dialog-remove button[value=yes]").click()
    expect(entry(page, "数据.txt")).to_have_count(0, timeout=SLOW_MS)


def test_the_keyboard_gets_out_of_the_editor_and_a_phone_shows_one_pane(
    stack: Stack,
    as_learner: OpenAsLearner,  # noqa: F811
):
    page = as_learner(phone=True).new_page()
    page.goto(f"{stack.url}/en/labs/{ONE_NODE}/")
    page.locator('form[action$="/start/"] button').click()
    page.wait_for_url("**/en/labs/sessions/**")
    expect(page.locator("#lab-startup")).to_be_hidden(timeout=SLOW_MS)
    page.click("#half-terminal")
    page.click("#work-open")
    make_file(page, "a.py")
    page.keyboard.type("if x:")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).not_to_be_focused()
    expect(page.locator("#terminal-panels")).to_be_hidden()
    assert sideways_overflow(page) <= 0
    assert axe_violations(page) == []


def test_two_terminals_stand_side_by_side(stack: Stack, as_learner: OpenAsLearner):  # noqa: F811
    page = as_learner().new_page()
    heard = complaints_of(page)
    start(page, stack, THREE_NODES)
    page.click("#work-open")
    page.get_by_role("tab", name="Second terminal").click()
    page.select_option("#beside-choice", "web2-1")
    wait_for_prompt(page, "lb")
    wait_for_prompt(page, "web2")
    page.locator("#beside-place .xterm-helper-textarea").focus()
    page.keyboard.insert_text("echo be''side")
    page.keyboard.press("Enter")
    wait_for_line(page, "beside", "web2")
    expect(page.locator("#terminal-panels > .terminal:visible")).to_have_count(1)
    before = page.locator("#terminal-panels").bounding_box()
    page.locator("#work-divider").focus()
    page.keyboard.press("ArrowRight")
    after = page.locator("#terminal-panels").bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > before["width"]
    page.get_by_role("tab", name="Files", exact=True).click()
    expect(page.locator("#beside-place > .terminal")).to_have_count(0)
    assert heard == []


def test_a_port_of_a_machine_opens_on_an_origin_of_its_own(stack: Stack, as_learner: OpenAsLearner):  # noqa: F811
    page = as_learner().new_page()
    start(page, stack)
    run(page, SERVER)
    wait_for_line(page, "serving")
    page.click("#work-open")
    page.get_by_role("tab", name="Ports").click()
    with page.context.expect_page(timeout=SLOW_MS) as opened:
        page.get_by_role("button", name="Open", exact=True).click()
    shown = opened.value
    shown.wait_for_load_state(timeout=SLOW_MS)
    assert re.fullmatch(r"http://8080-box-[0-9a-f]{16}\.preview\.localhost:\d+/", shown.url)
    expect(shown.locator("#a")).to_have_text("here", timeout=SLOW_MS)
    assert "yunlian-preview" in {cookie["name"] for cookie in page.context.cookies(shown.url)}


def test_what_machines_ask_of_the_outside_is_seen_while_it_happens(
    stack: Stack,
    as_learner: OpenAsLearner,  # noqa: F811
    listed: str,
):
    page = as_learner().new_page()
    heard = complaints_of(page)
    start(page, stack)
    page.click("#work-open")
    page.get_by_role("tab", name="Network", exact=True).click()
    expect(page.locator("#work-network code")).to_have_text(listed)
    rows = page.locator("#network-rows tr")
    expect(page.locator("#network-status")).not_to_be_empty(timeout=SLOW_MS)
    expect(rows).to_have_count(0)

    run(page, "curl -so /dev/null -w '%{http_code}\\n' http://other.example.net/")
    wait_for_line(page, "403")
    expect(rows).to_have_count(1, timeout=SLOW_MS)
    expect(rows).to_have_attribute("data-kind", "refused")
    expect(rows).to_contain_text("other.example.net:80")
    expect(rows).to_contain_text("not on the lab's list")

    # No test has a network, so what was let out is written down in its stead.
    write_to_database(
        stack,
        "INSERT INTO labs_egressrequest (id, session_id, at, node, method, host, port, verdict, bytes_up, bytes_down,"
        " duration_ms) VALUES (?, ?, ?, 'box', 'CONNECT', ?, 443, 'allowed', 90, 4096, 12)",
        uuid.uuid4().hex,
        uuid.UUID(page.url.rstrip("/").rpartition("/")[2]).hex,
        datetime.now(UTC).replace(tzinfo=None).isoformat(" "),
        listed,
    )
    expect(rows).to_have_count(2, timeout=SLOW_MS)
    expect(rows.first).to_have_attribute("data-kind", "allowed")
    expect(rows.first).to_contain_text(f"{listed}:443")
    assert axe_violations(page) == []

    page.check("#network-refused")
    expect(rows).to_have_count(1, timeout=SLOW_MS)
    expect(rows).to_contain_text("other.example.net")
    assert heard == []
