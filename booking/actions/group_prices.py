"""The prices of a customer's group: given by the office at the review, and what a move is priced by (SPEC S25).

Who may see and get them is docs/decisions/0007: nobody who only typed a customer's data.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from booking.actions import audit
from booking.actions.audit import Actor
from booking.actions.rentals import Rental, lock_rental, pending_decision
from booking.actions.requests import price_of
from booking.reads.house import House, RoomFacts
from booking.rules.extras import keep_extras
from booking.values.house import Price, PriceBasis
from booking.values.price_json import extras_from_json, extras_to_json, price_to_json
from booking.values.refusals import Refused, refused
from booking.values.states import BookingState


def basis_of_move(rental: Rental, room: RoomFacts, *, is_known: bool) -> PriceBasis:
    """What the price of another time in that room is made of: the booking's extras as that list has them now.

    The customer's group counts where who asks is known to be the customer or the office, or where the booking has the
    prices of that group already: then they are no secret to who has its link.
    """
    booking, group_id = rental.booking, rental.customer.group_id
    extras = keep_extras(extras_from_json(booking.extras), room.prices)
    is_shown = is_known or booking.group_id == group_id
    return PriceBasis(group_id if is_shown else None, extras, booking.people)


def keep_basis(rental: Rental, basis: PriceBasis) -> None:
    """Freeze what a new price was made of, with the price."""
    rental.booking.extras, rental.booking.group_id = extras_to_json(basis.extras), basis.group_id


def group_price(house: House, rental: Rental) -> Price | None:
    """What a request would cost at the prices of its customer's group today; None where that is not less."""
    booking, group_id = rental.booking, rental.customer.group_id
    if booking.state is not BookingState.REQUESTED or group_id is None:
        return None
    basis = PriceBasis(group_id, extras_from_json(booking.extras), booking.people)
    found = price_of(house, house.room(rental.event.room_id), rental.slot, basis)
    return None if isinstance(found, Refused) or found.gross >= booking.price_cents else found


def give_group_price(session: Session, now: datetime, house: House, booking_id: int, actor: Actor) -> Price | Refused:
    """The office gives a request the lower price of its customer's group; its extras stay as they are.

    Refused: not-requested, decision-pending, no-group-price (no group, or its price is not lower than the frozen one:
    nobody is bound to a price above the one that was shown).
    """
    rental = lock_rental(session, house.organisation_id, booking_id)
    booking = rental.booking
    if booking.state is not BookingState.REQUESTED:
        return refused("not-requested")
    if pending_decision(session, booking.id) is not None:
        return refused("decision-pending")
    lower = group_price(house, rental)
    if lower is None:
        return refused("no-group-price")
    before = booking.price_cents
    booking.price, booking.price_cents = price_to_json(lower), lower.gross
    booking.group_id = rental.customer.group_id
    audit.note(
        session,
        now,
        house.organisation_id,
        actor,
        "booking",
        booking.id,
        "group-price",
        before={"price_cents": before},
        after={"price_cents": lower.gross, "group": house.group_name(booking.group_id)},
    )
    return lower
