"""Moving a rental to another time (SPEC S22, S27): in place, or by a new request that ends the old once confirmed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from booking.actions import audit, codes, messages
from booking.actions.audit import Actor
from booking.actions.billing import bill, compare_invoice, freeze_price
from booking.actions.endings import fee_changed, hold_moves, moves_of, terms_of
from booking.actions.feed_codes import codes_recounted
from booking.actions.group_prices import basis_of_move, keep_basis
from booking.actions.messages import SHOWS_CODE, MailKind
from booking.actions.occupy import free, hold_beside, lock_units, occupy
from booking.actions.payments import due_code_mail
from booking.actions.renewing import renew_request
from booking.actions.rentals import Rental, announce, contact_of, load_rental, lock_rental, pending_decision, publish
from booking.actions.requests import Ask, Made, look, make_request
from booking.actions.reviews import approve_again_if_trusted
from booking.actions.seen_prices import price_changed
from booking.actions.tools import Tools
from booking.reads.house import House, RoomFacts
from booking.rules import moving
from booking.rules.admission import occupied
from booking.rules.moving import MoveBy, move_by
from booking.tables.bookings import Booking
from booking.values.house import Price, PriceBasis
from booking.values.price_json import price_from_json, price_to_json
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
    *,
    room_id: int | None = None,
    is_proven: bool = False,
    seen_fee: int | None = None,
    seen_price: int | None = None,
) -> Moved | Made | Refused:
    """Move, or make the request that will move it once confirmed; then the old time stays the customer's meanwhile.

    `room_id` is another room to move to, for who moves in place. `is_proven`: see `Ask`. `seen_fee`: see
    `cancel_rental`; only a move by request costs one, the office moves for nothing. `seen_price` is the new time's as
    the page showed it. Besides what `move_by` and `look` refuse:
    site-room (a booking of an external site stays in the room of its page there), fee-changed, price-changed.
    """
    rooms = _rooms_of(session, house, booking_id) | ({room_id} if room_id is not None else set())
    if len(rooms) > 1:
        lock_units(session, house.organisation_id, sorted(rooms))
    rental = lock_rental(session, house.organisation_id, booking_id)
    before_room = house.room(rental.event.room_id)
    room = before_room if room_id is None else house.room(room_id)
    way = move_by(who, rental.booking.state, now, rental.slot)
    no = way if isinstance(way, Refused) else _against(session, rental, before_room, room)
    if no:
        return no
    basis = basis_of_move(rental, room, is_known=is_proven or who is moving.Actor.OFFICE)
    changed = price_changed(house, room, to, basis, seen_price)
    if way is MoveBy.NEW_REQUEST:
        wish = _as_request(now, house, rental, to, basis, is_proven=is_proven)
        no = fee_changed(seen_fee, wish.move_fee_cents) or changed
        return no or make_request(session, now, tools, house, wish, actor)
    old_id = rental.booking.replaces_id if rental.booking.state is BookingState.REQUESTED else None
    people = rental.booking.people
    found = look(session, now, house, room, to, people, but_booking_id=booking_id, old_id=old_id, basis=basis)
    verdict = changed or found
    if isinstance(verdict, Refused):
        return verdict
    with codes_recounted(session, now, house.organisation_id, [booking_id]):
        no = _swap_codes(session, now, room, rental.booking, to)
        if no:
            return no
        before = rental.slot
        _note_proof(now, rental.booking, is_proven=is_proven)
        keep_basis(rental, basis)
        _write(session, now, house, room, rental, to, verdict.price or Price(()), who)
        audit.note(
            session,
            now,
            house.organisation_id,
            actor,
            "booking",
            booking_id,
            "moved",
            before=_told(before) | _room_told(before_room, room),
            after=_told(to) | _room_told(room, before_room),
        )
        publish(session, now, house, rental)
    if room is not before_room:
        announce(session, now, house.organisation_id, booking_id, before_room.room_id)
    if who is moving.Actor.CUSTOMER:
        approve_again_if_trusted(session, now, house, booking_id)
    return Moved(to, price_from_json(rental.booking.price))


def _note_proof(now: datetime, booking: Booking, *, is_proven: bool) -> None:
    """Where the mail check is asked for, only its own answer counts: it posts what waited for it."""
    if is_proven and booking.verify_by is None and booking.verified_at is None:
        booking.verified_at = now


def _as_request(now: datetime, house: House, rental: Rental, to: Slot, basis: PriceBasis, *, is_proven: bool) -> Ask:
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
        move_fee_cents=terms_of(now, house, rental).fee_cents,
        is_proven=is_proven or booking.verified_at is not None,
        kept=basis.extras,
        group_id=basis.group_id,
        customer_id=rental.customer.id,
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
    session: Session,
    now: datetime,
    house: House,
    room: RoomFacts,
    rental: Rental,
    to: Slot,
    cost: Price,
    who: moving.Actor,
) -> None:
    booking, event, before = rental.booking, rental.event, rental.slot
    event.room_id = room.room_id
    event.starts_at, event.ends_at = to.start, to.end
    _occupy(session, house, room, booking, to)
    if booking.state is BookingState.REQUESTED:
        renew_request(session, now, house, rental, before, cost, tell_office=who is not moving.Actor.OFFICE)
        return
    messages.renew_digest(session, now, house)
    booking.price = price_to_json(cost)
    freeze_price(house, rental)
    compare_invoice(session, now, house, rental)
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


def _occupy(session: Session, house: House, room: RoomFacts, booking: Booking, to: Slot) -> None:
    """The rental, or the request that moves one, has its new time; who waits to move it holds what it leaves (S27)."""
    whole = occupied(to, room.terms)
    if booking.state is BookingState.REQUESTED and booking.replaces_id is not None:
        hold_beside(session, house.organisation_id, room.unit_ids, whole, booking.id, booking.replaces_id)
        return
    free(session, house.organisation_id, OccupancyKind.BOOKING, booking.id)
    occupy(session, house.organisation_id, room.unit_ids, whole, OccupancyKind.BOOKING, booking.id, exclusive=True)
    hold_moves(session, house, booking.id)


def _against(session: Session, rental: Rental, before: RoomFacts, room: RoomFacts) -> Refused | None:
    """What stands in the way whatever the time."""
    if pending_decision(session, rental.booking.id) is not None:
        return refused("decision-pending")
    if room is before:
        return None
    if room.archived:
        return refused("room-archived")
    return refused("site-room") if rental.booking.source is Source.YCBM else None


def _rooms_of(session: Session, house: House, booking_id: int) -> set[int]:
    """The room as it stands before anything is locked, and those of the requests that wait to move the rental."""
    rental = load_rental(session, house.organisation_id, booking_id)
    return {one.event.room_id for one in (rental, *moves_of(session, house, booking_id))}


def _room_told(room: RoomFacts, other: RoomFacts) -> dict[str, str]:
    """The room of an audit entry, where it changed."""
    return {} if room is other else {"room": room.name}


def _told(slot: Slot) -> dict[str, str]:
    return {"starts_at": slot.start.isoformat(), "ends_at": slot.end.isoformat()}
