"""What a log line is about: bound once where the work begins, it stands on every line until the task or socket ends."""

import structlog


def about(*, lab_session: object = None, sandbox: str = "") -> None:
    """Every later line of this task, request or socket names the session and the sandbox's ref."""
    known = {"lab_session": str(lab_session) if lab_session else "", "sandbox": sandbox}
    structlog.contextvars.bind_contextvars(**{name: value for name, value in known.items() if value})
