"""A candidate's way through an exam in real Chromium: every answer kept through a lost connection, a reload, another device."""

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import OpenContext, axe_violations, complaints_of, sideways_overflow
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser]

EXAM = "/en/exams/cloud-basics-exam/"
SLOW_MS = 60_000


def sign_in(context: BrowserContext, stack: Stack) -> Page:
    people = json.loads((stack.var / "people.json").read_text())
    person = next(person for person in people if person["username"] == "trainee")
    page = context.new_page()
    complaints_of(page)
    page.goto(f"{stack.url}/en/accounts/login/")
    page.fill("[name=login]", person["username"])
    page.fill("[name=password]", person["password"])
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/dashboard/")
    return page


def look_around(page: Page) -> None:
    assert axe_violations(page) == []
    assert sideways_overflow(page) == 0


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("#sitting-saved")).to_have_attribute("data-state", state, timeout=SLOW_MS)


def shown(page: Page) -> Any:
    return page.locator("section.sitting-question:not([hidden])")


def go(page: Page, number: int) -> None:
    page.locator("#sitting-navigator button").nth(number - 1).click()


def begin_to_answer(page: Page) -> None:
    """One field of the question that is shown has another value than before."""
    field = shown(page).locator("input, select").first
    if field.evaluate("field => field.tagName") == "SELECT":
        field.select_option(index=1)
    elif field.get_attribute("type") == "text":
        field.fill("640")
    else:
        field.focus()
        page.keyboard.press("Space")


def answer(page: Page) -> None:
    """The question that is shown has some answer, given with the keyboard where that is how people give it."""
    question = shown(page)
    kind = question.get_attribute("data-kind")
    if kind in {"single", "multiple", "true_false"}:
        question.locator("input").first.focus()
        page.keyboard.press("Space")
    for field in question.locator("input[type=text], textarea").all():
        field.fill("640")
    for place, field in enumerate(question.locator("select").all()):
        field.select_option(index=place + 1 if kind == "ordering" else 1)


def test_a_candidate_sits_an_exam_and_loses_nothing_on_the_way(stack: Stack, open_context: OpenContext):
    context = open_context(language="en")
    page = sign_in(context, stack)
    page.goto(stack.url + EXAM)
    look_around(page)
    page.check("input[name=honour]")
    page.get_by_role("button", name="Begin the exam").click()
    expect_state(page, "saved")
    look_around(page)

    # Connected: answered questions are acknowledged.
    go(page, 1)
    answer(page)
    expect_state(page, "saved")
    expect(page.locator("#sitting-navigator button").first).to_have_attribute("data-answered", "true")

    # The connection is gone: the page says that it holds the answer, and holds it through a reload.
    context.set_offline(True)
    go(page, 2)
    answer(page)
    expect_state(page, "held")
    context.set_offline(False)
    expect_state(page, "saved")
    page.reload()
    expect_state(page, "saved")
    expect(page.locator("#sitting-navigator button").nth(1)).to_have_attribute("data-answered", "true")

    # Another device takes over: the first page writes no more and says so.
    other = context.new_page()
    other.goto(page.url)
    expect_state(other, "saved")
    go(page, 3)
    begin_to_answer(page)
    expect(page.locator("#sitting-elsewhere")).to_be_visible()
    page.close(run_before_unload=False)

    page = other
    for number in range(3, 9):
        go(page, number)
        answer(page)
        look_around(page)
    expect_state(page, "saved")
    page.locator("#sitting-hand-in").click()
    expect(page.locator("main")).to_contain_text("8 of 8 questions are answered")
    look_around(page)
    page.get_by_role("button", name="Hand in for good").click()
    expect(page.locator("main")).to_contain_text("Receipt")
    look_around(page)
    assert [said for said in complaints_of(page) if "ERR_INTERNET_DISCONNECTED" not in said] == []
