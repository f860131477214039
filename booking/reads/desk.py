"""What the desk finds at the telephone: the bookings of its doors and days, and nothing else (SPEC S3, S16)."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from booking.reads.doors import HELD, Reach
from booking.reads.house import House
from booking.tables.bookings import Booking, Event
from booking.tables.connections import RemoteBooking
from booking.tables.doors import DoorCode
from booking.tables.people import Customer
from booking.values.clock import local_time
from booking.values.codes import read_booking_code
from booking.values.slot import Slot
from booking.values.states import BookingState, CodeState

SHORTEST = 3
MOST = 20
_SHARP = str.maketrans({"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?:\s*(?:uhr|h))?", re.IGNORECASE)
_PHONE = re.compile(r"[\d\s()/+.\-]{4,}")


@dataclass(frozen=True, slots=True)
class DeskEntry:
    """A booking as the desk sees it: no address, no mail address, no price; never a code."""

    booking_id: int
    public_id: UUID
    code: str
    refs: tuple[str, ...]
    state: BookingState
    name: str
    company: str
    phone: str
    purpose: str
    people: int
    room_id: int
    room: str
    slot: Slot
    zone: ZoneInfo
    review_at: datetime
    short_notice: bool
    code_given: bool


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed, read in each way that it can be meant."""

    words: tuple[str, ...]
    digits: str
    wall: time | None
    code: str | None
    ref: str

    @property
    def kind(self) -> str:
        """What the log tells about a search; never what was typed."""
        if self.code:
            return "code"
        if self.wall:
            return "time"
        return "phone" if self.digits else "name"


def read_query(typed: str) -> Query | None:
    """None where too little was typed to search for: fewer than three characters, and no time of day."""
    text = typed.strip()
    wall = _wall(text)
    if len(text) < SHORTEST and wall is None:
        return None
    digits = _digits(text) if _PHONE.fullmatch(text) else ""
    return Query(tuple(_plain(text).split()), digits, wall, read_booking_code(text), text.casefold())


def entries_in(session: Session, house: House, reach: Reach, booking_id: int | None = None) -> tuple[DeskEntry, ...]:
    """All bookings within the reach, of whatever state, by start; only the one named where one is named."""
    rooms = [room.room_id for room in house.rooms.values() if room.door_id in reach.door_ids]
    given = exists().where(DoorCode.booking_id == Booking.id, DoorCode.state == CodeState.ISSUED)
    query = (
        select(Booking, Event, Customer, given.label("given"))
        .join(Event, Event.id == Booking.event_id)
        .join(Customer, Customer.id == Booking.customer_id)
        .where(Booking.organisation_id == reach.organisation_id, Event.room_id.in_(rooms))
        .order_by(Event.starts_at, Booking.id)
    )
    if reach.span is not None:
        query = query.where(Event.starts_at < reach.span.end, Event.ends_at > reach.span.start)
    if booking_id is not None:
        query = query.where(Booking.id == booking_id)
    rows = session.execute(query).all()
    refs = _refs(session, reach, [booking.id for booking, *_ in rows])
    return tuple(
        _entry(house, booking, event, customer, refs.get(booking.id, ()), code_given=is_given)
        for booking, event, customer, is_given in rows
    )


def find(session: Session, house: House, reach: Reach, query: Query) -> tuple[DeskEntry, ...]:
    """What is meant by the query, at most 20; a booking code or a code of an external site finds its booking alone."""
    entries = entries_in(session, house, reach)
    named = tuple(entry for entry in entries if is_named(entry, query))
    return (named or tuple(entry for entry in entries if matches(entry, query)))[:MOST]


def id_within(session: Session, house: House, reach: Reach, public_id: UUID) -> int | None:
    """The id of a booking within the reach; None beyond it."""
    found = session.scalar(
        select(Booking.id).where(Booking.organisation_id == reach.organisation_id, Booking.public_id == public_id)
    )
    return found if found and entries_in(session, house, reach, found) else None


def is_named(entry: DeskEntry, query: Query) -> bool:
    return entry.code == query.code or query.ref in {ref.casefold() for ref in entry.refs}


def matches(entry: DeskEntry, query: Query) -> bool:
    """By time of day of the start, by the last digits of the phone number, or by each word of the name."""
    if query.wall is not None and local_time(entry.slot.start, entry.zone) == query.wall:
        return True
    if _is_same_number(_digits(entry.phone), query.digits):
        return True
    names = _plain(f"{entry.name} {entry.company}")
    return query.wall is None and all(word in names for word in query.words)


def held_code_ids(session: Session, booking_id: int) -> tuple[int, ...]:
    query = select(DoorCode.id).where(DoorCode.booking_id == booking_id, DoorCode.state.in_(HELD))
    return tuple(session.scalars(query.order_by(DoorCode.starts_at, DoorCode.id)))


def _refs(session: Session, reach: Reach, booking_ids: list[int]) -> dict[int, tuple[str, ...]]:
    """The codes that external sites gave to these bookings (SPEC Y1)."""
    rows = session.execute(
        select(RemoteBooking.booking_id, RemoteBooking.ref).where(
            RemoteBooking.organisation_id == reach.organisation_id,
            RemoteBooking.booking_id.in_(booking_ids),
            RemoteBooking.ours.is_(False),
            RemoteBooking.ref != "",
        )
    )
    found: dict[int, tuple[str, ...]] = {}
    for booking_id, ref in rows:
        found[booking_id or 0] = (*found.get(booking_id or 0, ()), ref)
    return found


def _entry(
    house: House, booking: Booking, event: Event, customer: Customer, refs: tuple[str, ...], *, code_given: bool
) -> DeskEntry:
    room = house.room(event.room_id)
    return DeskEntry(
        booking_id=booking.id,
        public_id=booking.public_id,
        code=booking.code,
        refs=refs,
        state=booking.state,
        name=customer.name,
        company=customer.company,
        phone=customer.phone,
        purpose=booking.purpose,
        people=booking.people,
        room_id=room.room_id,
        room=room.name,
        slot=Slot(event.starts_at, event.ends_at),
        zone=room.zone,
        review_at=booking.review_at,
        short_notice=booking.short_notice,
        code_given=code_given,
    )


def _wall(text: str) -> time | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _plain(text: str) -> str:
    """Lower case without marks, umlauts spelled out, so that Müller, Mueller and MÜLLER are one name."""
    spelled = unicodedata.normalize("NFC", text).translate(_SHARP)
    return "".join(c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c)).casefold()


def _digits(phone: str) -> str:
    """The digits without a leading zero of the trunk or of dialling abroad."""
    return re.sub(r"\D", "", phone.replace("(0)", "")).lstrip("0")


def _is_same_number(stored: str, typed: str) -> bool:
    """Whether one ends like the other: +49 221 5551, 0221 5551 and the last four digits are one number."""
    if len(typed) <= SHORTEST:
        return False
    return stored.endswith(typed) or (len(stored) > 2 * SHORTEST and typed.endswith(stored))
