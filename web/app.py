"""The Flask application: one factory, parts registered by name, default deny.

Each part is a package with `register(app: Flask) -> None`, which registers its blueprints; every view in it says who
may call it (`web.access`). A page is added by adding its package's name to `PARTS`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module

from flask import Flask
from flask.wrappers import Request
from flask_bootstrap import Bootstrap5
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import MapAdapter

from config.settings import Settings
from web import filters, i18n, refusals, request, security
from web.api.frame import invalid
from web.api.models import Problem
from web.compiled_templates import keep_compiled
from web.context import EXTENSION, WebContext
from web.url_rules import LazyRule

PARTS = ("web.limits", "web.health", "web.login", "web.api", "web.hooks", "web.desk", "web.office", "web.portal")


class Web(OpenAPI):
    """Answers under its own names only, except to probes, which come by address."""

    url_rule_class = LazyRule

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is not None and request.path not in security.PROBES:
            request.trusted_hosts = security.trusted_hosts(self.extensions[EXTENSION].settings)
        return super().create_url_adapter(request)


def create_app(settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Flask:
    """An application with its own way to the database. Nothing is connected before the first request."""
    app = Web(
        __name__,
        info=Info(title="Platzwart", version="1"),
        security_schemes={"token": {"type": "http", "scheme": "bearer"}},
        validation_error_model=Problem,
        validation_error_callback=invalid,
        doc_ui=False,
    )
    app.extensions[EXTENSION] = WebContext(settings, clock)
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    keep_compiled(app, settings.data_dir)
    i18n.set_up(app)
    request.set_up(app)
    security.configure(app, settings)
    refusals.set_up(app)
    filters.set_up(app)
    for part in PARTS:
        import_module(part).register(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    return app
