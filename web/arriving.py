"""The first answers of a process, while most of it still loads (docs/decisions/0009).

Half of what a web process imports serves the API and the office. So two applications share its one context: the early
one, made of `web.app.EARLY`, answers what it knows until the whole one is made beside it; from then on the whole one
answers everything. Each is complete before it is first asked, so that nothing is registered while requests run. Who
asks for an address of the whole one alone waits for it.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable
from time import monotonic, sleep
from typing import Any

from flask import Flask, request, url_for
from werkzeug.exceptions import HTTPException, NotFound

from config.loading import loading
from web.limits import is_limited

QUIET_SECONDS = 0.1
LATEST_SECONDS = 2.0
LOOK_SECONDS = 0.02

log = logging.getLogger(__name__)


class Arriving:
    """A WSGI callable. `make` builds the whole application, once and in a thread of its own, which then calls `after`.

    The thread begins when a first answer was given and nobody asks anything, `LATEST_SECONDS` after `load`, or as soon
    as somebody waits for it. Where `make` fails the process ends, as it would had it loaded everything at first.
    """

    def __init__(self, early: Flask, make: Callable[[], Flask], after: Callable[[], None] = lambda: None) -> None:
        self._early, self._make, self._after = early, make, after
        self._addresses = early.url_map.bind("")
        self._whole: Flask | None = None
        self._wanted, self._there = threading.Event(), threading.Event()
        self._asked = 0
        self._answered_at: float | None = None
        early.url_build_error_handlers.append(self._built_by_the_whole)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if self._whole is not None:
            return self._whole.wsgi_app(environ, start)
        if not self._is_early(environ["PATH_INFO"], environ["REQUEST_METHOD"]):
            return self.whole().wsgi_app(environ, start)
        self._asked += 1
        try:
            return self._early.wsgi_app(environ, start)
        finally:
            self._asked -= 1
            self._answered_at = monotonic()

    def load(self) -> None:
        """Start the thread. Call it once, in the process that serves."""
        threading.Thread(target=self._load, name="arriving", daemon=True).start()

    def whole(self) -> Flask:
        """The whole application, which is waited for."""
        self._wanted.set()
        self._there.wait()
        assert self._whole is not None  # noqa: S101 - narrows the type; set before the event is
        return self._whole

    def _is_early(self, path: str, method: str) -> bool:
        try:
            endpoint, _ = self._addresses.match(path, method)
        except NotFound:
            return False
        except HTTPException:  # a redirect, or another method: it is known
            return True
        return not is_limited(self._early.view_functions[endpoint])

    def _load(self) -> None:
        self._wait_for_quiet()
        try:
            with loading():
                self._whole = self._make()
        except BaseException:
            log.exception("the application cannot be loaded")
            os._exit(1)
        self._there.set()
        self._after()

    def _wait_for_quiet(self) -> None:
        latest = monotonic() + LATEST_SECONDS
        while not self._wanted.is_set() and monotonic() < latest and not self._is_quiet():
            sleep(LOOK_SECONDS)

    def _is_quiet(self) -> bool:
        since = self._answered_at
        return self._asked == 0 and since is not None and monotonic() - since >= QUIET_SECONDS

    def _built_by_the_whole(self, _error: Exception, endpoint: str, values: dict[str, Any]) -> str:
        """A page of the early application leads to one that it does not know."""
        with self.whole().request_context(request.environ):
            return url_for(endpoint, **values)
