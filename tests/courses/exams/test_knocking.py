"""Who is not let into a sitting, and what ends its connection: nothing here reaches the database."""

import pytest

from courses import consumers
from tests.courses.exams.pages import Page
from tests.labs.sockets import OURS


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"type": "shout"}', '{"type": ["save"]}', "[" * 5000])
async def test_what_is_no_message_ends_the_connection(text: str):
    page = Page(OURS)
    assert await page.connect() is None
    await page.send_text(text)
    assert (await page.hear("closed"))["code"] == consumers.Code.MALFORMED
    await page.leave()


async def test_a_forged_token_and_an_answer_without_any_are_refused():
    for message in ({"type": "hello", "token": "forged"}, {"type": "save", "slot": 1, "sequence": 1}):
        page = Page(OURS)
        assert await page.connect() is None
        await page.say(**message)
        assert (await page.hear("closed"))["code"] == consumers.Code.REFUSED
        await page.leave()


async def test_a_page_of_another_site_is_not_let_in():
    for headers in ((), ((b"origin", b"https://elsewhere.example"),)):
        page = Page(*headers)
        assert await page.connect() == consumers.Code.REFUSED
        await page.leave()


async def test_who_says_nothing_is_not_kept(monkeypatch):
    monkeypatch.setattr(consumers, "HELLO_S", 0.05)
    page = Page(OURS)
    assert await page.connect() is None
    assert (await page.hear("closed"))["code"] == consumers.Code.SLOW
    await page.leave()
