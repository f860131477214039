"""A small house behind the real application: real database, real sessions, a clock that the test sets."""

import base64
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from booking.actions.accounts import make_api_token
from booking.actions.audit import SYSTEM
from booking.tables.database import Database
from booking.tables.people import Staff
from booking.values.identity import new_uuid
from booking.values.states import Role
from config.settings import Settings, read_settings
from tests.builders import NOW, Ids, build_house
from web import limits
from web.app import create_app
from web.context import EXTENSION, WebContext

PASSWORD = "ein langes Passwort"
NO_REDIS = "redis://127.0.0.1:1/0"
READ_BY_CONTEXT = frozenset({"ALLOW_PRIVATE_HOSTS"})
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


# All applications of a test process find the templates that the first one compiled.
DATA = tempfile.TemporaryDirectory(prefix="pw-web-")


def make_settings(database_url: str, **others: str) -> Settings:
    given = {
        "DATABASE_URL": database_url,
        "REDIS_URL": NO_REDIS,
        "BASE_URL": "http://localhost",
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-tests",
        "CODE_KEY": "k1:" + base64.b64encode(bytes(range(32))).decode(),
        "SMTP_URL": "smtp://127.0.0.1:1",
        "DATA_DIR": DATA.name,
    }
    return read_settings({f"PLATZWART_{name}": value for name, value in (given | others).items()})


@dataclass
class Site:
    """An application with one house. `now` is what its clock says."""

    app: Flask
    ids: Ids
    now: datetime = NOW

    @property
    def context(self) -> WebContext:
        found = self.app.extensions[EXTENSION]
        assert isinstance(found, WebContext)
        return found

    @property
    def database(self) -> Database:
        return self.context.database

    def client(self) -> "Visitor":
        return Visitor(self.app.test_client())

    def logged_in(self, role: Role = Role.OFFICE) -> "Visitor":
        visitor = self.client()
        answer = visitor.log_in(email_of(role))
        assert answer.status_code == 302, answer.text
        return visitor

    def token(self, role: Role = Role.OFFICE, organisation_id: int | None = None) -> str:
        """A new API token, as it goes into the header."""
        mine = organisation_id or self.ids.organisation_id
        return self.database.write(lambda db: make_api_token(db, self.now, mine, SYSTEM, role.value, role)[1])

    def api(self, role: Role = Role.OFFICE, organisation_id: int | None = None) -> "Caller":
        return Caller(self.app.test_client(), self.token(role, organisation_id))


@dataclass
class Visitor:
    """A browser as far as cookies and form tokens go."""

    client: FlaskClient

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def form_token(self, path: str = "/login") -> str:
        found = CSRF.search(self.client.get(path, follow_redirects=True).text)
        assert found is not None, f"no form on {path}"
        return found[1]

    def post(self, path: str, data: dict[str, Any] | None = None, *, of: str = "/login", **more: Any) -> TestResponse:
        """Send a form with the token of the page that it stands on."""
        return self.client.post(path, data={"csrf_token": self.form_token(of), **(data or {})}, **more)

    def log_in(self, email: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        return self.post("/login", {"email": email, "password": password}, **more)


@dataclass
class Caller:
    """A program that calls the API."""

    client: FlaskClient
    token: str

    def call(self, method: str, path: str, json: Any = None, key: str | None = None, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **({"Idempotency-Key": key} if key else {})}
        return self.client.open(f"/api/v1{path}", method=method, json=json, headers=headers, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, json: Any = None, key: str | None = None, **more: Any) -> TestResponse:
        return self.call("POST", path, {} if json is None else json, key, **more)


def email_of(role: Role, slug: str = "kirche") -> str:
    return f"{role.value}@{slug}.example"


@pytest.fixture(scope="session")
def staff_password_hash() -> str:
    """With so little work that nobody waits for it; how much it is in earnest, `web.passwords` and its tests say."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


class Applications:
    """Applications that no test has at the moment. To make one takes longer than most tests.

    What a test changed in its application is not handed to another one: such an application is thrown away.
    """

    def __init__(self) -> None:
        self._free: list[tuple[Flask, object]] = []
        self._lent: dict[Flask, object] = {}

    def lend(self, settings: Settings, clock: Callable[[], datetime]) -> Flask:
        """One with a context of its own; nothing of what was counted or known before is left."""
        if not self._free:
            app = create_app(settings, clock)
            self._lent[app] = _looks_of(app)
            return app
        app, looks = self._free.pop()
        app.extensions[EXTENSION] = WebContext(settings, clock)
        limits.register(app)
        self._lent[app] = looks
        return app

    def take_back(self, app: Flask) -> None:
        looks = self._lent.pop(app, None)
        if looks == _looks_of(app):
            self._free.append((app, looks))


def _looks_of(app: Flask) -> object:
    """All that a test might change in an application."""
    hooks = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    refusals = (found for codes in app.error_handler_spec.values() for found in codes.values())
    return (
        dict(app.config),
        dict(app.view_functions),
        [str(rule) for rule in app.url_map.iter_rules()],
        [{part: list(found) for part, found in each.items()} for each in (*hooks, app.template_context_processors)],
        [dict(found) for found in refusals if found],
        [*app.teardown_appcontext_funcs],
        app.wsgi_app,
        {**app.jinja_env.globals},
        {**app.jinja_env.filters},
    )


@pytest.fixture(scope="session")
def applications() -> Applications:
    return Applications()


@pytest.fixture
def make_site(
    staff_password_hash: str, applications: Applications, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Site]]:
    """Build sites over migrated databases; keywords are settings, for example `BASE_URL`.

    With `own`, or with settings that an application is made by, the application is new; and for a browser, whose last
    request may still be answered when its test is over.
    """
    built: list[Site] = []
    has_browser = request.node.get_closest_marker("browser") is not None

    def make(database_url: str, *, own: bool = False, **others: str) -> Site:
        settings = make_settings(database_url, **others)
        provide = create_app if own or has_browser or not others.keys() <= READ_BY_CONTEXT else applications.lend
        app = provide(settings, lambda: made.now)
        made = Site(app, ids=None)  # type: ignore[arg-type]  # follows at once
        built.append(made)
        made.ids = made.database.write(lambda db: _people(build_house(db), db, staff_password_hash))
        return made

    yield make
    for made in built:
        made.context.close()
        applications.take_back(made.app)


@pytest.fixture
def site(sqlite_url: str, make_site: Callable[..., Site]) -> Site:
    return make_site(sqlite_url)


@pytest.fixture
def site_on_both(database_url: str, make_site: Callable[..., Site]) -> Site:
    """As `site`, once on each engine."""
    return make_site(database_url)


def _people(ids: Ids, session: Any, password_hash: str) -> Ids:
    """Everybody of the house may log in; an administrator comes to it."""
    session.add(
        Staff(
            organisation_id=ids.organisation_id,
            public_id=new_uuid(NOW),
            email=email_of(Role.ADMIN),
            name="Frau Admin",
            role=Role.ADMIN,
            password_hash=password_hash,
            created_at=NOW,
        )
    )
    session.flush()
    for staff in session.query(Staff).filter_by(organisation_id=ids.organisation_id):
        staff.password_hash = password_hash
    return ids
