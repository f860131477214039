"""The invoice of a rental and the one mail (SPEC S11, S12, S18, S19). The number is taken last (DESIGN rule 6)."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from booking.actions import messages
from booking.actions.cases import close_case, open_case
from booking.actions.messages import MailKind
from booking.actions.rentals import Rental
from booking.reads.customers import discount_of
from booking.reads.house import House
from booking.reads.rentals import invoice_of_rental, settled_rentals
from booking.rules.invoicing import InvoiceDraft, Service, draft, invoice_number, lacking
from booking.rules.pricing import discounted, listed
from booking.tables.outgoing import Counter, Invoice
from booking.tables.people import Customer
from booking.tables.prepared import insert_in
from booking.values.clock import local_day
from booking.values.house import Discount, Price
from booking.values.identity import new_uuid
from booking.values.money import Cents
from booking.values.price_json import price_from_json, price_to_json
from booking.values.refusals import Refused, refused
from booking.values.states import BookingState

INVOICE = "invoice"
DIFFERS, CANCELLED, INCOMPLETE = "invoice-differs", "invoice-cancelled", "invoice-incomplete"
MINUTE = timedelta(minutes=1)


def bill(session: Session, now: datetime, house: House, rental: Rental) -> None:
    """Issue the invoice of a confirmed rental, unless it has one or costs nothing, and post the mail of S11.

    A rental that was moved keeps its invoice; where that says something else now, the office gets a case to correct
    it. Where data that the law asks for are missing the mail goes out without one, and the office gets a case.
    """
    invoice = invoice_of_rental(session, rental.booking) or _issue(session, now, house, rental)
    facts: dict[str, Any] = {}
    if isinstance(invoice, Invoice):
        differs = compare_invoice(session, now, house, rental)
        facts = {"invoice_id": invoice.id} | ({"invoice_differs": True} if differs else {})
    elif invoice is not None:
        facts = {"invoice_follows": True}
    messages.post(
        session,
        now,
        house,
        MailKind.CONFIRMATION,
        to=rental.customer.email,
        name=rental.customer.name,
        language=rental.booking.language,
        booking_id=rental.booking.id,
        facts=facts,
    )


def bill_again(session: Session, now: datetime, house: House, rental: Rental) -> Refused | None:
    """Bill a rental of which data were missing. Refused: not-confirmed, no-lines (also waived), invoice-incomplete."""
    if rental.booking.state is not BookingState.CONFIRMED:
        return refused("not-confirmed")
    if rental.booking.waived:
        return refused("no-lines")
    invoice = invoice_of_rental(session, rental.booking) or _issue(session, now, house, rental)
    if not isinstance(invoice, Invoice):
        return invoice or refused("no-lines")
    bill(session, now, house, rental)
    return None


def freeze_price(house: House, rental: Rental) -> None:
    """What is owed from here on: the price of the booking's list under the standing discount of its day (S19, S25)."""
    price = owed_price(house, rental)
    rental.booking.price, rental.booking.price_cents = price_to_json(price), price.gross


def owed_price(house: House, rental: Rental) -> Price:
    """What `freeze_price` fixes, for who shows it before; the same however often it is asked.

    Where less is charged afterwards the difference is a reduction with the office's reason (SPEC S18).
    """
    full, charged = full_price(house, rental), rental.booking.charged_cents
    if charged is None or charged >= full.gross:
        return full
    return discounted(full, Discount(rental.booking.charged_for, cents=Cents(full.gross - charged)))


def full_price(house: House, rental: Rental) -> Price:
    """What is owed before the office charges less: the list's price under the standing discount of its day."""
    return with_standing_discount(listed(price_from_json(rental.booking.price)), rental.customer, _day(house, rental))


def is_as_issued(house: House, rental: Rental, invoice: Invoice) -> bool:
    """Whether the invoice says the amount, day and length that the rental has."""
    return _issued_service(invoice) == _service(house, rental)


def compare_invoice(session: Session, now: datetime, house: House, rental: Rental) -> bool:
    """Whether the issued invoice says another amount, day or length than the rental has now.

    It never changes, so the office has a case as long as they differ (SPEC S27).
    """
    invoice = invoice_of_rental(session, rental.booking)
    if invoice is None:
        return False
    issued, present = _issued_service(invoice), _service(house, rental)
    if is_as_issued(house, rental, invoice):
        close_case(session, now, house.organisation_id, DIFFERS, invoice.number, resolution="as-issued")
        return False
    facts: dict[str, Any] = {
        "invoice": invoice.number,
        "issued_cents": issued.cents,
        "price_cents": present.cents,
    }
    if issued.day != present.day:
        facts |= {"issued_day": issued.day.isoformat(), "new_day": present.day.isoformat()}
    if issued.minutes != present.minutes:
        facts |= {"issued_minutes": issued.minutes, "new_minutes": present.minutes}
    open_case(session, now, house.organisation_id, DIFFERS, invoice.number, rental.booking.id, facts)
    return True


def leave_invoice_to_office(session: Session, now: datetime, house: House, rental: Rental, fee: Cents) -> None:
    """A confirmed rental was cancelled: what it costs and what was invoiced have to be brought together (SPEC S27)."""
    invoice = invoice_of_rental(session, rental.booking)
    facts: dict[str, Any] = {"fee_cents": fee}
    if invoice is not None:
        paid = bool(settled_rentals(session, [rental.booking.rental_id]))
        facts |= {"invoice": invoice.number, "issued_cents": invoice.total_cents}
        facts |= {"paid_cents": invoice.total_cents} if paid else {}
        close_case(session, now, house.organisation_id, DIFFERS, invoice.number, resolution="cancelled")
    if fee or (invoice is not None and invoice.total_cents):
        about = f"{rental.booking.id}"
        open_case(session, now, house.organisation_id, CANCELLED, about, rental.booking.id, facts)


def _service(house: House, rental: Rental) -> Service:
    return Service(_day(house, rental), rental.slot.duration // MINUTE, owed_price(house, rental).gross)


def _day(house: House, rental: Rental) -> date:
    return local_day(rental.event.starts_at, house.room(rental.event.room_id).zone)


def _issued_service(invoice: Invoice) -> Service:
    data = invoice.data
    length = datetime.fromisoformat(data["ends_at"]) - datetime.fromisoformat(data["starts_at"])
    return Service(date.fromisoformat(data["served_on"]), length // MINUTE, Cents(invoice.total_cents))


def _issue(session: Session, now: datetime, house: House, rental: Rental) -> Invoice | Refused | None:
    """The new invoice; None where there is nothing to invoice, Refused("invoice-incomplete") with a case."""
    freeze_price(house, rental)
    issued_on = local_day(now, house.zone)
    price = price_from_json(rental.booking.price)
    if not price.lines:
        return None
    about = f"{rental.booking.id}"
    amounts = draft(price, issued_on, house.payment_days)
    missing = amounts.codes if isinstance(amounts, Refused) else _lacking(house, rental, amounts.gross)
    if missing or isinstance(amounts, Refused):
        facts = {"cents": price.gross, "lacking": list(missing)}
        open_case(session, now, house.organisation_id, INCOMPLETE, about, rental.booking.id, facts)
        return refused(INCOMPLETE)
    close_case(session, now, house.organisation_id, INCOMPLETE, about, resolution="issued")
    number = invoice_number(issued_on.year, next_number(session, house.organisation_id, INVOICE, issued_on.year))
    invoice = Invoice(
        organisation_id=house.organisation_id,
        public_id=new_uuid(now),
        booking_id=rental.booking.id,
        customer_id=rental.customer.id,
        number=number,
        issued_at=now,
        due_on=amounts.due_on,
        total_cents=amounts.gross,
        data=_frozen(house, rental, amounts, number, _day(house, rental)),
    )
    session.add(invoice)
    session.flush()  # the mail names the row
    return invoice


def _lacking(house: House, rental: Rental, gross: Cents) -> tuple[str, ...]:
    own, customer = house.letterhead, rental.customer
    return lacking(
        (own.legal_name, own.street, own.postcode, own.city),
        own.tax_number or own.vat_id or "",
        (customer.company or customer.name, customer.street, customer.postcode, customer.city),
        gross,
    )


def with_standing_discount(price: Price, customer: Customer, served_on: date) -> Price:
    """The frozen price under the discount that the office keeps by hand, where it holds on that day (SPEC S19)."""
    standing = discount_of(customer)
    if not standing.holds_on(served_on):
        return price
    return discounted(price, Discount(standing.note or "Standing discount", standing.percent, Cents(standing.cents)))


def next_number(session: Session, organisation_id: int, kind: str, year: int) -> int:
    """The next number of a series without gaps: the counter row stays locked until the transaction ends."""
    statement = (
        insert_in(session.get_bind().dialect.name, Counter)
        .values(organisation_id=organisation_id, kind=kind, year=year, last=1)
        .on_conflict_do_update(index_elements=["organisation_id", "kind", "year"], set_={"last": Counter.last + 1})
        .returning(Counter.last)
    )
    number: int = session.execute(statement).scalar_one()
    return number


def _frozen(house: House, rental: Rental, amounts: InvoiceDraft, number: str, served_on: date) -> dict[str, Any]:
    """All data of the document as plain JSON; the PDF is made of this and nothing else."""
    customer, letterhead, room = rental.customer, house.letterhead, house.room(rental.event.room_id)
    return {
        "number": number,
        "issued_on": amounts.issued_on.isoformat(),
        "due_on": amounts.due_on.isoformat(),
        "served_on": served_on.isoformat(),
        "starts_at": rental.event.starts_at.isoformat(),
        "ends_at": rental.event.ends_at.isoformat(),
        "zone": room.zone.key,
        "room": room.name,
        "language": rental.booking.language,
        "currency": house.currency,
        "reference": rental.booking.code,
        "seller": asdict(letterhead) | {"name": house.name},
        "buyer": {
            "name": customer.name,
            "company": customer.company,
            "street": customer.street,
            "postcode": customer.postcode,
            "city": customer.city,
            "country": customer.country,
        },
        "lines": [asdict(line) for line in amounts.lines],
        "totals": [asdict(total) for total in amounts.totals],
        "exemption": amounts.exemption,
        "net": amounts.net,
        "vat": amounts.vat,
        "gross": amounts.gross,
    }
