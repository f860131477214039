"""One rental through its moves and its end: one invoice, one hold on time, nothing untold (S8, S12, S27)."""

from datetime import timedelta
from importlib import import_module

import pytest
from sqlalchemy import event, select
from sqlalchemy import text as sql

from booking.actions.deciding_cases import Way, decide_case
from booking.actions.desk import Afterwards, mark_afterwards
from booking.actions.payments import is_paid, note_payment, paid_among
from booking.actions.shifting import Moved
from booking.reads.booking_file import invoice_of
from booking.reads.records import unpaid_invoices
from booking.reads.status import status_by_id
from booking.rules import moving
from booking.tables.bookings import Booking, CaseFile
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.houses import Organisation
from booking.tables.outgoing import Message
from booking.tables.people import Customer
from booking.values.refusals import Refused
from booking.values.states import CodeState
from tests.booking.actions.one_rental import OFFICE, TOOLS, Site
from tests.builders import NOW, change_house, contact, set_steps, slot_in


@pytest.fixture
def site(database: Database) -> Site:
    return Site(database)


@pytest.mark.rule("S12", "S27")
def test_a_rental_that_is_moved_twice_has_one_invoice_and_everybody_finds_it(site: Site) -> None:
    first = site.confirmed(slot_in(10, 10, 11))
    second = site.moved(first, slot_in(11, 10, 11))
    third = site.moved(second, slot_in(12, 10, 11))

    (invoice,) = site.invoices()
    with site.database.read() as session:
        office = invoice_of(session, site.ids.organisation_id, third.booking_id)
        customer = status_by_id(session, third.public_id)
        mail = session.scalars(
            select(Message).where(Message.booking_id == third.booking_id, Message.kind == "confirmation")
        ).one()
    assert office is not None
    assert office.number == invoice.number
    assert customer is not None
    assert customer.bill is not None
    assert (customer.bill.number, customer.bill.reference) == (invoice.number, first.code)
    assert mail.facts["invoice_id"] == invoice.id


@pytest.mark.rule("S12", "S27")
def test_rentals_that_were_moved_before_the_upgrade_are_tied_together_by_it(site: Site) -> None:
    first = site.confirmed(slot_in(10, 10, 11))
    second = site.moved(first, slot_in(11, 10, 11))
    third = site.moved(second, slot_in(12, 10, 11))
    alone = site.confirmed(slot_in(13, 10, 11))
    upgrade = import_module("booking.migrations.versions.0004_one_rental").FIRST_OF_EACH
    site.change(Booking, first_id=None)
    assert site.booking(third).rental_id == third.booking_id

    site.database.write(lambda s: s.execute(sql(upgrade)))

    made = (first, second, third, alone)
    assert [site.booking(one).first_id for one in made] == [None, first.booking_id, first.booking_id, None]


@pytest.mark.rule("S22", "S27")
def test_the_payment_of_a_rental_that_was_moved_twice_sets_its_code_free(site: Site) -> None:
    site.database.write(lambda s: change_house(s, site.ids, code_after_payment=True))
    made = site.moved(site.moved(site.confirmed(slot_in(10, 10, 11)), slot_in(11, 10, 11)), slot_in(12, 10, 11))
    booking, (invoice,) = site.booking(made), site.invoices()
    with site.database.read() as session:
        assert not is_paid(session, booking)
        assert paid_among(session, [booking]) == set()

    noted = site.database.write(lambda s: note_payment(s, NOW, site.house(s), invoice.id, OFFICE))

    assert not isinstance(noted, Refused)
    assert noted.code_mails == 1
    with site.database.read() as session:
        assert is_paid(session, booking)
        assert paid_among(session, [booking]) == {made.booking_id}


@pytest.mark.rule("S18", "S27")
def test_waiving_a_moved_rental_finds_the_invoice_that_went_out_before(site: Site) -> None:
    made = site.moved(site.confirmed(slot_in(10, 10, 11)), slot_in(11, 10, 11))
    after = slot_in(11, 10, 11).start
    no = site.database.write(
        lambda s: mark_afterwards(s, after, site.house(s), made.booking_id, Afterwards.WAIVE, "cold", OFFICE)
    )
    assert no is None
    assert site.cases()["invoice-waived"]["invoice"] == site.invoices()[0].number


def test_who_is_paid_is_asked_in_as_many_statements_for_many_bookings_as_for_one(site: Site) -> None:
    bookings = [site.booking(site.confirmed(slot_in(10 + day, 10, 11))) for day in range(4)]
    counts = []
    for some in (bookings[:1], bookings):
        with site.database.read() as session:
            seen: list[str] = []
            event.listen(session.connection(), "before_cursor_execute", lambda *given, seen=seen: seen.append(given[2]))
            paid_among(session, some)
            counts.append(len(seen))
    assert counts == [1, 1]


@pytest.mark.rule("S25", "S27")
def test_the_office_moves_a_confirmed_rental_and_its_price_is_frozen_anew_with_a_case_for_the_invoice(
    site: Site,
) -> None:
    made = site.confirmed(slot_in(10, 10, 11))
    moved = site.move(made, slot_in(11, 10, 13), moving.Actor.OFFICE)
    assert isinstance(moved, Moved)
    assert moved.price.gross == site.booking(made).price_cents == 15000
    (invoice,) = site.invoices()
    assert invoice.total_cents == 5000
    case = site.cases()["invoice-differs"]
    assert (case["issued_cents"], case["price_cents"]) == (5000, 15000)
    assert (case["issued_minutes"], case["new_minutes"]) == (60, 180)
    assert case["issued_day"] < case["new_day"]

    assert isinstance(site.move(made, slot_in(10, 12, 13), moving.Actor.OFFICE), Moved)
    assert site.booking(made).price_cents == 5000
    assert site.cases() == {}


@pytest.mark.rule("S27")
def test_another_day_for_the_same_price_differs_from_the_invoice_too(site: Site) -> None:
    site.moved(site.confirmed(slot_in(10, 10, 11)), slot_in(11, 10, 11))
    case = site.cases()["invoice-differs"]
    assert case["issued_cents"] == case["price_cents"]
    assert case["issued_day"] < case["new_day"]


@pytest.mark.rule("S19", "S27")
def test_a_standing_discount_holds_through_a_move_and_is_no_difference(site: Site) -> None:
    made = site.ask(slot_in(10, 10, 11))
    site.change(Customer, discount_percent=20, discount_note="Stammgast")
    site.settle(site.decide(made))
    assert site.booking(made).price_cents == site.invoices()[0].total_cents == 4000

    again = site.moved(made, slot_in(10, 14, 15))
    assert site.booking(again).price_cents == 4000
    assert isinstance(site.move(again, slot_in(10, 16, 17), moving.Actor.OFFICE), Moved)

    booking = site.booking(again)
    assert booking.price_cents == 4000
    assert [line["text"] for line in booking.price["lines"]] == ["Stunde", "Stammgast"]
    assert site.cases() == {}


@pytest.mark.rule("S19", "S22")
def test_who_has_nothing_to_pay_waits_for_no_payment(site: Site) -> None:
    site.database.write(lambda s: change_house(s, site.ids, code_after_payment=True))
    made = site.ask(slot_in(10, 10, 11))
    site.change(Customer, discount_percent=100)
    site.settle(site.decide(made))
    with site.database.read() as session:
        assert is_paid(session, session.get_one(Booking, made.booking_id))


@pytest.mark.rule("S19", "S27")
def test_the_fee_is_a_share_of_what_is_owed_and_not_of_the_list_price(site: Site) -> None:
    site.database.write(lambda s: set_steps(s, site.ids, (7, 50)))
    made = site.ask(slot_in(3, 10, 11))
    site.change(Customer, discount_percent=80)
    site.settle(site.decide(made))
    assert site.cancel(made).fee_cents == 500


@pytest.mark.rule("S19")
@pytest.mark.parametrize("phone", ["0221 555123", "+49 (0) 221/555-123", "0049221555123"])
def test_a_phone_number_typed_another_way_is_the_same_customer(site: Site, phone: str) -> None:
    site.ask(slot_in(10, 10, 11))
    site.change(Customer, discount_percent=20)
    site.confirmed(slot_in(11, 10, 11), contact(phone=phone, street="Ringstr. 7"))
    assert site.invoices()[0].total_cents == 4000


@pytest.mark.rule("S19")
def test_other_data_are_another_customer_and_the_reviewer_is_told_of_the_discount(site: Site) -> None:
    site.ask(slot_in(10, 10, 11))
    site.change(Customer, discount_percent=20)
    for who in (contact(street="Domplatz 1"), contact(country="AT"), contact(company="FC")):
        made = site.ask(slot_in(11, 10, 11), who)
        assert "discount-elsewhere" in {finding.code for finding in made.findings}
        site.cancel(made)
    assert "discount-elsewhere" not in {finding.code for finding in site.ask(slot_in(12, 10, 11)).findings}


@pytest.mark.rule("S27")
def test_a_cancelled_rental_leaves_its_invoice_and_its_fee_to_the_office(site: Site) -> None:
    site.database.write(lambda s: set_steps(s, site.ids, (7, 50)))
    made = site.moved(site.confirmed(slot_in(10, 10, 11)), slot_in(3, 10, 11))
    (invoice,) = site.invoices()
    site.database.write(lambda s: note_payment(s, NOW, site.house(s), invoice.id, OFFICE))
    site.cancel(made)
    told = {"fee_cents": 2500, "invoice": invoice.number, "issued_cents": 5000, "paid_cents": 5000}
    assert site.cases() == {"invoice-cancelled": told}


@pytest.mark.rule("S27")
def test_a_request_that_is_cancelled_leaves_no_case(site: Site) -> None:
    site.cancel(site.ask(slot_in(10, 10, 11)))
    assert site.cases() == {}


@pytest.mark.rule("S8", "S27")
def test_only_the_invoices_of_rentals_that_stand_count_as_unpaid(site: Site) -> None:
    kept = site.moved(site.confirmed(slot_in(10, 10, 11)), slot_in(11, 10, 11))
    site.cancel(site.confirmed(slot_in(12, 10, 11)))
    late = NOW + timedelta(days=60)
    with site.database.read() as session:
        files = list(session.scalars(select(Customer.id)))
        assert unpaid_invoices(session, late, files) == 1
    site.change(Booking, waived=True)
    with site.database.read() as session:
        assert unpaid_invoices(session, late, files) == 0
    site.change(Booking, waived=False)
    site.cancel(kept)
    with site.database.read() as session:
        assert unpaid_invoices(session, late, files) == 0


@pytest.mark.rule("S27")
def test_the_fee_of_a_late_move_is_a_case_once_the_move_is_confirmed_and_never_before(site: Site) -> None:
    site.database.write(lambda s: set_steps(s, site.ids, (7, 50)))
    old = site.confirmed(slot_in(3, 10, 11))
    dropped = site.move(old, slot_in(20, 10, 11))
    assert site.cases() == {}
    site.cancel(dropped)
    assert site.cases() == {}
    new = site.moved(old, slot_in(3, 14, 15))
    assert site.cases() == {"late-move": {"fee_cents": 2500, "code": old.code, "new_code": new.code}}


@pytest.mark.rule("S12")
def test_no_invoice_is_numbered_while_something_that_the_law_asks_for_is_missing(site: Site) -> None:
    site.change(Organisation, vat_id=None, tax_number=None)
    made = site.by_desk(slot_in(10, 10, 11))
    assert site.invoices() == []
    assert site.cases() == {"invoice-incomplete": {"cents": 5000, "lacking": ["tax-number"]}}
    with site.database.read() as session:
        mail = session.scalars(
            select(Message).where(Message.booking_id == made.booking_id, Message.kind == "confirmation")
        ).one()
        assert session.scalars(select(DoorCode.state)).one() is CodeState.ISSUED
    assert mail.facts == {"invoice_follows": True}


@pytest.mark.rule("S12")
def test_the_invoice_that_could_not_be_written_is_written_by_one_click_once_nothing_is_missing(site: Site) -> None:
    site.change(Organisation, vat_id=None)
    made = site.by_desk(slot_in(10, 10, 11))
    with site.database.read() as session:
        case_id = session.scalars(select(CaseFile.id)).one()

    def write_now() -> Refused | None:
        return site.database.write(lambda s: decide_case(s, NOW, TOOLS, site.house(s), case_id, Way.AGAIN, OFFICE))

    no = write_now()
    assert no is not None
    assert no.codes == ("invoice-incomplete",)
    assert "invoice-incomplete" in site.cases()
    site.change(Organisation, tax_number="12/345/67890")
    site.change(Booking, waived=True)
    no = write_now()
    assert no is not None
    assert no.codes == ("no-lines",)
    site.change(Booking, waived=False)
    assert write_now() is None
    (invoice,) = site.invoices()
    assert site.cases() == {}
    with site.database.read() as session:
        query = select(Message).where(Message.booking_id == made.booking_id, Message.kind == "confirmation")
        assert [mail.facts.get("invoice_id") for mail in session.scalars(query.order_by(Message.id))] == [
            None,
            invoice.id,
        ]
