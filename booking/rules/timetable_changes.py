"""Changing this event, this and later ones, or all of a series: a preview that is then applied (SPEC V5, V18, V22).

What has begun is history and is never changed. Bookings stay with their event wherever it moves; what they cost was
frozen with them, so a new price is for those who book from then on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import takewhile

from booking.rules.timetable import NO_DAYS_OFF, DaysOff, planned, planned_slot
from booking.values.changes import (
    CANCELLED,
    ROOM,
    TIME,
    TITLE,
    TOLD,
    TRAINERS,
    Affected,
    Change,
    ChangePlan,
    EventChanged,
    Home,
    PassedBy,
    Reach,
    Series,
)
from booking.values.clock import DAY, instant_of, local_time
from booking.values.recurrence import Rule, planned_days
from booking.values.refusals import Reason, Refused, refused
from booking.values.slot import Slot
from booking.values.timetable import CourseEvent, SeriesPlan

WEEK = 7
Bookings = Mapping[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Work:
    """A change of a series in the making. `cut`: the day on which a new series begins, None if it changes in place."""

    now: datetime
    old: Series
    new: Series
    change: Change
    reach: Reach
    cut: date | None
    horizon: date
    days_off: DaysOff

    @property
    def shift(self) -> timedelta:
        return timedelta(days=self.change.shift_days)


def change_event(now: datetime, event: CourseEvent, change: Change, booked: Bookings) -> ChangePlan | Refused:
    """Change or cancel one event alone, of a series or single; its parts become its own.

    `booked` has the ids of the active bookings by event, here as below.

    event-cancelled   it is already               event-begun      now is its start or after it
    starts-in-past    `start`: where it would be  change-nothing   it is so already
    rule-of-one       at `rule`: one event has no pattern
    """
    if event.is_cancelled:
        return refused("event-cancelled")
    if event.slot.start <= now:
        return refused("event-begun")
    if change.rule is not None:
        return Refused((Reason("rule-of-one", "rule"),))
    if change.cancels:
        return ChangePlan(cancelled=(event,), affected=_affected((), (event,), booked))
    after = _changed(event, change, change.parts, _moved(event, change))
    after = replace(after, own_terms=event.own_terms | change.parts)
    return _checked(now, ChangePlan(changed=tuple(_differing(event, after, change, change.parts))), booked)


def change_series(
    now: datetime,
    series: Series,
    events: Sequence[CourseEvent],
    reach: Reach,
    at: CourseEvent,
    change: Change,
    *,
    horizon: date,
    booked: Bookings,
    removed: Iterable[date] = (),
    days_off: DaysOff = NO_DAYS_OFF,
) -> ChangePlan | Refused:
    """Change `at` and what the reach says. `events`: all of the series, cancelled and past ones too.

    LATER goes by the days that the plan names, so an event moved by hand keeps its turn. The series is split there: the
    old one ends the day before, the new one begins on the day of `at`; on the first day there is nothing to split. ALL
    changes the series in place, but a new time splits one that has begun at its next day, so that the past stays true.
    Where days move, those on a day off are cancelled, and days that are newly planned up to the horizon are created.

    Reasons are those of `change_event`, but for `at` alone where the reach is LATER (which may begin at a cancelled
    one), and
    no-series              at `reach`: a single event             never-occurs   at `rule`: it names no day then
    shift-breaks-pattern   at `shift_days`: some of its weekdays would fall into another week of those that it skips
    """
    if reach is Reach.THIS:
        return change_event(now, at, change, booked)
    if at.original is None:
        return Refused((Reason("no-series", "reach"),))
    if reach is Reach.LATER and at.slot.start <= now:
        return refused("event-begun")
    cut = _cut(now, series.plan, at.original, reach, change)
    work = _Work(now, series, _new_series(series, change, cut), change, reach, cut, horizon, days_off)
    if change.cancels:
        return _ended(work, events, booked)
    no = _pattern_reason(work)
    if no:
        return Refused((no,))
    return _checked(now, _worked_out(work, events, frozenset(removed)), booked)


def _pattern_reason(work: _Work) -> Reason | None:
    if not _keeps_weeks(work.old.plan, work.change.shift_days):
        return Reason("shift-breaks-pattern", "shift_days")
    if next(planned_days(work.new.plan.first, work.new.plan.rule), None) is None:
        return Reason("never-occurs", "rule")
    return None


def _cut(now: datetime, plan: SeriesPlan, at: date, reach: Reach, change: Change) -> date | None:
    """The day on which what goes on begins anew; None where nothing of the plan lies before it."""
    day = at
    if reach is Reach.ALL:
        if TIME not in change.parts and not change.cancels:
            return None
        coming = (one for one in planned_days(plan.first, plan.rule) if planned_slot(plan, one).start > now)
        day = next(coming, at)
    return day if any(True for _ in _days_before(plan, day)) else None


def _days_before(plan: SeriesPlan, day: date) -> Iterator[date]:
    return takewhile(lambda one: one < day, planned_days(plan.first, plan.rule))


def _keeps_weeks(plan: SeriesPlan, shift: int) -> bool:
    """Whether the shifted days are again a pattern: of a rule that leaves weeks out, all stay in one week."""
    rule = plan.rule
    if rule.interval == 1:
        return True
    return len({(weekday + shift) // WEEK for weekday in rule.weekdays or {plan.first.weekday()}}) == 1


def _ended(work: _Work, events: Sequence[CourseEvent], booked: Bookings) -> ChangePlan:
    gone = tuple(one for one in _in_reach(events, work) if _is_open(one, work.now))
    ends = None if work.cut is None else _until(work.old, work.cut - DAY)
    return ChangePlan(cancelled=gone, affected=_affected((), gone, booked), ends=ends, is_over=work.cut is None)


def _until(series: Series, last: date) -> Series:
    rule = replace(series.plan.rule, until=last, count=None)
    return replace(series, plan=replace(series.plan, rule=rule))


def _new_series(series: Series, change: Change, cut: date | None) -> Series:
    plan = series.plan
    rule = change.rule or _shifted(_rest(plan, cut), change.shift_days)
    plan = replace(
        plan,
        first=(cut or plan.first) + timedelta(days=change.shift_days),
        wall=plan.wall if change.wall is None else change.wall,
        length=plan.length if change.length is None else change.length,
        rule=rule,
    )
    return Series(
        series.series_id if cut is None else None,
        plan,
        series.room_id if change.room_id is None else change.room_id,
        series.trainer_ids if change.trainer_ids is None else change.trainer_ids,
        series.title if change.title is None else change.title,
        series.terms.with_own(dict(change.terms)),
    )


def _rest(plan: SeriesPlan, cut: date | None) -> Rule:
    """The rule from the cut on: what the days before used up is no longer counted."""
    if cut is None or plan.rule.count is None:
        return plan.rule
    used = sum(1 for _ in _days_before(plan, cut))
    return replace(plan.rule, count=max(1, plan.rule.count - used))


def _shifted(rule: Rule, days: int) -> Rule:
    until = None if rule.until is None else rule.until + timedelta(days=days)
    return replace(rule, until=until, weekdays=frozenset((weekday + days) % WEEK for weekday in rule.weekdays))


def _worked_out(work: _Work, events: Sequence[CourseEvent], removed: frozenset[date]) -> ChangePlan:
    """`homes` are for events of the split series, and for those whose day is shifted."""
    homes = tuple(Home(one.event_id, _home_day(one, work)) for one in _in_order(events) if _goes_on(one.original, work))
    days = tuple(sorted(day + work.shift for day in removed if _goes_on(day, work)))
    named = _named_days(work, homes)
    changed: list[EventChanged] = []
    cancelled: list[CourseEvent] = []
    passed: list[PassedBy] = []
    for one in (one for one in _in_reach(events, work) if _is_open(one, work.now)):
        own = _own(one, work.old)
        if work.change.moves_days and TIME not in own and _home_day(one, work) not in named:
            cancelled.append(one)
            continue
        if own & work.change.parts:
            passed.append(PassedBy(one.event_id, tuple(sorted(own & work.change.parts))))
        changed.extend(_followed(one, work, work.change.parts - own))
    created = tuple(_created(work, named, {home.original for home in homes} | set(days)))
    if not (changed or cancelled or created) and _new_series(work.old, work.change, None) == work.old:
        return ChangePlan(passed_by=tuple(passed))
    return ChangePlan(
        changed=tuple(changed),
        created=created,
        cancelled=tuple(cancelled),
        passed_by=tuple(passed),
        ends=None if work.cut is None else _until(work.old, work.cut - DAY),
        goes_on=work.new,
        homes=homes if work.cut or work.shift else (),
        removed=days,
    )


def _in_reach(events: Sequence[CourseEvent], work: _Work) -> list[CourseEvent]:
    """By the days that the plan names; under ALL also those of an earlier day that were moved to after now."""
    whole = work.reach is Reach.ALL
    return [one for one in _in_order(events) if whole or _goes_on(one.original, work)]


def _goes_on(original: date | None, work: _Work) -> bool:
    return original is not None and (work.cut is None or original >= work.cut)


def _named_days(work: _Work, homes: Sequence[Home]) -> dict[date, Slot]:
    """The days of the new pattern and their times; empty where the days stay, for then nothing is asked of them."""
    if not work.change.moves_days:
        return {}
    last = max([work.horizon, *(home.original for home in homes)])
    return {one.original: one.slot for one in planned(work.new.plan, last, work.days_off).events}


def _home_day(event: CourseEvent, work: _Work) -> date:
    assert event.original is not None  # noqa: S101 - only events of the series come here
    return event.original + work.shift


def _created(work: _Work, named: Mapping[date, Slot], known: set[date]) -> Iterator[tuple[date, Slot]]:
    for day, slot in named.items():
        if day <= work.horizon and slot.start > work.now and day not in known:
            yield day, slot


def _own(event: CourseEvent, series: Series) -> frozenset[str]:
    """The parts that are the event's own: named, or seen in that they are not its series'."""
    found = set(event.own_terms)
    if event.original is not None and event.slot != planned_slot(series.plan, event.original):
        found.add(TIME)
    if event.room_id != series.room_id:
        found.add(ROOM)
    if event.trainer_ids != series.trainer_ids:
        found.add(TRAINERS)
    return frozenset(found)


def _followed(event: CourseEvent, work: _Work, parts: frozenset[str]) -> Iterator[EventChanged]:
    slot = planned_slot(work.new.plan, _home_day(event, work)) if TIME in parts else event.slot
    parts = parts - {TITLE} if work.change.title == work.old.title else parts
    return _differing(event, _changed(event, work.change, parts, slot), work.change, parts)


def _moved(event: CourseEvent, change: Change) -> Slot:
    """Where one event is then: its own day and wall time, its own length, but for what the change says."""
    wall = local_time(event.slot.start, event.zone) if change.wall is None else change.wall
    start = instant_of(event.day + timedelta(days=change.shift_days), wall, event.zone)
    if change.wall is None and not change.shift_days:
        start = event.slot.start  # the second of two equal wall times stays the second
    return Slot(start, start + (event.slot.duration if change.length is None else change.length))


def _changed(event: CourseEvent, change: Change, parts: frozenset[str], slot: Slot) -> CourseEvent:
    terms = {name: value for name, value in change.terms.items() if name in parts}
    return replace(
        event,
        slot=slot,
        room_id=change.room_id if ROOM in parts and change.room_id is not None else event.room_id,
        trainer_ids=change.trainer_ids if TRAINERS in parts and change.trainer_ids is not None else event.trainer_ids,
        terms=event.terms.with_own(terms),
    )


def _differing(
    before: CourseEvent, after: CourseEvent, change: Change, parts: frozenset[str]
) -> Iterator[EventChanged]:
    """The change of one event, with the parts that are in truth otherwise; nothing where none is."""
    differs = {TIME: before.slot != after.slot, ROOM: before.room_id != after.room_id}
    differs |= {TRAINERS: before.trainer_ids != after.trainer_ids, TITLE: TITLE in parts}
    differs |= {name: getattr(before.terms, name) != getattr(after.terms, name) for name in change.terms}
    found = tuple(sorted(name for name, is_other in differs.items() if is_other))
    if found:
        yield EventChanged(before, after, found, change.title if TITLE in parts else None)


def _checked(now: datetime, plan: ChangePlan, booked: Bookings) -> ChangePlan | Refused:
    starts = sorted({one.after.slot.start for one in plan.changed if one.after.slot.start <= now})
    if starts:
        return Refused(tuple(Reason("starts-in-past", "wall", {"start": start.isoformat()}) for start in starts))
    if not (plan.changed or plan.goes_on):
        return refused("change-nothing")
    return replace(
        plan,
        affected=_affected(plan.changed, plan.cancelled, booked),
        over_full=tuple(
            one.after.event_id
            for one in plan.changed
            if len(booked.get(one.after.event_id, ())) > one.after.terms.capacity
        ),
    )


def _affected(
    changed: Sequence[EventChanged], cancelled: Sequence[CourseEvent], booked: Bookings
) -> tuple[Affected, ...]:
    """Each event of whose change somebody is told, by its time before."""
    told = [
        Affected(one.before.event_id, parts, one.before.slot, one.after.slot, tuple(booked[one.before.event_id]))
        for one in changed
        if (parts := tuple(part for part in one.parts if part in TOLD)) and booked.get(one.before.event_id)
    ]
    told += [
        Affected(one.event_id, (CANCELLED,), one.slot, None, tuple(booked[one.event_id]))
        for one in cancelled
        if booked.get(one.event_id)
    ]
    return tuple(sorted(told, key=lambda one: (one.before, one.event_id)))


def _is_open(event: CourseEvent, now: datetime) -> bool:
    return not event.is_cancelled and event.slot.start > now


def _in_order(events: Iterable[CourseEvent]) -> list[CourseEvent]:
    return sorted(events, key=lambda one: (one.slot, one.event_id))
