"""The guard: every route says who may call it, roles are held, no form without its token, no foreign host or page."""

import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import AnyConverter, IntegerConverter, Rule, UUIDConverter

from booking.rules.permissions import Capability, may
from booking.tables.base import Base
from booking.values.states import Role
from tests.builders import build_house
from tests.web.conftest import email_of
from web.access import Way, access_of, public, require
from web.security import LARGEST_BODY, PROBES, SAFE_METHODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.web.conftest import Site, Visitor

NOBODY = UUID(int=0)
EXEMPT = ("/api/", "/hooks/")


def rules(app: Flask) -> list[Rule]:
    return list(app.url_map.iter_rules())


def path_of(app: Flask, rule: Rule) -> str:
    """An address that the rule matches; what it names does not exist."""
    values = {name: _value(converter) for name, converter in rule._converters.items()}
    return app.url_map.bind("localhost").build(rule.endpoint, values, method=next(iter(rule.methods or ())))


def _value(converter: object) -> object:
    if isinstance(converter, AnyConverter):
        return min(converter.items)
    return {UUIDConverter: NOBODY, IntegerConverter: 0}.get(type(converter), "x")


def calls(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in rules(app):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


@pytest.mark.rule("R1")
def test_every_route_says_who_may_call_it(site: "Site") -> None:
    unlisted = [str(rule) for rule in rules(site.app) if access_of(site.app, rule.endpoint) is None]
    assert unlisted == []


@pytest.mark.rule("R1")
def test_a_route_that_says_nothing_answers_nobody(sqlite_url: str, make_site: "Callable[..., Site]") -> None:
    site = make_site(sqlite_url, own=True)
    site.app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert site.logged_in(Role.OWNER).get("/forgotten").status_code == 403


@pytest.mark.rule("R1")
@pytest.mark.parametrize("role", list(Role))
def test_each_role_reaches_exactly_what_the_table_gives_it(site: "Site", role: Role) -> None:
    staff, program = site.logged_in(role), site.api(role)
    token = staff.form_token("/sessions")
    for rule, method in calls(site.app):
        access = access_of(site.app, rule.endpoint)
        assert access is not None
        if access.way is Way.PUBLIC or access.capability is None:
            continue
        path = path_of(site.app, rule)
        if access.way is Way.TOKEN:
            status = program.call(method, path.removeprefix("/api/v1"), json={}).status_code
        else:
            status = staff.client.open(path, method=method, data={"csrf_token": token}).status_code
        allowed = may(role, access.capability)
        assert (status == 403) is not allowed, f"{role} {method} {rule} answered {status}"
        assert status not in {401, 500}, f"{method} {rule}"


@pytest.mark.rule("R1")
def test_who_is_not_logged_in_reaches_only_what_is_public(site: "Site") -> None:
    visitor = site.client()
    token = visitor.form_token()
    for rule, method in calls(site.app):
        access = access_of(site.app, rule.endpoint)
        assert access is not None
        if access.way is Way.PUBLIC:
            continue
        answer = visitor.client.open(path_of(site.app, rule), method=method, data={"csrf_token": token})
        if access.way is Way.STAFF and method == "GET":
            assert (answer.status_code, answer.location.startswith("/login?")) == (302, True)
        else:
            assert answer.status_code == 401, f"{method} {rule}"


@pytest.mark.rule("R1")
def test_the_log_in_of_one_kind_is_worth_nothing_for_the_other(site: "Site") -> None:
    staff, program = site.logged_in(Role.OWNER), site.api(Role.OWNER)
    assert staff.get("/api/v1/rooms").status_code == 401
    assert program.client.get("/sessions", headers={"Authorization": f"Bearer {program.token}"}).status_code == 302
    assert program.client.get("/api/v1/rooms", headers={"Authorization": f"Basic {program.token}"}).status_code == 401


def test_no_form_is_taken_without_its_token(site: "Site") -> None:
    visitor = site.logged_in(Role.OWNER)
    unsafe = [(rule, method) for rule, method in calls(site.app) if method not in SAFE_METHODS]
    checked = 0
    for rule, method in unsafe:
        if rule.rule.startswith(EXEMPT):
            continue
        for data in ({}, {"csrf_token": "x"}):
            answer = visitor.client.open(path_of(site.app, rule), method=method, data=data)
            assert answer.status_code == 400, f"{method} {rule}"
        checked += 1
    assert checked >= 5


def test_the_token_of_one_browser_is_worth_nothing_in_another(site: "Site") -> None:
    stolen = site.client().form_token()
    other = site.logged_in()
    assert other.client.post("/sessions/end-others", data={"csrf_token": stolen}).status_code == 400


def digest(site: "Site") -> str:
    """A hash of every row of every table."""
    found = hashlib.sha256()
    with site.database.read() as session:
        for table in Base.metadata.sorted_tables:
            rows = session.execute(select(table)).all()
            found.update(f"{table.name} {sorted(map(repr, rows))}".encode())
    return found.hexdigest()


def test_reading_changes_nothing(site: "Site") -> None:
    staff, program = site.logged_in(Role.OWNER), site.api(Role.OWNER)
    before = digest(site)
    for rule, method in calls(site.app):
        if method != "GET" or rule.endpoint.endswith("static"):
            continue
        path = path_of(site.app, rule)
        assert staff.get(path).status_code < 500 or path in PROBES
        program.client.get(path, headers={"Authorization": f"Bearer {program.token}"})
    assert digest(site) == before
    staff.post("/language", {"language": "en"}, of="/sessions")
    assert digest(site) != before, "the hash sees a change"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 400),
        ({"Sec-Fetch-Site": "same-site"}, 400),
        ({"Sec-Fetch-Site": "same-origin"}, 302),
        ({"Origin": "https://evil.example"}, 400),
        ({"Origin": "http://localhost"}, 302),
        ({"Origin": "null"}, 302),
        ({}, 302),
    ],
)
def test_a_form_sent_from_a_foreign_page_is_refused(site: "Site", headers: dict[str, str], status: int) -> None:
    visitor = site.logged_in()
    answer = visitor.post("/sessions/end-others", of="/sessions", headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nowhere", 404), ("/login", 400), ("/office/", 405), ("/api/v1/requests", 401), ("/hooks/x", 404)],
)
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_an_answer_that_needs_no_body_reads_it_all_the_same(site: "Site", path: str, status: int, kind: str) -> None:
    """Else the server would end the connection that it promised to keep, and the next call on it would be lost."""
    body = io.BytesIO(b"x" * 20_000)
    answer = site.app.test_client().post(path, input_stream=body, content_length=20_000, content_type=kind)
    assert (answer.status_code, body.tell()) == (status, 20_000)
    assert "Connection" not in answer.headers


@pytest.mark.parametrize("path", ["/nowhere", "/login", "/api/v1/requests"])
def test_a_body_that_is_too_large_ends_the_connection_and_says_so(site: "Site", path: str) -> None:
    body = io.BytesIO(b"x" * (LARGEST_BODY + 1))
    answer = site.app.test_client().post(path, input_stream=body, content_length=LARGEST_BODY + 1)
    assert answer.headers["Connection"] == "close"
    assert body.tell() == 0


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:80", "", "a b"])
def test_a_foreign_host_is_refused_and_never_repeated(site: "Site", host: str) -> None:
    answer = site.app.test_client().get("/login", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.text
    assert "evil" not in str(answer.headers)


def test_probes_answer_under_any_name(site: "Site") -> None:
    assert site.app.test_client().get("/healthz", headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_no_link_in_a_page_names_a_host(site: "Site") -> None:
    visitor = site.logged_in()
    for path in ("/login", "/sessions", "/nothing"):
        text = visitor.get(path, headers={"X-Forwarded-Host": "evil.example"}).text
        assert "http://localhost" not in text
        assert "evil.example" not in text


def test_organisations_are_told_apart_by_their_host(sqlite_url: str, make_site: "Callable[..., Site]") -> None:
    site = make_site(sqlite_url, BASE_URL="http://hallen.example")
    site.database.write(lambda db: build_house(db, slug="turnhalle"))
    pages = {
        host: site.app.test_client().get("/login", headers={"Host": host}).text
        for host in ("hallen.example", "turnhalle.hallen.example", "kirche.hallen.example:80")
    }
    assert ["Haus turnhalle" in text for text in pages.values()] == [False, True, False]
    assert "Haus kirche" in pages["kirche.hallen.example:80"]


def test_staff_of_one_house_cannot_log_in_at_another(sqlite_url: str, make_site: "Callable[..., Site]") -> None:
    site = make_site(sqlite_url, BASE_URL="http://hallen.example")
    site.database.write(lambda db: build_house(db, slug="turnhalle"))
    visitor = site.client()
    wrong = {"base_url": "http://turnhalle.hallen.example"}
    token = visitor.client.get("/login", **wrong).text.partition('name="csrf_token" value="')[2].partition('"')[0]
    sent = {"csrf_token": token, "email": email_of(Role.OFFICE), "password": "ein langes Passwort"}
    assert visitor.client.post("/login", data=sent, **wrong).status_code == 422


def test_every_answer_carries_the_headers_that_browsers_need(site: "Site") -> None:
    visitor = site.logged_in()
    for path in ("/login", "/sessions", "/nothing", "/healthz", "/api/v1/rooms", "/api/docs", "/static/icon.svg"):
        with visitor.get(path) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert visitor.get("/sessions").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/login", "/sessions", "/nothing", "/api/docs"])
def test_no_page_has_anything_inline(site: "Site", path: str) -> None:
    text = site.logged_in().get(path).text.lower()
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick=" not in text
    assert "<script>" not in text


def test_a_body_too_large_is_refused(site: "Site") -> None:
    visitor = site.client()
    assert visitor.client.post("/login", data={"email": "x" * 2_000_000}).status_code == 413


@pytest.mark.parametrize(("proxies", "status"), [("0", 429), ("1", 302)])
def test_only_a_trusted_proxy_can_name_the_address(
    sqlite_url: str, make_site: "Callable[..., Site]", proxies: str, status: int
) -> None:
    site = make_site(sqlite_url, TRUSTED_PROXIES=proxies)

    def log_in(visitor: "Visitor", forged: str, password: str) -> int:
        sent = {"email": email_of(Role.OFFICE), "password": password}
        headers = {"X-Forwarded-For": f"{forged}, 198.51.100.{forged.rpartition('.')[2]}"}
        return visitor.post("/login", sent, headers=headers).status_code

    for number in range(10):
        assert log_in(site.client(), f"203.0.113.{number}", "falsch") == 422
    assert log_in(site.client(), "203.0.113.99", "ein langes Passwort") == status


def test_a_decorator_without_a_view_of_its_own_is_kept() -> None:
    def view() -> str:
        return ""

    assert require(Capability.REVIEW)(view) is view
    assert public(view) is view
