"""May this participant have a place in this event, or wait for one? Pure: the caller gathers and applies.

SPEC V1 to V7, V16, V18, V20, V21. One rule for customers, staff and walk-ins: it answers with all that stands in the
way, with what would help against each, and with what staff may set aside.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from booking.rules.class_obstacles import STANDS, Denied, Help, Obstacle, Override, set_aside
from booking.values.money import Cents
from booking.values.places import (
    ClassActor,
    MoneyPays,
    Needs,
    NothingDue,
    OtherPlace,
    Participant,
    PassAnswer,
    PassPays,
    Payment,
    Places,
    age_on,
)
from booking.values.refusals import Reason
from booking.values.timetable import CourseEvent, WaitingPolicy


@dataclass(frozen=True, slots=True)
class Standing:
    """All else that the decision depends on, as it stood inside the transaction.

    `others`: the active bookings of this participant that meet the event's time, one in this event among them.
    `position`: the place in the event's line, from 1, or None; `has_offer`: one of the held places is theirs.
    `passes`: the answers in the order in which passes are to be used. `debt`: what blocks the customer, or None.
    """

    places: Places
    others: tuple[OtherPlace, ...] = ()
    position: int | None = None
    has_offer: bool = False
    passes: tuple[PassAnswer, ...] = ()
    on_roster: bool = False
    debt: Cents | None = None


@dataclass(frozen=True, slots=True)
class PlaceGranted:
    """`set_aside`: the codes that stood in the way and were set aside, in their order, for the record."""

    payment: Payment
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineGranted:
    """They may wait; their turn is after all who wait already."""

    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asking:
    now: datetime
    event: CourseEvent
    needs: Needs
    who: Participant
    standing: Standing
    actor: ClassActor
    walk_in: bool = False

    @property
    def is_full(self) -> bool:
        places = self.standing.places
        others = replace(places, held=places.held - 1) if self.standing.has_offer and places.held else places
        return others.free(self.event.terms.capacity) < 1


def admit_place(
    now: datetime,
    event: CourseEvent,
    needs: Needs,
    who: Participant,
    standing: Standing,
    actor: ClassActor,
    *,
    override: Override | None = None,
    walk_in: bool = False,
) -> PlaceGranted | Denied:
    """Decide on a place for one participant. A walk-in comes to an event that has begun, else by the same rule (V20).

    event-cancelled            the operator cancelled it            already-booked     they have a place in it
    event-begun, event-over    now is in it, or after its end       time-clash         another booking meets its time
    not-online                 customers do not book it             booking-not-open   `opens`: the instant
    booking-closed             `closed`: the instant; for customers alone, as the two before
    event-full                 `capacity`; what offers hold is taken, but not for whom they are made
    already-waiting            full, and they wait at `position`; goes with event-full when that is set aside
    birth-date-missing         a limit of age, and no date          too-young, too-old          `years`: the limit
    level-missing              a limit of level, and none           level-too-low, -too-high    `level`: the limit
    consent-missing            `consent`, one reason each           emergency-contact-missing   none in the file
    roster-only                not on the course's roster           customer-blocked            `cents` owed
    club-card-missing          none, or run out by the event's day
    no-pass-pays               `units` needed, no money price; the obstacle's `passes` say why each does not pay
    and the two of `class_obstacles.set_aside`

    Where staff set aside that nothing pays, nothing is due.
    """
    asking = _Asking(now, event, needs, who, standing, actor, walk_in)
    reasons = [reason for part in _PARTS for reason in part(asking)]
    payment = _payment(asking)
    if payment is None:
        reasons.append(Reason("no-pass-pays", None, {"units": event.terms.units}))
    left, aside = set_aside(reasons, override, actor)
    if left:
        return Denied(tuple(_obstacle(reason, asking, left) for reason in left))
    return PlaceGranted(payment or NothingDue(), aside)


def admit_to_line(
    now: datetime,
    event: CourseEvent,
    needs: Needs,
    who: Participant,
    standing: Standing,
    actor: ClassActor,
    *,
    override: Override | None = None,
) -> LineGranted | Denied:
    """Decide whether they may wait for a place (SPEC V16, V18). The reasons of `admit_place` but event-full, and

    no-waiting-list   the event has none            place-free        it is not full: they can book
    already-waiting   they wait at `position`

    Except under BOOK they are asked before they have the place: so they need no pass that pays yet, and may have
    another booking at that time, which they can cancel then.
    """
    asking = _Asking(now, event, needs, who, standing, actor)
    reasons = [reason for part in _PARTS if part is not _full for reason in part(asking)]
    if _payment(asking) is None:
        reasons.append(Reason("no-pass-pays", None, {"units": event.terms.units}))
    if event.terms.waiting is not WaitingPolicy.BOOK:
        reasons = [reason for reason in reasons if reason.code not in _UNTIL_ASKED]
    reasons += _line(asking)
    left, aside = set_aside(reasons, override, actor)
    if left:
        return Denied(tuple(_obstacle(reason, asking, left) for reason in left))
    return LineGranted(aside)


def _line(asking: _Asking) -> Iterator[Reason]:
    if asking.event.terms.waiting is WaitingPolicy.NONE:
        yield Reason("no-waiting-list")
    if asking.standing.position is not None:
        yield Reason("already-waiting", None, {"position": asking.standing.position})
    elif not asking.is_full:
        yield Reason("place-free")


def _event(asking: _Asking) -> Iterator[Reason]:
    now, slot = asking.now, asking.event.slot
    if asking.event.is_cancelled:
        yield Reason("event-cancelled")
    if now >= slot.end:
        yield Reason("event-over")
    elif now >= slot.start and not asking.walk_in:
        yield Reason("event-begun")


def _online(asking: _Asking) -> Iterator[Reason]:
    if asking.actor is not ClassActor.CUSTOMER:
        return
    now, start, needs = asking.now, asking.event.slot.start, asking.needs
    if not asking.event.terms.online:
        yield Reason("not-online")
    if needs.opens is not None and now < start - needs.opens:
        yield Reason("booking-not-open", None, {"opens": (start - needs.opens).isoformat()})
    if start - needs.closes < now < start:
        yield Reason("booking-closed", None, {"closed": (start - needs.closes).isoformat()})


def _full(asking: _Asking) -> Iterator[Reason]:
    if not asking.is_full:
        return
    yield Reason("event-full", None, {"capacity": asking.event.terms.capacity})
    if asking.standing.position is not None:
        yield Reason("already-waiting", None, {"position": asking.standing.position})


def _others(asking: _Asking) -> Iterator[Reason]:
    event, others = asking.event, asking.standing.others
    if any(other.event_id == event.event_id for other in others):
        yield Reason("already-booked")
    clashes = [other for other in others if other.event_id != event.event_id and other.slot.overlaps(event.slot)]
    for clash in sorted(clashes, key=lambda one: (one.slot, one.booking_id)):
        yield Reason("time-clash", None, {"event": clash.event_id, "start": clash.slot.start.isoformat()})


def _age(asking: _Asking) -> Iterator[Reason]:
    needs, born = asking.needs, asking.who.born
    if needs.youngest is None and needs.oldest is None:
        return
    if born is None:
        yield Reason("birth-date-missing")
        return
    years = age_on(asking.event.day, born)
    if needs.youngest is not None and years < needs.youngest:
        yield Reason("too-young", None, {"years": needs.youngest})
    if needs.oldest is not None and years > needs.oldest:
        yield Reason("too-old", None, {"years": needs.oldest})


def _level(asking: _Asking) -> Iterator[Reason]:
    needs, level = asking.needs, asking.who.level
    if needs.least_level is None and needs.most_level is None:
        return
    if level is None:
        yield Reason("level-missing")
        return
    if needs.least_level is not None and level < needs.least_level:
        yield Reason("level-too-low", None, {"level": needs.least_level})
    if needs.most_level is not None and level > needs.most_level:
        yield Reason("level-too-high", None, {"level": needs.most_level})


def _file(asking: _Asking) -> Iterator[Reason]:
    needs, who = asking.needs, asking.who
    for consent in sorted(needs.consents - who.consents):
        yield Reason("consent-missing", None, {"consent": consent.value})
    if needs.emergency_contact and not who.has_emergency_contact:
        yield Reason("emergency-contact-missing")


def _membership(asking: _Asking) -> Iterator[Reason]:
    needs, until = asking.needs, asking.who.card_until
    if needs.roster_only and not asking.standing.on_roster:
        yield Reason("roster-only")
    if needs.club_card and (until is None or until < asking.event.day):
        yield Reason("club-card-missing")
    if asking.standing.debt is not None:
        yield Reason("customer-blocked", None, {"cents": asking.standing.debt})


_UNTIL_ASKED = frozenset({"no-pass-pays", "time-clash"})
_PARTS: tuple[Callable[[_Asking], Iterator[Reason]], ...] = (
    _event,
    _online,
    _full,
    _others,
    _age,
    _level,
    _file,
    _membership,
)


def _payment(asking: _Asking) -> Payment | None:
    """What pays, None where nothing does. A price of 0 beside units means that the event is not sold for money."""
    terms = asking.event.terms
    if terms.units:
        paying = next((one for one in asking.standing.passes if not one.reasons), None)
        if paying:
            return PassPays(paying.pass_id, terms.units)
    if terms.price:
        return MoneyPays(terms.price)
    return None if terms.units else NothingDue()


def _obstacle(reason: Reason, asking: _Asking, reasons: tuple[Reason, ...]) -> Obstacle:
    stand = STANDS[reason.code]
    helps = tuple(one for one in stand.helps if one is not Help.WAIT_IN_LINE or _waiting_helps(asking, reasons))
    passes = asking.standing.passes if reason.code == "no-pass-pays" else ()
    return Obstacle(reason, helps, asking.actor in stand.set_aside_by, passes)


def _waiting_helps(asking: _Asking, reasons: tuple[Reason, ...]) -> bool:
    """Waiting helps only those whom the line would take."""
    policy = asking.event.terms.waiting
    bearable = {"event-full"} | (frozenset() if policy is WaitingPolicy.BOOK else _UNTIL_ASKED)
    return policy is not WaitingPolicy.NONE and all(reason.code in bearable for reason in reasons)
