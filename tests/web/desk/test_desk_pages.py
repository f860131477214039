"""The desk at the telephone, through the real application (SPEC S3, S16, S17)."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from booking.actions import desk as desk_actions
from booking.actions.requests import Made
from booking.tables.bookings import AuditEntry, Booking
from booking.tables.connections import Connection, RemoteBooking
from booking.tables.people import Attempt, Customer
from booking.values.codes import spoken
from booking.values.identity import new_uuid
from booking.values.states import BookingState, Role
from tests.builders import add_code, contact, request, slot_in
from tests.neighbours import add_neighbour, log_in_at

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor

CODE = "734921"
FAR_CODE = "918273"


def window(days: int, first: int, last: int) -> Any:
    return slot_in(days, first, last).widened(timedelta(minutes=15), timedelta(minutes=15))


def prepare(site: "Site", days: int = 1, code: str = CODE) -> Made:
    """One request for the hall with one free code that fits."""

    def work(db: Session) -> Made:
        add_code(db, site.now, site.context.tools, site.ids, code, window(days, 18, 20))
        return request(db, site.now, site.context.tools, site.ids, site.ids.hall, slot_in(days, 18, 20))

    return site.database.write(work)


def find(visitor: "Visitor", typed: str) -> TestResponse:
    return visitor.post("/desk/search", {"q": typed}, of="/desk/")


def issue(visitor: "Visitor", made: Made, **named: str) -> TestResponse:
    return visitor.post(f"/desk/issue/{made.public_id}", named, of="/desk/")


def text_of(answer: TestResponse) -> str:
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", answer.text))


def audit(site: "Site", action: str) -> list[AuditEntry]:
    with site.database.read() as db:
        return list(db.scalars(select(AuditEntry).where(AuditEntry.action == action)))


@pytest.mark.rule("S16")
@pytest.mark.parametrize(
    "typed",
    ["Müller", "mueller", "0221 555123", "555123", "18:00", "18 Uhr", "{code}", "{spoken}", "{lower}"],
)
def test_a_request_is_found_by_whatever_the_caller_names(site: "Site", typed: str) -> None:
    made = prepare(site)
    asked = typed.format(code=made.code, spoken=spoken(made.code), lower=spoken(made.code).lower().replace("-", " "))
    answer = find(site.logged_in(Role.DESK), asked)
    assert answer.status_code == 200
    assert "Anna Müller" in answer.text
    assert "Plausibel." in answer.text


@pytest.mark.rule("S16", "Y1")
def test_a_request_is_found_by_the_code_of_the_booking_site(site: "Site") -> None:
    made = prepare(site)

    def work(db: Session) -> None:
        mine = {"organisation_id": site.ids.organisation_id}
        connection = Connection(
            **mine,
            public_id=new_uuid(site.now),
            name="Seite",
            base_url="http://127.0.0.1:1/v1",
            account_id="a",
            api_key_cipher=b"-",
            api_key_id="k1",
            hook_secret_hash=b"-",
            next_poll_at=site.now,
        )
        db.add(connection)
        db.flush()
        slot = slot_in(1, 18, 20)
        db.add(
            RemoteBooking(
                **mine,
                connection_id=connection.id,
                remote_id="r1",
                ref="QWER-7788",
                booking_id=made.booking_id,
                starts_at=slot.start,
                ends_at=slot.end,
                seen_at=site.now,
            )
        )

    site.database.write(work)
    assert "Anna Müller" in find(site.logged_in(Role.DESK), "qwer-7788").text


@pytest.mark.rule("S16")
def test_what_stands_against_a_request_is_shown_big_and_with_its_reason(site: "Site") -> None:
    who = contact("asdf", phone="12", email="a@mailinator.com")
    site.database.write(
        lambda db: request(db, site.now, site.context.tools, site.ids, site.ids.hall, slot_in(1, 18, 20), who)
    )
    page = find(site.logged_in(Role.DESK), "asdf").text
    assert "Nicht plausibel." in page
    assert "kein Zugangscode mehr frei" in page
    assert "Die Telefonnummer 12 kann es nicht geben" in page


@pytest.mark.rule("S3", "S16")
def test_nothing_beyond_the_desks_days_is_found_listed_or_issued(site: "Site") -> None:
    made = prepare(site, days=3, code=FAR_CODE)
    visitor = site.logged_in(Role.DESK)
    assert "Anna Müller" not in find(visitor, "Müller").text
    assert "Anna Müller" not in find(visitor, made.code).text
    refused = issue(visitor, made, booking_code="yes")
    assert refused.status_code == 404
    assert FAR_CODE not in text_of(refused)
    assert FAR_CODE not in text_of(visitor.post("/desk/codes", of="/desk/"))
    assert [entry.after["why"] for entry in audit(site, "code-refused")] == [["not-found"]]
    site.now += timedelta(days=1)
    assert "Anna Müller" in find(visitor, "Müller").text


@pytest.mark.rule("S3")
def test_the_office_sees_no_more_here_than_the_desk(site: "Site") -> None:
    made = prepare(site, days=3, code=FAR_CODE)
    visitor = site.logged_in(Role.OFFICE)
    assert "Anna Müller" not in find(visitor, "Müller").text
    assert issue(visitor, made, booking_code="yes").status_code == 404


@pytest.mark.rule("S3")
def test_the_list_shows_its_codes_only_when_asked_and_each_look_is_recorded(site: "Site") -> None:
    prepare(site)
    visitor = site.logged_in(Role.DESK)
    assert CODE not in text_of(visitor.get("/desk/codes"))
    assert audit(site, "codes-shown") == []
    assert CODE in text_of(visitor.post("/desk/codes", of="/desk/codes"))
    (entry,) = audit(site, "codes-shown")
    assert (entry.actor, entry.after["count"]) == ("Frau Desk", 1)
    assert CODE not in str(entry.after)


@pytest.mark.rule("S17")
def test_issuing_confirms_shows_the_code_and_records_who_and_when(site: "Site") -> None:
    made = prepare(site)
    answer = issue(site.logged_in(Role.DESK), made, name="yes", phone="yes")
    assert answer.status_code == 200
    assert CODE in text_of(answer)
    assert "Mi, 25. November 2026, 09:00" in answer.text
    with site.database.read() as db:
        assert db.get_one(Booking, made.booking_id).state is BookingState.CONFIRMED
    (entry,) = audit(site, "code-told")
    assert (entry.actor, entry.at, entry.after["named"]) == ("Frau Desk", site.now, ["name", "phone"])


@pytest.mark.rule("S17")
def test_the_second_time_shows_the_same_code(site: "Site") -> None:
    made = prepare(site)
    visitor = site.logged_in(Role.DESK)
    issue(visitor, made, booking_code="yes")
    site.now += timedelta(minutes=1)
    again = issue(visitor, made, booking_code="yes")
    assert CODE in text_of(again)
    assert "derselbe Code" in again.text


@pytest.mark.rule("S16")
@pytest.mark.parametrize("named", [{}, {"name": "yes"}, {"phone": "yes"}], ids=["nothing", "name", "phone"])
def test_without_what_the_caller_has_to_name_there_is_no_code(site: "Site", named: dict[str, str]) -> None:
    made = prepare(site)
    answer = issue(site.logged_in(Role.DESK), made, **named)
    assert answer.status_code == 422
    assert CODE not in text_of(answer)
    assert 'role="alert"' in answer.text
    assert answer.text.count(" checked") == len(named), "what was ticked is kept"
    with site.database.read() as db:
        assert db.get_one(Booking, made.booking_id).state is BookingState.REQUESTED


@pytest.mark.rule("S16")
@pytest.mark.parametrize(
    ("kind", "limit", "call"),
    [
        ("desk-search", desk_actions.SEARCHES, lambda visitor, _made: find(visitor, "Müller")),
        ("desk-issue", desk_actions.ISSUES, lambda visitor, made: issue(visitor, made, booking_code="yes")),
    ],
    ids=["search", "issue"],
)
def test_too_many_tries_meet_a_page_that_says_so(
    site: "Site", kind: str, limit: int, call: Callable[["Visitor", Made], TestResponse]
) -> None:
    made = prepare(site)
    visitor = site.logged_in(Role.DESK)
    assert call(visitor, made).status_code == 200

    def wear_out(db: Session) -> None:
        key = db.scalars(select(Attempt.key_hash).where(Attempt.kind == kind)).first()
        db.add_all([Attempt(kind=kind, key_hash=key, at=site.now) for _ in range(limit)])

    site.database.write(wear_out)
    answer = call(visitor, made)
    assert answer.status_code == 429
    assert "warten Sie 15 Minuten" in answer.text
    assert CODE not in text_of(answer)
    assert "Anna Müller" not in answer.text


def test_too_little_is_said_at_the_field_and_kept(site: "Site") -> None:
    answer = find(site.logged_in(Role.DESK), "Mü")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert 'value="Mü"' in answer.text


@pytest.mark.rule("R5")
@pytest.mark.parametrize("path", ["/desk/", "/desk/codes"])
def test_nobody_looks_in_without_logging_in(site: "Site", path: str) -> None:
    answer = site.client().get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/login")


@pytest.mark.rule("R5")
def test_the_desk_sees_no_price_and_no_address(site: "Site") -> None:
    made = prepare(site)
    visitor = site.logged_in(Role.DESK)
    pages = [find(visitor, "Müller"), issue(visitor, made, booking_code="yes"), visitor.get("/desk/")]
    with site.database.read() as db:
        customer = db.scalars(select(Customer)).one()
    for page in pages:
        assert not {customer.email, customer.street, "100,00"} & set(re.split(r"[<>\s]+", page.text))
        assert "€" not in page.text


@pytest.mark.rule("R1")
def test_another_organisation_finds_and_issues_nothing(site: "Site") -> None:
    made = prepare(site)
    visitor = log_in_at(site, add_neighbour(site), Role.DESK)
    assert "Anna Müller" not in find(visitor, "Müller").text
    assert issue(visitor, made, booking_code="yes").status_code == 404
    assert CODE not in text_of(visitor.post("/desk/codes", of="/desk/codes"))


@pytest.mark.rule("S17")
def test_codes_and_names_stand_in_no_log_and_no_address(site: "Site", caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    made = prepare(site)
    visitor = site.logged_in(Role.DESK)
    find(visitor, "Müller")
    answer = issue(visitor, made, booking_code="yes")
    assert "Location" not in answer.headers
    assert CODE not in caplog.text
    assert "Müller" not in caplog.text
    with site.database.read() as db:
        for entry in db.scalars(select(AuditEntry)):
            assert CODE not in f"{entry.before}{entry.after}"
