"""What is charged for a rental that has begun, and what is waived after all (SPEC S18).

Charging takes an amount up to the price that is owed; what is less stands on the invoice as a reduction with the
reason. More than the price was never agreed: damage is no part of the rental and gets a document of its own.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.audit import Actor
from booking.actions.billing import compare_invoice, freeze_price, full_price
from booking.actions.cases import close_case, open_case
from booking.actions.rentals import Rental
from booking.actions.reviews import BILL
from booking.reads.house import House
from booking.reads.rentals import invoice_of_rental
from booking.rules.working_days import mail_moment
from booking.values.identity import new_uuid
from booking.values.money import Cents
from booking.values.refusals import Reason, Refused, refused

WAIVED = "invoice-waived"
LONGEST_LINE = 200  # of an invoice


def charge(
    session: Session, now: datetime, house: House, rental: Rental, cents: int | None, text: str, actor: Actor
) -> Refused | None:
    """Bill this amount, by default all that is owed; what was waived is billed after all, once.

    Where the invoice is out and says another amount the office gets a case to correct it.
    Refused: no-lines (nothing is owed), charge-range at `cents`, with the most that can be charged.
    """
    booking, most = rental.booking, full_price(house, rental).gross
    if most <= 0:
        return refused("no-lines")
    amount = most if cents is None else cents
    if not 0 < amount <= most:
        return Refused((Reason("charge-range", "cents", {"most": most}),))
    booking.charged_cents = None if amount == most else Cents(amount)
    booking.charged_for = " ".join(text.split())[:LONGEST_LINE]
    freeze_price(house, rental)
    was_waived, booking.waived = booking.waived, False
    if invoice_of_rental(session, booking) is not None:
        about = f"{booking.id}"
        close_case(session, now, house.organisation_id, WAIVED, about, resolution="charged", actor=actor)
        compare_invoice(session, now, house, rental)
    elif was_waived:  # the duty of the confirmation is spent
        due = mail_moment(now, house.office, house.closings, house.public_holidays)
        outbox.put(session, now, house.organisation_id, BILL, booking.id, f"bill-{booking.id}-{new_uuid(now)}", due)
    return None


def waive(session: Session, now: datetime, house: House, rental: Rental) -> None:
    """It costs nothing after all; where the invoice is out already the office gets a case."""
    booking = rental.booking
    booking.waived = True
    invoice = invoice_of_rental(session, booking)
    if invoice is None:
        outbox.withdraw(session, now, BILL, booking.id)
        return
    facts = {"invoice": invoice.number, "cents": invoice.total_cents}
    open_case(session, now, house.organisation_id, WAIVED, f"{booking.id}", booking.id, facts)
