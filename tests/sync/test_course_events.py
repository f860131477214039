"""Events of courses stand in linked calendars, and are changed in the timetable alone (SPEC C6, C13)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from booking.actions.courses import add_course
from booking.actions.series import MadeSeries, SeriesWish, add_series
from booking.tables.bookings import Occupancy
from booking.tables.studio import Course
from booking.values.links import LinkPolicy
from booking.values.recurrence import Rule
from booking.values.refusals import Refused
from booking.values.states import OccupancyKind
from booking.values.timetable import EventTerms, SeriesPlan
from tests.builders import ZONE
from tests.sync.linked import OFFICE, World, event, world

PLAN = SeriesPlan(date(2026, 11, 30), time(18), timedelta(hours=1), Rule(weekdays=frozenset({0}), count=3), ZONE)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def teach(here: World, plan: SeriesPlan = PLAN, room: int | None = None) -> MadeSeries:
    ids, house = here.ids, here.house
    wanted = {"name": "Yoga", "branch_id": ids.branch_id}
    public_id = here.write(lambda db: add_course(db, here.now, ids.organisation_id, OFFICE, wanted))
    assert not isinstance(public_id, Refused)
    (course_id,) = here.rows(select(Course.id).where(Course.public_id == public_id))
    wish = SeriesWish(course_id, room or ids.hall, plan, EventTerms(12))
    made = here.write(lambda db: add_series(db, here.now, house, OFFICE, wish))
    assert isinstance(made, MadeSeries), made
    return made


@pytest.mark.rule("C6", "C10")
@pytest.mark.parametrize("policy", [LinkPolicy.EXPORT, LinkPolicy.TWO_WAY])
def test_each_event_of_a_series_stands_in_the_linked_calendar(here: World, policy: LinkPolicy) -> None:
    here.connect(policy)
    here.settle()
    teach(here)
    here.settle()
    assert sorted(one.master.start.wall for one in here.theirs().values() if one.master) == [
        datetime.combine(day, PLAN.wall) for day in (date(2026, 11, 30), date(2026, 12, 7), date(2026, 12, 14))
    ]
    assert {one.master.summary for one in here.theirs().values() if one.master} == {"Yoga"}


@pytest.mark.rule("C13")
def test_what_somebody_changes_there_is_put_back_and_the_timetable_stays(here: World) -> None:
    here.connect(LinkPolicy.TWO_WAY)
    teach(here)
    here.settle()
    before = here.theirs()
    first, second, third = sorted(before, key=lambda uid: before[uid].master.start.instant)  # type: ignore[union-attr]
    here.move_theirs(first, timedelta(hours=2))
    here.edit_theirs(second, summary="Pilates")
    here.delete_theirs(third)
    here.run()
    here.settle()
    after = here.theirs()
    assert {uid: one.master for uid, one in after.items()} == {uid: one.master for uid, one in before.items()}
    assert here.cases().keys() == {"link-conflict"}  # what did not hold is kept for review (SPEC C7)
    taken = here.rows(select(Occupancy).where(Occupancy.kind == OccupancyKind.EVENT))
    assert len(taken) == 3 * len(here.ids.units)


def test_a_time_that_comes_from_outside_stays_out_of_the_way_of_a_series(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    here.put(event("theirs", 6.36, hours=2))  # on the first Monday evening
    here.settle()
    made = teach(here, replace(PLAN, skips_holidays=False))
    assert made.extended.skipped == ((date(2026, 11, 30), "taken"),)
    assert made.extended.made == 2


@pytest.mark.rule("C14")
@pytest.mark.parametrize("count", [1, 3])
def test_a_time_from_outside_that_meets_an_event_opens_a_case_and_the_event_stands(here: World, count: int) -> None:
    here.connect(LinkPolicy.IMPORT)
    teach(here)
    for number in range(1, count):  # alone it is brought alone, among others with them
        here.put(event(f"far-{number}", 40 + number))
    here.put(event("theirs", 6.36, hours=2))
    here.settle()
    case = here.cases()["link-clash"]
    assert case["ours"]["summary"] == "Yoga"
    assert case["ours"]["starts_at"].startswith("2026-11-30T17:00")
    assert len(here.rows(select(Occupancy).where(Occupancy.kind == OccupancyKind.EVENT))) == 3 * len(here.ids.units)
    here.move_theirs("theirs", timedelta(days=60))
    here.settle()
    assert "link-clash" not in here.cases()
