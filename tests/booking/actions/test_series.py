"""Courses and their series: events in local time up to the horizon, each taking its room, each in the calendars."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from booking.actions.audit import Actor
from booking.actions.courses import add_course, archive_course, change_course
from booking.actions.requests import look
from booking.actions.series import HORIZON, MadeSeries, SeriesWish, add_series, extend_series, series_to_extend
from booking.actions.setting_rows import bump
from booking.reads.agenda import Whose, items_of
from booking.reads.house import read_house
from booking.reads.house_parts import count_coming
from booking.reads.timetable import course_line, course_lines, event_lines, series_lines
from booking.rules.admission import Admitted
from booking.tables.bookings import AuditEntry, Event, Occupancy
from booking.tables.calendars import CalendarItem, FeedSubject
from booking.tables.database import Database
from booking.tables.houses import Branch, ClosingDay, Room
from booking.tables.studio import Course, CourseEvent, Series, SkippedDay
from booking.values.clock import local_time
from booking.values.identity import new_uuid
from booking.values.recurrence import Frequency, Rule
from booking.values.refusals import NotFound, Refused
from booking.values.slot import Slot
from booking.values.states import ItemStatus, OccupancyKind, SubjectKind
from booking.values.timetable import EventTerms, SeriesPlan
from tests.builders import NOW, ZONE, Ids, build_house, contact, make_tools, request

OFFICE = Actor("Frau Office", None, "test")
TERMS = EventTerms(12)
MONDAY = date(2026, 11, 30)
WEEKLY = SeriesPlan(MONDAY, time(18), timedelta(minutes=90), Rule(weekdays=frozenset({0})), ZONE)


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(lambda db: build_house(db, NOW))


def course(database: Database, ids: Ids, name: str = "Yoga", **more: Any) -> int:
    wanted = {"name": name, "branch_id": ids.branch_id, **more}
    made = database.write(lambda db: add_course(db, NOW, ids.organisation_id, OFFICE, wanted))
    assert not isinstance(made, Refused), made
    with database.read() as session:
        return session.scalars(select(Course.id).where(Course.public_id == made)).one()


def make(database: Database, ids: Ids, wish: SeriesWish) -> MadeSeries | Refused:
    return database.write(lambda db: add_series(db, NOW, read_house(db, ids.organisation_id), OFFICE, wish))


def made(database: Database, ids: Ids, plan: SeriesPlan = WEEKLY, **more: Any) -> MadeSeries:
    name = more.pop("name", "Yoga")
    wish = SeriesWish(
        course(database, ids, name), more.pop("room_id", ids.left), plan, more.pop("terms", TERMS), **more
    )
    found = make(database, ids, wish)
    assert isinstance(found, MadeSeries), found
    return found


def extend(database: Database, ids: Ids, at: Any) -> int:
    with database.read() as session:
        house = read_house(session, ids.organisation_id)
        due = series_to_extend(session, at, house)
    made = [database.write(lambda db, one=one: extend_series(db, at, house, one)) for one in due]
    with database.read() as session:
        assert series_to_extend(session, at, house) == []  # once a day, wherever the room is
    return sum(made)


def rows(database: Database, query: Any) -> list[Any]:
    with database.read() as session:
        return list(session.scalars(query))


@pytest.mark.rule("V5")
def test_a_series_has_its_events_for_eighteen_months_each_in_local_time(database: Database, ids: Ids) -> None:
    found = made(database, ids)
    events = rows(database, select(Event).order_by(Event.starts_at))
    assert found.extended.made == len(events) == len(rows(database, select(CourseEvent)))
    assert events[0].starts_at == NOW.replace(day=30, hour=17)
    last = NOW.astimezone(ZONE).date() + HORIZON
    assert last - timedelta(days=7) < events[-1].starts_at.astimezone(ZONE).date() <= last
    assert {local_time(one.starts_at, ZONE) for one in events} == {time(18)}
    assert {one.ends_at - one.starts_at for one in events} == {timedelta(minutes=90)}
    assert len({one.starts_at.utcoffset() for one in events}) == 1  # instants in UTC …
    assert len({one.starts_at.hour for one in events}) == 2  # … and clocks changed between them
    assert {one.capacity for one in events} == {12}


def test_each_event_takes_its_room_so_that_nobody_else_can(database: Database, ids: Ids) -> None:
    count = made(database, ids).extended.made
    taken = rows(database, select(Occupancy).order_by(Occupancy.starts_at))
    assert {(one.kind, one.exclusive, one.unit_id) for one in taken} == {(OccupancyKind.EVENT, True, ids.units[0])}
    assert len(taken) == count
    first = Slot(taken[0].starts_at, taken[0].starts_at + timedelta(hours=1))
    with database.read() as session:
        house = read_house(session, ids.organisation_id)
        found_free = {
            room: look(session, NOW, house, house.room(room), first) for room in (ids.left, ids.hall, ids.right)
        }
    assert isinstance(found_free[ids.right], Admitted)
    assert [no.codes for no in found_free.values() if isinstance(no, Refused)] == [("taken",), ("taken",)]


def test_a_day_on_which_the_room_is_taken_is_left_out_and_tried_again(database: Database, ids: Ids) -> None:
    tools, start = make_tools(), NOW.replace(day=30, hour=18)
    asked = database.write(
        lambda db: request(db, NOW, tools, ids, ids.hall, Slot(start, start + timedelta(hours=1)), contact("Gast"))
    )
    found = made(database, ids)
    assert found.extended.skipped[0] == (MONDAY, "taken")
    assert rows(database, select(CourseEvent.original).order_by(CourseEvent.original))[0] == MONDAY + timedelta(days=7)
    database.write(lambda db: db.execute(Occupancy.__table__.delete().where(Occupancy.kind == OccupancyKind.BOOKING)))
    assert not isinstance(asked, Refused)
    tomorrow = NOW + timedelta(days=1)
    assert extend(database, ids, tomorrow) == 1
    assert rows(database, select(CourseEvent.original).order_by(CourseEvent.original))[0] == MONDAY
    assert not rows(database, select(SkippedDay).where(SkippedDay.reason == "taken"))


def test_holidays_and_closing_days_are_left_out_with_their_reason_unless_the_series_minds_none(
    database: Database, ids: Ids
) -> None:
    closed = MONDAY + timedelta(days=7)
    row = {
        "organisation_id": ids.organisation_id,
        "first_day": closed,
        "last_day": closed,
        "reason": "Boden wird geölt",
    }
    database.write(lambda db: db.add(ClosingDay(**row)))
    found = made(database, ids)
    skipped = dict(found.extended.skipped)
    assert skipped[closed] == "closing-day"
    assert skipped[date(2027, 3, 29)] == "public-holiday"  # Easter Monday
    other = made(database, ids, replace(WEEKLY, skips_holidays=False), room_id=ids.right, name="Pilates")
    assert other.extended.skipped == ()
    assert other.extended.made == found.extended.made + len(skipped)


def test_the_night_adds_what_has_come_within_the_horizon_and_a_second_run_does_nothing(
    database: Database, ids: Ids
) -> None:
    found = made(database, ids, replace(WEEKLY, skips_holidays=False))
    assert extend(database, ids, NOW) == 0
    later = NOW + timedelta(days=21)
    assert extend(database, ids, later) == 3
    assert extend(database, ids, later) == 0
    with database.read() as session:
        (line,) = series_lines(session, later, ids.organisation_id, rows(database, select(Course.id))[0])
    assert line.coming == found.extended.made + 3 - 3
    assert line.planned_until == later.astimezone(ZONE).date() + HORIZON
    assert session.scalar(select(func.count()).select_from(CourseEvent)) == found.extended.made + 3


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_a_room_in_another_zone_than_the_house_is_planned_once_a_day_too(
    database: Database, ids: Ids, zone: str
) -> None:
    database.write(lambda db: db.execute(update(Branch).values(zone=zone)))
    database.write(lambda db: bump(db, ids.organisation_id))
    made(database, ids, replace(WEEKLY, zone=ZoneInfo(zone)))
    for hours in range(0, 48, 3):
        extend(database, ids, NOW + timedelta(hours=hours))  # and nothing is due after it


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        (Rule(weekdays=frozenset({0}), count=5), 5),
        (Rule(weekdays=frozenset({0, 2}), until=date(2026, 12, 9)), 4),
        (Rule(Frequency.DAILY, until=date(2026, 12, 4)), 5),
    ],
)
def test_a_series_with_an_end_has_its_events_and_no_more(database: Database, ids: Ids, rule: Rule, count: int) -> None:
    found = made(database, ids, replace(WEEKLY, rule=rule, skips_holidays=False))
    assert found.extended.made == count
    assert extend(database, ids, NOW + timedelta(days=60)) == 0
    with database.read() as session:
        (line,) = series_lines(session, NOW, ids.organisation_id, rows(database, select(Course.id))[0])
    assert (line.plan.rule, line.terms) == (rule, TERMS)


@pytest.mark.rule("C1", "C2")
def test_each_event_is_in_the_calendars_of_its_series_its_course_its_room_and_the_office(
    database: Database, ids: Ids
) -> None:
    found = made(database, ids, replace(WEEKLY, rule=replace(WEEKLY.rule, count=3)))
    made(database, ids, replace(WEEKLY, wall=time(9)), room_id=ids.right, name="Pilates")
    course_id = rows(database, select(Course.id).where(Course.name == "Yoga"))[0]
    organisation_id = ids.organisation_id
    with database.read() as session:
        for kind, target in (
            (SubjectKind.SERIES, found.series_id),
            (SubjectKind.COURSE, course_id),
            (SubjectKind.ROOM, ids.left),
        ):
            shown = items_of(session, Whose(organisation_id, kind, target), NOW)
            assert [(one.title, one.status, one.room) for one in shown] == [
                ("Yoga", ItemStatus.CONFIRMED, "Halle links")
            ] * 3
        assert len(items_of(session, Whose(organisation_id, SubjectKind.OFFICE, organisation_id), NOW)) > 3
        beside = items_of(session, Whose(organisation_id, SubjectKind.ROOM, ids.hall), NOW)
        assert {one.title for one in beside} == {""}  # whoever reads the hall's learns no more than that it is taken
        subjects = {(one.kind, one.target_id): one.revision for one in session.scalars(select(FeedSubject))}
    assert subjects[SubjectKind.SERIES, found.series_id] == subjects[SubjectKind.COURSE, course_id] == 1
    items = rows(database, select(CalendarItem))
    assert len({one.uid for one in items}) == len(items)
    assert {one.office_revision for one in items} <= {1, 2}
    assert 0 not in {one.office_revision for one in items}


@pytest.mark.parametrize(
    ("wrong", "code"), [("archived", "course-archived"), ("elsewhere", "other-branch"), ("never", "never-takes-place")]
)
def test_what_cannot_take_place_is_refused_and_leaves_nothing(
    database: Database, ids: Ids, wrong: str, code: str
) -> None:
    other = database.write(lambda db: _branch(db, ids))
    course_id = course(database, ids, branch_id=other if wrong == "elsewhere" else ids.branch_id)
    if wrong == "archived":
        assert archived(database, ids, course_id, True) is None
    plan = replace(WEEKLY, rule=Rule(until=NOW.date()), first=date(2026, 11, 9)) if wrong == "never" else WEEKLY
    no = make(database, ids, SeriesWish(course_id, ids.left, plan, TERMS))
    assert isinstance(no, Refused)
    assert no.codes == (code,)
    assert rows(database, select(Series)) == rows(database, select(SkippedDay)) == rows(database, select(Event)) == []


def test_a_room_in_which_courses_are_to_come_counts_as_in_use(database: Database, ids: Ids) -> None:
    count = made(database, ids).extended.made
    with database.read() as session:
        assert count_coming(session, NOW, ids.organisation_id, [ids.left]) == count
        assert count_coming(session, NOW, ids.organisation_id, [ids.right]) == 0
        assert count_coming(session, NOW + timedelta(days=600), ids.organisation_id, [ids.left]) == 0


def archived(database: Database, ids: Ids, course_id: int, is_archived: bool) -> Refused | None:
    return database.write(
        lambda db: archive_course(db, NOW, ids.organisation_id, OFFICE, course_id, archived=is_archived)
    )


def _branch(db: Any, ids: Ids) -> int:
    place = {"street": "s", "postcode": "p", "city": "c", "zone": ZONE.key, "name": "Nord"}
    row = Branch(organisation_id=ids.organisation_id, public_id=new_uuid(NOW), **place)
    db.add(row)
    db.flush()
    return row.id


def test_courses_have_names_and_addresses_of_their_own(database: Database, ids: Ids) -> None:
    first = course(database, ids, "Yoga für alle", level="Anfänger")
    wanted = {"name": "Yoga für alle", "branch_id": ids.branch_id}
    no = database.write(lambda db: add_course(db, NOW, ids.organisation_id, OFFICE, wanted))
    assert isinstance(no, Refused)
    assert no.codes == ("name-taken", "slug-taken")
    second = course(database, ids, "Pilates")
    change = {"slug": "yoga-fuer-alle", "name": ""}
    no = database.write(lambda db: change_course(db, NOW, ids.organisation_id, OFFICE, second, {"slug": "A b"}))
    assert isinstance(no, Refused)
    assert no.codes == ("bad-slug",)
    no = database.write(
        lambda db: change_course(db, NOW, ids.organisation_id, OFFICE, second, {"slug": change["slug"]})
    )
    assert isinstance(no, Refused)
    assert no.codes == ("slug-taken",)
    done = database.write(lambda db: change_course(db, NOW, ids.organisation_id, OFFICE, first, {"level": "Alle"}))
    assert done is None
    with database.read() as session:
        lines = course_lines(session, NOW, ids.organisation_id)
    assert [(line.name, line.slug, line.level) for line in lines] == [
        ("Pilates", "pilates", ""),
        ("Yoga für alle", "yoga-fuer-alle", "Alle"),
    ]
    entries = rows(database, select(AuditEntry).where(AuditEntry.subject == "course").order_by(AuditEntry.id))
    assert [(one.action, one.after.get("level")) for one in entries] == [
        ("made", "Anfänger"),
        ("made", ""),
        ("changed", "Alle"),
    ]


def test_a_course_is_archived_only_when_nothing_of_it_goes_on_and_comes_back(database: Database, ids: Ids) -> None:
    made(database, ids)
    course_id = rows(database, select(Course.id))[0]
    no = archived(database, ids, course_id, True)
    assert isinstance(no, Refused)
    assert no.codes == ("still-planned",)
    database.write(lambda db: db.execute(Series.__table__.update().values(ended_at=NOW)))
    assert archived(database, ids, course_id, True) is None
    assert archived(database, ids, course_id, True) is None
    window = Slot(NOW, NOW + timedelta(days=30))
    with database.read() as session:
        assert event_lines(session, ids.organisation_id, window) == ()
    assert archived(database, ids, course_id, False) is None
    with database.read() as session:
        lines = event_lines(session, ids.organisation_id, window)
    assert [(one.course, one.room, one.terms.capacity) for one in lines[:1]] == [("Yoga", "Halle links", 12)]


def test_one_house_knows_nothing_of_another_s_courses(database: Database, ids: Ids) -> None:
    other = database.write(lambda db: build_house(db, NOW, "neben"))
    made(database, ids)
    window = Slot(NOW, NOW + timedelta(days=30))
    with database.read() as session:
        assert course_lines(session, NOW, other.organisation_id) == ()
        assert event_lines(session, other.organisation_id, window) == ()
        (line,) = course_lines(session, NOW, ids.organisation_id)
        with pytest.raises(NotFound):
            course_line(session, NOW, other.organisation_id, line.public_id)
    with pytest.raises(NotFound):
        database.write(
            lambda db: change_course(db, NOW, other.organisation_id, OFFICE, line.course_id, {"level": "fremd"})
        )
    with pytest.raises(NotFound):
        make(database, other, SeriesWish(line.course_id, other.left, WEEKLY, TERMS))
    assert rows(database, select(Room.organisation_id).where(Room.id == ids.left)) == [ids.organisation_id]
