"""One verb called by many threads in the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

AT_ONCE = 8


def called_at_once(
    verb: Callable[[int], Any], times: int, expected: type[Exception] | tuple[type[Exception], ...]
) -> list[Any]:
    """What ``verb(0)`` … returned, or which of the ``expected`` errors it raised; any other is raised here."""
    ready = threading.Barrier(times)

    def call(number: int) -> Any:
        try:
            ready.wait(timeout=20)
            return verb(number)
        except expected as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(call, range(times)))
