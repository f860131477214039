"""The one mail of a rental that was moved: the invoice that it has, under that invoice's reference (S12, S13, S27)."""

import pytest
from sqlalchemy import select

from booking.actions.audit import CUSTOMER
from booking.actions.payments import note_payment
from booking.actions.requests import Made
from booking.actions.shifting import move_rental
from booking.rules import moving
from booking.tables.outgoing import Invoice
from booking.values.slot import Slot
from booking.values.states import Verdict
from tests.builders import slot_in
from tests.workers.conftest import OFFICE, Works
from tests.workers.test_outbox import packed, text_of
from workers.context import clock

OLD, NEW = slot_in(10, 10, 11), slot_in(10, 14, 15)


def moved(works: Works, made: Made, to: Slot) -> Made:
    house = works.house
    works.drain()
    works.code("519274", to)
    again = works.context.database.write(
        lambda s: move_rental(
            s, clock(), works.context.tools, house, made.booking_id, to, moving.Actor.CUSTOMER, CUSTOMER
        )
    )
    assert isinstance(again, Made)
    works.decide(again.booking_id, Verdict.APPROVE)
    works.sink.received.clear()
    works.drain()
    return again


def confirmation(works: Works) -> str:
    (mail,) = [one for one in works.sink.received if "bestätigt" in str(one.message["Subject"])]
    return text_of(mail.message)


@pytest.mark.rule("S12", "S13", "S27")
def test_it_asks_for_the_payment_under_the_reference_of_the_first_invoice(works: Works) -> None:
    first = works.confirmed(OLD)
    second = moved(works, first, NEW)
    text = packed(confirmation(works))
    assert f"Verwendungszweck{first.code}" in text
    assert f"Verwendungszweck{second.code}" not in text
    assert "2026-00001" in confirmation(works)


@pytest.mark.rule("S12", "S27")
def test_it_asks_for_nothing_that_is_paid(works: Works) -> None:
    first, house = works.confirmed(OLD), works.house
    works.drain()
    works.write(lambda s: note_payment(s, clock(), house, s.scalars(select(Invoice.id)).one(), OFFICE))
    moved(works, first, NEW)
    assert "IBAN" not in confirmation(works)
    assert "Es ist nichts zu zahlen." in confirmation(works)
