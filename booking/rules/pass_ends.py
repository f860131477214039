"""The end of a pass: by the calendar, by hand, and what it leaves behind (SPEC O44, O45, O48, O49)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from booking.rules.units import Entries, Ledger, give_back
from booking.values.clock import DAY
from booking.values.money import Cents
from booking.values.passes import HeldVisit, Pass, UnitEntry, UnitEntryKind
from booking.values.refusals import Reason, Refused

NO_DEBT = Cents(0)


@dataclass(frozen=True, slots=True)
class Ended:
    """The pass as it then is, all entries to append to its ledger, and the bookings to cancel; what these give back is
    among the entries.
    """

    ended: Pass
    entries: Entries
    released: tuple[HeldVisit, ...]


@dataclass(frozen=True, slots=True)
class WarnAt:
    """When an operator wants to warn: so many days before the end, with so many units left or fewer."""

    days: int = 14
    units: int = 2


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning. `about-to-end`: `last`, `days`. `units-low`: `left`. `debt`: `cents`."""

    code: str
    values: dict[str, str | int]


def is_active(pass_: Pass, ledger: Ledger, today: date) -> bool:
    """Whether somebody still holds it: not deleted, not over, and with units that are left or reserved."""
    if pass_.deleted_at is not None or _is_over(pass_, today):
        return False
    return not ledger.counted or ledger.left > 0 or ledger.reserved > 0


def released(held: Iterable[HeldVisit], last_day: date, now: datetime) -> tuple[HeldVisit, ...]:
    """The bookings after the last day that have not begun: to cancel, and their waiting lists served (SPEC O48)."""
    return tuple(visit for visit in held if visit.day > last_day and visit.starts_at > now)


def end_by_date(
    pass_: Pass, ledger: Ledger, last_day: date, reason: str, held: Iterable[HeldVisit], now: datetime, today: date
) -> Ended | Refused:
    """End a pass with `last_day`, on or before its own; one before `today` takes what is left at once, else the night
    does.

    missing          at reason
    pass-deleted     somebody deleted it
    end-before-start at last_day: the pass begins later: `first`
    ends-sooner      at last_day: it is over by then anyway: `last`
    """
    reasons = [*_against_ending(pass_, reason), *_against_last_day(pass_, last_day)]
    if reasons:
        return Refused(tuple(reasons))
    gone = released(held, last_day, now)
    back = _given_back(ledger, gone)
    left = ledger.with_more(back).left if last_day < today else 0
    entry = UnitEntry(UnitEntryKind.EXPIRE, -left, reason=reason.strip())
    return Ended(replace(pass_, ended_on=last_day), (*back, entry), gone)


def use_up(pass_: Pass, ledger: Ledger, reason: str) -> Ended | Refused:
    """Mark off the units that are left; what is booked stays booked, so the pass is active until that is over.

    missing          at reason
    pass-deleted     somebody deleted it
    not-counted      it is good for any number of visits
    no-units         none is left: `left`, `needed`
    """
    reasons = [*_against_ending(pass_, reason)]
    if not ledger.counted:
        reasons.append(Reason("not-counted"))
    elif not ledger.left:
        reasons.append(Reason("no-units", None, {"left": 0, "needed": 1}))
    if reasons:
        return Refused(tuple(reasons))
    return Ended(pass_, (UnitEntry(UnitEntryKind.CONSUME, -ledger.left, reason=reason.strip()),), ())


def delete(pass_: Pass, ledger: Ledger, reason: str, held: Iterable[HeldVisit], now: datetime) -> Ended | Refused:
    """Delete a pass: all that is left or comes back is taken, every coming booking released; its history stays.

    missing          at reason
    pass-deleted     somebody was faster
    """
    reasons = (*_against_ending(pass_, reason),)
    if reasons:
        return Refused(reasons)
    gone = released(held, date.min, now)
    back = _given_back(ledger, gone)
    entry = UnitEntry(UnitEntryKind.CORRECT, -ledger.with_more(back).left, reason=reason.strip())
    return Ended(replace(pass_, deleted_at=now), (*back, entry), gone)


def warnings(pass_: Pass, ledger: Ledger, today: date, warn_at: WarnAt, debt: Cents = NO_DEBT) -> tuple[Warned, ...]:
    """What is worth a warning about a pass today (SPEC O49). `debt`: what the customer owes for it.

    What renews by itself is not about to end; a pass that is over or deleted warns of its debt alone.
    """
    found = [] if pass_.deleted_at is not None or _is_over(pass_, today) else [*_coming(pass_, ledger, today, warn_at)]
    if debt > 0:
        found.append(Warned("debt", {"cents": debt}))
    return tuple(found)


def _given_back(ledger: Ledger, gone: Iterable[HeldVisit]) -> Entries:
    return tuple(entry for visit in gone for entry in give_back(ledger, visit.booking_id))


def _is_over(pass_: Pass, today: date) -> bool:
    return pass_.last_day is not None and pass_.last_day < today


def _against_ending(pass_: Pass, reason: str) -> Iterable[Reason]:
    if not reason.strip():
        yield Reason("missing", "reason")
    if pass_.deleted_at is not None:
        yield Reason("pass-deleted")


def _against_last_day(pass_: Pass, last_day: date) -> Iterable[Reason]:
    first = pass_.first_day or pass_.sold_on
    if last_day < first - DAY:  # the day before its first ends a pass that never began
        yield Reason("end-before-start", "last_day", {"first": first.isoformat()})
    if pass_.last_day is not None and last_day > pass_.last_day:
        yield Reason("ends-sooner", "last_day", {"last": pass_.last_day.isoformat()})


def _coming(pass_: Pass, ledger: Ledger, today: date, warn_at: WarnAt) -> Iterable[Warned]:
    if pass_.last_day is not None and (pass_.last_day - today).days <= warn_at.days:
        yield Warned("about-to-end", {"last": pass_.last_day.isoformat(), "days": (pass_.last_day - today).days})
    if ledger.counted and ledger.left <= warn_at.units:
        yield Warned("units-low", {"left": ledger.left})
