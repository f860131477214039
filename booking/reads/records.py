"""What the house knows about a contact when a request is judged (SPEC S8), and what waits for a review (SPEC S26)."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import starmap

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.orm import Session

from booking.reads.customers import StandingDiscount
from booking.reads.house import House, RoomFacts
from booking.reads.rentals import Billed, is_still_owed
from booking.rules.admission import OpenRequests, occupied
from booking.rules.opening import in_season
from booking.rules.plausibility import is_same_contact
from booking.tables.bookings import Booking, CaseFile, Event, Occupancy
from booking.tables.outgoing import Invoice, Settlement
from booking.tables.people import Customer
from booking.tables.prepared import Prepared
from booking.values.clock import local_day
from booking.values.findings import Contact, Record, Wish
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, BookingState, OccupancyKind

MEMORY = timedelta(days=730)
LONGEST_PIECE = timedelta(days=7)  # of a row of Occupancy; `booking.actions.occupy` cuts what is longer
SITE_CLASH = "site-clash"
_FILES, _BOOKINGS, _EVENTS, _TAKEN = Customer.__table__.c, Booking.__table__.c, Event.__table__, Occupancy.__table__
_SAME_ADDRESS = Prepared(
    select(_FILES.id).where(_FILES.organisation_id == bindparam("organisation_id"), _FILES.email == bindparam("email"))
)
_OPEN = Prepared(
    select(
        func.count(case((_BOOKINGS.customer_id.in_(bindparam("contact", expanding=True)), 1))),
        func.count(case((_BOOKINGS.made_from == bindparam("made_from"), 1))),
        func.count(case((_EVENTS.c.room_id == bindparam("room_id"), 1))),
    )
    .join(_EVENTS, _EVENTS.c.id == _BOOKINGS.event_id)
    .where(_BOOKINGS.organisation_id == bindparam("organisation_id"), _BOOKINGS.state == BookingState.REQUESTED)
)

_IS_BOOKING = _TAKEN.c.kind.in_((OccupancyKind.BOOKING, OccupancyKind.HELD))
_BESIDE = Prepared(
    select(_FILES.company, _FILES.name)
    .select_from(_TAKEN)
    .outerjoin(Booking.__table__, _IS_BOOKING & (_BOOKINGS.id == _TAKEN.c.source_id))
    .outerjoin(Customer.__table__, _FILES.id == _BOOKINGS.customer_id)
    .where(
        _TAKEN.c.unit_id.in_(bindparam("units", expanding=True)),
        _TAKEN.c.ends_at > bindparam("start"),
        _TAKEN.c.starts_at < bindparam("end"),
        _TAKEN.c.starts_at > bindparam("earliest"),
        _TAKEN.c.kind != OccupancyKind.CLOSURE,
        ~(_IS_BOOKING & _TAKEN.c.source_id.in_(bindparam("own", expanding=True))),
    )
    .order_by(_TAKEN.c.starts_at, _TAKEN.c.id)
)
_KNOWN = Prepared(
    select(
        _BOOKINGS.id, _BOOKINGS.state, _BOOKINGS.no_show, _BOOKINGS.customer_id, _EVENTS.c.starts_at, _EVENTS.c.ends_at
    )
    .join(_EVENTS, _EVENTS.c.id == _BOOKINGS.event_id)
    .where(
        _BOOKINGS.organisation_id == bindparam("organisation_id"),
        _BOOKINGS.customer_id.in_(bindparam("contact", expanding=True)),
        _BOOKINGS.made_at > bindparam("since"),
    )
)
_DISCOUNTS = Prepared(
    select(
        _FILES.id,
        _FILES.discount_percent,
        _FILES.discount_cents,
        _FILES.discount_note,
        _FILES.discount_from,
        _FILES.discount_until,
    ).where(
        _FILES.id.in_(bindparam("contact", expanding=True)), (_FILES.discount_percent > 0) | (_FILES.discount_cents > 0)
    )
)
_UNPAID = Prepared(
    select(func.count())
    .select_from(Invoice)
    .outerjoin(Settlement, Settlement.invoice_id == Invoice.id)
    .outerjoin(Billed, Billed.id == Invoice.booking_id)
    .where(
        Invoice.customer_id.in_(bindparam("contact", expanding=True)),
        Invoice.due_on < bindparam("today"),
        Settlement.id.is_(None),
        is_still_owed(),
    )
)
_REPORTED = select(CaseFile.facts).where(
    CaseFile.booking_id == bindparam("booking_id"), CaseFile.kind == SITE_CLASH, CaseFile.closed_at.is_(None)
)


def contact_ids(session: Session, organisation_id: int, email: str) -> list[int]:
    """All customer files under one mail address."""
    given = {"organisation_id": organisation_id, "email": email.strip().lower()}
    return _SAME_ADDRESS.scalars(session, given)


def open_requests(
    session: Session, organisation_id: int, contact: list[int], made_from: bytes | None, room_id: int
) -> OpenRequests:
    """Requests that wait for a review. The partial index on open requests bounds the cost."""
    given = {"organisation_id": organisation_id, "contact": contact, "made_from": made_from, "room_id": room_id}
    ((of_contact, of_address, of_room),) = _OPEN.all(session, given)
    return OpenRequests(of_contact, of_address if made_from else 0, of_room)


@dataclass(frozen=True, slots=True)
class _Past:
    """A booking of the contact, as `_KNOWN` reads it."""

    booking_id: int
    state: BookingState
    no_show: bool
    customer_id: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The request under review: its booking where it is written already, the one that it would move, whether the mail
    address is proven to be the customer's (the mail check, or the link of a mail), and the customer's file.
    """

    booking_id: int | None = None
    replaces_id: int | None = None
    is_proven: bool = False
    customer_id: int | None = None

    @property
    def own(self) -> list[int]:
        """The bookings whose time is the customer's own."""
        return [one for one in (self.booking_id, self.replaces_id) if one is not None]


def record_of(
    session: Session,
    now: datetime,
    house: House,
    room: RoomFacts,
    contact: list[int],
    wish: Wish,
    reviewed: Reviewed,
    *,
    codes_left: int | None,
) -> Record:
    """The record of a contact beside the wished slot; the booking that is being reviewed left out."""
    slot = wish.slot
    known = Record(
        codes_left=codes_left,
        in_season=in_season(local_day(slot.start, room.zone), house.seasons),
        clashes=_clashes(session, room, slot, reviewed),
        is_proven=reviewed.is_proven,
    )
    if not contact:
        return known
    given = {"organisation_id": house.organisation_id, "contact": contact, "since": now - MEMORY}
    others = [one for one in starmap(_Past, _KNOWN.all(session, given)) if one.booking_id != reviewed.booking_id]
    confirmed = {row.customer_id for row in others if row.state is BookingState.CONFIRMED}
    return replace(
        known,
        discount_elsewhere=_is_discount_elsewhere(
            session, contact, reviewed.customer_id, local_day(slot.start, room.zone)
        ),
        differs=not reviewed.is_proven and _differs(session, wish.contact, confirmed),
        overlapping=tuple(
            Slot(row.starts_at, row.ends_at)
            for row in others
            if row.state in OCCUPYING and Slot(row.starts_at, row.ends_at).overlaps(slot)
        ),
        repeated=sum(
            1 for row in others if row.state not in OCCUPYING and (row.starts_at, row.ends_at) == (slot.start, slot.end)
        ),
        open_requests=sum(1 for row in others if row.state is BookingState.REQUESTED),
        unpaid_invoices=unpaid_invoices(session, now, contact),
        no_shows=sum(1 for row in others if row.no_show),
        kept_bookings=sum(
            1 for row in others if row.state is BookingState.CONFIRMED and row.ends_at <= now and not row.no_show
        ),
    )


def _clashes(session: Session, room: RoomFacts, slot: Slot, reviewed: Reviewed) -> tuple[str, ...]:
    """What else takes the time: sites that reported a clash, external times, what stands beside a site's booking."""
    whole = occupied(slot, room.terms)
    given = {
        "units": list(room.unit_ids),
        "start": whole.start,
        "end": whole.end,
        "earliest": whole.start - LONGEST_PIECE,
        "own": reviewed.own,
    }
    beside = [company or name or room.name for company, name in _BESIDE.all(session, given)]
    sites = session.scalars(_REPORTED, {"booking_id": reviewed.booking_id}) if reviewed.booking_id else ()
    return tuple(dict.fromkeys((*(str(facts["site"]) for facts in sites if facts.get("site")), *beside)))


def _differs(session: Session, given: Contact, files: Collection[int]) -> bool:
    """Whether somebody was confirmed under this address before, and with other data each time."""
    if not files:
        return False
    known = session.scalars(select(Customer).where(Customer.id.in_(files)))
    return not any(is_same_contact(given, file) for file in known)


def _is_discount_elsewhere(session: Session, contact: list[int], own: int | None, day: date) -> bool:
    """Whether not this file but another one of the contact has a standing discount on that day (SPEC S19)."""
    found = _DISCOUNTS.all(session, {"contact": contact})
    having = {customer_id for customer_id, *discount in found if StandingDiscount(*discount).holds_on(day)}
    return bool(having) and own not in having


def unpaid_invoices(session: Session, now: datetime, contact: list[int]) -> int:
    """Invoices past their due day that nobody noted as paid; none of cancelled or waived rentals (S18, S27)."""
    return _UNPAID.scalar(session, {"contact": contact, "today": now.date()}) or 0
