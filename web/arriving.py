"""The first answers of a process, while most of it still loads (docs/decisions/0009).

Most of what a web process imports serves pages, the API and the office; a probe needs a third of it. So several
applications share its one context, each of which knows more than the one before: the first is there when the process
begins to serve, the others are made beside it, and the newest answers. Each is complete before it is first asked, so
that nothing is registered while requests run. Who asks for an address that is not known yet waits for it.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from flask import Flask, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from config.loading import loading
from web.limits import is_limited

QUIET_SECONDS = 0.1
LOOK_SECONDS = 0.02

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """How the next application is made, and how many seconds after the one before at the latest."""

    make: Callable[[], Flask]
    latest: float


@dataclass(frozen=True, slots=True)
class _Known:
    app: Flask
    addresses: MapAdapter

    def answers(self, path: str, method: str) -> bool:
        """Whether it has a view for this, which nothing has to be counted for. Errors are for the whole to tell."""
        try:
            endpoint, _ = self.addresses.match(path, method)
        except HTTPException:
            return False
        return not is_limited(self.app.view_functions[endpoint])


class Arriving:
    """A WSGI callable. `steps` are made in their order, once and in one thread, which then calls `after`.

    A step begins when an answer was given and nobody asks anything, at its latest, or as soon as somebody waits for
    it. The last one is the whole application. Where one fails the process ends, as it would had it loaded everything
    at first.
    """

    def __init__(self, first: Flask, *steps: Step, after: Callable[[], None] = lambda: None) -> None:
        self._steps, self._after = steps, after
        self._known: list[_Known] = []
        self._whole: Flask | None = None
        self._changed = threading.Condition()
        self._wanted = 0
        self._asked = 0
        self._answered_at: float | None = None
        self._add(first)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if self._whole is not None:
            return self._whole.wsgi_app(environ, start)
        self._asked += 1
        try:
            return self._one_for(environ["PATH_INFO"], environ["REQUEST_METHOD"]).wsgi_app(environ, start)
        finally:
            self._asked -= 1
            self._answered_at = monotonic()

    def load(self) -> None:
        """Start the thread. Call it once, in the process that serves."""
        threading.Thread(target=self._load, name="arriving", daemon=True).start()

    def arrived(self, number: int) -> Flask:
        """The application of the step with this number, counted from 1, which is waited for."""
        with self._changed:
            self._wanted = max(self._wanted, number)
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._known) > number)
        return self._known[number].app

    def whole(self) -> Flask:
        return self.arrived(len(self._steps))

    def _one_for(self, path: str, method: str) -> Flask:
        """The newest application, or the first to come that answers this; the whole one whatever it is."""
        number = len(self._known) - 1
        while number < len(self._steps) and not self._known[number].answers(path, method):
            number += 1
            self.arrived(number)
        return self._known[number].app

    def _load(self) -> None:
        for number, step in enumerate(self._steps, 1):
            self._wait_for_quiet(number, monotonic() + step.latest)
            try:
                with loading():
                    self._add(step.make())
            except BaseException:
                log.exception("the application cannot be loaded")
                os._exit(1)
        self._after()

    def _add(self, app: Flask) -> None:
        known = _Known(app, app.url_map.bind(""))
        with self._changed:
            self._known.append(known)
            if len(self._known) > len(self._steps):
                self._whole = app
            else:
                app.url_build_error_handlers.append(self._built_by_the_whole)
            self._changed.notify_all()

    def _wait_for_quiet(self, number: int, latest: float) -> None:
        with self._changed:
            while self._wanted < number and monotonic() < latest and not self._is_quiet():
                self._changed.wait(LOOK_SECONDS)

    def _is_quiet(self) -> bool:
        since = self._answered_at
        return self._asked == 0 and since is not None and monotonic() - since >= QUIET_SECONDS

    def _built_by_the_whole(self, _error: Exception, endpoint: str, values: dict[str, Any]) -> str:
        """A page leads to one that its application does not know."""
        with self.whole().request_context(request.environ):
            return url_for(endpoint, **values)
