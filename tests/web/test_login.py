"""Logging in: sessions, throttling, equal answers for known and unknown accounts, no fixation."""

import statistics
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from booking.actions.accounts import LOGIN_TRIES, LOGIN_WINDOW, SESSION_LIFE
from booking.tables.bookings import AuditEntry
from booking.tables.people import Staff, StaffSession
from booking.values.states import Role
from web.passwords import hash_password

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.web.conftest import Site

COOKIE = "platzwart_login"


def cookie(visitor: object) -> str | None:
    found = visitor.client.get_cookie(COOKIE)  # type: ignore[attr-defined]  # a Visitor
    return found.value if found else None


def test_who_logs_in_gets_a_session_and_reaches_own_pages(site_on_both: "Site") -> None:
    visitor = site_on_both.client()
    answer = visitor.log_in("  Office@Kirche.example ")
    assert (answer.status_code, answer.location) == (302, "/office/")
    assert visitor.get("/sessions").status_code == 200


def test_the_cookie_is_for_the_server_only_and_the_database_holds_its_hash(site: "Site") -> None:
    answer = site.client().log_in("office@kirche.example")
    said = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith(f"{COOKIE}="))
    assert "HttpOnly" in said
    assert "SameSite=Lax" in said
    token = said.partition("=")[2].partition(";")[0]
    with site.database.read() as session:
        assert token.encode() not in session.scalars(select(StaffSession.token_hash)).all()


def test_over_https_the_cookies_are_secure_and_bound_to_the_host(
    sqlite_url: str, make_site: "Callable[..., Site]"
) -> None:
    site = make_site(sqlite_url, BASE_URL="https://localhost")
    answer = site.client().log_in("office@kirche.example", base_url="https://localhost")
    said = answer.headers.getlist("Set-Cookie")
    assert said
    assert all(value.startswith("__Host-") and "Secure" in value and "Domain" not in value for value in said)


def test_a_planted_session_is_worth_nothing_after_the_log_in(site: "Site") -> None:
    visitor = site.client()
    visitor.client.set_cookie(COOKIE, "A" * 43)
    before = visitor.form_token()
    visitor.log_in("office@kirche.example")
    assert cookie(visitor) not in {None, "A" * 43}
    assert visitor.client.post("/logout", data={"csrf_token": before}).status_code == 400
    first = cookie(visitor)
    visitor.post("/logout", of="/sessions")
    visitor.log_in("office@kirche.example")
    assert cookie(visitor) != first


@pytest.mark.parametrize("email", ["office@kirche.example", "nobody@kirche.example"])
def test_wrong_password_and_unknown_account_read_the_same(site: "Site", email: str) -> None:
    answer = site.client().log_in(email, "falsch")
    assert answer.status_code == 422
    text = answer.text.replace(email, "")
    assert "stimmt nicht" in text
    assert "falsch" not in text


def test_known_and_unknown_accounts_cost_the_same(site: "Site") -> None:
    earnest = hash_password("ein anderes Passwort")  # what tests usually log in with costs next to nothing
    site.database.write(lambda db: db.execute(update(Staff).values(password_hash=earnest)))
    visitor = site.client()
    took: dict[str, list[float]] = {"office@kirche.example": [], "nobody@kirche.example": []}
    token = visitor.form_token()
    for _ in range(7):
        for email, times in took.items():
            begun = time.process_time()
            visitor.client.post("/login", data={"csrf_token": token, "email": email, "password": "falsch"})
            times.append(time.process_time() - begun)
    known, unknown = (statistics.median(times) for times in took.values())
    assert abs(known - unknown) < 0.5 * max(known, unknown)


def test_the_eleventh_try_is_refused_even_with_the_right_password(site_on_both: "Site") -> None:
    visitor = site_on_both.client()
    for _ in range(LOGIN_TRIES):
        assert visitor.log_in("office@kirche.example", "falsch").status_code == 422
    blocked = visitor.log_in("office@kirche.example")
    assert blocked.status_code == 429
    assert 0 < int(blocked.headers["Retry-After"]) <= 900
    assert visitor.log_in("desk@kirche.example").status_code == 302
    site_on_both.now += LOGIN_WINDOW + timedelta(seconds=1)
    assert site_on_both.client().log_in("office@kirche.example").status_code == 302


@pytest.mark.rule("X5")
def test_refused_log_ins_of_an_account_are_in_the_log_and_do_not_flood_it(site_on_both: "Site") -> None:
    site, client = site_on_both, site_on_both.client()
    for number in range(2 * LOGIN_TRIES):
        client.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number // (LOGIN_TRIES - 1)}"
        assert client.log_in("office@kirche.example", "falsch").status_code == 422
        assert client.log_in("nobody@kirche.example", "falsch").status_code == 422

    def told() -> list[tuple[str, dict[str, object]]]:
        with site.database.read() as session:
            query = select(AuditEntry).where(AuditEntry.action == "log-in-refused").order_by(AuditEntry.id)
            return [(entry.origin, entry.after) for entry in session.scalars(query)]

    assert told() == [("192.0.2.0", {"tries": 1}), ("192.0.2.1", {"tries": 10})]
    assert "Anmeldung abgewiesen" in site.logged_in(Role.OWNER).get("/office/settings/audit").text
    site.now += timedelta(hours=1, seconds=1)
    client.log_in("office@kirche.example", "falsch")
    assert told()[2:] == [("192.0.2.2", {"tries": 1})]


def test_a_success_forgets_the_tries_before_it(site: "Site") -> None:
    visitor = site.client()
    for _ in range(2):
        for _ in range(LOGIN_TRIES - 1):
            visitor.log_in("office@kirche.example", "falsch")
        assert visitor.log_in("office@kirche.example").status_code == 302
        visitor.post("/logout", of="/sessions")


def test_where_tries_cannot_be_counted_nobody_logs_in(site: "Site", monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = site.client()
    token = visitor.form_token()
    monkeypatch.setattr("booking.tables.database.LOCK_SECONDS", 0.05)
    with site.database._lock.held():  # type: ignore[union-attr]  # SQLite has one
        sent = {"csrf_token": token, "email": "office@kirche.example", "password": "ein langes Passwort"}
        answer = visitor.client.post("/login", data=sent)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert cookie(visitor) is None


@pytest.mark.parametrize("how", ["logged out", "run out", "disabled", "revoked elsewhere"])
def test_a_session_that_ended_opens_nothing(site: "Site", how: str) -> None:
    visitor = site.logged_in()
    token = cookie(visitor)
    assert token is not None
    match how:
        case "logged out":
            visitor.post("/logout", of="/sessions")
            visitor.client.set_cookie(COOKIE, token)
        case "run out":
            site.now += SESSION_LIFE + timedelta(seconds=1)
        case "disabled":
            site.database.write(lambda db: db.execute(update(Staff).values(disabled_at=site.now)))
        case "revoked elsewhere":
            other = site.logged_in()
            other.post("/sessions/end-others", of="/sessions")
    answer = visitor.get("/sessions")
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=/sessions")


def test_one_ends_own_sessions_and_never_anothers(site: "Site") -> None:
    mine, other, desk = site.logged_in(), site.logged_in(), site.logged_in(Role.DESK)
    with site.database.read() as session:
        ids = {row.staff_id: row.id for row in session.scalars(select(StaffSession).order_by(StaffSession.id))}
    mine.post(f"/sessions/{ids[site.ids.desk]}/end", of="/sessions")
    assert desk.get("/sessions").status_code == 200
    mine.post(f"/sessions/{ids[site.ids.office]}/end", of="/sessions")
    assert other.get("/sessions").status_code == 302
    assert mine.get("/sessions").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/sessions", "/sessions"),
        ("//evil.example", "/office/"),
        ("/\\evil.example", "/office/"),
        ("https://evil.example", "/office/"),
        ("/a\r\nSet-Cookie: x=y", "/office/"),
        ("javascript:alert(1)", "/office/"),
    ],
)
def test_after_the_log_in_one_stays_on_this_site(site: "Site", wanted: str, goes: str) -> None:
    sent = {"email": "office@kirche.example", "password": "ein langes Passwort", "next": wanted}
    assert site.client().post("/login", sent).location == goes


@pytest.mark.parametrize(("role", "goes"), [(Role.OWNER, "/office/"), (Role.DESK, "/desk/")])
def test_each_role_begins_at_its_own_place(site: "Site", role: Role, goes: str) -> None:
    assert site.client().log_in(f"{role.value}@kirche.example").location == goes


def test_the_language_is_kept_in_the_browser_and_with_the_account(site: "Site") -> None:
    visitor = site.logged_in()
    assert 'lang="de"' in visitor.get("/sessions").text
    visitor.post("/language", {"language": "en", "next": "/sessions"}, of="/sessions")
    assert 'lang="en"' in visitor.get("/sessions").text
    elsewhere = site.logged_in()
    assert 'lang="en"' in elsewhere.get("/sessions").text


def test_nothing_logged_names_a_password_or_a_token(site: "Site", caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    visitor = site.logged_in()
    site.client().log_in("office@kirche.example", "falsches Passwort")
    token = cookie(visitor)
    assert token is not None
    assert token not in caplog.text
    assert "Passwort" not in caplog.text


def test_when_one_was_last_seen_is_written_in_batches(site: "Site") -> None:
    def stored() -> list[object]:
        with site.database.read() as session:
            return list(session.scalars(select(StaffSession.last_seen_at)))

    begun = site.now
    visitor = site.logged_in()
    site.now += timedelta(minutes=5)
    visitor.get("/sessions")
    assert stored() == [begun]
    site.context.seen.flush(site.database)
    assert stored() == [site.now]
    site.now += timedelta(seconds=30)
    visitor.get("/sessions")
    site.context.seen.flush(site.database)
    assert stored() == [site.now - timedelta(seconds=30)]
