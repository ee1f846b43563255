"""Pages and the REST API under ASGI: one thread makes an answer, from the first middleware to the last."""

from asyncio import iscoroutinefunction
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

THREADS = 32


class Site(ASGIHandler):
    """As Django's, without a new thread for each request and a change of thread at each middleware.

    The threads are kept, and with them their connections to the database. Views that wait in coroutines hold none of
    them: they are answered as Django does it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_thread = BaseHandler()
        self.in_thread.load_middleware()
        self.threads = ThreadPoolExecutor(THREADS, "site")

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        if waits(request):
            try:
                return await super().get_response_async(request)
            finally:
                # What it asked the database in is a thread of this request's own, which ends with it.
                await sync_to_async(connections.close_all)()
        return await sync_to_async(self._answer, thread_sensitive=False, executor=self.threads)(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        close_old_connections()
        try:
            return self.in_thread.get_response(request)
        finally:
            close_old_connections()


def waits(request: HttpRequest) -> bool:
    """Whether the view is a coroutine. Of pages below a language's prefix nobody asks: none of them is one."""
    try:
        return iscoroutinefunction(resolve(request.path_info).func)
    except Resolver404:
        return False
