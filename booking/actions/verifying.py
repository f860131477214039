"""The customer confirms the mail address, where the house asks for it (SPEC S26)."""

from datetime import datetime

from sqlalchemy.orm import Session

from booking.actions import audit
from booking.actions.audit import Actor
from booking.actions.messages import MailKind
from booking.actions.occupy import lock_units
from booking.actions.renewing import renew_findings
from booking.actions.rentals import load_rental
from booking.actions.requests import acknowledge
from booking.actions.reviews import approve_again_if_trusted
from booking.reads.house import House
from booking.rules.review import is_unverified
from booking.values.refusals import Refused, refused
from booking.values.states import BookingState


def verify_address(
    session: Session, now: datetime, house: House, booking_id: int, actor: Actor = audit.CUSTOMER
) -> Refused | None:
    """Note that the address is the customer's, then post the acknowledgement of S6. A second time changes nothing.

    Automatic approval, which waited for it, is tried now (SPEC S8).

    not-active   the request was decided, cancelled or has run out meanwhile
    too-late     the time was held until `verify_by`, that instant included; it is free again (SPEC S26)
    """
    rental = load_rental(session, house.organisation_id, booking_id)
    lock_units(session, house.organisation_id, [rental.event.room_id])
    booking = rental.booking
    session.refresh(booking)
    if booking.verified_at is not None or booking.verify_by is None:
        return None
    if booking.state is not BookingState.REQUESTED:
        return refused("not-active")
    if is_unverified(booking.state, booking.verify_by, booking.verified_at, now):
        return refused("too-late")
    booking.verified_at = now
    session.flush()
    audit.note(session, now, house.organisation_id, actor, "booking", booking_id, "address-verified")
    renew_findings(session, now, house, rental)
    acknowledge(session, now, house, rental, MailKind.ACKNOWLEDGEMENT)
    approve_again_if_trusted(session, now, house, booking_id)
    return None
