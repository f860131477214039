"""Taking another time and cancelling: the fee is shown first, and what was shown is what happens (SPEC S27)."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.tables.bookings import Booking, CaseFile
from booking.tables.houses import PriceRule
from booking.tables.outgoing import Message
from booking.values.slot import Slot
from booking.values.states import BookingState
from tests.builders import change_house, set_steps, slot_in
from tests.web.interleaving import between_look_and_write
from tests.web.portal.conftest import Customer, cells, hidden_of


@pytest.fixture
def later() -> Slot:
    return slot_in(10, 18, 20)


def at_half(customer: Customer) -> Customer:
    """Late cancelling costs half; no codes are needed."""
    customer.without_doors()

    customer.site.database.write(lambda db: set_steps(db, customer.site.ids, (7, 50)))
    return customer


@pytest.fixture
def customer(customer: Customer) -> Customer:
    return at_half(customer)


@pytest.fixture
def customer_on_both(customer_on_both: Customer) -> Customer:
    return at_half(customer_on_both)


def hour_costs(db: Session, customer: Customer, cents: int) -> None:
    db.execute(update(PriceRule).values(cents=cents))
    change_house(db, customer.site.ids)


def confirmed(customer: Customer, slot: Slot) -> str:
    page = customer.ask(slot)
    customer.decide()
    return page


@pytest.mark.rule("S27")
def test_an_unreviewed_request_is_cancelled_free_of_charge_and_its_time_is_free_at_once(
    customer: Customer, evening: Slot
) -> None:
    page = customer.ask(evening)
    assert "kostet nichts" in customer.get(f"{page}/cancel").text
    done = customer.act(f"{page}/cancel", of=f"{page}/cancel", reason="Zu wenige\x00 Kinder")
    assert done.status_code == 303
    (booking,) = customer.bookings()
    assert (booking.state, booking.end_reason) == (BookingState.CANCELLED, "Zu wenige Kinder")
    assert customer.get(f"/rooms/halle/request?{cells(evening)}").status_code == 200
    assert "Storniert" in customer.get(page).text


@pytest.mark.rule("S27")
def test_late_cancelling_shows_its_fee_first_and_charges_exactly_that(customer: Customer, evening: Slot) -> None:
    page = confirmed(customer, evening)
    shown = customer.get(f"{page}/cancel").text
    assert "kostet jetzt 50,00\N{NO-BREAK SPACE}€" in shown
    customer.act(f"{page}/cancel", of=f"{page}/cancel")
    with customer.site.database.read() as session:
        mail = session.scalars(select(Message).where(Message.kind == "cancellation")).one()
    assert mail.facts["fee_cents"] == 5000
    assert mail.facts["by_customer"] is True


@pytest.mark.rule("S27")
def test_a_fee_that_came_up_since_the_page_was_shown_is_shown_before_it_is_charged(
    customer: Customer, later: Slot
) -> None:
    page = confirmed(customer, later)
    sent = hidden_of(customer.get(f"{page}/cancel").text)
    assert sent["fee_cents"] == "0"
    customer.site.now = later.start - timedelta(days=2)
    answer = customer.visitor.client.post(f"{page}/cancel", data={**sent, "reason": "Krank & müde"})
    assert answer.status_code == 409
    assert "50,00" in answer.text
    assert "Krank &amp; müde" in answer.text
    assert customer.bookings()[0].state is BookingState.CONFIRMED


@pytest.mark.rule("S27")
def test_a_request_that_is_not_reviewed_yet_simply_takes_the_new_time(
    customer: Customer, evening: Slot, later: Slot
) -> None:
    page = customer.ask(evening)
    check = f"{page}/change/check?{cells(later)}"
    assert "kostet nichts" in customer.get(check).text
    done = customer.act(f"{page}/change", of=check)
    assert (done.status_code, done.location) == (303, page)
    assert len(customer.bookings()) == 1
    assert customer.get(f"/rooms/halle/request?{cells(evening)}").status_code == 200
    assert customer.get(f"/rooms/halle/request?{cells(later)}").status_code == 409
    assert "4. Dezember 2026, 18:00" in customer.get(page).text


@pytest.mark.rule("S27")
def test_moving_a_confirmed_rental_is_a_new_request_and_the_old_time_stays(
    customer: Customer, evening: Slot, later: Slot
) -> None:
    page = confirmed(customer, evening)
    check = f"{page}/change/check?{cells(later)}"
    assert "Ihre alte Zeit bleibt Ihre, bis wir die neue bestätigen." in customer.get(check).text
    done = customer.act(f"{page}/change", of=check)
    old, new = customer.bookings()
    assert (old.state, new.state, new.replaces_id) == (BookingState.CONFIRMED, BookingState.REQUESTED, old.id)
    for slot in (evening, later):
        assert customer.get(f"/rooms/halle/request?{cells(slot)}").status_code == 409
    assert "Sie haben eine andere Zeit angefragt" in customer.get(page).text
    assert "soll Ihre bisherige ersetzen" in customer.get(str(done.location)).text
    customer.decide()
    assert [booking.state for booking in customer.bookings()] == [BookingState.CANCELLED, BookingState.CONFIRMED]
    assert "Verschoben" in customer.get(page).text


@pytest.mark.rule("S27")
def test_the_fee_of_a_late_move_is_shown_and_left_to_the_office_as_a_case_once_it_is_confirmed(
    customer: Customer, evening: Slot, later: Slot
) -> None:
    page = confirmed(customer, evening)
    check = f"{page}/change/check?{cells(later)}"
    assert "kostet jetzt 50,00\N{NO-BREAK SPACE}€" in customer.get(check).text
    customer.act(f"{page}/change", of=check)
    with customer.site.database.read() as session:
        assert session.scalars(select(CaseFile)).all() == []
    customer.decide()
    with customer.site.database.read() as session:
        case = session.scalars(select(CaseFile).where(CaseFile.kind == "late-move")).one()
        assert case.booking_id == session.scalars(select(Booking.id).order_by(Booking.id.desc())).first()
    assert case.facts["fee_cents"] == 5000


def test_an_early_move_leaves_no_case(customer: Customer, evening: Slot, later: Slot) -> None:
    page = confirmed(customer, later)
    check = f"{page}/change/check?{cells(evening)}"
    assert "ist bis" in customer.get(check).text
    customer.act(f"{page}/change", of=check)
    assert len(customer.bookings()) == 2
    with customer.site.database.read() as session:
        assert session.scalars(select(CaseFile)).all() == []


def test_a_move_may_reach_into_the_own_time_and_the_week_shows_it_as_free(customer: Customer, evening: Slot) -> None:
    page = confirmed(customer, evening)
    own = f'value="{evening.start:%Y-%m-%dT%H:%MZ}"'
    assert own in customer.get(f"{page}/change?day={evening.start.date()}").text
    assert own not in customer.get(f"/rooms/halle?day={evening.start.date()}").text
    check = f"{page}/change/check?{cells(slot_in(3, 19, 21))}"
    assert customer.act(f"{page}/change", of=check).status_code == 303
    assert len(customer.bookings()) == 2


def test_a_double_click_moves_once(customer: Customer, evening: Slot, later: Slot) -> None:
    page = confirmed(customer, evening)
    sent = hidden_of(customer.get(f"{page}/change/check?{cells(later)}").text)
    first, second = (customer.visitor.client.post(f"{page}/change", data=sent) for _ in range(2))
    assert first.location == second.location
    assert len(customer.bookings()) == 2


def test_only_one_move_waits_at_a_time(customer: Customer, evening: Slot, later: Slot) -> None:
    page = confirmed(customer, evening)
    other = f"{page}/change/check?{cells(slot_in(12, 9, 11))}"
    stale = hidden_of(customer.get(other).text)
    customer.act(f"{page}/change", of=f"{page}/change/check?{cells(later)}")
    assert customer.get(f"{page}/change").location == page
    answer = customer.visitor.client.post(f"{page}/change", data=stale, follow_redirects=True)
    assert "schon eine andere Zeit angefragt" in answer.text
    assert len(customer.bookings()) == 2


def test_a_new_time_that_is_taken_meanwhile_or_no_time_leads_back_to_the_week(
    customer: Customer, evening: Slot, later: Slot
) -> None:
    page = customer.ask(evening)
    sent = hidden_of(customer.get(f"{page}/change/check?{cells(later)}").text)
    customer.ask(later, email="b@verein.example")
    answer = customer.visitor.client.post(f"{page}/change", data=sent)
    assert answer.status_code == 422
    assert "Jemand war schneller" in answer.text
    for query in ("", "slot=x", cells(evening)):
        assert customer.get(f"{page}/change/check?{query}").status_code == 422


@pytest.mark.rule("S25")
def test_a_price_or_fee_that_changed_is_shown_before_the_move(customer: Customer, evening: Slot, later: Slot) -> None:
    page = confirmed(customer, evening)
    sent = hidden_of(customer.get(f"{page}/change/check?{cells(later)}").text)
    answer = customer.visitor.client.post(f"{page}/change", data={**sent, "price_cents": "1"})
    assert answer.status_code == 409
    assert len(customer.bookings()) == 1


def test_what_has_begun_or_ended_offers_no_change(customer: Customer, evening: Slot) -> None:
    page = confirmed(customer, evening)
    customer.site.now = evening.start
    for part in ("/change", "/cancel"):
        assert customer.get(page + part).location == page
        assert customer.visitor.post(page + part, of="/login").status_code == 303
    assert customer.bookings()[0].state is BookingState.CONFIRMED


@pytest.mark.rule("S27")
def test_each_step_is_told_before_the_request_and_its_fee_of_today_first(customer: Customer, later: Slot) -> None:
    customer.site.database.write(lambda db: set_steps(db, customer.site.ids, (14, 30), (7, 50), (1, 100)))
    told = "bis 14 Tage vor Beginn kostenlos; danach kostet es 30 % des Preises, ab 7 Tagen vorher 50 %"
    assert told in customer.get("/rooms/halle").text
    page = confirmed(customer, later)
    shown = customer.get(f"{page}/cancel").text
    assert "kostet jetzt 30,00\N{NO-BREAK SPACE}€" in shown
    assert "Nach Fr, 27. November 2026, 18:00 kostet es 50,00\N{NO-BREAK SPACE}€" in shown
    assert shown.index("kostet jetzt") < shown.index('<button class="btn btn-danger"')


@pytest.mark.rule("S27")
@pytest.mark.parametrize("way", ["cancel", "change"])
def test_steps_that_the_office_changed_meanwhile_are_shown_before_they_are_charged(
    customer: Customer, evening: Slot, later: Slot, way: str
) -> None:
    page = confirmed(customer, evening)
    shown = f"{page}/cancel" if way == "cancel" else f"{page}/change/check?{cells(later)}"
    sent = hidden_of(customer.get(shown).text)
    assert sent["fee_cents"] == "5000"
    customer.site.database.write(lambda db: set_steps(db, customer.site.ids, (7, 80)))
    answer = customer.visitor.client.post(f"{page}/{way}", data=sent)
    assert answer.status_code == 409
    assert "80,00" in answer.text
    assert [booking.state for booking in customer.bookings()] == [BookingState.CONFIRMED]
    assert customer.visitor.client.post(f"{page}/{way}", data=hidden_of(answer.text)).status_code == 303


@pytest.mark.rule("S27")
@pytest.mark.parametrize("way", ["cancel", "change"])
def test_steps_that_change_with_the_very_click_charge_nothing_unseen(
    customer_on_both: Customer, evening: Slot, later: Slot, way: str
) -> None:
    """The page's own look is past, the action's is not."""
    customer = customer_on_both
    page = confirmed(customer, evening)
    shown = f"{page}/cancel" if way == "cancel" else f"{page}/change/check?{cells(later)}"
    sent = hidden_of(customer.get(shown).text)
    with between_look_and_write(
        lambda: customer.site.database.write(lambda db: set_steps(db, customer.site.ids, (7, 80)))
    ):
        answer = customer.visitor.client.post(f"{page}/{way}", data=sent)
    assert answer.status_code == 409
    assert "80,00" in answer.text
    assert [booking.state for booking in customer.bookings()] == [BookingState.CONFIRMED]


@pytest.mark.rule("S25", "S27")
@pytest.mark.parametrize("state", [BookingState.REQUESTED, BookingState.CONFIRMED])
def test_a_price_that_changes_with_the_very_click_binds_nobody(
    customer_on_both: Customer, evening: Slot, later: Slot, state: BookingState
) -> None:
    customer = customer_on_both
    page = customer.ask(evening) if state is BookingState.REQUESTED else confirmed(customer, evening)
    sent = hidden_of(customer.get(f"{page}/change/check?{cells(later)}").text)
    with between_look_and_write(lambda: customer.site.database.write(lambda db: hour_costs(db, customer, 9000))):
        answer = customer.visitor.client.post(f"{page}/change", data=sent)
    assert answer.status_code == 409
    assert "180,00" in answer.text
    assert [(booking.state, booking.price_cents) for booking in customer.bookings()] == [(state, 10_000)]
    assert customer.get(f"/rooms/halle/request?{cells(later)}").status_code == 200
    assert customer.visitor.client.post(f"{page}/change", data=hidden_of(answer.text)).status_code == 303
    assert customer.bookings()[-1].price_cents == 18_000
