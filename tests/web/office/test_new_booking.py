"""The office books for somebody who calls, and moves a booking to another room (SPEC S4, S8, S27)."""

import pytest
from sqlalchemy import select

from booking.reads.house import RoomFacts
from booking.tables.bookings import AuditEntry, Booking, Decision, Event, Occupancy
from booking.tables.houses import Room
from booking.values.states import BookingState, Source, Verdict
from tests.builders import change_house, slot_in
from tests.web.office.conftest import Desk

NEW = "/office/bookings/new"
CALLER = {
    "name": "Bernd Ruf",
    "email": "bernd@ruf.example",
    "phone": "+49 221 555123",
    "street": "Ringstraße 7",
    "postcode": "50674",
    "city": "Köln",
    "country": "DE",
    "purpose": "Geburtstag",
    "people": "8",
    "language": "de",
}


def room(desk: Desk, room_id: int) -> RoomFacts:
    found: RoomFacts = desk.write(lambda _, here: here.rooms[room_id])
    return found


def form(desk: Desk, room_id: int, day: str, **more: str) -> dict[str, str]:
    return CALLER | {"room": str(room(desk, room_id).public_id), "day": day, "from": "18:00", "to": "20:00"} | more


def bookings(desk: Desk) -> list[Booking]:
    return desk.rows(select(Booking).order_by(Booking.id))


@pytest.mark.rule("S4", "S6")
def test_a_booking_by_telephone_is_a_request_of_the_office(desk: Desk) -> None:
    answer = desk.visitor.post(NEW, form(desk, desk.ids.left, "2026-12-04"), of=NEW)
    assert answer.status_code == 303
    (made,) = bookings(desk)
    assert (made.source, made.state, made.people) == (Source.OFFICE, BookingState.REQUESTED, 8)
    assert [mail.recipient for mail in desk.mails("acknowledgement")] == ["bernd@ruf.example"]
    (entry,) = desk.audit("booking", "requested")
    assert entry.actor == "Frau Office"
    assert desk.rows(select(Decision)) == []


@pytest.mark.rule("S8", "S11")
def test_it_can_be_confirmed_at_once_and_waits_where_no_code_is_left(desk: Desk) -> None:
    desk.code(slot_in(10, 18, 20))
    desk.visitor.post(NEW, form(desk, desk.ids.left, "2026-12-04", confirm="yes"), of=NEW)
    assert [decision.verdict for decision in desk.rows(select(Decision))] == [Verdict.APPROVE]
    page = desk.visitor.post(NEW, form(desk, desk.ids.left, "2026-12-05", confirm="yes"), of=NEW, follow_redirects=True)
    assert "noch nicht bestätigt" in page.text
    assert len(bookings(desk)) == 2


@pytest.mark.rule("S4")
def test_notice_and_horizon_are_overridden_after_a_warning_and_nothing_else(desk: Desk) -> None:
    desk.write(lambda db, _: _far(db, desk))
    late = form(desk, desk.ids.left, "2026-12-20")
    shown = desk.visitor.post(NEW, late, of=NEW)
    assert (shown.status_code, bookings(desk)) == (422, [])
    assert "Trotzdem buchen" in shown.text
    assert "Bernd Ruf" in shown.text
    assert desk.visitor.post(NEW, late | {"override": "yes"}, of=NEW).status_code == 303
    taken = desk.visitor.post(NEW, late | {"override": "yes"}, of=NEW)
    assert (taken.status_code, len(bookings(desk))) == (422, 1)
    assert "Trotzdem buchen" not in taken.text


def _far(db: object, desk: Desk) -> None:
    for row in db.query(Room):  # type: ignore[attr-defined]  # a session
        row.horizon_days = 5
    change_house(db, desk.ids)  # type: ignore[arg-type]


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(desk: Desk) -> None:
    answer = desk.visitor.post(NEW, form(desk, desk.ids.left, "2026-12-04", email="bernd"), of=NEW)
    assert (answer.status_code, bookings(desk)) == (422, [])
    assert "Bernd Ruf" in answer.text
    assert 'aria-invalid="true"' in answer.text


@pytest.mark.rule("S27", "S22")
def test_a_booking_moves_to_another_room(desk: Desk) -> None:
    made = desk.confirmed()
    desk.code(slot_in(10, 18, 20), "9911")
    path = f"/office/bookings/{made.public_id}"
    to = {"room": str(room(desk, desk.ids.right).public_id), "day": "2026-12-04", "from": "18:00", "to": "20:00"}
    query = "&".join(f"{name}={value}" for name, value in to.items())
    assert "Halle rechts" in desk.get(f"{path}/move?{query}")
    assert desk.visitor.post(f"{path}/move", to, of=path).status_code == 302
    assert desk.rows(select(Event.room_id)) == [desk.ids.right]
    assert desk.rows(select(Occupancy.unit_id)) == [desk.ids.units[1]]
    (entry,) = desk.rows(select(AuditEntry).where(AuditEntry.action == "moved"))
    assert (entry.before["room"], entry.after["room"]) == ("Halle links", "Halle rechts")
    assert [one.id for one in desk.rows(select(Booking).where(Booking.state == BookingState.CONFIRMED))] == [
        made.booking_id
    ]


def test_a_booking_does_not_move_to_a_room_that_is_taken(desk: Desk) -> None:
    made = desk.confirmed()
    desk.code(slot_in(10, 18, 20), "9911")
    desk.ask(name="Wer Anders", room=desk.ids.right)
    path = f"/office/bookings/{made.public_id}"
    to = {"room": str(room(desk, desk.ids.right).public_id), "day": "2026-12-04", "from": "18:00", "to": "20:00"}
    assert desk.visitor.post(f"{path}/move", to, of=path).status_code == 422
    assert desk.rows(select(Event.room_id).order_by(Event.id)) == [desk.ids.left, desk.ids.right]


@pytest.mark.rule("X8")
def test_a_time_that_was_taken_meanwhile_loses_nothing_of_what_was_typed(desk: Desk) -> None:
    wanted = form(desk, desk.ids.left, "2026-12-04")
    assert desk.visitor.post(NEW, wanted, of=NEW).status_code == 303
    refused = desk.visitor.post(NEW, wanted | {"name": "Carla Lauf", "purpose": "Lesung im Kreis"}, of=NEW)
    assert refused.status_code == 422
    assert len(bookings(desk)) == 1
    assert 'value="Carla Lauf"' in refused.text
    assert "Lesung im Kreis" in refused.text
