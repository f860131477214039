"""Cancelling and moving a rental: who may, until when, and what it costs (SPEC S18, S27, Y6)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from booking.values.clock import instant_of, local_day, local_time
from booking.values.house import RoomTerms
from booking.values.money import Cents, round_half_up
from booking.values.refusals import Refused, refused
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, BookingState


class Actor(StrEnum):
    """Who asks for the change. A BOOKER is the customer on an external site, its OWNER the account there."""

    CUSTOMER = "customer"
    BOOKER = "booker"
    OFFICE = "office"
    DESK = "desk"
    OWNER = "owner"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class CancelTerms:
    """What cancelling costs now. `until` is the last instant at which it is free, that instant included."""

    free: bool
    fee_cents: Cents
    until: datetime


class MoveBy(StrEnum):
    """How a move is carried out. With NEW_REQUEST the old time stays the customer's until the new is confirmed."""

    IN_PLACE = "in-place"
    NEW_REQUEST = "new-request"


class ExternalChange(StrEnum):
    """What a cancel on an external site does here: cancel by S27's steps, or a case to decide with the time kept."""

    CANCEL = "cancel"
    CASE = "case"


EXTERNAL_CANCEL: dict[Actor, ExternalChange] = {
    Actor.BOOKER: ExternalChange.CANCEL,  # the customer's own wish, as if made here
    Actor.OWNER: ExternalChange.CASE,  # a calendar event deleted by mistake must not free a hall
    Actor.VANISHED: ExternalChange.CASE,  # an absence proves nothing
}


def cancel_terms(
    now: datetime,
    slot: Slot,
    zone: ZoneInfo,
    terms: RoomTerms,
    gross: Cents,
    state: BookingState = BookingState.CONFIRMED,
) -> CancelTerms:
    """The fee that the page shows before the customer cancels or moves (SPEC S27).

    Free until n days before the start, at the same wall time there, that exact instant included; afterwards the room's
    share of the gross price. A request that nobody confirmed yet is free until the start.
    """
    day = local_day(slot.start, zone) - timedelta(days=terms.free_until_days)
    until = instant_of(day, local_time(slot.start, zone), zone)
    if state is BookingState.REQUESTED:
        until = slot.start
    if now <= until or terms.late_fee_percent == 0:
        return CancelTerms(free=True, fee_cents=Cents(0), until=until)
    fee = min(max(0, gross), round_half_up(max(0, gross) * terms.late_fee_percent, 100))
    return CancelTerms(free=False, fee_cents=Cents(fee), until=until)


def may_cancel(actor: Actor, state: BookingState, now: datetime, slot: Slot) -> Refused | None:
    """None if this actor may cancel now, else why not.

    not-active       it is neither requested nor confirmed
    started          until the start it can be cancelled, afterwards only waived, charged or followed up (SPEC S18)
    not-yours        the desk issues codes, nothing else (SPEC R5)
    a-case           it comes from outside and is no proof of a wish (SPEC Y6)
    """
    if state not in OCCUPYING:
        return refused("not-active")
    if actor is Actor.DESK:
        return refused("not-yours")
    if EXTERNAL_CANCEL.get(actor) is ExternalChange.CASE:
        return refused("a-case")
    return refused("started") if now >= slot.start else None


def move_by(actor: Actor, state: BookingState, now: datetime, slot: Slot) -> MoveBy | Refused:
    """How this actor's move to another time is carried out, or why not; the reasons are those of `may_cancel`.

    A customer's move of a confirmed rental is a new request. The office decides itself, and an unreviewed request just
    changes and is reviewed as it then stands.
    """
    no = may_cancel(actor, state, now, slot)
    if no:
        return no
    if actor in {Actor.CUSTOMER, Actor.BOOKER} and state is BookingState.CONFIRMED:
        return MoveBy.NEW_REQUEST
    return MoveBy.IN_PLACE
