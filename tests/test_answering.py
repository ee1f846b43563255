"""How the site answers under ASGI: who makes an answer, and what is kept for the next."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import RequestFactory
from django.urls import path
from django.utils.deprecation import MiddlewareMixin

from config.answering import Site
from config.answering import waits as waits_in

began, may_end = threading.Event(), threading.Event()
woken: asyncio.Event


class Noting(MiddlewareMixin):
    """Notes who was there on the way in and on the way out."""

    seen: list[str] = []

    def process_request(self, _request: HttpRequest) -> None:
        self.seen.append(threading.current_thread().name)

    def process_response(self, _request: HttpRequest, response: HttpResponse) -> HttpResponse:
        self.seen.append(threading.current_thread().name)
        return response


def here(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"thread": threading.current_thread().name})


def asks(_request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"connection": id(connection.connection)})


def stays(_request: HttpRequest) -> HttpResponse:
    began.set()
    may_end.wait(30)
    return HttpResponse("at last")


async def waits(_request: HttpRequest) -> HttpResponse:
    await woken.wait()
    return HttpResponse("woken")


urlpatterns = [path("here/", here), path("asks/", asks), path("stays/", stays), path("waits/", waits)]


@pytest.fixture
def site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.Noting", f"{__name__}.Noting"]
    monkeypatch.setattr("config.answering.THREADS", 1)
    Noting.seen.clear()
    made = Site()
    yield made
    made.threads.submit(connections.close_all).result()
    made.threads.shutdown()


async def ask(site: Site, where: str) -> Any:
    scope = {"type": "http", "method": "GET", "path": where, "query_string": b"", "headers": []}
    visitor = ApplicationCommunicator(site, scope)
    await visitor.send_input({"type": "http.request"})
    start, body = await visitor.receive_output(30), await visitor.receive_output(30)
    await visitor.wait(30)
    return start | body


async def test_one_thread_makes_an_answer_from_the_first_middleware_to_the_last(site):
    answer = await ask(site, "/here/")
    assert answer["status"] == 200
    assert len(Noting.seen) == 4
    assert len(set(Noting.seen)) == 1
    assert Noting.seen[0].encode() in answer["body"]
    assert Noting.seen[0].startswith("site")


@pytest.mark.django_db(transaction=True)
async def test_the_next_answer_finds_the_connection_to_the_database_open(site, monkeypatch):
    monkeypatch.setitem(connections.databases["default"], "CONN_MAX_AGE", 60)
    first, second = await ask(site, "/asks/"), await ask(site, "/asks/")
    assert first["status"] == 200
    assert first["body"] == second["body"]


@pytest.mark.django_db(transaction=True)
async def test_no_connection_stays_open_where_none_is_to_be_kept(site):
    assert (await ask(site, "/asks/"))["status"] == 200
    assert site.threads.submit(lambda: connection.connection).result() is None


async def test_who_waits_in_a_coroutine_is_answered_while_every_thread_is_busy(site):
    global woken
    woken = asyncio.Event()
    busy = asyncio.create_task(ask(site, "/stays/"))
    try:
        assert await asyncio.to_thread(began.wait, 30)
        waiting = asyncio.create_task(ask(site, "/waits/"))
        woken.set()
        assert (await waiting)["body"] == b"woken"
        assert not busy.done()
    finally:
        may_end.set()
    assert (await busy)["body"] == b"at last"


@pytest.mark.parametrize(("where", "is_coroutine"), [("here", False), ("waits", True), ("nowhere", False)])
def test_only_a_view_that_is_a_coroutine_waits(site, where, is_coroutine):
    assert waits_in(RequestFactory().get(f"/{where}/")) is is_coroutine
