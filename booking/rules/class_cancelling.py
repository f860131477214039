"""Cancelling a place, or a whole event: what comes back, and what is said before they confirm (SPEC V9 to V15, V18)."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from booking.values.money import Cents
from booking.values.places import ClassActor
from booking.values.refusals import Reason, Refused
from booking.values.timetable import FREE, CourseEvent


class GiveBack(StrEnum):
    """What staff decide about the units and the money. BY_RULE: they come back if it is in time."""

    BY_RULE = "by-rule"
    ALL = "all"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Paid:
    """What a place cost, as it stands: units on a pass, reserved or consumed, or money, paid or still owed."""

    units: int = 0
    cents: Cents = FREE


NOT_ANYTHING = Paid()


@dataclass(frozen=True, slots=True)
class CancelView:
    """What the page says before they confirm (SPEC V14). `until`: the last instant at which all comes back."""

    in_time: bool
    until: datetime
    comes_back: Paid
    is_lost: Paid


@dataclass(frozen=True, slots=True)
class CancelWish:
    """`reason_id` names one of the organisation's list, `text` is free; `decision_reason` says why not by the rule."""

    reason_id: int | None = None
    text: str = ""
    give_back: GiveBack = GiveBack.BY_RULE
    decision_reason: str = ""


@dataclass(frozen=True, slots=True)
class PlaceCancelled:
    """The place is free at once, for the line first (SPEC V10). `is_decided`: staff decided otherwise than the rule."""

    in_time: bool
    comes_back: Paid
    is_lost: Paid
    is_decided: bool = False


@dataclass(frozen=True, slots=True)
class HeldPlace:
    """A place in an event that is cancelled. `participant_id` None: a guest."""

    booking_id: int
    participant_id: int | None
    paid: Paid


@dataclass(frozen=True, slots=True)
class EventCancelled:
    """`comes_back`: all of every booking, those without cost among them. `told`: the bookings whose people are told.

    `leave_line`: the entries of the waiting list, which end and are told as well.
    """

    comes_back: tuple[tuple[int, Paid], ...]
    told: tuple[int, ...]
    leave_line: tuple[int, ...]


def cancel_view(now: datetime, event: CourseEvent, paid: Paid) -> CancelView:
    """What cancelling now would bring by the rule; the exact instant `until` is still in time (SPEC V15)."""
    in_time = now <= event.free_until
    back, lost = (paid, NOT_ANYTHING) if in_time else (NOT_ANYTHING, paid)
    return CancelView(in_time, event.free_until, back, lost)


def cancel_place(
    now: datetime,
    event: CourseEvent,
    paid: Paid,
    wish: CancelWish,
    actor: ClassActor,
    *,
    is_active: bool,
    reasons_offered: Container[int] = (),
) -> PlaceCancelled | Refused:
    """Cancel one place. `reasons_offered`: the ids of the organisation's list that can be chosen.

    place-not-active        it was cancelled already, so that a second click returns nothing twice
    place-begun             from the start on it is a matter of attendance, which can be marked excused
    cancel-without-reason   at `reason`: neither one of the list nor free text (SPEC V9, V13)
    no-such-cancel-reason   at `reason`: not on the list
    give-back-not-yours     at `give_back`: customers and trainers cancel by the rule
    give-back-unexplained   at `decision_reason`: staff decide otherwise and do not say why (SPEC V11)
    """
    view = cancel_view(now, event, paid)
    wanted = view.in_time if wish.give_back is GiveBack.BY_RULE else wish.give_back is GiveBack.ALL
    is_decided = wanted != view.in_time
    reasons = _about_place(now, event, is_active=is_active) + _about_reason(wish, reasons_offered)
    if wish.give_back is not GiveBack.BY_RULE and actor not in {ClassActor.STAFF, ClassActor.ADMIN}:
        reasons.append(Reason("give-back-not-yours", "give_back"))
    elif is_decided and not wish.decision_reason.strip():
        reasons.append(Reason("give-back-unexplained", "decision_reason"))
    if reasons:
        return Refused(tuple(reasons))
    back, lost = (paid, NOT_ANYTHING) if wanted else (NOT_ANYTHING, paid)
    return PlaceCancelled(view.in_time, back, lost, is_decided)


def cancel_event(
    now: datetime, event: CourseEvent, booked: Sequence[HeldPlace], line: Sequence[int], reason: str
) -> EventCancelled | Refused:
    """The operator cancels it: everything comes back, whenever it is, and everyone is told (SPEC V18).

    `line`: the entries that still wait or have an offer. One that runs can still be cancelled, its consumed units too.

    event-cancelled           it is already             event-over   it took place
    cancel-without-reason     at `reason`: all of them read it
    """
    reasons = []
    if event.is_cancelled:
        reasons.append(Reason("event-cancelled"))
    if now >= event.slot.end:
        reasons.append(Reason("event-over"))
    if not reason.strip():
        reasons.append(Reason("cancel-without-reason", "reason"))
    if reasons:
        return Refused(tuple(reasons))
    places = sorted(booked, key=lambda place: place.booking_id)
    return EventCancelled(
        tuple((place.booking_id, place.paid) for place in places),
        tuple(place.booking_id for place in places),
        tuple(line),
    )


def _about_place(now: datetime, event: CourseEvent, *, is_active: bool) -> list[Reason]:
    if not is_active:
        return [Reason("place-not-active")]
    return [Reason("place-begun")] if now >= event.slot.start else []


def _about_reason(wish: CancelWish, offered: Container[int]) -> list[Reason]:
    if wish.reason_id is None:
        return [] if wish.text.strip() else [Reason("cancel-without-reason", "reason")]
    return [] if wish.reason_id in offered else [Reason("no-such-cancel-reason", "reason")]
