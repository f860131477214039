"""Series of courses: made, and planned ahead to the horizon. Each event takes its room as a booking does (SPEC V5).

A day on which the room is taken already is left out and noted with its reason; the next night tries it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.actions.course_items import publish_events
from booking.actions.occupy import lock_units, occupy_all, taken
from booking.actions.setting_rows import own, plain
from booking.reads.house import House, RoomFacts
from booking.reads.timetable import plan_of
from booking.rules.timetable import DaysOff, PlannedEvent, extension
from booking.tables.bookings import Event
from booking.tables.houses import Room
from booking.tables.people import Staff
from booking.tables.rows import write_rows
from booking.tables.studio import Course, CourseEvent, Series, SkippedDay
from booking.values.clock import local_day
from booking.values.identity import new_uuid
from booking.values.refusals import Refused, refused
from booking.values.slot import Slot, overlap_finder
from booking.values.states import OccupancyKind
from booking.values.timetable import EventTerms, SeriesPlan

HORIZON = timedelta(days=548)
"""18 months: how far ahead the events of a series are there."""
TAKEN, REMOVED = "taken", "removed"
TOLD = ("first_day", "last_day", "wall", "minutes", "capacity", "units", "price_cents")
TERMS = ("minimum", "decide_minutes", "online", "units", "price_cents", "free_minutes", "waiting")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SeriesWish:
    """A series as it is asked for; the zone is the room's."""

    course_id: int
    room_id: int
    plan: SeriesPlan
    terms: EventTerms
    trainer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Extended:
    """What planning ahead came to: how many events were made, and the days left out with their reasons."""

    made: int
    skipped: tuple[tuple[date, str], ...]


@dataclass(frozen=True, slots=True)
class MadeSeries:
    series_id: int
    public_id: UUID
    extended: Extended


def add_series(session: Session, now: datetime, house: House, actor: Actor, wish: SeriesWish) -> MadeSeries | Refused:
    """Make a series with its events up to the horizon. The wish was found possible before (`booking.rules`).

    Refused, and nothing left behind: course-archived, other-branch, room-archived, and never-takes-place where no day
    is left for an event.
    """
    course = own(session, Course, house.organisation_id, wish.course_id)
    room = house.room(wish.room_id)
    if wish.trainer_id is not None:
        own(session, Staff, house.organisation_id, wish.trainer_id)
    codes = _not_there(session, course, room)
    if codes:
        return refused(*codes)
    part = session.begin_nested()
    row = _row(house.organisation_id, now, room, wish)
    session.add(row)
    session.flush()  # its events name it
    extended = plan_ahead(session, now, house, row)
    if not extended.made:
        part.rollback()
        return refused("never-takes-place")
    part.commit()
    after = plain({name: getattr(row, name) for name in TOLD} | {"events": extended.made})
    note(session, now, house.organisation_id, actor, "series", row.id, "made", after=after)
    return MadeSeries(row.id, row.public_id, extended)


def plan_ahead(session: Session, now: datetime, house: House, row: Series) -> Extended:
    """Make the events that are missing up to the horizon, publish them, and note the days left out. Idempotent."""
    room = house.room(row.room_id)
    units = lock_units(session, house.organisation_id, [room.room_id])[room.room_id]
    plan, until = plan_of(row, room.zone), _horizon(now, house)
    there = session.scalars(select(CourseEvent.original).where(CourseEvent.series_id == row.id))
    existing = {day for day in there if day is not None}
    off = DaysOff(dict.fromkeys(house.public_holidays, ""), room.closings)
    found = extension(now, plan, until, existing, _removed(session, row.id), off)
    free, blocked = _apart(session, units, found.create)
    _make(session, now, house, row, units, free)
    skipped = [*((one.day, one.because.value) for one in found.skipped), *((one.original, TAKEN) for one in blocked)]
    _note_skipped(session, now, row, skipped)
    row.planned_until = until
    return Extended(len(free), tuple(sorted(skipped)))


def series_to_extend(session: Session, now: datetime, house: House) -> list[int]:
    """The series whose last planned day has come nearer than the horizon: once a day each."""
    query = select(Series.id).where(
        Series.organisation_id == house.organisation_id,
        Series.ended_at.is_(None),
        Series.planned_until < _horizon(now, house),
    )
    return list(session.scalars(query.order_by(Series.id)))


def extend_series(session: Session, now: datetime, house: House, series_id: int) -> int:
    """Plan one ahead; how many events are new. Each in a transaction of its own, so that no booking waits for all."""
    return plan_ahead(session, now, house, own(session, Series, house.organisation_id, series_id)).made


def _horizon(now: datetime, house: House) -> date:
    """The same for all rooms of a house, wherever they are: else a room behind it in time would never be planned."""
    return local_day(now, house.zone) + HORIZON


def _not_there(session: Session, course: Course, room: RoomFacts) -> list[str]:
    is_elsewhere = session.get_one(Room, room.room_id).branch_id != course.branch_id
    wrong = {
        "course-archived": course.archived_at is not None,
        "other-branch": is_elsewhere,
        "room-archived": room.archived,
    }
    return [code for code, is_wrong in wrong.items() if is_wrong]


def _row(organisation_id: int, now: datetime, room: RoomFacts, wish: SeriesWish) -> Series:
    plan, terms = wish.plan, wish.terms
    return Series(
        organisation_id=organisation_id,
        public_id=new_uuid(now),
        course_id=wish.course_id,
        room_id=room.room_id,
        trainer_id=wish.trainer_id,
        first_day=plan.first,
        last_day=plan.rule.until,
        frequency=plan.rule.frequency,
        every=plan.rule.interval,
        times=plan.rule.count,
        weekdays=sorted(plan.rule.weekdays),
        wall=plan.wall,
        minutes=plan.length // MINUTE,
        skips_holidays=plan.skips_holidays,
        capacity=terms.capacity,
        planned_until=plan.first,
        last_modified=now.replace(microsecond=0),
        made_at=now,
        **_stored(terms),
    )


def _stored(terms: EventTerms) -> dict[str, object]:
    """The terms as columns of `HasTerms`."""
    return {
        "minimum": terms.minimum,
        "decide_minutes": terms.decide_before // MINUTE,
        "online": terms.online,
        "units": terms.units,
        "price_cents": terms.price,
        "free_minutes": terms.free_until // MINUTE,
        "waiting": terms.waiting,
    }


def _removed(session: Session, series_id: int) -> set[date]:
    query = select(SkippedDay.day).where(SkippedDay.series_id == series_id, SkippedDay.reason == REMOVED)
    return set(session.scalars(query))


def _apart(
    session: Session, units: Sequence[int], wanted: Sequence[PlannedEvent]
) -> tuple[list[PlannedEvent], list[PlannedEvent]]:
    """The events whose time is free, and those whose time is taken, by others or by one before them."""
    if not wanted:
        return [], []
    free, blocked = list[PlannedEvent](), list[PlannedEvent]()
    is_taken = overlap_finder(taken(session, units, Slot(wanted[0].slot.start, wanted[-1].slot.end)))
    for one in wanted:
        meets_own = bool(free) and free[-1].slot.end > one.slot.start
        (blocked if meets_own or is_taken(one.slot.start, one.slot.end) else free).append(one)
    return free, blocked


def _make(
    session: Session, now: datetime, house: House, row: Series, units: Sequence[int], wanted: Sequence[PlannedEvent]
) -> None:
    if not wanted:
        return
    owner = {"organisation_id": house.organisation_id}
    place = {**owner, "room_id": row.room_id, "capacity": row.capacity}
    slots = {one.slot.start: one.slot for one in wanted}
    rows = [{**place, "starts_at": slot.start, "ends_at": slot.end} for slot in slots.values()]
    ids = write_rows(session, Event, rows, known_by="starts_at")
    terms = {name: getattr(row, name) for name in TERMS}
    common = {**owner, "course_id": row.course_id, "series_id": row.id, "trainer_id": row.trainer_id, **terms}
    made = [
        {**common, "public_id": new_uuid(now), "event_id": ids[one.slot.start], "original": one.original}
        for one in wanted
    ]
    write_rows(session, CourseEvent, made)
    taking = {ids[start]: slot for start, slot in slots.items()}
    occupy_all(session, house.organisation_id, units, taking, OccupancyKind.EVENT)
    publish_events(session, now, house, sorted(taking), new=True)


def _note_skipped(session: Session, now: datetime, row: Series, skipped: Sequence[tuple[date, str]]) -> None:
    """What is left out now; a day that was and takes place by now is none any more."""
    known = dict(
        session.execute(
            select(SkippedDay.day, SkippedDay.reason).where(
                SkippedDay.series_id == row.id, SkippedDay.reason != REMOVED, SkippedDay.day >= now.date()
            )
        ).all()
    )
    wanted = dict(skipped)
    gone = [day for day, reason in known.items() if wanted.get(day) != reason]
    session.execute(delete(SkippedDay).where(SkippedDay.series_id == row.id, SkippedDay.day.in_(gone)))
    new = [(day, reason) for day, reason in wanted.items() if known.get(day) != reason]
    owner = {"organisation_id": row.organisation_id, "series_id": row.id, "noted_at": now}
    write_rows(session, SkippedDay, [{**owner, "day": day, "reason": reason} for day, reason in new])
