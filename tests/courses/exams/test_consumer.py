"""The websocket of a sitting, as docs/exams.md promises it."""

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps

from courses import consumers
from courses.exams import sitting, timing, watching
from courses.exams.writer import writer
from courses.models import AnswerEvent
from tests.courses.exams.pages import Page
from tests.courses.exams.worlds import exam_world
from tests.labs.sockets import OURS

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
)


@pytest.fixture
def world():
    yield exam_world()
    writer.close()


async def opened(attempt) -> tuple[Page, dict]:
    page = Page(OURS)
    assert await page.connect() is None
    await page.say(type="hello", token=await sync_to_async(sitting.open_device)(attempt, {}))
    return page, await page.hear("standing")


async def test_a_page_is_told_how_it_stands_and_its_answers_are_acknowledged_once_kept(world):
    attempt = await sync_to_async(world.attempt)()
    page, standing = await opened(attempt)
    assert (standing["state"], standing["paused"], standing["heads"]) == ("open", False, {})
    assert 3_590_000 < standing["left_ms"] <= 3_600_000
    answer = await sync_to_async(world.right)(attempt, 1)
    await page.say(type="save", slot=1, sequence=1, answer=answer)
    kept = await page.hear("kept")
    event = await AnswerEvent.objects.aget()
    assert (kept["outcome"], kept["link"], kept["reached"]) == ("saved", event.link, 1)
    assert event.answer == answer
    await page.leave()


async def test_an_answer_that_does_not_fit_is_refused_with_the_reason_and_the_page_goes_on(world):
    attempt = await sync_to_async(world.attempt)()
    page, _standing = await opened(attempt)
    await page.say(type="save", slot=1, sequence=1, answer={"choice": "zz"})
    assert "no zz" in (await page.hear("refused"))["why"]
    await page.say(type="save", slot=99, sequence=1, answer=None)
    assert (await page.hear("refused"))["slot"] == 99
    await page.say(type="ping")
    assert await page.hear("pong")
    assert not await AnswerEvent.objects.aexists()
    await page.leave()


async def test_a_page_is_told_at_once_when_another_device_took_over(world):
    attempt = await sync_to_async(world.attempt)()
    first, _standing = await opened(attempt)
    second, _standing = await opened(attempt)
    await first.say(type="save", slot=1, sequence=1, answer=await sync_to_async(world.right)(attempt, 1))
    assert (await first.hear("kept"))["outcome"] == "elsewhere"
    assert (await first.hear("closed"))["code"] == consumers.Code.ELSEWHERE
    await first.leave()
    await second.leave()


async def test_extra_time_is_told_to_a_running_page(world, monkeypatch):
    monkeypatch.setattr(watching, "EVERY_S", 0.05)
    attempt = await sync_to_async(world.attempt)()
    invigilator = await sync_to_async(world.candidate)()
    page, before = await opened(attempt)
    await sync_to_async(timing.grant)(attempt.pk, invigilator, extra_s=600)
    after = await page.hear("standing")
    assert after["left_ms"] > before["left_ms"] + 590_000
    await sync_to_async(timing.pause)(attempt.pk, invigilator, "fire alarm")
    assert (await page.hear("standing"))["paused"] is True
    await page.leave()


async def test_the_watch_ends_with_its_last_page(world, monkeypatch):
    monkeypatch.setattr(watching, "EVERY_S", 0.01)
    attempt = await sync_to_async(world.attempt)()
    page, _standing = await opened(attempt)
    await page.leave()
    assert watching.watch.pages == {}
    await watching.watch.looking
