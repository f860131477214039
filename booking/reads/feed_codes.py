"""Which door codes customers' own feeds may show (SPEC C4): the conditions in SQL, and what stands by what was counted.

The conditions are those of a mail that carries the code (`booking.rules.doorcodes.sending`), told of many bookings at
once: confirmed, given out and not taken back, and paid where the house waits for that.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select, union
from sqlalchemy.orm import Session

from booking.reads.rentals import Billed, is_of_rental, rental_of
from booking.rules.feed_codes import FeedTerms, is_shown, stretch
from booking.tables.bookings import Booking
from booking.tables.calendars import CalendarItem
from booking.tables.doors import DoorCode
from booking.tables.houses import Organisation
from booking.tables.outgoing import Invoice, Settlement
from booking.values.slot import Slot
from booking.values.states import BookingState, CodeState

# As in `booking.reads.agenda`: an item that began this long before may reach into the time that is asked about.
LONGEST = timedelta(days=31)
_BATCH = 500


@dataclass(frozen=True, slots=True)
class GivenCode:
    """A code that may stand in its customer's feed during the stretch."""

    booking_id: int
    code_id: int
    shown: Slot


def feed_terms(session: Session, organisation_id: int) -> FeedTerms | None:
    """What the operator chose; None where codes are in no feed."""
    query = select(Organisation.feed_code_hours, Organisation.code_hours_before, Organisation.feed_codes_seen)
    return terms_of(*session.execute(query.where(Organisation.id == organisation_id)).one())


def terms_of(hours: int | None, hours_before: int | None, seen: datetime | None) -> FeedTerms | None:
    return None if hours is None or seen is None else FeedTerms(hours, hours_before, seen)


def may_be_shown() -> list[ColumnElement[bool]]:
    """The conditions on a DoorCode beside a CalendarItem and its Organisation, all but those of time."""
    settled = (
        select(Settlement.id)
        .join(Invoice, Invoice.id == Settlement.invoice_id)
        .join(Billed, Billed.id == Invoice.booking_id)
        .where(is_of_rental(Billed, rental_of(Booking)))
    )
    paid = or_(
        Organisation.code_after_payment.is_(False), Booking.price_cents == 0, settled.correlate(Booking).exists()
    )
    confirmed = exists().where(Booking.id == CalendarItem.booking_id, Booking.state == BookingState.CONFIRMED, paid)
    return [
        DoorCode.booking_id == CalendarItem.booking_id,
        DoorCode.state == CodeState.ISSUED,
        Organisation.feed_code_hours.is_not(None),
        CalendarItem.ends_at > Organisation.feed_codes_seen,
        confirmed.correlate(CalendarItem, Organisation),
    ]


def standing(
    session: Session, now: datetime, organisation_id: int, booking_ids: Collection[int] | None = None
) -> dict[int, frozenset[int]]:
    """Booking id → ids of the codes that its customer's feed shows now; of these bookings, or of all."""
    terms = feed_terms(session, organisation_id)
    if terms is None:
        return {}
    if booking_ids is None:
        latest = terms.seen + timedelta(hours=terms.hours)
        near = CalendarItem.starts_at > terms.seen - LONGEST, CalendarItem.starts_at <= latest
        found = list(_given(session, organisation_id, terms, near))
    else:
        found = given_codes(session, organisation_id, terms, booking_ids)
    shown: defaultdict[int, set[int]] = defaultdict(set)
    for one in found:
        if is_shown(one.shown, terms.seen, now):
            shown[one.booking_id].add(one.code_id)
    return {booking_id: frozenset(codes) for booking_id, codes in shown.items()}


def given_codes(
    session: Session, organisation_id: int, terms: FeedTerms, booking_ids: Iterable[int]
) -> list[GivenCode]:
    """The codes of these bookings that may be shown at some time."""
    wanted = sorted(set(booking_ids))
    return [
        one
        for first in range(0, len(wanted), _BATCH)
        for one in _given(
            session, organisation_id, terms, (CalendarItem.booking_id.in_(wanted[first : first + _BATCH]),)
        )
    ]


def turning(session: Session, now: datetime, organisation_id: int, terms: FeedTerms) -> list[int]:
    """Bookings of which a code may appear or go between what was counted and now: narrow ranges of indexes only."""
    seen, hours = terms.seen, timedelta(hours=terms.hours)

    def within(column: Any, ahead: timedelta = timedelta(0)) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return column > seen + ahead, column <= now + ahead

    def items(*when: ColumnElement[bool]) -> Select[int | None]:
        return select(CalendarItem.booking_id).where(CalendarItem.organisation_id == organisation_id, *when)

    def codes(*when: ColumnElement[bool]) -> Select[int | None]:
        return select(DoorCode.booking_id).where(DoorCode.organisation_id == organisation_id, *when)

    parts = [
        items(*within(CalendarItem.starts_at, hours)),
        items(*within(CalendarItem.ends_at)),
        codes(*within(DoorCode.ends_at)),
    ]
    if terms.hours_before is not None:
        parts.append(items(*within(CalendarItem.starts_at, timedelta(hours=terms.hours_before))))
    return sorted(found for found in session.scalars(union(*parts)) if found is not None)


def _given(
    session: Session, organisation_id: int, terms: FeedTerms, which: Iterable[ColumnElement[bool]]
) -> Iterator[GivenCode]:
    query = (
        select(
            CalendarItem.booking_id,
            CalendarItem.starts_at,
            CalendarItem.ends_at,
            DoorCode.id.label("code_id"),
            DoorCode.starts_at.label("opens_at"),
            DoorCode.ends_at.label("closes_at"),
        )
        .join(Organisation, Organisation.id == CalendarItem.organisation_id)
        .join(DoorCode, DoorCode.booking_id == CalendarItem.booking_id)
        .where(CalendarItem.organisation_id == organisation_id, *which, *may_be_shown())
        .order_by(CalendarItem.booking_id, DoorCode.id)
    )
    for row in session.execute(query):
        shown = stretch(Slot(row.starts_at, row.ends_at), Slot(row.opens_at, row.closes_at), terms)
        if shown is not None:
            yield GivenCode(row.booking_id, row.code_id, shown)
