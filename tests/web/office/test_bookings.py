"""A booking in any state: history, mails, money; cancel, move, no-show, payment. Never a code."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.tables.bookings import Event, Occupancy
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Settlement
from booking.values.states import BookingState, CodeState, MessageState, Verdict
from tests.builders import build_house, contact, request, set_steps, slot_in
from tests.fixtures.mail import SmtpSink
from tests.web.office.conftest import Desk


def path(made: object, what: str = "") -> str:
    return f"/office/bookings/{made.public_id}{what}"  # type: ignore[attr-defined]


def late_fee(desk: Desk, percent: int = 50) -> None:
    desk.write(lambda db, _: set_steps(db, desk.ids, (7, percent)))


@pytest.mark.rule("X5")
def test_the_history_shows_who_did_what_when_from_where_before_and_after(desk: Desk) -> None:
    made = desk.confirmed()
    move = {"day": "2026-12-05", "from": "10:00", "to": "12:00"}
    desk.code(slot_in(11, 10, 12), "9911")
    assert desk.visitor.post(path(made, "/move"), move, of=path(made)).status_code == 302
    page = desk.get(path(made))
    assert "Entschieden: bestätigen" in page
    assert "Verschoben" in page
    assert "Frau Office · 127.0.0.1" in page
    assert "<del>Fr, 4. Dezember 2026, 18:00</del>" in page
    assert "<ins>Sa, 5. Dezember 2026, 10:00</ins>" in page


def test_no_page_of_a_booking_shows_its_code(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot, "835512")
    desk.decide(made, Verdict.APPROVE)
    desk.settle()
    for page in (path(made), path(made, "/move"), "/office/calendar?day=2026-12-04", "/office/", "/office/mails"):
        assert "835512" not in desk.get(page), page
    assert "••••" in desk.get(path(made))


@pytest.mark.rule("S27", "S22")
def test_cancelling_shows_the_fee_before_frees_the_time_and_revokes_the_code(desk: Desk) -> None:
    late_fee(desk)
    made = desk.confirmed(days=3)
    assert "50,00" in desk.get(path(made))
    answer = desk.visitor.post(path(made, "/cancel"), {"reason": "Rohrbruch"}, of=path(made))
    assert answer.status_code == 302
    assert desk.booking(made).state is BookingState.CANCELLED
    assert desk.rows(select(Occupancy)) == []
    assert desk.rows(select(DoorCode.state)) == [CodeState.RETIRED]
    assert desk.mails("cancellation")[0].facts == {"reason": "Rohrbruch", "fee_cents": 5000, "by_customer": False}
    assert "Gebühr: 50,00" in desk.get(path(made))


@pytest.mark.rule("S27")
def test_the_fee_can_be_waived(desk: Desk) -> None:
    late_fee(desk)
    made = desk.confirmed(days=3)
    desk.visitor.post(path(made, "/cancel"), {"reason": "Rohrbruch", "waive": "yes"}, of=path(made))
    assert desk.mails("cancellation")[0].facts["fee_cents"] == 0


def test_cancelling_needs_a_reason(desk: Desk) -> None:
    made = desk.confirmed()
    assert desk.visitor.post(path(made, "/cancel"), {"reason": " "}, of=path(made)).status_code == 422
    assert desk.booking(made).state is BookingState.CONFIRMED


@pytest.mark.rule("S18")
def test_once_it_has_begun_it_cannot_be_cancelled_but_waived_or_followed_up(desk: Desk) -> None:
    made = desk.confirmed(days=1, first=18, last=20)
    desk.site.now = made.slot.start + timedelta(minutes=1)
    assert "/cancel" not in desk.get(path(made))
    assert desk.visitor.post(path(made, "/cancel"), {"reason": "x"}, of=path(made)).status_code == 422
    form = {"what": "follow-up", "text": "Licht brannte"}
    assert desk.visitor.post(path(made, "/afterwards"), form, of=path(made)).status_code == 302
    assert "Licht brannte" in desk.get(path(made))


def test_a_no_show_is_noted_and_taken_back_only_once_the_time_has_begun(desk: Desk) -> None:
    made = desk.confirmed(days=1)
    assert desk.visitor.post(path(made, "/no-show"), {"came": "no"}, of=path(made)).status_code == 422
    desk.site.now = made.slot.end
    desk.visitor.post(path(made, "/no-show"), {"came": "no"}, of=path(made))
    assert desk.booking(made).no_show
    assert "Doch gekommen" in desk.get(path(made))
    desk.visitor.post(path(made, "/no-show"), {"came": "yes"}, of=path(made))
    assert not desk.booking(made).no_show
    assert desk.audit("booking", "no-show")[0].after == {"no_show": True}


@pytest.mark.rule("S22", "S27")
def test_moving_shows_what_it_does_first_then_does_it(desk: Desk) -> None:
    made = desk.confirmed()
    query = "?day=2026-12-05&from=10:00&to=12:00"
    assert "Das wird geschehen" in desk.get(path(made, f"/move{query}"))
    answer = desk.visitor.post(
        path(made, "/move"), {"day": "2026-12-05", "from": "10:00", "to": "12:00"}, of=path(made)
    )
    assert answer.status_code == 422  # no code at the new time
    assert desk.rows(select(Event.starts_at)) == [made.slot.start]
    desk.code(slot_in(11, 10, 12), "9911")
    desk.visitor.post(path(made, "/move"), {"day": "2026-12-05", "from": "10:00", "to": "12:00"}, of=path(made))
    assert desk.rows(select(Event.starts_at)) == [slot_in(11, 10, 12).start]
    assert [mail.state for mail in desk.mails("confirmation")] == [MessageState.SUPERSEDED, MessageState.QUEUED]


def test_moving_onto_another_booking_is_refused_with_its_reason(desk: Desk) -> None:
    made = desk.ask()
    desk.ask(days=11, first=10, last=12, name="Uwe")
    page = desk.visitor.get(path(made, "/move?day=2026-12-05&from=10:00&to=12:00"))
    assert page.status_code == 422
    assert "Das wird geschehen" not in page.text
    assert "vergeben" in page.text


@pytest.mark.parametrize(
    "query", ["day=x&from=10:00&to=12:00", "day=2026-12-05&from=&to=12:00", "day=2026-12-05&from=12:00&to=10:00"]
)
def test_a_time_that_is_none_is_told_at_the_form(desk: Desk, query: str) -> None:
    assert desk.visitor.get(path(desk.ask(), f"/move?{query}")).status_code == 422


def test_a_payment_is_noted_once(desk: Desk) -> None:
    made = desk.confirmed()
    assert desk.visitor.post(path(made, "/paid"), {"note": "Überweisung"}, of=path(made)).status_code == 302
    assert [one.note for one in desk.rows(select(Settlement))] == ["Überweisung"]
    page = desk.get(path(made))
    assert "Bezahlt" in page
    assert "Zahlung vermerkt" in page
    assert desk.visitor.post(path(made, "/paid"), of=path(made)).status_code == 422


@pytest.mark.rule("S12")
def test_the_invoice_can_be_downloaded_once_it_is_rendered(desk: Desk, smtp_sink: SmtpSink) -> None:
    made = desk.confirmed()
    assert desk.visitor.get(path(made, "/invoice.pdf")).status_code == 404
    desk.send("confirmation", smtp_sink)
    answer = desk.visitor.get(path(made, "/invoice.pdf"))
    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF")
    assert "2026-00001.pdf" in answer.headers["Content-Disposition"]


@pytest.mark.rule("R1")
def test_another_organisations_booking_is_not_there(desk: Desk) -> None:
    other = desk.site.database.write(lambda db: build_house(db, slug="andere"))
    tools, now, slot = desk.site.context.tools, desk.site.now, slot_in(10, 18, 20)
    made = desk.site.database.write(lambda db: request(db, now, tools, other, other.left, slot, contact()))
    mine = desk.ask()
    for what in ("", "/move", "/invoice.pdf"):
        assert desk.visitor.get(path(made, what)).status_code == 404, what
    for what in ("/cancel", "/move", "/no-show", "/afterwards", "/paid"):
        assert desk.visitor.post(path(made, what), {"reason": "x"}, of=path(mine)).status_code == 404, what


def test_every_state_has_a_page(desk: Desk) -> None:
    waits, stands, rejected = desk.ask(days=12), desk.confirmed(days=13), desk.ask(days=14)
    desk.decide(rejected, Verdict.REJECT, "Nein danke")
    desk.settle()
    for made, word in ((waits, "Angefragt"), (stands, "Bestätigt"), (rejected, "Abgelehnt")):
        assert word in desk.get(path(made))
    assert "Nein danke" in desk.get(path(rejected))
