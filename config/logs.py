"""Structured logs on standard error, one JSON object a line, with everything secret cut out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

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


def set_up_logging(level: str) -> None:
    """Send standard logging and structlog through one renderer. Idempotent."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.PositionalArgumentsFormatter(),
        cut_secrets,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                cut_secrets,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
