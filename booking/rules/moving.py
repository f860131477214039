"""Cancelling and moving a rental: who may, until when, and what it costs (SPEC S18, S27, Y6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from booking.values.clock import instant_of, local_day, local_time
from booking.values.house import CancelStep
from booking.values.money import Cents, round_half_up
from booking.values.refusals import Reason, Refused, refused
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, BookingState

MOST_DAYS, MOST_PERCENT, MOST_STEPS = 365, 100, 10


class Actor(StrEnum):
    """Who asks for the change. A BOOKER is the customer on an external site, its OWNER the account there."""

    CUSTOMER = "customer"
    BOOKER = "booker"
    OFFICE = "office"
    DESK = "desk"
    OWNER = "owner"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Rise:
    """The next higher fee: what it is after this instant, the instant itself not yet included."""

    after: datetime
    fee_cents: Cents


@dataclass(frozen=True, slots=True)
class CancelTerms:
    """What cancelling costs now. `until` is the last instant at which it is free, that instant included.

    `rise` is when it costs more than now; None where it stays as it is until the start.
    """

    free: bool
    fee_cents: Cents
    until: datetime
    rise: Rise | None = None


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
    steps: Sequence[CancelStep],
    gross: Cents,
    state: BookingState = BookingState.CONFIRMED,
) -> CancelTerms:
    """The fee that the page shows before the customer cancels or moves (SPEC S27). `steps`: the earliest first.

    A step begins so many local days before the start, at the same wall time there; that exact instant still belongs to
    the step before. A wall time that a change of clocks skips or repeats is read as `instant_of` says. The fee is the
    step's share of the gross price, half a cent rounded up. What nobody confirmed yet is free until the start.
    """
    begins = () if state is BookingState.REQUESTED else _begins(slot, zone, steps, gross)
    fee = next((due for after, due in reversed(begins) if now > after), Cents(0))
    rise = next((Rise(after, due) for after, due in begins if now <= after < slot.start and due > fee), None)
    until = next((after for after, due in begins if due), slot.start)
    return CancelTerms(fee == 0, fee, until, rise)


def _begins(
    slot: Slot, zone: ZoneInfo, steps: Sequence[CancelStep], gross: Cents
) -> tuple[tuple[datetime, Cents], ...]:
    """The last instant before each step, and the fee from then on."""
    day, wall, owed = local_day(slot.start, zone), local_time(slot.start, zone), max(0, gross)
    return tuple(
        (
            instant_of(day - timedelta(days=step.days_before), wall, zone),
            Cents(min(owed, round_half_up(owed * step.fee_percent, 100))),
        )
        for step in steps
    )


def step_reasons(steps: Sequence[CancelStep], at: str = "cancel_steps") -> list[Reason]:
    """What is wrong with a room's steps, in whatever order they stand, at `<at>.<place>.days_before` or `.fee_percent`.

    out-of-range     0 to 365 days before, 0 to 100 % of the price
    day-twice        another step begins so many days before already
    fee-falls        an earlier step costs more: a fee never falls as the start comes nearer
    too-many-steps   more than 10, at `<at>` itself
    """
    if len(steps) > MOST_STEPS:
        return [Reason("too-many-steps", at, {"most": MOST_STEPS})]
    reasons, dearest = [], 0
    seen: set[int] = set()
    for place, step in sorted(enumerate(steps), key=lambda pair: (-pair[1].days_before, pair[0])):
        days, percent = f"{at}.{place}.days_before", f"{at}.{place}.fee_percent"
        if not 0 <= step.days_before <= MOST_DAYS:
            reasons.append(Reason("out-of-range", days, {"least": 0, "most": MOST_DAYS}))
        elif step.days_before in seen:
            reasons.append(Reason("day-twice", days, {"days": step.days_before}))
        if not 0 <= step.fee_percent <= MOST_PERCENT:
            reasons.append(Reason("out-of-range", percent, {"least": 0, "most": MOST_PERCENT}))
        elif step.fee_percent < dearest:
            reasons.append(Reason("fee-falls", percent, {"percent": dearest}))
        seen.add(step.days_before)
        dearest = max(dearest, step.fee_percent)
    return reasons


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
