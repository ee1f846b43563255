"""One form for everything that is logged: Django, Celery and our own rooms, each line with what it is about."""

from typing import Any

import structlog

# Whatever is bound while a request, a task or a socket is served: request_id, lab_session, sandbox, task_id, ...
SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
ORDER = ("timestamp", "level", "logger", "event", "request_id", "lab_session", "sandbox")


def log_config(form: str, levels: dict[str, str]) -> dict[str, Any]:
    """Django's LOGGING. ``form`` is ``json`` (one object a line) or ``lines`` (key=value); ``levels`` by logger.

    Raises ValueError for any other form.
    """
    renderers: dict[str, Any] = {
        "json": structlog.processors.JSONRenderer(ensure_ascii=False),
        "lines": structlog.processors.LogfmtRenderer(key_order=ORDER, drop_missing=True),
    }
    if form not in renderers:
        raise ValueError(f"LOG_FORMAT is {form!r}; this product writes: {', '.join(renderers)}")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    renderers[form],
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {name: {"level": level} for name, level in levels.items()},
    }
