"""One rental through all its moves (SPEC S27): the bookings that stood for it one after the other, and its one invoice.

The invoice belongs to the booking for which it was issued, whichever of the chain that is.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from booking.tables.bookings import Booking
from booking.tables.outgoing import Invoice, Settlement
from booking.values.states import BookingState

Billed = aliased(Booking, name="billed")
MOST_IDS = 500  # in one statement


def rental_of(booking: Any = Booking) -> ColumnElement[int]:
    """`Booking.rental_id` in SQL, of the table or an alias of it."""
    return func.coalesce(booking.first_id, booking.id)


def is_of_rental(booking: Any, rental_id: ColumnElement[int] | int) -> ColumnElement[bool]:
    """Whether the row is a booking of that rental; both indexes serve it."""
    return or_(booking.id == rental_id, booking.first_id == rental_id)


def is_still_owed() -> ColumnElement[bool]:
    """Whether an invoice is for nothing that was cancelled or waived since (S18, S27). The query joins `Billed`."""
    kept = aliased(Booking)
    stands = exists().where(
        is_of_rental(kept, rental_of(Billed)), kept.state == BookingState.CONFIRMED, kept.waived.is_(False)
    )
    return or_(Invoice.booking_id.is_(None), stands)


def invoice_of_rental(session: Session, booking: Booking) -> Invoice | None:
    """The invoice that was issued for a rental, before or after it was moved; the first, should there be several."""
    query = (
        select(Invoice)
        .join(Billed, Billed.id == Invoice.booking_id)
        .where(is_of_rental(Billed, booking.rental_id))
        .order_by(Invoice.id)
        .limit(1)
    )
    return session.scalar(query)


def bookings_of_invoice(session: Session, invoice: Invoice) -> list[int]:
    """All bookings of the rental that the invoice is for, in their order."""
    query = (
        select(Booking.id)
        .join(Billed, is_of_rental(Booking, rental_of(Billed)))
        .where(Billed.id == invoice.booking_id)
        .order_by(Booking.id)
    )
    return list(session.scalars(query))


def settled_rentals(session: Session, rental_ids: Collection[int]) -> set[int]:
    """Those of these rentals whose invoice is noted as paid, in a few statements."""
    wanted = sorted(set(rental_ids))
    settled: set[int] = set()
    for first in range(0, len(wanted), MOST_IDS):
        some = wanted[first : first + MOST_IDS]
        query = (
            select(rental_of(Billed))
            .join(Invoice, Invoice.booking_id == Billed.id)
            .join(Settlement, Settlement.invoice_id == Invoice.id)
            .where(or_(Billed.id.in_(some), Billed.first_id.in_(some)))
        )
        settled |= set(session.scalars(query))
    return settled
