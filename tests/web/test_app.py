"""The application stands on its own: frame, errors, languages, limits, the process's front."""

import logging
import re
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask
from sqlalchemy import update
from werkzeug.test import Client

from booking.tables.houses import Organisation
from booking.values.refusals import DatabaseBusy, MoveLost, NotFound, Overlap, Reason
from booking.values.states import Role
from tests.builders import slot_in
from tests.web.conftest import make_settings
from web import i18n, reasons
from web import request as frame
from web.access import public
from web.app import create_app
from web.hot_feeds import FeedGate
from web.limits import block_of, keyed, limited, limiter, made_from

if TYPE_CHECKING:
    from tests.fixtures.servers import Valkey
    from tests.web.conftest import Site

WEB = Path(__file__).parents[2] / "web"
BOOKING = WEB.parent / "booking"
SECRET = "geheim-4711"


def failing(error: Exception) -> Callable[[], str]:
    @public
    def view() -> str:
        raise error

    return view


@pytest.fixture
def site(sqlite_url: str, make_site: "Callable[..., Site]") -> "Site":
    """Tests add pages here: an application of its own for each."""
    return make_site(sqlite_url, own=True)


@pytest.fixture
def site_on_both(database_url: str, make_site: "Callable[..., Site]") -> "Site":
    return make_site(database_url, own=True)


@pytest.fixture
def broken(site: "Site") -> "Site":
    """A site with a page for each error."""
    errors = {
        "lost": MoveLost("booking", 1, "requested", "confirmed"),
        "overlap": Overlap(SECRET),
        "busy": DatabaseBusy(SECRET),
        "absent": NotFound("booking", SECRET),
        "fault": RuntimeError(SECRET),
    }
    for name, error in errors.items():
        for prefix in ("/try/", "/api/v1/try/"):
            site.app.add_url_rule(prefix + name, prefix + name, failing(error))
    return site


@pytest.mark.parametrize(
    ("name", "status", "says"),
    [
        ("lost", 409, "Jemand war schneller"),
        ("overlap", 409, "Jemand war schneller"),
        ("busy", 503, "versuchen Sie es gleich"),
        ("absent", 404, "gibt es nichts"),
        ("fault", 500, "schiefgegangen"),
    ],
)
def test_each_error_has_a_page_and_a_problem_without_secrets(broken: "Site", name: str, status: int, says: str) -> None:
    client = broken.app.test_client()
    page, problem = client.get(f"/try/{name}"), client.get(f"/api/v1/try/{name}")
    assert (page.status_code, problem.status_code) == (status, status)
    assert says in page.text
    assert problem.content_type == "application/problem+json"
    assert problem.get_json()["status"] == status
    for answer in (page, problem):
        assert SECRET not in answer.text
        assert "Traceback" not in answer.text
        assert ("Retry-After" in answer.headers) is (status == 503)


def test_the_page_of_a_lost_race_leads_back_to_how_it_stands(broken: "Site") -> None:
    assert 'href="/try/lost"' in broken.app.test_client().get("/try/lost").text


def test_a_fault_is_logged_with_its_trace(broken: "Site", caplog: pytest.LogCaptureFixture) -> None:
    broken.app.test_client().get("/try/fault")
    assert any(record.exc_info and record.levelno == logging.ERROR for record in caplog.records)


def test_errors_are_shown_even_without_a_database(make_site: Any, tmp_path: Path) -> None:
    app = create_app(make_settings(f"sqlite:///{tmp_path}/nothing/here.db"))
    for path in ("/login", "/nothing"):
        answer = app.test_client().get(path)
        assert answer.status_code in {404, 500}
        assert "Platzwart" in answer.text
    app.extensions["platzwart"].close()


def test_what_was_written_is_read_afterwards_in_the_same_request(site_on_both: "Site") -> None:
    site = site_on_both
    seen: list[str] = []

    @public
    def view() -> str:
        seen.append(frame.house().name)
        frame.write(
            lambda db: db.execute(
                update(Organisation).values(name="Neu", settings_revision=Organisation.settings_revision + 1)
            ),
            nudge=False,
        )
        seen.append(frame.house().name)
        return ""

    site.app.add_url_rule("/try/write", "try", view)
    assert site.app.test_client().get("/try/write").status_code == 200
    assert seen == ["Haus kirche", "Neu"]


def test_a_request_has_one_moment(site: "Site") -> None:
    moments = []

    @public
    def view() -> str:
        moments.append(frame.now())
        site.now += timedelta(hours=1)
        moments.append(frame.now())
        return ""

    site.app.add_url_rule("/try/now", "try", view)
    site.app.test_client().get("/try/now")
    assert moments[0] == moments[1]


def test_a_write_wakes_a_worker_and_never_waits_for_redis(
    sqlite_url: str, make_site: Callable[..., "Site"], valkey: "Valkey"
) -> None:
    site = make_site(sqlite_url, REDIS_URL=valkey.url)
    client: Any = site.context.redis

    @public
    def view() -> str:
        frame.write(lambda _db: None)
        return ""

    site.app.add_url_rule("/try/nudge", "try", view)
    site.app.test_client().get("/try/nudge")
    deadline = time.monotonic() + 10
    while client.llen("rq:queue:quick") == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    job = client.hgetall(f"rq:job:{client.lrange('rq:queue:quick', 0, -1)[0].decode()}")
    assert b"workers.outbox.drain" in zlib.decompress(job[b"data"])


def test_without_redis_a_write_is_as_good_and_as_quick(site: "Site") -> None:
    @public
    def view() -> str:
        frame.write(lambda _db: None)
        return "done"

    site.app.add_url_rule("/try/nudge", "try", view)
    assert site.app.test_client().get("/try/nudge").text == "done"


@pytest.mark.parametrize("store", ["redis", "the process"])
def test_a_stranger_may_ask_only_so_often(
    sqlite_url: str, make_site: Callable[..., "Site"], valkey: "Valkey", store: str
) -> None:
    settings = {"REDIS_URL": valkey.url} if store == "redis" else {}
    site = make_site(sqlite_url, own=True, **settings)
    limiter()._storage_dead = False

    @public
    @limited("3 per minute")
    def view() -> str:
        return ""

    site.app.add_url_rule("/try/often", "often", view)
    client = site.app.test_client()

    def ask(address: str) -> int:
        return client.get("/try/often", environ_base={"REMOTE_ADDR": address}).status_code

    assert [ask(f"192.0.2.{number}") for number in range(4)] == [200, 200, 200, 429]
    assert ask("198.51.100.1") == 200
    assert (site.context.redis.keys("*LIMITS*platzwart*") != []) if store == "redis" else limiter()._storage_dead
    refused = client.get("/try/often", environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert int(refused.headers["Retry-After"]) > 0
    assert "zu oft" in refused.text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.7", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("nonsense", "", True),
    ],
)
def test_neighbours_share_an_address_block(one: str, other: str, same: bool) -> None:
    assert (block_of(one) == block_of(other)) is same


def test_where_a_request_was_made_from_is_equal_for_neighbours_and_readable_for_nobody(site: "Site") -> None:
    def hashed(address: str) -> bytes:
        with site.app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            return made_from()

    assert hashed("192.0.2.1") == hashed("192.0.2.200") != hashed("192.0.3.1")
    with site.app.app_context():
        assert keyed("a", "b", "c") != keyed("a", "b\0c", "") != keyed("ab", "c")


def test_pages_are_german_unless_asked_otherwise(site: "Site") -> None:
    client = site.app.test_client()
    assert "Anmelden" in client.get("/login").text
    assert "Anmelden" in client.get("/login", headers={"Accept-Language": "fr"}).text
    assert "Log in" in client.get("/login", headers={"Accept-Language": "en-GB,en;q=0.9,de;q=0.5"}).text


def test_every_text_of_the_pages_is_translated() -> None:
    known = i18n.catalogue("de")
    methods = [("templates/shells/styleguide.html", "ignore"), ("**.py", "python"), ("**.html", "jinja2")]
    missing = []
    for file, line, message, _, _ in extract_from_dir(str(WEB), method_map=methods):
        one = message[0] if isinstance(message, tuple) else message
        if one and (one, 0) not in known._catalog and one not in known._catalog:
            missing.append(f"{file}:{line} {one}")
    assert missing == []


def places(*texts: Any) -> set[str]:
    """The names of the places that values go into, in all forms of a text."""
    return {name for text in texts for name in re.findall(r"%\((\w+)\)", text)}


def test_no_translation_loses_a_place_or_is_unfinished() -> None:
    for file in (WEB / "translations").rglob("*.po"):
        with file.open("rb") as source:
            for message in read_po(source, locale="de"):
                strings = message.string if isinstance(message.string, tuple) else (message.string,)
                assert not message.id or all(strings), f"{file.name}: {message.id}"
                assert not message.fuzzy, f"{file.name}: {message.id}"
                ids = message.id if isinstance(message.id, tuple) else (message.id,)
                assert places(*strings) == places(*ids) or not message.id, f"{file.name}: {message.id}"


def test_two_catalogues_never_say_the_same_differently() -> None:
    said: dict[Any, Any] = {}
    for file in (WEB / "translations" / "de").rglob("*.po"):
        with file.open("rb") as source:
            for message in read_po(source, locale="de"):
                if message.id:
                    assert said.setdefault(message.id, message.string) == message.string, f"{file.name}: {message.id}"


@pytest.mark.rule("X8")
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_refusal_has_a_text_in_each_language(site: "Site", language: str) -> None:
    with site.app.test_request_context(headers={"Accept-Language": language}):
        codes = reasons.known_codes()
        texts = {code: reasons.message(Reason(code, None, {"minutes": 2, "days": 2})) for code in codes}
        unknown = reasons.message(Reason("something-new"))
    assert len(codes) > 30
    assert unknown not in texts.values()
    assert all(texts.values())


def test_every_code_that_an_action_or_a_rule_refuses_with_has_a_text() -> None:
    """Here for all, or in the words of the part whose pages alone can meet it."""
    refused = set()
    for file in BOOKING.rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        for call in re.findall(r"\brefused\(([^)]*)\)", source):
            refused |= set(re.findall(r'"([a-z-]+)"', call))
        refused |= set(re.findall(r'\bReason\(\s*"([a-z-]+)"', source))
    worded = set()
    for file in WEB.rglob("*.py"):
        worded |= set(
            re.findall(
                r'"([a-z-]+)":\s*(?:lambda _?values: )?(?:\(\s*)?(?:n?gettext|_)\(', file.read_text(encoding="utf-8")
            )
        )
    assert refused - worded == set()


def test_dates_times_and_money_follow_the_language(site: "Site") -> None:
    template = "{{ slot|times }} {{ slot.start|day }} {{ 123450|money }} {{ 'ABCD2345'|spoken }}"
    shown = {}
    for language in ("de", "en"):
        with site.app.test_request_context(headers={"Accept-Language": language}):
            shown[language] = site.app.jinja_env.from_string(template).render(slot=slot_in(1, 18, 20))
    assert shown["de"] == "18:00\N{EN DASH}20:00 Mi, 25. November 2026 1.234,50\N{NO-BREAK SPACE}€ ABCD-2345"
    assert shown["en"] == "18:00\N{EN DASH}20:00 Wed, 25 November 2026 €1,234.50 ABCD-2345"


def front_of(app: Flask) -> Client:
    """The feeds' gate before the application, as `web.wsgi.build` sets it up; closed with the context."""
    context = app.extensions["platzwart"]
    context.feed_gate = FeedGate(app.wsgi_app, context.database)
    return Client(context.feed_gate)


def test_the_front_answers_feeds_before_flask_and_all_else_by_it(site: "Site") -> None:
    front = front_of(site.app)
    assert front.get("/login", base_url="http://localhost").status_code == 200
    unknown = front.get(f"/feeds/{'A' * 43}.ics")
    assert (unknown.status_code, unknown.mimetype) == (404, "text/plain")


def test_the_front_stands_before_there_is_a_house(sqlite_url: str) -> None:
    app = create_app(make_settings(sqlite_url))
    context = app.extensions["platzwart"]
    front = front_of(app)
    assert front.get("/healthz").status_code == 200
    assert front.get(f"/feeds/{'A' * 43}.ics", base_url="http://localhost").status_code == 404
    context.close()


def test_a_feed_stops_within_the_request_that_revokes_it(site: "Site") -> None:
    program = site.api(Role.OFFICE)
    made = program.post("/feeds", {"kind": "office", "name": "Büro"}).get_json()
    address = made["url"].removeprefix("http://localhost")
    front = front_of(site.app)
    assert front.get(address).status_code == 200
    assert program.call("DELETE", f"/feeds/{made['id']}").status_code == 204
    assert front.get(address).status_code == 410


def test_every_name_of_the_process_is_read_lazily() -> None:
    """Importing the process's module builds nothing: only asking for `application` does."""
    code = (
        "import web.wsgi, sys; print('rq' in sys.modules, 'alembic' in sys.modules, 'prometheus_client' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.split() == ["False"] * 3


def test_one_application_serves_many_threads_at_once(site_on_both: "Site") -> None:
    answers = []

    def ask() -> None:
        answers.append(site_on_both.app.test_client().get("/login").status_code)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 12
