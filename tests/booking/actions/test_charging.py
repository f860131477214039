"""After the start the office charges up to the price that is owed, and the invoice says exactly that (SPEC S18)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.desk import Afterwards, mark_afterwards
from booking.actions.requests import Made
from booking.actions.reviews import BILL, bill_rental, decide_request
from booking.tables.bookings import AuditEntry
from booking.tables.database import Database
from booking.tables.outgoing import Invoice, Outbox
from booking.tables.people import Customer
from booking.values.refusals import Refused
from booking.values.states import Verdict
from tests.booking.actions.one_rental import OFFICE, Site
from tests.builders import NOW, slot_in

SLOT = slot_in(3, 18, 20)  # 100 euros
BEGUN = SLOT.start + timedelta(minutes=5)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    database = Database(database_url)
    yield Site(database)
    database.close()


def told(site: Site) -> Made:
    """A rental that the desk confirmed; its mail with the invoice waits for the next working day."""
    made = site.ask(SLOT)

    def confirm(session: Session) -> None:
        house = replace(site.house(session), grace=timedelta(0))
        assert not isinstance(
            decide_request(session, NOW, house, made.booking_id, Verdict.APPROVE, OFFICE, by_desk=True), Refused
        )

    site.database.write(confirm)
    return made


def mark(
    site: Site, made: Made, cents: int | None, what: Afterwards = Afterwards.CHARGE, text: str = "Heizung fiel aus"
) -> Refused | None:
    return site.database.write(
        lambda s: mark_afterwards(s, BEGUN, site.house(s), made.booking_id, what, text, OFFICE, cents=cents)
    )


def billed(site: Site, made: Made) -> Invoice:
    site.database.write(lambda s: bill_rental(s, SLOT.end, site.house(s), made.booking_id))
    (invoice,) = site.invoices()
    return invoice


def duties(site: Site) -> int:
    with site.database.read() as session:
        return len(session.scalars(select(Outbox).where(Outbox.topic == BILL, Outbox.done_at.is_(None))).all())


@pytest.mark.rule("S18", "S12")
def test_the_invoice_says_the_amount_that_was_charged_with_its_vat_and_the_reason(site: Site) -> None:
    made = told(site)
    assert mark(site, made, 4000, text="Heizung  fiel\naus") is None
    assert site.booking(made).price_cents == 4000
    invoice = billed(site, made)
    assert invoice.total_cents == 4000
    assert (invoice.data["net"], invoice.data["vat"], invoice.data["gross"]) == (3361, 639, 4000)
    lines = [(line["text"], line["amount"]["net"] + line["amount"]["vat"]) for line in invoice.data["lines"]]
    assert lines == [("Stunde", 10000), ("Heizung fiel aus", -6000)]
    assert site.cases() == {}


@pytest.mark.rule("S18")
def test_nothing_said_means_the_price_of_the_booking_and_the_last_word_counts(site: Site) -> None:
    made = told(site)
    for cents in (4000, None, 2500, 10000):
        assert mark(site, made, cents) is None
    invoice = billed(site, made)
    assert (invoice.total_cents, len(invoice.data["lines"])) == (10000, 1)


@pytest.mark.rule("S18", "S19")
def test_the_most_is_what_is_owed_under_the_standing_discount(site: Site) -> None:
    site.ask(slot_in(20, 10, 11))
    site.change(Customer, discount_percent=20)
    made = told(site)
    for cents in (0, -1, 8001):
        no = mark(site, made, cents)
        assert isinstance(no, Refused)
        assert [(one.code, one.at, one.values) for one in no.reasons] == [("charge-range", "cents", {"most": 8000})]
    assert site.booking(made).follow_up == ""
    assert mark(site, made, 7999) is None
    assert billed(site, made).total_cents == 7999


@pytest.mark.rule("S18")
def test_what_costs_nothing_cannot_be_charged(site: Site) -> None:
    site.ask(slot_in(20, 10, 11))
    site.change(Customer, discount_percent=100)
    no = mark(site, told(site), None)
    assert isinstance(no, Refused)
    assert no.codes == ("no-lines",)


@pytest.mark.rule("S18", "S27")
def test_an_invoice_that_is_out_is_never_changed_and_differs_until_it_says_the_same_again(site: Site) -> None:
    made = site.confirmed(SLOT)
    (issued,) = site.invoices()
    assert mark(site, made, 4000) is None
    assert site.cases() == {"invoice-differs": {"invoice": issued.number, "issued_cents": 10000, "price_cents": 4000}}
    assert [one.total_cents for one in site.invoices()] == [10000]
    assert mark(site, made, None) is None
    assert site.cases() == {}


@pytest.mark.rule("S18")
def test_what_was_waived_is_billed_with_the_amount_that_was_charged_after_all(site: Site) -> None:
    made = told(site)
    mark(site, made, None, Afterwards.WAIVE)
    assert duties(site) == 0
    assert mark(site, made, 1) is None
    assert duties(site) == 1
    assert billed(site, made).total_cents == 1


@pytest.mark.rule("S18", "X5")
def test_who_charged_how_much_and_why_is_audited(site: Site) -> None:
    made = told(site)
    mark(site, made, 4000)
    with site.database.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "charge")).one()
    assert entry.before == {"follow_up": "", "price_cents": 10000}
    assert entry.after == {"follow_up": "charge: Heizung fiel aus", "price_cents": 4000}
