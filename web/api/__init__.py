"""The JSON API under /api/v1 (SPEC X3): bearer tokens, RFC 3339, problem+json, one effect per Idempotency-Key."""

import threading
from importlib.resources import files
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template
from flask_openapi3.openapi import OpenAPI

from web.access import public
from web.api.audit import audit
from web.api.bookings import bookings
from web.api.courses import courses
from web.api.customers import customers
from web.api.days import days
from web.api.desk import desk
from web.api.doors import doors
from web.api.feed_list import feeds
from web.api.groups import groups
from web.api.house import plan
from web.api.links import links
from web.api.mails import mails
from web.api.prices import prices
from web.api.requests import requests
from web.api.rooms import rooms
from web.api.settings_house import settings
from web.api.sites import sites
from web.api.staff import staff
from web.security import csrf

PARTS = (
    rooms,
    requests,
    bookings,
    feeds,
    plan,
    courses,
    desk,
    doors,
    mails,
    customers,
    sites,
    links,
    audit,
    staff,
    prices,
    groups,
    days,
    settings,
)
VIEWER = files("flask_openapi3_swagger") / "templates" / "swagger"
START = "SwaggerUIBundle({url: '/api/openapi.json', dom_id: '#viewer', deepLinking: true, validatorUrl: null});"

_describing = threading.Lock()

docs = Blueprint("api_docs", __name__, static_folder=str(VIEWER), static_url_path="/api/docs/viewer")


@docs.get("/api/openapi.json")
@public
def description() -> Response:
    return jsonify(described(cast("OpenAPI", current_app)))


@docs.get("/api/docs")
@public
def viewer() -> str:
    """The description to read and try, from files of this machine."""
    return render_template("login/api_docs.html")


@docs.get("/api/docs/start.js")
@public
def start() -> Response:
    """The viewer's first line; the content policy forbids it within the page."""
    return Response(START, mimetype="text/javascript")


def described(app: OpenAPI) -> dict[str, Any]:
    """The description of all parts in OpenAPI 3.1, made once in each process for the first who asks."""
    with _describing:
        if not app.spec_json:
            for part in PARTS:
                part.describe()
                app.paths.update(part.paths)
                app.components_schemas.update(part.components_schemas)
        return app.api_doc


def register(app: Flask) -> None:
    for part in PARTS:
        csrf.exempt(part)
        app.register_api(part)  # type: ignore[attr-defined]  # the application is flask-openapi3's
    app.register_blueprint(docs)
