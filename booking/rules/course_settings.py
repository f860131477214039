"""Settings of a course or series that can never work, refused at their field before they are saved (SPEC X8)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from booking.rules.timetable import NO_DAYS_OFF, DaysOff, why_skipped
from booking.values.clock import FIRST_YEAR, LAST_YEAR
from booking.values.places import GuestTerms, Needs
from booking.values.recurrence import Frequency, Rule, planned_days
from booking.values.refusals import Reason, Refused
from booking.values.timetable import EventTerms, SeriesPlan

NO_TIME, DAY, YEAR = timedelta(0), timedelta(days=1), timedelta(days=366)
MOST_PEOPLE, MOST_UNITS, MOST_CENTS, MOST_EVENTS = 10_000, 100, 10_000_000, 1000
MOST_BETWEEN = {Frequency.DAILY: 366, Frequency.WEEKLY: 52}
MOST_YEARS, MOST_LEVEL = 120, 100


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A series as a form has it; a field that could not be read is None and has its reason already."""

    first: date | None
    wall: time | None
    length: timedelta | None
    frequency: Frequency = Frequency.WEEKLY
    interval: int = 1
    weekdays: frozenset[int] = frozenset()
    until: date | None = None
    count: int | None = None
    skips_holidays: bool = True


def checked_plan(draft: PlanDraft, zone: ZoneInfo, days_off: DaysOff = NO_DAYS_OFF) -> SeriesPlan | Refused:
    """The plan of a draft, or all that is wrong with it.

    missing              at `first`, `wall`, `length`            length-impossible    0, below, or above 24 hours
    day-out-of-reach     a year before 2000 or after 2199        out-of-range         `interval`, `count`
    no-such-weekday      0 to 6 are, of weekly rules only        two-ends             at `count`: it has a last day too
    ends-before-first    at `until`                              never-occurs         at `weekdays`: none until the end
    only-on-days-off     at `skips_holidays`: each of its days is a holiday or closed; asked of rules that end
    """
    reasons = (*_dates(draft), *_length(draft.length), *_pattern(draft))
    if reasons or draft.first is None or draft.wall is None or draft.length is None:
        return Refused(reasons)
    rule = Rule(draft.frequency, draft.interval, draft.weekdays, draft.until, draft.count)
    plan = SeriesPlan(draft.first, draft.wall, draft.length, rule, zone, draft.skips_holidays)
    if next(planned_days(plan.first, rule), None) is None:
        return Refused((Reason("never-occurs", "weekdays"),))
    if not rule.is_open and all(why_skipped(day, plan, days_off) for day in planned_days(plan.first, rule)):
        return Refused((Reason("only-on-days-off", "skips_holidays"),))
    return plan


def terms_reasons(terms: EventTerms, needs: Needs, guests: GuestTerms | None = None) -> tuple[Reason, ...]:
    """What is wrong with what an event offers and asks for; each stands at the field of that name.

    out-of-range              a number below 0 or above what can be meant; a capacity below 1: `least`, `most`
    minimum-above-capacity    at `minimum`: it could never take place
    free-until-never          at `free_until`: over before booking opens, so that nobody could cancel free of cost
    decided-before-booking    at `decide_before`: the minimum would be asked for before anybody can book
    booking-never-open        at `closes`: online booking would close before it opens, or as it does
    limits-crossed            at `oldest` or `most_level`: below the other limit
    guests-above-capacity     at `guests.most`
    """
    return (
        *_numbers(terms, guests or GuestTerms()),
        *_spans(terms, needs),
        *_window(terms, needs),
        *_limits(needs),
    )


def _dates(draft: PlanDraft) -> Iterator[Reason]:
    if draft.first is None:
        yield Reason("missing", "first")
    if draft.wall is None:
        yield Reason("missing", "wall")
    for at, day in (("first", draft.first), ("until", draft.until)):
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            yield Reason("day-out-of-reach", at)
    if draft.first is not None and draft.until is not None and draft.until < draft.first:
        yield Reason("ends-before-first", "until", {"first": draft.first.isoformat()})


def _length(length: timedelta | None) -> Iterator[Reason]:
    if length is None:
        yield Reason("missing", "length")
    elif not NO_TIME < length <= DAY:
        yield Reason("length-impossible", "length")


def _pattern(draft: PlanDraft) -> Iterator[Reason]:
    yield from _within("interval", draft.interval, 1, MOST_BETWEEN[draft.frequency])
    if draft.count is not None:
        yield from _within("count", draft.count, 1, MOST_EVENTS)
        if draft.until is not None:
            yield Reason("two-ends", "count")
    known = frozenset(range(7)) if draft.frequency is Frequency.WEEKLY else frozenset()
    if not draft.weekdays <= known:
        yield Reason("no-such-weekday", "weekdays")


def _within(at: str, number: int, least: int, most: int) -> Iterator[Reason]:
    if not least <= number <= most:
        yield Reason("out-of-range", at, {"least": least, "most": most})


def _numbers(terms: EventTerms, guests: GuestTerms) -> Iterator[Reason]:
    yield from _within("capacity", terms.capacity, 1, MOST_PEOPLE)
    yield from _within("minimum", terms.minimum, 0, MOST_PEOPLE)
    yield from _within("units", terms.units, 0, MOST_UNITS)
    yield from _within("price", terms.price, 0, MOST_CENTS)
    yield from _within("guests.most", guests.most, 0, MOST_PEOPLE)
    yield from _within("guests.price", guests.price, 0, MOST_CENTS)
    if 1 <= terms.capacity < terms.minimum:
        yield Reason("minimum-above-capacity", "minimum", {"capacity": terms.capacity})
    if 1 <= terms.capacity < guests.most:
        yield Reason("guests-above-capacity", "guests.most", {"capacity": terms.capacity})


def _spans(terms: EventTerms, needs: Needs) -> Iterator[Reason]:
    spans = {
        "free_until": terms.free_until,
        "decide_before": terms.decide_before,
        "closes": needs.closes,
        "opens": needs.opens,
    }
    for at, span in spans.items():
        if span is not None and not NO_TIME <= span <= YEAR:
            yield Reason("out-of-range", at, {"least": 0, "most": YEAR.days})


def _window(terms: EventTerms, needs: Needs) -> Iterator[Reason]:
    """Of a window that never opens nothing else is asked."""
    if needs.opens is None:
        return
    if needs.closes >= needs.opens:
        yield Reason("booking-never-open", "closes")
        return
    if terms.free_until > needs.opens:
        yield Reason("free-until-never", "free_until")
    if terms.minimum and terms.decide_before >= needs.opens:
        yield Reason("decided-before-booking", "decide_before")


def _limits(needs: Needs) -> Iterator[Reason]:
    limits = {
        "youngest": (needs.youngest, MOST_YEARS),
        "oldest": (needs.oldest, MOST_YEARS),
        "least_level": (needs.least_level, MOST_LEVEL),
        "most_level": (needs.most_level, MOST_LEVEL),
    }
    for at, (number, most) in limits.items():
        if number is not None:
            yield from _within(at, number, 0, most)
    pairs = (("oldest", needs.youngest, needs.oldest), ("most_level", needs.least_level, needs.most_level))
    for at, lower, upper in pairs:
        if lower is not None and upper is not None and upper < lower:
            yield Reason("limits-crossed", at, {"least": lower})
