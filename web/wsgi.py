"""What granian serves: feeds answered before Flask, all else by it. Importing this reads the process's settings."""

from typing import Any

from config.logs import set_up_logging
from config.settings import Settings, settings_from_process
from web.app import create_app
from web.context import EXTENSION, WebContext
from web.hot_feeds import Application, FeedGate


def build(settings: Settings) -> Application:
    """The whole of one web process."""
    app = create_app(settings)
    context: WebContext = app.extensions[EXTENSION]
    context.nudger.warm_up()
    context.feed_gate = FeedGate(
        app.wsgi_app,
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
    set_up_logging(settings.log_level)
    globals()["application"] = built = build(settings)
    return built
