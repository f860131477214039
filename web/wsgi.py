"""What granian serves: feeds answered before Flask, all else by it. The import reads no settings and opens nothing."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from config.logs import be_ready_to_log, set_up_logging
from config.settings import Settings, settings_from_process
from web.app import EARLY, PARTS, PROBES, made_of
from web.arriving import Arriving, Step
from web.context import WebContext
from web.health import counts

# Seconds after the step before, at the latest: browsers follow soon, programs and the office come when they come.
PAGES_AFTER, ALL_AFTER = 0.5, 2.0
FEEDS = "/feeds/"


class Site:
    """The whole of one web process, a WSGI callable. It can answer at once, and loads most of its parts afterwards."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self.arriving = Arriving(
            made_of(PROBES, context),
            Step(self._pages, PAGES_AFTER),
            Step(lambda: made_of(PARTS, context), ALL_AFTER),
            after=self._be_ready,
        )

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        gate = self._context.feed_gate
        if gate is None and environ["PATH_INFO"].startswith(FEEDS):
            self.arriving.arrived(1)
            gate = self._context.feed_gate
        return self.arriving(environ, start) if gate is None else gate(environ, start)

    def _pages(self) -> Flask:
        from web.hot_feeds import FeedGate

        context = self._context
        pages = made_of(EARLY, context)
        context.feed_gate = FeedGate(
            self.arriving,
            context.database,
            trusted_proxies=context.settings.trusted_proxies,
            base_url=context.settings.base_url,
            vault=context.tools.vault,
        )
        return pages

    def _be_ready(self) -> None:
        counts.load()
        self._context.nudger.warm_up()
        be_ready_to_log()


def build(settings: Settings) -> Site:
    site = Site(WebContext(settings))
    site.arriving.load()
    return site


def __getattr__(name: str) -> Any:
    """`application` is built when it is asked for, so that tests can import `build` without a process's settings."""
    if name != "application":
        raise AttributeError(name)
    settings = settings_from_process()
    set_up_logging(settings.log_level, structured=False)
    globals()["application"] = built = build(settings)
    return built
