"""For those who watch over the process: alive, ready, and counts (no secrets, no names)."""

import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, g, jsonify, request

from web.access import public
from web.context import REDIS_SECONDS, current
from web.lean import serves_programs
from web.redis_ping import is_pong

if TYPE_CHECKING:
    from prometheus_client import Histogram

UNKNOWN = "unknown"
MOST_UNCOUNTED = 100


class Counts:
    """Requests by method, rule and status. What counts is slow to import, and names its shared folder by the
    environment: until it is loaded, or until there are many, requests are noted, and none waits.
    """

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._seconds: Histogram | None = None
        self._noted: deque[tuple[str, str, str, float]] = deque()

    def note(self, method: str, rule: str, status: str, seconds: float) -> None:
        if self._seconds is not None:
            self._seconds.labels(method, rule, status).observe(seconds)
            return
        self._noted.append((method, rule, status, seconds))
        if len(self._noted) >= MOST_UNCOUNTED:
            self.load()

    def load(self) -> None:
        """Load what counts, and count what was noted."""
        with self._making:
            if self._seconds is None:
                from prometheus_client import Histogram

                labels = ["method", "rule", "status"]
                self._seconds = Histogram("platzwart_request_seconds", "Time that requests took", labels)
            while self._noted:
                *labels, seconds = self._noted.popleft()
                self._seconds.labels(*labels).observe(seconds)


counts = Counts()
blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> Response:
    return jsonify({"ok": True})


@blueprint.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """Each of what a page needs: ok, or why not. 503 while one is missing."""
    found = {"database": _why_not(_database), "migrations": _why_not(_migrations), "redis": _why_not(_redis)}
    ok = all(part["ok"] for part in found.values())
    return jsonify({"ok": ok, **found}), 200 if ok else 503


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    """Counts of all web processes where they share METRICS_DIR, else of this one."""
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    counts.load()
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    registry = CollectorRegistry() if folder and Path(folder).is_dir() else REGISTRY
    if registry is not REGISTRY:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.before_request(_begin)
    app.after_request(_count)


@serves_programs
def _begin() -> None:
    g.begun = perf_counter()


@serves_programs
def _count(response: Response) -> Response:
    """By rule, never by address: addresses hold tokens, and there are endlessly many of them."""
    known, ended = request.url_rule, perf_counter()
    method, rule = (request.method, known.rule) if known else (UNKNOWN, UNKNOWN)
    counts.note(method, rule, str(response.status_code), ended - g.get("begun", ended))
    return response


def _why_not(check: Callable[[], str | None]) -> dict[str, object]:
    try:
        why = check()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is why we are not ready
        why = type(error).__name__
    return {"ok": why is None, "why": why}


def _database() -> str | None:
    from sqlalchemy import text

    with current().database.read() as session:
        session.execute(text("SELECT 1"))
    return None


def _migrations() -> str | None:
    from booking.tables.migrate import is_at_head  # alembic is slow to load, and pages do without

    with current().database.read() as session:
        return None if is_at_head(session) else "not at head: run `platzwart migrate`"


def _redis() -> str | None:
    context = current()
    is_there = is_pong(context.settings.redis_url, REDIS_SECONDS) or context.redis.ping()
    return None if is_there else "no answer"
