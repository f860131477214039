"""Which pass can pay for an event, and which of several does (SPEC V7, O23 to O25, O30 to O38, O40).

An event lies on the local day of its start. A pass carries the settings of its sale, so an archived or deleted type
takes nothing from what was sold of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from booking.rules.contracts import bookable_until
from booking.values.clock import local_day, local_time
from booking.values.pass_types import PassUse
from booking.values.passes import Pass
from booking.values.refusals import Reason, Refused
from booking.values.term import last_day_of
from booking.values.timetable import CourseEvent


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pass as it stands. `left`: its units, None where any number is good. `held_days`: the days of the bookings on
    it, which count only while it has not begun. `held`: units that the booking at hand has of it already.
    """

    pass_: Pass
    left: int | None = None
    held_days: tuple[date, ...] = ()
    held: int = 0

    def last_day_if(self, day: date) -> date | None:
        """The last day, supposing a visit on `day`: what begins with the first visit begins with the earliest of
        them.
        """
        own = self.pass_
        if own.first_day is not None or own.ended_on is not None or own.term is None:
            return own.last_day
        return last_day_of(min((day, *self.held_days)), own.term)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is to be paid and when that is asked. `individual`: the course gives individual lessons (SPEC O25).

    `club_cards`: all that the participant ever had, for passes that demand one (SPEC O23).
    """

    event: CourseEvent
    at: datetime
    individual: bool = False
    club_cards: tuple[Pass, ...] = ()

    @property
    def today(self) -> date:
        return local_day(self.at, self.event.zone)


def may_pay(candidate: Candidate, occasion: Occasion) -> Refused | None:
    """None if this pass pays for the event, else every reason why it does not. To be asked at booking and at marking.

    not-by-pass             the event costs money, and no units
    pass-deleted            somebody deleted it
    pass-not-begun          its first day is later, or it was sold later: `first`
    pass-ended              it was ended early: `last`
    pass-over               it ends before the event: `last`
    starts-too-soon         it would begin with this event and end on `last`, before what is booked on it on `booked`
    contract-not-renewed    the contract may end before the event: bookable up to `until` (SPEC F14)
    pass-frozen             it rests on that day: `first`, `last`
    no-units                `left` of `needed`
    wrong-branch, wrong-course   it is not good there
    wrong-weekday           not on that day of the week: `weekday`, 0 for Monday
    wrong-time              on that weekday not at this time of day: `time`
    club-card               a club card pays for nothing itself
    individual-only         it is for individual lessons, and this is none
    club-card-missing       it demands a club card that is good in this branch, and there is none
    club-card-over          the last of them ran out before the event: `last`
    club-card-resting       there is one, but it rests on that day or begins later
    """
    own = candidate.pass_
    reasons = (
        *_against_use(own, occasion),
        *_against_day(candidate, occasion),
        *_against_units(candidate, occasion.event),
        *_against_place(own, occasion.event),
        *_against_time(own, occasion.event),
        *(_against_cards(occasion) if own.rules.needs_club_card else ()),
    )
    return Refused(reasons) if reasons else None


def choose(candidates: Sequence[Candidate], occasion: Occasion, wanted: int | None = None) -> Candidate | Refused:
    """Which pass pays: the one of id `wanted`, else of those that can the one that ends first.

    Of equals the one with fewer units left, then the one sold earlier; their order does not matter.

    no-such-pass     `wanted` is none of them
    no-pass          there is none at all
    no-pass-pays     none of them can pay the `units`, followed by the reasons of each at `field_of` its id
    Where the wanted one cannot, its own reasons are returned, as `may_pay` says.
    """
    if wanted is not None:
        return _chosen(candidates, occasion, wanted)
    verdicts = ranked(candidates, occasion)
    able = next((one for one, no in verdicts if no is None), None)
    if able is not None:
        return able
    if not verdicts:
        return Refused((Reason("no-pass"),))
    each = (
        Reason(reason.code, field_of(one.pass_.pass_id), reason.values)
        for one, no in verdicts
        for reason in (no.reasons if no else ())
    )
    return Refused((Reason("no-pass-pays", None, {"units": occasion.event.terms.units}), *each))


def ranked(candidates: Iterable[Candidate], occasion: Occasion) -> list[tuple[Candidate, Refused | None]]:
    """Every pass with what `may_pay` says of it, in the order in which `choose` takes them."""
    in_order = sorted(candidates, key=lambda one: _precedence(one, occasion.event.day))
    return [(one, may_pay(one, occasion)) for one in in_order]


def field_of(pass_id: int) -> str:
    """The name under which a pass is chosen and refused."""
    return f"pass-{pass_id}"


def _chosen(candidates: Sequence[Candidate], occasion: Occasion, wanted: int) -> Candidate | Refused:
    one = next((each for each in candidates if each.pass_.pass_id == wanted), None)
    if one is None:
        return Refused((Reason("no-such-pass"),))
    return may_pay(one, occasion) or one


def _precedence(one: Candidate, day: date) -> tuple[date, bool, int, date, int]:
    """Any number of units comes after every number, no end after every end; no two passes are equal."""
    last_day = one.last_day_if(day) or date.max
    return last_day, one.left is None, one.left or 0, one.pass_.sold_on, one.pass_.pass_id


def _against_use(own: Pass, occasion: Occasion) -> Iterable[Reason]:
    terms = occasion.event.terms
    if terms.price and not terms.units:
        yield Reason("not-by-pass")
    if own.deleted_at is not None:
        yield Reason("pass-deleted")
    if own.is_club_card:
        yield Reason("club-card")
    if own.rules.use is PassUse.INDIVIDUAL and not occasion.individual:
        yield Reason("individual-only")


def _against_day(candidate: Candidate, occasion: Occasion) -> Iterable[Reason]:
    own, day = candidate.pass_, occasion.event.day
    first = own.first_day or own.sold_on
    if day < first:
        yield Reason("pass-not-begun", None, {"first": first.isoformat()})
    frozen = own.freeze_on(day)
    if frozen is not None:
        yield Reason("pass-frozen", None, {"first": frozen.first_day.isoformat(), "last": frozen.last_day.isoformat()})
    too_late = _against_end(candidate, day) or _against_contract(own, occasion.today, day)
    if too_late:
        yield too_late


def _against_end(candidate: Candidate, day: date) -> Reason | None:
    last_day = candidate.last_day_if(day)
    if last_day is None:
        return None
    if day > last_day:
        code = "pass-over" if candidate.pass_.ended_on is None else "pass-ended"
        return Reason(code, None, {"last": last_day.isoformat()})
    booked = max(candidate.held_days, default=day)
    if candidate.pass_.first_day is None and booked > last_day:
        return Reason("starts-too-soon", None, {"last": last_day.isoformat(), "booked": booked.isoformat()})
    return None


def _against_contract(own: Pass, today: date, day: date) -> Reason | None:
    if own.contract is None or own.last_day is not None:
        return None
    until = bookable_until(own.contract, today)
    return Reason("contract-not-renewed", None, {"until": until.isoformat()}) if day > until else None


def _against_units(candidate: Candidate, event: CourseEvent) -> Iterable[Reason]:
    needed = event.terms.units - candidate.held
    if candidate.left is not None and needed > candidate.left:
        yield Reason("no-units", None, {"left": candidate.left, "needed": needed})


def _against_place(own: Pass, event: CourseEvent) -> Iterable[Reason]:
    if not own.rules.scope.has_branch(event.branch_id):
        yield Reason("wrong-branch")
    if not own.rules.scope.has_course(event.course_id):
        yield Reason("wrong-course")


def _against_time(own: Pass, event: CourseEvent) -> Iterable[Reason]:
    windows, weekday = own.rules.windows, event.day.weekday()
    if not windows or any(window.has(event) for window in windows):
        return
    if any(window.has_weekday(weekday) for window in windows):
        wall = local_time(event.slot.start, event.zone)
        yield Reason("wrong-time", None, {"time": wall.isoformat("minutes")})
    else:
        yield Reason("wrong-weekday", None, {"weekday": weekday})


def _against_cards(occasion: Occasion) -> Iterable[Reason]:
    day, branch_id = occasion.event.day, occasion.event.branch_id
    cards = [
        card
        for card in occasion.club_cards
        if card.is_club_card and card.deleted_at is None and card.rules.scope.has_branch(branch_id)
    ]
    if any(_is_good(card, day) for card in cards):
        return
    ends = [card.last_day for card in cards]
    if not cards:
        yield Reason("club-card-missing")
    elif all(end is not None and end < day for end in ends):
        yield Reason("club-card-over", None, {"last": max(end for end in ends if end is not None).isoformat()})
    else:
        yield Reason("club-card-resting")


def _is_good(card: Pass, day: date) -> bool:
    """Whether a club card is good on a day; a contract without notice runs on."""
    begun = (card.first_day or card.sold_on) <= day
    return begun and (card.last_day is None or day <= card.last_day) and card.freeze_on(day) is None
