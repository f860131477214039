"""Which booking an invoice is for now, and what is still owed on invoices (SPEC S12, S18, S27)."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from booking.actions.payments import note_payment
from booking.reads.customers import Wanted, customers_page
from booking.reads.invoices import invoice_by, invoices_page
from booking.tables.bookings import Booking
from booking.tables.database import Database
from booking.tables.outgoing import Invoice
from tests.booking.actions.one_rental import OFFICE, Site
from tests.builders import NOW, slot_in


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    database = Database(database_url)
    yield Site(database)
    database.close()


def unpaid(site: Site) -> int:
    with site.database.read() as session:
        (line,) = customers_page(session, site.ids.organisation_id, Wanted()).lines
        return line.unpaid_cents


@pytest.mark.rule("S27", "S12")
def test_an_invoice_leads_to_the_booking_that_it_is_for_now_and_keeps_the_one_it_was_issued_for(site: Site) -> None:
    first = site.confirmed(slot_in(10, 10, 11))
    last = site.moved(site.moved(first, slot_in(11, 10, 11)), slot_in(12, 10, 11))
    other = site.confirmed(slot_in(14, 10, 11))
    wish = site.move(last, slot_in(15, 10, 11))
    with site.database.read() as session:
        line, newest = sorted(invoices_page(session, site.ids.organisation_id), key=lambda one: one.number)
        assert invoice_by(session, site.ids.organisation_id, line.public_id) == line
    assert (line.present_id, line.booking_id, line.booking_code) == (last.public_id, first.public_id, first.code)
    assert (newest.present_id, newest.booking_id) == (other.public_id, other.public_id)
    site.cancel(wish)
    site.cancel(last)
    with site.database.read() as session:
        assert invoice_by(session, site.ids.organisation_id, line.public_id).present_id == last.public_id


@pytest.mark.rule("S18", "S27")
def test_what_is_owed_counts_only_invoices_of_rentals_that_stand_and_are_not_paid(site: Site) -> None:
    kept = site.moved(site.confirmed(slot_in(10, 10, 11)), slot_in(11, 10, 11))
    paid, ended = site.confirmed(slot_in(12, 10, 11)), site.confirmed(slot_in(13, 10, 12))
    assert unpaid(site) == 5000 + 5000 + 10000
    site.cancel(ended)
    assert unpaid(site) == 5000 + 5000
    with site.database.read() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.booking_id == paid.booking_id)).one()
    site.database.write(lambda s: note_payment(s, NOW, site.house(s), invoice.id, OFFICE))
    assert unpaid(site) == 5000
    site.change(Booking, waived=True)
    assert unpaid(site) == 0
    site.change(Booking, waived=False)
    site.cancel(kept)
    assert unpaid(site) == 0
