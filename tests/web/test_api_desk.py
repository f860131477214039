"""The desk by program: what it finds, what it tells, and what is left of it in logs (SPEC S3, S16, S17)."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from booking.tables.bookings import AuditEntry
from booking.tables.outgoing import IdempotencyKey
from booking.values.slot import Slot
from booking.values.states import Role
from tests.builders import add_code, build_house, contact, request, slot_in

if TYPE_CHECKING:
    from booking.actions.requests import Made
    from tests.web.conftest import Site

QUARTER = timedelta(minutes=15)
CODE = "471193"


def ask(site: "Site", days: int = 1, name: str = "Anna Müller") -> "Made":
    """A request with a code in store."""
    slot = slot_in(days, 18, 20)
    window = Slot(slot.start - QUARTER, slot.end + QUARTER)
    tools, ids = site.context.tools, site.ids
    site.database.write(lambda db: add_code(db, site.now, tools, ids, CODE, window))
    return site.database.write(lambda db: request(db, site.now, tools, ids, ids.left, slot, contact(name)))


def codes_of(answer: Any) -> set[str]:
    return {one["code"] for one in answer.get_json()["reasons"]}


def audit(site: "Site", action: str) -> list[AuditEntry]:
    with site.database.read() as db:
        return list(db.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


@pytest.mark.rule("S16", "R5")
def test_the_desk_finds_a_booking_of_its_days_with_findings_and_nothing_private(site: "Site") -> None:
    made = ask(site)
    answer = site.api(Role.DESK).post("/desk/search", {"q": "mueller"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    [found] = answer.get_json()["bookings"]
    assert (found["id"], found["code"], found["state"]) == (str(made.public_id), made.code, "requested")
    assert found["judgement"] in {"ok", "wait", "stop"}
    for private in ("@", "Ringstraße", "price", CODE):
        assert private not in answer.text


@pytest.mark.rule("S3", "S16")
@pytest.mark.parametrize("role", [Role.DESK, Role.OFFICE])
def test_beyond_the_desks_days_nothing_is_found_or_issued_whoever_calls(site: "Site", role: Role) -> None:
    made = ask(site, days=20)
    program = site.api(role)
    assert program.post("/desk/search", {"q": made.code}).get_json() == {"bookings": []}
    answer = program.post(f"/desk/bookings/{made.public_id}/issue", {"booking_code": True})
    assert (answer.status_code, codes_of(answer)) == (404, {"not-found"})
    assert CODE not in program.post("/desk/codes/show").text


def test_too_little_to_search_for_is_said_at_its_member(site: "Site") -> None:
    answer = site.api(Role.DESK).post("/desk/search", {"q": "a"})
    assert answer.status_code == 422
    assert [(one["code"], one["at"]) for one in answer.get_json()["reasons"]] == [("invalid", "q")]


@pytest.mark.rule("S16", "S17")
def test_a_code_is_told_only_for_what_the_caller_named_and_the_second_time_again(
    site_on_both: "Site", caplog: pytest.LogCaptureFixture
) -> None:
    site, made = site_on_both, ask(site_on_both)
    program, path = site.api(Role.DESK), f"/desk/bookings/{made.public_id}/issue"
    with caplog.at_level(logging.DEBUG):
        unnamed = program.post(path, {"name": True})
        first = program.post(path, {"name": True, "phone": True}, key="one")
        site.now += QUARTER
        second = program.post(path, {"booking_code": True}, key="one")
    assert (unnamed.status_code, codes_of(unnamed)) == (422, {"not-named"})
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-store"), first.text
    told = first.get_json()
    assert (told["state"], told["again"], [one["code"] for one in told["codes"]]) == ("confirmed", False, [CODE])
    assert second.get_json() == told | {"again": True}
    assert [entry.after["named"] for entry in audit(site, "code-told")] == [["name", "phone"], ["booking_code"]]
    assert {entry.actor for entry in audit(site, "code-told")} == {"api:desk"}
    assert len(audit(site, "code-refused")) == 1
    assert CODE not in caplog.text
    with site.database.read() as db:
        assert db.scalars(select(IdempotencyKey)).all() == []


@pytest.mark.rule("S16")
def test_tries_are_limited_for_each_token(site: "Site") -> None:
    program = site.api(Role.DESK)
    answers = [program.post("/desk/search", {"q": f"name {number}"}) for number in range(101)]
    assert {one.status_code for one in answers[:100]} == {200}
    assert (answers[100].status_code, codes_of(answers[100])) == (429, {"too-many-tries"})


@pytest.mark.rule("S3")
def test_the_codes_of_the_next_days_are_shown_by_a_logged_look_alone(
    site: "Site", caplog: pytest.LogCaptureFixture
) -> None:
    ask(site)
    program = site.api(Role.DESK)
    with caplog.at_level(logging.DEBUG):
        listed, shown = program.get("/desk/codes"), program.post("/desk/codes/show")
    assert (len(listed.get_json()["codes"]), CODE in listed.text) == (1, False)
    assert [one["code"] for one in shown.get_json()["codes"]] == [CODE]
    assert {listed.headers["Cache-Control"], shown.headers["Cache-Control"]} == {"no-store"}
    assert [entry.after["count"] for entry in audit(site, "codes-shown")] == [1]
    assert CODE not in caplog.text


def test_a_neighbours_desk_finds_nothing(site: "Site") -> None:
    made = ask(site)
    other = site.database.write(lambda db: build_house(db, slug="nachbar"))
    program = site.api(Role.DESK, other.organisation_id)
    assert program.post("/desk/search", {"q": made.code}).get_json() == {"bookings": []}
    assert program.post(f"/desk/bookings/{made.public_id}/issue", {"booking_code": True}).status_code == 404
    assert program.get("/desk/codes").get_json() == {"codes": []}
