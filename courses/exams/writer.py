"""The one writer of answers in a process: whatever came in while a commit ran goes into the next one together.

A commit costs the same for one change and for hundreds, so under load every commit carries many and the time per
change falls. Nothing is acknowledged before its commit.
"""

import os
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from courses.exams import saving
from courses.exams.saving import Change, Saving

MOST_TOGETHER = 500
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Waiting:
    change: Change
    told: "Future[Saving]"


class AnswerWriter:
    """Takes changes from any thread; a thread of its own keeps them. Begun at the first change, anew after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def keep(self, change: Change) -> "Future[Saving]":
        """What becomes of ``change``, once it is committed; a DatabaseError when it could not be kept."""
        waiting = _Waiting(change, Future())
        if self._pid != os.getpid():
            self._begin()
        self._queue.put(waiting)
        return waiting.told

    def _begin(self) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._queue = queue.SimpleQueue()
                self._thread = threading.Thread(
                    target=self._run, args=(self._queue,), name="answers", daemon=True
                )
                self._thread.start()
                self._pid = os.getpid()

    def close(self) -> None:
        """Everything taken so far is kept, and the thread with its connection is gone; the next change begins anew."""
        with self._lock:
            if self._thread is not None and self._pid == os.getpid():
                self._queue.put(None)
                self._thread.join()
            self._thread, self._pid = None, 0

    def _run(self, waiting: "queue.SimpleQueue[_Waiting | None]") -> None:
        while (first := waiting.get()) is not None:
            together, more = [first], True
            while more and len(together) < MOST_TOGETHER:
                try:
                    following = waiting.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    waiting.put(None)
                    more = False
                else:
                    together.append(following)
            self._keep(together)
        connection.close()

    def _keep(self, together: Sequence[_Waiting]) -> None:
        try:
            for one, found in zip(together, committed([one.change for one in together]), strict=True):
                one.told.set_result(found)
        except DatabaseError as error:
            if len(together) > 1:
                # One that the database refuses must not cost the others.
                for one in together:
                    self._keep([one])
                return
            log.warning(
                "an answer could not be kept", attempt=str(together[0].change.attempt), error=str(error)
            )
            together[0].told.set_exception(error)
        except Exception as error:
            # The thread serves everybody: it outlives whatever one batch meets.
            log.exception("answers could not be kept")
            for one in together:
                if not one.told.done():
                    one.told.set_exception(error)


def committed(changes: Sequence[Change]) -> list[Saving]:
    """The changes, kept; a connection that broke since the last batch is made anew once. Raises DatabaseError."""
    try:
        durable()
        return saving.save(changes)
    except (OperationalError, InterfaceError):
        connection.close()
        durable()
        return saving.save(changes)


def durable() -> None:
    """What this thread commits is on the disk before COMMIT answers (PostgreSQL does so by default)."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=FULL")


writer = AnswerWriter()
