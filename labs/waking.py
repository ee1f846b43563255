"""Frozen machines go on when somebody wants something of them that cannot wait in the terminal."""

import time

from labs import sessions
from labs.lifecycle import State
from labs.models import LabSession, Sandbox

WAIT_S = 5.0
LOOK_S = 0.1


def awake(session: LabSession) -> Sandbox | None:
    """The session's machines as they are now; frozen ones were wished awake and waited for, a few seconds at most."""
    sandbox = session.sandbox
    if sandbox is None or sandbox.state != State.SUSPENDED or not session.is_open:
        return sandbox
    sessions.resume(session)
    until = time.monotonic() + WAIT_S
    sandbox.refresh_from_db()
    while sandbox.state == State.SUSPENDED and time.monotonic() < until:
        time.sleep(LOOK_S)
        sandbox.refresh_from_db()
    return sandbox
