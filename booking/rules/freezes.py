"""Freezes: whether a pass may rest, when it then ends, and what it gives back (SPEC O37, O38, F21)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from booking.values.passes import Freeze, HeldVisit, Pass
from booking.values.refusals import Reason, Refused


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a freeze does. `rested` is the pass with it; where the end was set as a day (a notice, an early end) that
    day is moved in it and has to be stored. `last_day` is the new end, None without one. `given_back`: bookings to
    cancel, with their units (`booking.rules.units.give_back`).
    """

    rested: Pass
    last_day: date | None
    given_back: tuple[HeldVisit, ...]
    pauses_billing: bool


def freeze(pass_: Pass, wish: Freeze, today: date, now: datetime, held: Iterable[HeldVisit]) -> Frozen | Refused:
    """The pass with one more freeze, or all that is against it, at first_day or last_day where it is about a day.

    `held`: the bookings on it that are not marked; those inside that have not begun at `now` are given back.

    pass-deleted          somebody deleted the pass
    freeze-backwards      at last_day: it ends before it begins
    freeze-retroactive    at first_day: before `today`
    freeze-notice         at first_day: sooner than `days` ahead: `earliest`
    freeze-not-begun      at first_day: the pass begins with its first visit, or on `first`
    freeze-after-end      at first_day: the pass is over by then: `last`
    freeze-overlaps       at first_day: it rests from `first` to `last` already; one for each
    freeze-number         it may rest `most` times
    freeze-days-each      at last_day: at most `most` days at a time, and this has `days`
    freeze-days-in-all    at last_day: at most `most` days in all, and `left` are left
    """
    reasons = (*_against_days(pass_, wish, today), *_against_limits(pass_, wish))
    if reasons:
        return Refused(reasons)
    rested = _resting(pass_, wish)
    inside = tuple(visit for visit in held if wish.has(visit.day) and visit.starts_at > now)
    return Frozen(rested, rested.last_day, inside, pass_.terms is not None and pass_.terms.freeze_pauses_billing)


def _resting(pass_: Pass, wish: Freeze) -> Pass:
    longer = timedelta(days=wish.days)
    freezes = tuple(sorted((*pass_.freezes, wish), key=lambda one: one.first_day))
    notice = None if pass_.notice is None else replace(pass_.notice, last_day=pass_.notice.last_day + longer)
    ended_on = None if pass_.ended_on is None else pass_.ended_on + longer
    return replace(pass_, freezes=freezes, notice=notice, ended_on=ended_on)


def _against_days(pass_: Pass, wish: Freeze, today: date) -> Iterable[Reason]:
    if pass_.deleted_at is not None:
        yield Reason("pass-deleted")
    if wish.last_day < wish.first_day:
        yield Reason("freeze-backwards", "last_day")
    earliest = today + timedelta(days=pass_.rules.freezes.notice)
    if wish.first_day < today:
        yield Reason("freeze-retroactive", "first_day", {"today": today.isoformat()})
    elif wish.first_day < earliest:
        values: dict[str, str | int] = {"days": pass_.rules.freezes.notice, "earliest": earliest.isoformat()}
        yield Reason("freeze-notice", "first_day", values)
    yield from _against_place(pass_, wish)


def _against_place(pass_: Pass, wish: Freeze) -> Iterable[Reason]:
    if pass_.first_day is None:
        yield Reason("freeze-not-begun", "first_day")
    elif wish.first_day < pass_.first_day:
        yield Reason("freeze-not-begun", "first_day", {"first": pass_.first_day.isoformat()})
    if pass_.last_day is not None and wish.first_day > pass_.last_day:
        yield Reason("freeze-after-end", "first_day", {"last": pass_.last_day.isoformat()})
    for other in pass_.freezes:
        if other.overlaps(wish):
            values: dict[str, str | int] = {"first": other.first_day.isoformat(), "last": other.last_day.isoformat()}
            yield Reason("freeze-overlaps", "first_day", values)


def _against_limits(pass_: Pass, wish: Freeze) -> Iterable[Reason]:
    limits = pass_.rules.freezes
    if limits.number is not None and len(pass_.freezes) >= limits.number:
        yield Reason("freeze-number", None, {"most": limits.number})
    if limits.days_each is not None and wish.days > limits.days_each:
        yield Reason("freeze-days-each", "last_day", {"most": limits.days_each, "days": wish.days})
    rested = sum(one.days for one in pass_.freezes)
    if limits.days_in_all is not None and rested + wish.days > limits.days_in_all:
        left = max(0, limits.days_in_all - rested)
        yield Reason("freeze-days-in-all", "last_day", {"most": limits.days_in_all, "left": left})
