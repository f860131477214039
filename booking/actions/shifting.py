"""Moving a rental to another time (SPEC S22, S27): in place, or by a new request that ends the old once confirmed."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from booking.actions import audit, codes, messages
from booking.actions.audit import Actor
from booking.actions.billing import bill
from booking.actions.messages import SHOWS_CODE, MailKind
from booking.actions.occupy import free, occupy
from booking.actions.payments import due_code_mail
from booking.actions.rentals import Rental, lock_rental, pending_decision, publish
from booking.actions.requests import Ask, Made, judge, look, make_request
from booking.actions.tools import Tools
from booking.reads.house import House, RoomFacts
from booking.reads.records import contact_ids
from booking.rules import moving
from booking.rules.admission import occupied
from booking.rules.moving import MoveBy, move_by
from booking.tables.bookings import Booking
from booking.tables.people import Customer
from booking.values.findings import Contact, Wish
from booking.values.house import Price
from booking.values.price_json import price_to_json
from booking.values.refusals import Refused, refused
from booking.values.slot import Slot
from booking.values.states import BookingState, OccupancyKind, Source


@dataclass(frozen=True, slots=True)
class Moved:
    """The rental has its new time."""

    slot: Slot
    price: Price


def move_rental(
    session: Session,
    now: datetime,
    tools: Tools,
    house: House,
    booking_id: int,
    to: Slot,
    who: moving.Actor,
    actor: Actor,
) -> Moved | Made | Refused:
    """Move, or make the request that will move it once confirmed; then the old time stays the customer's meanwhile."""
    rental = lock_rental(session, house.organisation_id, booking_id)
    room = house.room(rental.event.room_id)
    way = move_by(who, rental.booking.state, now, rental.slot)
    if isinstance(way, Refused):
        return way
    if pending_decision(session, booking_id) is not None:
        return refused("decision-pending")
    if way is MoveBy.NEW_REQUEST:
        return make_request(session, now, tools, house, _as_request(rental, to), actor)
    verdict = look(session, now, house, room, to, rental.booking.people, but_booking_id=booking_id)
    if isinstance(verdict, Refused):
        return verdict
    no = _swap_codes(session, now, room, rental.booking, to)
    if no:
        return no
    before = rental.slot
    _write(session, now, house, room, rental, to, verdict.price or Price(()))
    audit.note(
        session,
        now,
        house.organisation_id,
        actor,
        "booking",
        booking_id,
        "moved",
        before=_told(before),
        after=_told(to),
    )
    publish(session, now, house, rental)
    return Moved(to, verdict.price or Price(()))


def contact_of(customer: Customer) -> Contact:
    return Contact(
        name=customer.name,
        company=customer.company,
        email=customer.email,
        phone=customer.phone,
        street=customer.street,
        postcode=customer.postcode,
        city=customer.city,
        country=customer.country,
    )


def _as_request(rental: Rental, to: Slot) -> Ask:
    booking = rental.booking
    return Ask(
        room_id=rental.event.room_id,
        slot=to,
        people=booking.people,
        purpose=booking.purpose,
        contact=contact_of(rental.customer),
        language=booking.language,
        source=Source.PORTAL if booking.source is Source.YCBM else booking.source,
        terms_id=booking.terms_id,
        rules_id=booking.rules_id,
        replaces=rental,
    )


def _swap_codes(session: Session, now: datetime, room: RoomFacts, booking: Booking, to: Slot) -> Refused | None:
    """A confirmed rental takes a code of the new time; the old one is never given out again in its window (S22)."""
    if booking.state is not BookingState.CONFIRMED or room.door_id is None:
        return None
    codes.lock_door(session, room.door_id)
    chosen = codes.choose(session, room, to)
    if isinstance(chosen, Refused):
        return chosen
    codes.release(session, now, booking.id)
    codes.reserve(session, chosen, booking.id)
    codes.issue(session, now, booking.id, None)
    return None


def _write(
    session: Session, now: datetime, house: House, room: RoomFacts, rental: Rental, to: Slot, cost: Price
) -> None:
    booking, event, before = rental.booking, rental.event, rental.slot
    event.starts_at, event.ends_at = to.start, to.end
    free(session, house.organisation_id, OccupancyKind.BOOKING, booking.id)
    occupy(
        session,
        house.organisation_id,
        room.unit_ids,
        occupied(to, room.terms),
        OccupancyKind.BOOKING,
        booking.id,
        exclusive=True,
    )
    if booking.state is BookingState.REQUESTED:
        booking.price, booking.price_cents = price_to_json(cost), cost.gross
        wish = Wish(contact_of(rental.customer), to, booking.purpose, booking.people, booking.made_at)
        contact = contact_ids(session, house.organisation_id, rental.customer.email)
        found, _ = judge(session, now, house, room, wish, contact, but_booking_id=booking.id)
        booking.findings = [asdict(finding) for finding in found]
        return
    taken_back = messages.supersede(session, now, booking.id, SHOWS_CODE)
    if MailKind.CONFIRMATION in taken_back:
        bill(session, now, house, rental)  # the one mail had not gone out: it tells the new time, with its invoice
        return
    messages.post(
        session,
        now,
        house,
        MailKind.MOVED,
        to=rental.customer.email,
        name=rental.customer.name,
        language=booking.language,
        booking_id=booking.id,
        facts={"before": _told(before)},
    )
    due_code_mail(session, now, house, booking.id)


def _told(slot: Slot) -> dict[str, str]:
    return {"starts_at": slot.start.isoformat(), "ends_at": slot.end.isoformat()}
