"""A customer asks for a free time (SPEC S4 to S8, S13, S15, S25, S26): it is blocked with the same transaction."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from booking.actions import audit, codes, messages
from booking.actions.audit import Actor
from booking.actions.messages import Mail, MailKind
from booking.actions.occupy import lock_units, occupy, taken
from booking.actions.rentals import Rental, publish
from booking.actions.tools import Tools
from booking.reads.house import House, RoomFacts
from booking.reads.records import contact_ids, open_requests, record_of
from booking.rules import plausibility
from booking.rules.admission import Admitted, OpenRequests, RequestLimits, admit, occupied
from booking.rules.opening import open_between
from booking.rules.pricing import price
from booking.rules.review import MAIL_CHECK
from booking.rules.working_days import review_deadline, short_notice
from booking.tables.bookings import Booking, Event
from booking.tables.people import Customer
from booking.tables.rows import write_row
from booking.values.clock import local_day
from booking.values.codes import new_booking_code
from booking.values.findings import Contact, Finding, Record, Wish
from booking.values.house import Price
from booking.values.identity import new_uuid
from booking.values.price_json import price_to_json
from booking.values.refusals import Reason, Refused, refused
from booking.values.slot import Slot, subtract
from booking.values.states import BookingState, OccupancyKind, Source
from booking.values.tokens import hash_token, link_token

STATUS_LINK = "status"
_ROW = Booking.__table__.c
_HAS_CODE = select(_ROW.id).where(_ROW.organisation_id == bindparam("organisation_id"), _ROW.code == bindparam("code"))


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody asks for. `made_from` is a keyed hash of the caller's address block, for limits only."""

    room_id: int
    slot: Slot
    people: int
    purpose: str
    contact: Contact
    language: str
    source: Source = Source.PORTAL
    terms_id: int | None = None
    rules_id: int | None = None
    advertising: bool = False
    made_from: bytes | None = None
    replaces: Rental | None = None
    writes_to_customer: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """A request that stands. `findings` are those of the moment it was made."""

    booking_id: int
    public_id: UUID
    code: str
    slot: Slot
    review_at: datetime
    short_notice: bool
    price: Price
    findings: tuple[Finding, ...]
    record: Record


def make_request(
    session: Session, now: datetime, tools: Tools, house: House, ask: Ask, actor: Actor = audit.CUSTOMER
) -> Made | Refused:
    """Take the time and write the request with its mails, or say why not, with all reasons.

    The time is exclusive from here on; the database's own constraint stands behind the rule.
    """
    room = house.room(ask.room_id)
    units = lock_units(session, house.organisation_id, [room.room_id])[room.room_id]
    verdict = _decide(session, now, house, room, units, ask)
    if isinstance(verdict, Refused):
        return verdict
    contact = contact_ids(session, house.organisation_id, ask.contact.email)
    over = _over_limits(session, house, ask, contact)
    if over:
        return over
    made = _write(session, now, tools, house, room, ask, verdict.price or Price(()), contact)
    for part in subtract(verdict.occupied, _own(house, ask)):
        _occupy(session, house, units, part, made.booking_id)
    audit.note(
        session, now, house.organisation_id, actor, "booking", made.booking_id, "requested", after=_told(ask, made)
    )
    return made


def _occupy(session: Session, house: House, units: tuple[int, ...], part: Slot, booking_id: int) -> None:
    occupy(session, house.organisation_id, units, part, OccupancyKind.BOOKING, booking_id, exclusive=True)


def make_external(
    session: Session, now: datetime, tools: Tools, house: House, ask: Ask, actor: Actor = audit.SYSTEM
) -> Made:
    """An external booking becomes a request (SPEC Y1). It exists there already, so it is never refused here.

    Where its time meets another it is written beside it, not exclusive: the reviewer sees the clash (SPEC C14).
    """
    room = house.room(ask.room_id)
    units = lock_units(session, house.organisation_id, [room.room_id])[room.room_id]
    whole = occupied(ask.slot, room.terms)
    clash = bool(taken(session, units, whole))
    cost = price(ask.slot, room.zone, room.prices, house.seasons, room.terms.slot)
    contact = contact_ids(session, house.organisation_id, ask.contact.email)
    made = _write(
        session, now, tools, house, room, ask, Price(()) if isinstance(cost, Refused) else cost, contact, clash=clash
    )
    occupy(session, house.organisation_id, units, whole, OccupancyKind.BOOKING, made.booking_id, exclusive=not clash)
    audit.note(
        session, now, house.organisation_id, actor, "booking", made.booking_id, "requested", after=_told(ask, made)
    )
    return made


def price_of(house: House, room: RoomFacts, slot: Slot) -> Price | Refused:
    return price(slot, room.zone, room.prices, house.seasons, room.terms.slot)


def look(
    session: Session,
    now: datetime,
    house: House,
    room: RoomFacts,
    slot: Slot,
    people: int = 1,
    *,
    waiting: OpenRequests | None = None,
    units: tuple[int, ...] | None = None,
    own: Slot | None = None,
    but_booking_id: int | None = None,
    others: tuple[Slot, ...] | None = None,
) -> Admitted | Refused:
    """Would this time be admitted now? Inside a write it decides, in a read it spares hopeless writes their turn.

    `others` is what is taken around the time, where the caller read it already.
    """
    day = local_day(slot.start, room.zone)
    if others is None:
        but = (OccupancyKind.BOOKING, but_booking_id) if but_booking_id else None
        others = taken(session, units or room.unit_ids, occupied(slot, room.terms), but=but)
    if own is not None:
        others = tuple(part for other in others for part in subtract(other, [own]))
    return admit(
        slot,
        people,
        now,
        room.terms,
        open_between(day, local_day(slot.end, room.zone), house.calendar(room)),
        others,
        waiting=waiting,
        limits=RequestLimits(house.open_per_contact, house.open_per_address, house.open_per_room),
        price_of=lambda wish: price_of(house, room, wish),
    )


def judge(
    session: Session, now: datetime, house: House, room: RoomFacts, wish: Wish, contact: list[int], **record: Any
) -> tuple[tuple[Finding, ...], Record]:
    """The findings of a request as they stand now; `record` names the booking under review and its clashes."""
    free = codes.choose(session, room, wish.slot)
    left = None if room.door_id is None else 0 if isinstance(free, Refused) else len(free)
    known = record_of(session, now, house, contact, wish.slot, room_id=room.room_id, codes_left=left, **record)
    measured = plausibility.House(room.terms, room.zone, house.country)
    return plausibility.findings(wish, known, house.thresholds, measured), known


def _own(house: House, ask: Ask) -> tuple[Slot, ...]:
    """A move of a confirmed rental may reach into the old time, which stays the customer's meanwhile (SPEC S27)."""
    if ask.replaces is None:
        return ()
    old_room = house.room(ask.replaces.event.room_id)
    shared = set(old_room.unit_ids) & set(house.room(ask.room_id).unit_ids)
    return (occupied(ask.replaces.slot, old_room.terms),) if shared else ()


def _decide(
    session: Session, now: datetime, house: House, room: RoomFacts, units: tuple[int, ...], ask: Ask
) -> Admitted | Refused:
    """Under the lock. Asked first of all, so that who was too late holds nobody up."""
    if room.archived:
        return refused("room-archived")
    own = _own(house, ask)
    return look(session, now, house, room, ask.slot, ask.people, units=units, own=own[0] if own else None)


def _over_limits(session: Session, house: House, ask: Ask, contact: list[int]) -> Refused | None:
    waiting = open_requests(session, house.organisation_id, contact, ask.made_from, ask.room_id)
    limits = RequestLimits(house.open_per_contact, house.open_per_address, house.open_per_room)
    over = [
        Reason(code, None, {"limit": limit})
        for code, count, limit in (
            ("contact-limit", waiting.of_contact, limits.per_contact),
            ("address-limit", waiting.of_address, limits.per_address),
            ("room-limit", waiting.of_room, limits.per_room),
        )
        if count >= limit
    ]
    return Refused(tuple(over)) if over else None


def _write(
    session: Session,
    now: datetime,
    tools: Tools,
    house: House,
    room: RoomFacts,
    ask: Ask,
    cost: Price,
    contact: list[int],
    *,
    clash: bool = False,
) -> Made:
    deadline = review_deadline(now, house.office, house.closings, house.public_holidays)
    wish = Wish(ask.contact, ask.slot, ask.purpose, ask.people, now)
    clashes = (room.name,) if clash else ()
    found, record = judge(session, now, house, room, wish, contact, clashes=clashes)
    customer = _customer(session, now, house, ask, contact)
    event = Event(
        organisation_id=house.organisation_id, room_id=room.room_id, starts_at=ask.slot.start, ends_at=ask.slot.end
    )
    write_row(session, event)
    public_id = new_uuid(now)
    check = house.mail_check and ask.source is Source.PORTAL
    booking = Booking(
        organisation_id=house.organisation_id,
        public_id=public_id,
        event_id=event.id,
        customer_id=customer.id,
        code=_unused_code(session, house.organisation_id),
        state=BookingState.REQUESTED,
        source=ask.source,
        people=ask.people,
        purpose=ask.purpose,
        language=ask.language,
        price_cents=cost.gross,
        price=price_to_json(cost),
        findings=[asdict(finding) for finding in found],
        terms_id=ask.terms_id,
        rules_id=ask.rules_id,
        replaces_id=ask.replaces.booking.id if ask.replaces else None,
        made_at=now,
        made_from=ask.made_from,
        review_at=deadline,
        short_notice=short_notice(ask.slot, deadline),
        verify_by=now + MAIL_CHECK if check else None,
        link_hash=hash_token(link_token(tools.link_key, STATUS_LINK, public_id, 0)),
    )
    write_row(session, booking)
    rental = Rental(booking, event, customer)
    _post_mails(session, now, house, rental, ask, check=check)
    publish(session, now, house, rental)
    return Made(booking.id, public_id, booking.code, ask.slot, deadline, booking.short_notice, cost, found, record)


def _customer(session: Session, now: datetime, house: House, ask: Ask, contact: list[int]) -> Customer:
    """The file with exactly these data, or a new one: what a stranger types never changes somebody's file."""
    given = ask.contact
    if contact:
        same = select(Customer).where(
            Customer.id.in_(contact),
            Customer.name == given.name,
            Customer.company == given.company,
            Customer.phone == given.phone,
            Customer.street == given.street,
            Customer.postcode == given.postcode,
            Customer.city == given.city,
        )
        known = session.scalars(same.order_by(Customer.id).limit(1)).one_or_none()
        if known is not None:
            return known
    customer = Customer(
        organisation_id=house.organisation_id,
        public_id=new_uuid(now),
        name=given.name,
        company=given.company,
        email=given.email.strip().lower(),
        phone=given.phone,
        street=given.street,
        postcode=given.postcode,
        city=given.city,
        country=given.country or house.country,
        language=ask.language,
        created_at=now,
        advertising_asked_at=now if ask.advertising else None,
    )
    write_row(session, customer)
    return customer


def _unused_code(session: Session, organisation_id: int) -> str:
    """A booking code that no booking has; the unique constraint stands behind it."""
    while True:
        code = new_booking_code()
        if session.scalar(_HAS_CODE, {"organisation_id": organisation_id, "code": code}) is None:
            return code


def _post_mails(session: Session, now: datetime, house: House, rental: Rental, ask: Ask, *, check: bool) -> None:
    """To the customer (SPEC S6; the mail check first where the house wants one), the office and the desk (S7)."""
    kind = MailKind.MAIL_CHECK if check else MailKind.ACKNOWLEDGEMENT
    mails = [_to_customer(rental, kind)] if ask.writes_to_customer else []
    mails += [
        Mail(notice, address, house.name, house.language, rental.booking.id)
        for notice, address in (
            (MailKind.NOTICE_OFFICE, house.letterhead.email),
            (MailKind.NOTICE_DESK, house.desk_email),
        )
        if address
    ]
    messages.post_all(session, now, house, mails)


def acknowledge(session: Session, now: datetime, house: House, rental: Rental, kind: MailKind) -> None:
    messages.post_all(session, now, house, [_to_customer(rental, kind)])


def _to_customer(rental: Rental, kind: MailKind) -> Mail:
    customer, booking = rental.customer, rental.booking
    return Mail(kind, customer.email, customer.name, booking.language, booking.id)


def _told(ask: Ask, made: Made) -> dict[str, str | int]:
    return {
        "starts_at": ask.slot.start.isoformat(),
        "ends_at": ask.slot.end.isoformat(),
        "room_id": ask.room_id,
        "source": ask.source.value,
        "price_cents": made.price.gross,
    }
