"""A customer asks for a free time (SPEC S4 to S8, S13, S15, S25, S26): it is blocked with the same transaction."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from booking.actions import audit, codes, messages
from booking.actions.audit import Actor
from booking.actions.messages import Mail, MailKind
from booking.actions.occupy import hold_beside, lock_units, occupy, taken
from booking.actions.rentals import Rental, publish
from booking.actions.tools import Tools
from booking.reads.house import House, RoomFacts
from booking.reads.records import Reviewed, contact_ids, open_requests, record_of
from booking.rules import plausibility
from booking.rules.admission import Admitted, OpenRequests, RequestLimits, admit, occupied
from booking.rules.extras import book_extras
from booking.rules.plausibility import is_same_contact
from booking.rules.pricing import price
from booking.rules.review import MAIL_CHECK
from booking.rules.working_days import review_deadline, short_notice
from booking.tables.bookings import Booking, Event
from booking.tables.people import Customer
from booking.tables.prepared import Prepared
from booking.tables.rows import write_row
from booking.values.clock import local_day
from booking.values.codes import new_booking_code
from booking.values.findings import Contact, Finding, Record, Wish
from booking.values.house import GENERAL, BookedExtra, ExtraWish, Price, PriceBasis
from booking.values.identity import new_uuid
from booking.values.money import Cents
from booking.values.price_json import extras_to_json, price_to_json
from booking.values.refusals import Reason, Refused, refused
from booking.values.slot import Slot
from booking.values.states import BookingState, OccupancyKind, Source
from booking.values.tokens import hash_token, link_token

STATUS_LINK = "status"
NO_FEE = Cents(0)
LONGEST_LOOK = timedelta(days=31)  # a wish of years is too long anyway; its opening hours are not gone through
_ROW = Booking.__table__.c
_FILES = select(Customer).where(Customer.id.in_(bindparam("ids", expanding=True))).order_by(Customer.id)
_HAS_CODE = Prepared(
    select(_ROW.id).where(_ROW.organisation_id == bindparam("organisation_id"), _ROW.code == bindparam("code"))
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody asks for. `made_from` is a keyed hash of the caller's address block, for limits only.

    `is_proven`: who asks came by the link of a mail, so the mail address is theirs; nothing else proves one but the
    mail check (SPEC S26).

    `move_fee_cents` is what giving up the time of `replaces` costs, as the page showed it (SPEC S27).

    `wishes` are extras of the room's list; `kept` are those of a booking that moves, taken as they are. `group_id` and
    `customer_id` are given only where who asks is known to be that customer (docs/decisions/0007): whose prices apply,
    and whose file it is. Else everybody's prices apply, and the file follows from what was typed.
    """

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
    move_fee_cents: Cents = NO_FEE
    writes_to_customer: bool = True
    is_proven: bool = False
    wishes: tuple[ExtraWish, ...] = ()
    kept: tuple[BookedExtra, ...] = ()
    group_id: int | None = None
    customer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A request that stands. `findings` are those of the moment it was made; `extras` are frozen with the price."""

    booking_id: int
    public_id: UUID
    code: str
    slot: Slot
    review_at: datetime
    short_notice: bool
    price: Price
    findings: tuple[Finding, ...]
    record: Record
    extras: tuple[BookedExtra, ...] = ()


def make_request(
    session: Session, now: datetime, tools: Tools, house: House, ask: Ask, actor: Actor = audit.CUSTOMER
) -> Made | Refused:
    """Take the time and write the request with its mails, or say why not, with all reasons.

    The time is exclusive from here on; the database's own constraint stands behind the rule. Besides what `look`
    refuses: room-archived, the limits, and what `book_extras` refuses.
    """
    room = house.room(ask.room_id)
    units = lock_units(session, house.organisation_id, [room.room_id])[room.room_id]
    basis = basis_of(ask, room)
    if isinstance(basis, Refused):
        return basis
    verdict = _decide(session, now, house, room, units, ask, basis)
    if isinstance(verdict, Refused):
        return verdict
    contact = contact_ids(session, house.organisation_id, ask.contact.email)
    over = _over_limits(session, house, ask, contact)
    if over:
        return over
    made = _write(session, now, tools, house, room, ask, basis, verdict.price or Price(()), contact)
    _hold(session, house, units, verdict.occupied, made.booking_id, ask.replaces)
    audit.note(
        session, now, house.organisation_id, actor, "booking", made.booking_id, "requested", after=_told(ask, made)
    )
    return made


def _hold(
    session: Session, house: House, units: tuple[int, ...], whole: Slot, booking_id: int, old: Rental | None
) -> None:
    if old is None:
        occupy(session, house.organisation_id, units, whole, OccupancyKind.BOOKING, booking_id, exclusive=True)
    else:
        hold_beside(session, house.organisation_id, units, whole, booking_id, old.booking.id)


def make_external(
    session: Session, now: datetime, tools: Tools, house: House, ask: Ask, actor: Actor = audit.SYSTEM
) -> Made:
    """An external booking becomes a request (SPEC Y1). It exists there already, so it is never refused here.

    Where its time meets another it is written beside it, not exclusive: the reviewer sees the clash (SPEC C14).
    """
    room = house.room(ask.room_id)
    units = lock_units(session, house.organisation_id, [room.room_id])[room.room_id]
    whole = occupied(ask.slot, room.terms)
    clash = bool(taken(session, units, whole))  # the finding names what it is
    found = price_of(house, room, ask.slot)
    cost = Price(()) if isinstance(found, Refused) else found
    contact = contact_ids(session, house.organisation_id, ask.contact.email)
    made = _write(session, now, tools, house, room, ask, GENERAL, cost, contact)
    occupy(session, house.organisation_id, units, whole, OccupancyKind.BOOKING, made.booking_id, exclusive=not clash)
    audit.note(
        session, now, house.organisation_id, actor, "booking", made.booking_id, "requested", after=_told(ask, made)
    )
    return made


def basis_of(ask: Ask, room: RoomFacts) -> PriceBasis | Refused:
    """What the price of this wish depends on. Refused: what `book_extras` refuses."""
    extras = book_extras(ask.wishes, room.prices)
    return extras if isinstance(extras, Refused) else PriceBasis(ask.group_id, ask.kept + extras, ask.people)


def price_of(house: House, room: RoomFacts, slot: Slot, basis: PriceBasis = GENERAL) -> Price | Refused:
    return house.kept(
        room,
        ("price", room.room_id, slot, basis),
        lambda: price(slot, room.zone, room.prices, house.seasons, room.terms.slot, basis),
    )


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
    but_booking_id: int | None = None,
    old_id: int | None = None,
    others: tuple[Slot, ...] | None = None,
    basis: PriceBasis = GENERAL,
) -> Admitted | Refused:
    """Would this time be admitted now? Inside a write it decides, in a read it spares hopeless writes their turn.

    `others` is what is taken around the time, where the caller read it already. What `but_booking_id` has is no
    hindrance, nor what the confirmed rental `old_id` has that is to be moved: it stays the customer's meanwhile (S27).
    The price is that of `basis` for so many `people`.
    """
    priced = replace(basis, people=people)
    day, last = (local_day(at, room.zone) for at in (slot.start, min(slot.end, slot.start + LONGEST_LOOK)))
    if others is None:
        but = [(OccupancyKind.BOOKING, one) for one in (but_booking_id, old_id) if one is not None]
        others = taken(session, units or room.unit_ids, occupied(slot, room.terms), but=but)
    return admit(
        slot,
        people,
        now,
        room.terms,
        house.open_between(room, day, last),
        others,
        waiting=waiting,
        limits=RequestLimits(house.open_per_contact, house.open_per_address, house.open_per_room),
        price_of=lambda wish: price_of(house, room, wish, priced),
    )


def judge(
    session: Session, now: datetime, house: House, room: RoomFacts, wish: Wish, contact: list[int], reviewed: Reviewed
) -> tuple[tuple[Finding, ...], Record]:
    """The findings of a request as they stand now, clashes that were reported later among them (SPEC S8)."""
    free = codes.choose(session, room, wish.slot)
    left = None if room.door_id is None else 0 if isinstance(free, Refused) else len(free)
    known = record_of(session, now, house, room, contact, wish, reviewed, codes_left=left)
    measured = plausibility.House(room.terms, room.zone, house.country)
    return plausibility.findings(wish, known, house.thresholds, measured), known


def _decide(
    session: Session,
    now: datetime,
    house: House,
    room: RoomFacts,
    units: tuple[int, ...],
    ask: Ask,
    basis: PriceBasis,
) -> Admitted | Refused:
    """Under the lock. Asked first of all, so that who was too late holds nobody up."""
    if room.archived:
        return refused("room-archived")
    old_id = ask.replaces.booking.id if ask.replaces else None
    return look(session, now, house, room, ask.slot, ask.people, units=units, old_id=old_id, basis=basis)


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
    basis: PriceBasis,
    cost: Price,
    contact: list[int],
) -> Made:
    deadline = review_deadline(now, house.office, house.closings, house.public_holidays)
    wish = Wish(ask.contact, ask.slot, ask.purpose, ask.people, now)
    replaces_id = ask.replaces.booking.id if ask.replaces else None
    customer = _customer(session, now, house, ask, contact)
    reviewed = Reviewed(replaces_id=replaces_id, is_proven=ask.is_proven, customer_id=customer.id)
    found, record = judge(session, now, house, room, wish, contact, reviewed)
    when = {"room_id": room.room_id, "starts_at": ask.slot.start, "ends_at": ask.slot.end}
    event = write_row(session, Event, {"organisation_id": house.organisation_id, **when})
    public_id = new_uuid(now)
    check = house.mail_check and ask.source is Source.PORTAL and not ask.is_proven
    values = {
        "organisation_id": house.organisation_id,
        "public_id": public_id,
        "event_id": event.id,
        "customer_id": customer.id,
        "code": _unused_code(session, house.organisation_id),
        "state": BookingState.REQUESTED,
        "source": ask.source,
        "people": ask.people,
        "purpose": ask.purpose,
        "language": ask.language,
        "price_cents": cost.gross,
        "price": price_to_json(cost),
        "extras": extras_to_json(basis.extras),
        "group_id": basis.group_id,
        "findings": [asdict(finding) for finding in found],
        "terms_id": ask.terms_id,
        "rules_id": ask.rules_id,
        "replaces_id": replaces_id,
        "first_id": ask.replaces.booking.rental_id if ask.replaces else None,
        "move_fee_cents": ask.move_fee_cents,
        "made_at": now,
        "made_from": ask.made_from,
        "review_at": deadline,
        "short_notice": short_notice(ask.slot, deadline),
        "verify_by": now + MAIL_CHECK if check else None,
        "verified_at": now if ask.is_proven else None,
        "link_hash": hash_token(link_token(tools.link_key, STATUS_LINK, public_id, 0)),
    }
    booking = write_row(session, Booking, values)
    rental = Rental(booking, event, customer)
    _post_mails(session, now, house, rental, ask, check=check)
    publish(session, now, house, rental, new=True)
    short = booking.short_notice
    return Made(booking.id, public_id, booking.code, ask.slot, deadline, short, cost, found, record, basis.extras)


def file_of(session: Session, house: House, given: Contact, contact: list[int]) -> Customer | None:
    """The customer's file with these data, however written, among those of the mail address."""
    if not contact:
        return None
    files = session.scalars(_FILES, {"ids": contact})
    return next((file for file in files if _is_file_of(file, given, house)), None)


def _customer(session: Session, now: datetime, house: House, ask: Ask, contact: list[int]) -> Customer:
    """The file that is known or found, or a new one: what a stranger types changes nobody's file."""
    given = ask.contact
    own = None if ask.customer_id is None else session.get(Customer, ask.customer_id)
    known = own or file_of(session, house, given, contact)
    if known is not None:
        if ask.advertising and known.advertising_asked_at is None:
            known.advertising_asked_at = now
        return known
    values = {
        "organisation_id": house.organisation_id,
        "public_id": new_uuid(now),
        "name": given.name,
        "company": given.company,
        "email": given.email.strip().lower(),
        "phone": given.phone,
        "street": given.street,
        "postcode": given.postcode,
        "city": given.city,
        "country": given.country or house.country,
        "language": ask.language,
        "created_at": now,
        "advertising_asked_at": now if ask.advertising else None,
    }
    return write_row(session, Customer, values)


def _is_file_of(file: Customer, given: Contact, house: House) -> bool:
    """Who is billed has to be the same too: the company, and the country that the invoice names."""
    same_company = file.company.casefold().split() == given.company.casefold().split()
    return same_company and file.country == (given.country or house.country) and is_same_contact(given, file)


def _unused_code(session: Session, organisation_id: int) -> str:
    """A booking code that no booking has; the unique constraint stands behind it."""
    while True:
        code = new_booking_code()
        if _HAS_CODE.scalar(session, {"organisation_id": organisation_id, "code": code}) is None:
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
