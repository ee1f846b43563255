"""Waiting a moment for a sandbox that another worker is about to let go of."""

import time

from labs.models import Sandbox

WAIT_S = 5.0
LOOK_AGAIN_S = 0.05


def take_soon(sandbox: Sandbox) -> int | None:
    """The fencing token, as soon as the lease is free; None when it stays with another: the sweep then asks again."""
    deadline = time.monotonic() + WAIT_S
    while (token := sandbox.take_lease()) is None and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN_S)
    return token
