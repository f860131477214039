"""The tick plans series ahead as days go by, each by itself (SPEC V5)."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from booking.actions.audit import Actor
from booking.actions.courses import add_course
from booking.actions.series import MadeSeries, SeriesWish, add_series
from booking.tables.studio import Course, CourseEvent
from booking.values.recurrence import Frequency, Rule
from booking.values.timetable import EventTerms, SeriesPlan
from tests.builders import ZONE
from tests.workers.conftest import Works
from workers.context import clock
from workers.tick import Tick

OFFICE = Actor("Frau Office", None, "test")


def count(works: Works) -> int:
    with works.context.database.read() as session:
        return session.scalar(select(func.count()).select_from(CourseEvent)) or 0


@pytest.mark.rule("V5")
def test_the_events_of_the_day_that_has_come_within_the_horizon_are_there_after_the_next_tick(works: Works) -> None:
    now, ids = clock(), works.ids
    plan = SeriesPlan(
        now.date() + timedelta(days=2), now.time(), timedelta(hours=1), Rule(Frequency.DAILY), ZONE, False
    )
    works.write(
        lambda db: add_course(db, now, ids.organisation_id, OFFICE, {"name": "Yoga", "branch_id": ids.branch_id})
    )
    with works.context.database.read() as session:
        (course_id,) = session.scalars(select(Course.id))
    wish = SeriesWish(course_id, ids.left, plan, EventTerms(12))
    made = works.context.database.write(lambda db: add_series(db, now, works.house, OFFICE, wish))
    assert isinstance(made, MadeSeries), made
    before, tick = count(works), Tick(works.context)
    assert tick.step(clock())
    assert count(works) == before
    works.later(timedelta(days=3))
    assert tick.step(clock())
    assert count(works) == before + 3
    assert tick.step(clock())
    assert count(works) == before + 3
