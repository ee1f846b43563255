"""Nudges to whoever watches a session. A lost nudge loses nothing: watchers read the rows."""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# What a channel layer raises while its broker is away; the Redis client's errors are no OSErrors.
BROKER_AWAY = (OSError, RedisError)


def group_of(session_id: object) -> str:
    """The channel group of everybody who watches the session."""
    return f"labs.session.{session_id}"


def session_changed(session_id: object) -> None:
    """Watchers read the session anew once the current transaction is committed."""
    _after_commit(session_id, {"type": "session.changed"})


def help_changed(session_id: object) -> None:
    """Watchers read anew who helps in the session."""
    _after_commit(session_id, {"type": "session.help"})


def progress(session_id: object, phase: str, detail: str = "") -> None:
    """Watchers learn how far the start of the sandbox is."""
    _after_commit(session_id, {"type": "session.progress", "phase": phase, "detail": detail})


def check_result(session_id: object, result_id: int) -> None:
    """Watchers learn that a check has found something."""
    _after_commit(session_id, {"type": "session.check", "result": result_id})


def _after_commit(session_id: object, message: dict[str, Any]) -> None:
    if session_id is not None:
        transaction.on_commit(lambda: _send(group_of(session_id), message), robust=True)


def _send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(group, message)
    except BROKER_AWAY as error:
        log.warning("no nudge to %s: %s", group, error)
