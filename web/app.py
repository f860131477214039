"""The Flask application: one factory, parts registered by name, default deny.

Each part is a package with `register(app: Flask) -> None`, which registers its blueprints; every view in it says who
may call it (`web.access`). A page is added by adding its package's name to `PARTS`. What a process answers first is
made of `PROBES` and then of `EARLY` alone (`web.arriving`).
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module

from flask import Flask, Response
from flask.typing import ResponseReturnValue
from flask.wrappers import Request
from flask_bootstrap import Bootstrap5
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import MapAdapter

from config.settings import Settings
from web import filters, i18n, lean, refusals, request, security
from web.compiled_templates import keep_compiled
from web.context import EXTENSION, WebContext
from web.url_rules import LazyRule

API = "web.api"
PARTS = ("web.limits", "web.health", "web.login", API, "web.hooks", "web.desk", "web.office", "web.portal")
PROBES = ("web.health",)
EARLY = ("web.health", "web.login", "web.portal")


class Web(Flask):
    """Answers under its own names only, except to probes, which come by address."""

    url_rule_class = LazyRule
    session_interface = lean.CookieSessions()
    response_class = lean.Answer

    @cached_property
    def own_names(self) -> list[str]:
        return security.trusted_hosts(self.extensions[EXTENSION].settings)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is not None and request.path not in security.PROBES:
            request.trusted_hosts = self.own_names
        return super().create_url_adapter(request)

    def preprocess_request(self) -> ResponseReturnValue | None:
        return lean.before(self) if lean.is_program(self) else super().preprocess_request()

    def process_response(self, response: Response) -> Response:
        return lean.after(self, response) if lean.is_program(self) else super().process_response(response)

    def do_teardown_request(self, *given: BaseException | None) -> None:
        if not lean.is_program(self):
            super().do_teardown_request(*given)


def create_app(settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Flask:
    """An application with its own way to the database. Nothing is connected before the first request."""
    return made_of(PARTS, WebContext(settings, clock))


def made_of(parts: Collection[str], context: WebContext) -> Flask:
    """An application of some parts. Several may share the context of one process."""
    app, settings = _bare(parts), context.settings
    app.extensions[EXTENSION] = context
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    keep_compiled(app, settings.data_dir)
    i18n.set_up(app, settings.data_dir)
    request.set_up(app)
    security.configure(app, settings)
    refusals.set_up(app)
    filters.set_up(app)
    for part in parts:
        import_module(part).register(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    return app


def _bare(parts: Collection[str]) -> Flask:
    if API not in parts:
        return Web(__name__)
    from web.described import described_web

    return described_web(__name__)
