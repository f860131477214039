"""The API: rooms, free times, requests from making to undoing, moves, feeds; times, problems, scopes (SPEC X3, S5)."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from booking.actions.accounts import revoke_api_token
from booking.actions.audit import SYSTEM
from booking.reads.house import read_house
from booking.tables.bookings import Booking
from booking.tables.houses import Terms, TermsKind
from booking.tables.people import ApiToken
from booking.values.states import Role
from tests.builders import NOW, ZONE, Ids, add_code, build_house, slot_in

if TYPE_CHECKING:
    from tests.web.conftest import Site

CONTACT = {
    "name": "Jürgen Großmann",
    "company": "SV Köln 1904 e. V.",
    "email": "juergen@sv-koeln.de",
    "phone": "+49 221 555123",
    "street": "Ringstraße 7",
    "postcode": "50674",
    "city": "Köln",
}


def room_id(site: "Site", which: int | None = None) -> str:
    with site.database.read() as session:
        house = read_house(session, site.ids.organisation_id)
    return str(house.room(which or site.ids.left).public_id)


def wish(site: "Site", days: int = 3, first: int = 18, last: int = 20, **others: Any) -> dict[str, Any]:
    slot = slot_in(days, first, last)
    given = {
        "room": room_id(site),
        "start": slot.start.astimezone(ZONE).isoformat(),
        "end": slot.end.isoformat(),
        "people": 10,
        "purpose": "Training der Altherren",
        "contact": CONTACT,
    }
    return given | others


def times(days: int, first: int, last: int) -> dict[str, str]:
    slot = slot_in(days, first, last)
    return {"start": slot.start.isoformat(), "end": slot.end.isoformat()}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_rooms_are_listed_with_their_terms_and_without_inner_keys(site: "Site") -> None:
    answer = site.api().get("/rooms")
    assert answer.status_code == 200
    rooms = answer.get_json()["rooms"]
    assert [room["name"] for room in rooms] == ["Halle", "Halle links", "Halle rechts"]
    assert all(UUID(room["id"]) for room in rooms)
    assert "room_id" not in answer.text
    assert instant(rooms[0]["bookable_until"]) == NOW + timedelta(days=180)


@pytest.mark.rule("S5")
def test_a_requested_time_is_gone_from_the_free_times_with_the_same_transaction(site_on_both: "Site") -> None:
    site = site_on_both
    program = site.api()
    day = slot_in(3, 0, 23)

    def starts(which: int) -> set[datetime]:
        where = f"/rooms/{room_id(site, which)}/free"
        query = {"from": day.start.isoformat(), "to": day.end.isoformat()}
        return {instant(one["start"]) for one in program.get(where, query_string=query).get_json()["free"]}

    taken = {slot_in(3, 18, 19).start, slot_in(3, 19, 20).start}
    before = {which: starts(which) for which in (site.ids.hall, site.ids.left, site.ids.right)}
    assert all(taken <= found for found in before.values())
    assert program.post("/requests", wish(site)).status_code == 201
    assert starts(site.ids.left) == before[site.ids.left] - taken
    assert starts(site.ids.hall) == before[site.ids.hall] - taken
    assert starts(site.ids.right) == before[site.ids.right]


@pytest.mark.parametrize(
    ("query", "code", "at"),
    [
        ({"from": "2026-11-25T00:00:00Z", "to": "2027-01-25T00:00:00Z"}, "window-too-long", "to"),
        ({"from": "2026-11-26T00:00:00Z", "to": "2026-11-25T00:00:00Z"}, "not-a-slot", "end"),
        ({"from": "2026-11-25T00:00:00Z"}, "invalid", "to"),
        ({"from": "2026-11-25T00:00:00", "to": "2026-11-25T00:00:00Z"}, "invalid", "from"),
        ({"from": "2026-11-25T00:00:00+01:00", "to": "2026-11-26T00:00:00Z", "minutes": "0"}, "invalid", "minutes"),
    ],
)
def test_a_window_that_cannot_be_read_is_refused_with_the_reason(
    site: "Site", query: dict[str, str], code: str, at: str
) -> None:
    answer = site.api().get(f"/rooms/{room_id(site)}/free", query_string=query)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert (code, at) in {(one["code"], one["at"]) for one in answer.get_json()["reasons"]}


def test_a_request_answers_with_code_price_and_deadline(site: "Site") -> None:
    answer = site.api().post("/requests", wish(site))
    made = answer.get_json()
    assert answer.status_code == 201
    assert made["state"] == "requested"
    assert (made["price_cents"], made["currency"]) == (10_000, "EUR")
    assert len(made["code"]) == 8
    assert instant(made["start"]) == slot_in(3, 18, 20).start
    assert instant(made["review_at"]) > NOW
    shown = (
        site.api()
        .client.get(answer.headers["Location"], headers={"Authorization": f"Bearer {site.token()}"})
        .get_json()
    )
    assert (shown["id"], shown["contact"]["company"]) == (made["id"], CONTACT["company"])
    assert shown["source"] == "api"


def test_accepted_terms_are_stored_by_their_version(site: "Site") -> None:
    def publish(session: Any) -> None:
        for version, at in ((1, NOW - timedelta(days=9)), (2, NOW - timedelta(days=1)), (3, NOW + timedelta(days=1))):
            for kind in (TermsKind.TERMS, TermsKind.HOUSE_RULES):
                session.add(
                    Terms(
                        organisation_id=site.ids.organisation_id,
                        kind=kind,
                        language="de",
                        version=version,
                        text="…",
                        published_at=at,
                    )
                )

    site.database.write(publish)
    made = site.api().post("/requests", wish(site, terms_accepted=True)).get_json()
    with site.database.read() as session:
        booking = session.scalars(select(Booking).where(Booking.public_id == UUID(made["id"]))).one()
        assert booking.terms_id is not None
        assert booking.rules_id is not None
        assert {session.get_one(Terms, booking.terms_id).version, session.get_one(Terms, booking.rules_id).version} == {
            2
        }


def test_a_taken_time_is_refused_with_the_nearest_free_ones(site_on_both: "Site") -> None:
    program = site_on_both.api()
    assert program.post("/requests", wish(site_on_both)).status_code == 201
    answer = program.post("/requests", wish(site_on_both, first=19, last=21))
    problem = answer.get_json()
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert problem["reasons"] == [
        {"code": "taken", "at": "start", "message": "Jemand war schneller: Diese Zeit ist vergeben."}
    ]
    near = [(instant(one["start"]), instant(one["end"])) for one in problem["nearest"]]
    expected = [slot_in(3, first, first + 2) for first in (20, 16, 15)]
    assert near == [(slot.start, slot.end) for slot in expected]
    assert program.post("/requests", wish(site_on_both, **problem["nearest"][0])).status_code == 201


def test_all_reasons_are_told_at_once(site: "Site") -> None:
    answer = site.api().post("/requests", wish(site, first=3, last=4, people=99))
    assert answer.status_code == 422
    assert {(one["code"], one["at"]) for one in answer.get_json()["reasons"]} == {
        ("closed", "start"),
        ("too-many-people", "people"),
    }


def test_a_refusal_speaks_the_language_asked_for(site: "Site") -> None:
    program = site.api()
    headers = {"Authorization": f"Bearer {program.token}", "Accept-Language": "en"}
    answer = program.client.post("/api/v1/requests", json=wish(site, people=99), headers=headers)
    assert answer.get_json()["reasons"][0]["message"] == "30 people at most fit here."


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"start": "2026-11-27T18:00:00"}, "start"),
        ({"start": "2026-11-27 18:00:00Z"}, "start"),
        ({"start": "27.11.2026 18:00"}, "start"),
        ({"start": 1795802400}, "start"),
        ({"start": "2026-02-30T18:00:00Z"}, "start"),
        ({"start": "0001-01-01T00:00:00+10:00"}, "start"),
        ({"start": "2026-11-27T18:00:00+0100"}, "start"),
        ({"people": "10"}, "people"),
        ({"people": True}, "people"),
        ({"people": 0}, "people"),
        ({"room": 7}, "room"),
        ({"language": "fr"}, "language"),
        ({"purpose": "x" * 2001}, "purpose"),
        ({"purpose": "a\0b"}, "purpose"),
        ({"purpose": "\ud800"}, "purpose"),
        ({"contact": CONTACT | {"name": "   "}}, "contact.name"),
        ({"contact": CONTACT | {"email": "nicht"}}, "contact.email"),
        ({"contact": CONTACT | {"email": "a@b\r\nBcc: c@d"}}, "contact.email"),
        ({"contact": CONTACT | {"country": "Deutschland"}}, "contact.country"),
        ({"contact": None}, "contact"),
        ({"organisation_id": 2}, "organisation_id"),
        ({"terms_accepted": "yes"}, "terms_accepted"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_member(site: "Site", change: dict[str, Any], at: str) -> None:
    answer = site.api().post("/requests", wish(site, **change))
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert at in {one["at"] for one in answer.get_json()["reasons"]}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"null", b"\xff", b'{"start": NaN}'])
def test_no_json_is_refused_not_failed(site: "Site", body: bytes) -> None:
    program = site.api()
    headers = {"Authorization": f"Bearer {program.token}", "Content-Type": "application/json"}
    assert program.client.post("/api/v1/requests", data=body, headers=headers).status_code == 422


def test_times_with_any_offset_mean_the_same_instant(site: "Site") -> None:
    slot = slot_in(3, 18, 20)
    written = {"start": "2026-11-27T22:30:00+05:30", "end": slot.end.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    made = site.api().post("/requests", wish(site) | written).get_json()
    assert instant(made["start"]) == slot.start.astimezone(UTC)


def test_the_circle_of_a_decision(site_on_both: "Site") -> None:
    site = site_on_both
    program = site.api()
    made = program.post("/requests", wish(site)).get_json()
    here = f"/requests/{made['id']}"
    without = program.post(f"{here}/approve")
    assert (without.status_code, without.get_json()["reasons"][0]["code"]) == (409, "no-code")
    window = slot_in(3, 8, 22)
    site.database.write(lambda db: add_code(db, NOW, site.context.tools, site.ids, "482913", window).id)
    approved = program.post(f"{here}/approve")
    assert approved.status_code == 200
    assert instant(approved.get_json()["final_at"]) == NOW + timedelta(seconds=60)
    again = program.post(f"{here}/reject", {"reason": "doch nicht"})
    assert (again.status_code, again.get_json()["reasons"][0]["code"]) == (409, "decision-pending")
    assert program.get(here).get_json()["decision"]["verdict"] == "approve"
    assert program.post(f"{here}/undo").get_json() == {"id": made["id"], "state": "requested"}
    assert program.get(here).get_json()["decision"] is None
    assert program.post(f"{here}/undo").status_code == 409
    assert program.post(f"{here}/reject", {"reason": " "}).status_code == 422
    assert program.post(f"{here}/reject", {"reason": "Doppelt"}).status_code == 200
    assert "482913" not in program.get(here).text


def test_a_booking_is_moved_and_cancelled(site_on_both: "Site") -> None:
    site = site_on_both
    program = site.api()
    first = program.post("/requests", wish(site)).get_json()
    other = program.post("/requests", wish(site, first=14, last=16)).get_json()
    slot = slot_in(3, 15, 17)
    clash = program.post(
        f"/bookings/{first['id']}/move", {"start": slot.start.isoformat(), "end": slot.end.isoformat()}
    )
    assert (clash.status_code, len(clash.get_json()["nearest"])) == (409, 3)
    goes = slot_in(4, 10, 13)
    moved = program.post(
        f"/bookings/{first['id']}/move", {"start": goes.start.isoformat(), "end": goes.end.isoformat()}
    )
    assert moved.status_code == 200
    assert (moved.get_json()["id"], moved.get_json()["price_cents"]) == (first["id"], 15_000)
    with site.database.read() as session:
        left = read_house(session, site.ids.organisation_id).room(site.ids.left).public_id
    times = {"start": goes.start.isoformat(), "end": goes.end.isoformat()}
    elsewhere = program.post(f"/bookings/{first['id']}/move", times | {"room": str(left)})
    assert elsewhere.status_code == 200
    assert program.get(f"/requests/{first['id']}").get_json()["room"] == str(left)
    gone = program.post(f"/bookings/{other['id']}/cancel", {"reason": "krank"})
    assert (gone.status_code, gone.get_json()["fee_cents"]) == (200, 0)
    assert program.get(f"/requests/{other['id']}").get_json()["state"] == "cancelled"
    assert program.post(f"/bookings/{other['id']}/cancel").status_code == 409


def test_pages_of_requests_hold_each_once(site: "Site") -> None:
    program = site.api()
    made = []
    for number in range(5):
        site.now = NOW + timedelta(seconds=number)
        made.append(program.post("/requests", wish(site, days=3 + number)).get_json()["id"])
    seen: list[str] = []
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        page = program.get("/requests", query_string={"limit": 2, **cursor}).get_json()
        seen += [one["id"] for one in page["requests"]]
        pages += 1
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert (seen, pages) == (made[::-1], 3)
    program.post(f"/bookings/{made[0]}/cancel")
    found = program.get("/requests", query_string={"state": "cancelled"}).get_json()["requests"]
    assert [one["id"] for one in found] == [made[0]]
    elsewhere = program.get("/requests", query_string={"room": room_id(site, site.ids.right)}).get_json()
    assert elsewhere == {"requests": [], "next": None}


def test_a_request_past_its_deadline_is_overdue(site: "Site") -> None:
    program = site.api()
    made = program.post("/requests", wish(site)).get_json()
    assert program.get(f"/requests/{made['id']}").get_json()["overdue"] is False
    site.now = instant(made["review_at"]) + timedelta(seconds=1)
    assert program.get(f"/requests/{made['id']}").get_json()["overdue"] is True


def test_feeds_are_made_and_revoked(site: "Site") -> None:
    program = site.api()
    booking = program.post("/requests", wish(site)).get_json()["id"]
    for body in ({"kind": "desk"}, {"kind": "room", "room": room_id(site)}, {"kind": "booking", "booking": booking}):
        made = program.post("/feeds", {"name": "Kalender", **body})
        assert made.status_code == 201
        assert made.get_json()["url"].startswith("http://localhost/feeds/")
    assert program.post("/feeds", {"kind": "room", "name": "x"}).get_json()["reasons"][0]["code"] == "missing"
    no = program.post("/feeds", {"kind": "customer", "name": "x"})
    assert no.status_code == 422
    assert "'office'" in no.text
    assert "SubjectKind" not in no.text
    gone = f"/feeds/{made.get_json()['id']}"
    assert [program.call("DELETE", gone).status_code for _ in range(2)] == [204, 204]


def test_another_houses_things_do_not_exist_here(site: "Site") -> None:
    mine = site.api(Role.OWNER)
    booking = mine.post("/requests", wish(site)).get_json()["id"]
    feed = mine.post("/feeds", {"kind": "office", "name": "Büro"}).get_json()["id"]
    other: Ids = site.database.write(lambda db: build_house(db, slug="turnhalle"))
    theirs = site.api(Role.OWNER, other.organisation_id)
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"/rooms/{room_id(site)}/free?from=2026-11-25T00:00:00Z&to=2026-11-26T00:00:00Z", None),
        ("POST", "/requests", wish(site, days=5)),
        ("GET", f"/requests/{booking}", None),
        ("GET", f"/requests?room={room_id(site)}", None),
        ("POST", f"/requests/{booking}/approve", {}),
        ("POST", f"/requests/{booking}/reject", {"reason": "x"}),
        ("POST", f"/requests/{booking}/undo", {}),
        ("POST", f"/bookings/{booking}/cancel", {}),
        ("POST", f"/bookings/{booking}/move", {"start": "2026-11-27T08:00:00Z", "end": "2026-11-27T09:00:00Z"}),
        ("POST", "/feeds", {"kind": "room", "room": room_id(site), "name": "x"}),
        ("POST", "/feeds", {"kind": "booking", "booking": booking, "name": "x"}),
        ("DELETE", f"/feeds/{feed}", None),
    ]
    for method, path, body in calls:
        assert theirs.call(method, path, body).status_code == 404, f"{method} {path}"
    assert theirs.get("/requests").get_json()["requests"] == []


def test_a_revoked_token_opens_nothing(site: "Site") -> None:
    program = site.api()
    assert program.get("/rooms").status_code == 200

    def revoke(session: Any) -> None:
        token_id = session.scalar(select(func.max(ApiToken.id)))
        revoke_api_token(session, NOW, site.ids.organisation_id, SYSTEM, token_id)

    site.database.write(revoke)
    answer = program.get("/rooms")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.content_type == "application/problem+json"


def test_the_description_is_readable_offline(site: "Site") -> None:
    client = site.app.test_client()
    described = client.get("/api/openapi.json").get_json()
    assert described["openapi"] == "3.1.0"
    assert {"/api/v1/rooms", "/api/v1/requests/{request_id}/approve"} <= set(described["paths"])
    page = client.get("/api/docs").text
    assert "http" not in page.replace("http-equiv", "")
    with client.get("/api/docs/viewer/js/swagger-ui-bundle.js") as script:
        assert script.status_code == 200
