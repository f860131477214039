"""Short ways to courses and series, through the real pages, for tests of pages, API and browser."""

from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from booking.actions.audit import SYSTEM
from booking.actions.courses import add_course
from booking.actions.series import MadeSeries, SeriesWish, add_series
from booking.reads.house import read_house
from booking.reads.timetable import CourseLine, course_lines
from booking.values.recurrence import Rule
from booking.values.refusals import Refused
from booking.values.timetable import EventTerms, SeriesPlan
from tests.builders import ZONE
from tests.web.conftest import Site, Visitor
from tests.web.office.test_settings_pages import shown_in

HOME = "/office/courses"
MONDAY = date(2026, 11, 30)
TEN_TIMES = Rule(weekdays=frozenset({0}), count=10)


def courses_of(site: Site) -> dict[str, CourseLine]:
    with site.database.read() as db:
        return {line.name: line for line in course_lines(db, site.now, site.ids.organisation_id)}


def a_course(site: Site, name: str = "Yoga", **more: Any) -> UUID:
    wanted = {"name": name, "branch_id": site.ids.branch_id, **more}
    made = site.database.write(lambda db: add_course(db, site.now, site.ids.organisation_id, SYSTEM, wanted))
    assert not isinstance(made, Refused), made
    return made


def a_series(
    site: Site, course: str = "Yoga", rule: Rule = TEN_TIMES, wall: time = time(18), **more: Any
) -> MadeSeries:
    """Mondays from the 30th of November 2026 on, 18:00 to 19:30, in the left half of the hall."""
    plan = SeriesPlan(more.pop("first", MONDAY), wall, timedelta(minutes=90), rule, ZONE)
    terms, room = more.pop("terms", EventTerms(12)), more.pop("room_id", site.ids.left)
    wish = SeriesWish(courses_of(site)[course].course_id, room, plan, terms, **more)
    mine = site.ids.organisation_id
    made = site.database.write(lambda db: add_series(db, site.now, read_house(db, mine), SYSTEM, wish))
    assert isinstance(made, MadeSeries), made
    return made


def send(visitor: Visitor, path: str, **changes: Any) -> Any:
    """Open a form, change some fields, send it with the boxes that are ticked."""
    return visitor.post(path, shown_in(visitor.get(path).text) | changes, of=path)
