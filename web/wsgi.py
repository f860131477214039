"""What granian serves: feeds answered before Flask, all else by it. The import reads no settings and opens nothing."""

from typing import Any

from config.logs import be_ready_to_log, set_up_logging
from config.settings import Settings, settings_from_process
from web.app import EARLY, PARTS, made_of
from web.arriving import Arriving
from web.context import WebContext
from web.hot_feeds import Application, FeedGate


def build(settings: Settings) -> Application:
    """The whole of one web process. It can answer at once, and loads most of its parts afterwards."""
    context = WebContext(settings)

    def after() -> None:
        context.nudger.warm_up()
        be_ready_to_log()

    site = Arriving(made_of(EARLY, context), lambda: made_of(PARTS, context), after)
    site.load()
    context.feed_gate = FeedGate(
        site,
        context.database,
        trusted_proxies=settings.trusted_proxies,
        base_url=settings.base_url,
        vault=context.tools.vault,
    )
    return context.feed_gate


def __getattr__(name: str) -> Any:
    """`application` is built when it is asked for, so that tests can import `build` without a process's settings."""
    if name != "application":
        raise AttributeError(name)
    settings = settings_from_process()
    set_up_logging(settings.log_level, structured=False)
    globals()["application"] = built = build(settings)
    return built
