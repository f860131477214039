"""Structured logs on standard error, one JSON object a line, with everything secret cut out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import cached_property
from typing import Any

SECRET_NAMES = re.compile(
    r"password|secret|token|authorization|cookie|api_?key|door_?code|smtp_url|database_url", re.IGNORECASE
)
SECRET_PATHS = re.compile(r"(/feeds/|/b/|/undo/|/login/)[A-Za-z0-9_\-]{16,}")
CUT = "[cut]"


def cut_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values under telling names, and tokens inside addresses."""
    for name, value in event.items():
        if SECRET_NAMES.search(name):
            event[name] = CUT
        elif isinstance(value, str):
            event[name] = SECRET_PATHS.sub(r"\g<1>" + CUT, value)
    return event


def set_up_logging(level: str, *, structured: bool = True) -> None:
    """Send standard logging and structlog through one renderer. Idempotent.

    A process whose code logs by the standard library alone may go without `structured`: structlog, which takes longer
    to import than Flask's routing, is then loaded with the first record, or by `be_ready_to_log` in a quiet moment.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter() if structured else LateFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    if structured:
        _set_up_structlog()


def be_ready_to_log() -> None:
    """Load what is still missing: a process in trouble may be unable to, or about to end."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, LateFormatter):
            handler.formatter.load()


class LateFormatter(logging.Formatter):
    """Writes as the others do, and is made when there is something to write."""

    @cached_property
    def _formatter(self) -> logging.Formatter:
        return _formatter()

    def load(self) -> None:
        assert self._formatter is not None  # noqa: S101 - asking for it makes it

    def format(self, record: logging.LogRecord) -> str:
        return self._formatter.format(record)


def _shared() -> list[Any]:
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.PositionalArgumentsFormatter(),
        cut_secrets,
    ]


def _formatter() -> logging.Formatter:
    import structlog

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            cut_secrets,
            structlog.processors.JSONRenderer(),
        ],
    )


def _set_up_structlog() -> None:
    import structlog

    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
