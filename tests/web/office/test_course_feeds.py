"""Feeds of courses and series: made in the office and by program, with the events of that one (SPEC C1, X12)."""

from datetime import time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from booking.actions.audit import SYSTEM
from booking.actions.courses import archive_course
from booking.values.recurrence import Rule
from booking.values.states import Role
from tests.neighbours import add_neighbour
from tests.web.feed_world import Answer, ask, elsewhere
from tests.web.office.studio import MONDAY, a_course, a_series, courses_of
from tests.web.office.test_feeds_pages import GOOD, HOME, make, token_on
from web.hot_feeds import FeedGate

if TYPE_CHECKING:
    from tests.web.conftest import Site


@pytest.fixture
def planned(site: "Site") -> dict[str, UUID]:
    """Yoga with two series of two dates and of three; another course of four."""
    yoga = a_course(site)
    a_course(site, "Tanz")
    first = a_series(site, rule=Rule(count=2))
    second = a_series(site, rule=Rule(count=3), wall=time(10), first=MONDAY + timedelta(days=1))
    a_series(site, "Tanz", Rule(count=4), wall=time(14))
    return {"yoga": yoga, "first": first.public_id, "second": second.public_id}


def fetched(site: "Site", url: str) -> Answer:
    token = url.rpartition("/")[2].removesuffix(".ics")
    gate = FeedGate(elsewhere, site.database, now=lambda: site.now)
    try:
        return ask(gate, token)
    finally:
        gate.close()


def events_in(site: "Site", url: str) -> int:
    return fetched(site, url).body.count(b"BEGIN:VEVENT")


@pytest.mark.rule("C1")
@pytest.mark.parametrize(
    ("kind", "name", "label", "events"),
    [("course", "yoga", "Kurs: Yoga", 5), ("series", "second", "Serie: Yoga, Di 10:00–11:30", 3)],
)
def test_the_office_makes_a_feed_of_a_course_or_a_series(
    site: "Site", planned: dict[str, UUID], kind: str, name: str, label: str, events: int
) -> None:
    visitor = site.logged_in()
    path = make(visitor, whose=f"{kind}-{planned[name]}")
    page = visitor.get(path).text
    assert label in page
    assert events_in(site, f"/feeds/{token_on(page)}.ics") == events
    assert label in visitor.get(HOME).text
    visitor.post(f"{path}/revoke", of=path)
    assert fetched(site, f"/feeds/{token_on(page)}.ics").status == 410


def test_of_an_archived_course_no_feed_is_made_and_what_there_is_keeps_its_name(site: "Site") -> None:
    course, visitor = a_course(site), site.logged_in()
    path = make(visitor, whose=f"course-{course}")
    mine, course_id = site.ids.organisation_id, courses_of(site)["Yoga"].course_id
    site.database.write(lambda db: archive_course(db, site.now, mine, SYSTEM, course_id, archived=True))
    assert "Kurs: Yoga" in visitor.get(path).text
    again = visitor.post(HOME, GOOD | {"whose": f"course-{course}"}, of=HOME)
    assert again.status_code == 422
    assert 'id="whose-error"' in again.text


@pytest.mark.rule("X3", "X12")
def test_programs_make_and_list_feeds_of_courses_and_series(site: "Site", planned: dict[str, UUID]) -> None:
    program = site.api(Role.OFFICE)
    course = program.post("/feeds", {"kind": "course", "course": str(planned["yoga"]), "name": "Yoga"}, key="a")
    series = program.post("/feeds", {"kind": "series", "series": str(planned["first"]), "name": "Abends"})
    assert (course.status_code, series.status_code) == (201, 201)
    assert events_in(site, course.get_json()["url"]) == 5
    assert events_in(site, series.get_json()["url"]) == 2
    listed = {one["name"]: one for one in program.get("/feeds").get_json()["feeds"]}
    assert (listed["Yoga"]["course"], listed["Yoga"]["series"]) == (str(planned["yoga"]), None)
    assert (listed["Abends"]["course"], listed["Abends"]["series"]) == (None, str(planned["first"]))
    shown = program.get(f"/feeds/{listed['Abends']['id']}").get_json()
    assert shown["url"] == series.get_json()["url"]


@pytest.mark.parametrize("kind", ["course", "series"])
def test_a_feed_needs_what_it_is_of_and_reaches_no_other_house(
    site: "Site", planned: dict[str, UUID], kind: str
) -> None:
    program = site.api(Role.OFFICE)
    missing = program.post("/feeds", {"kind": kind, "name": "x"})
    assert [(one["code"], one["at"]) for one in missing.get_json()["reasons"]] == [("missing", kind)]
    stranger = site.api(Role.OWNER, add_neighbour(site).organisation_id)
    there = planned["yoga" if kind == "course" else "first"]
    assert stranger.post("/feeds", {"kind": kind, kind: str(there), "name": "x"}).status_code == 404
    assert program.post("/feeds", {"kind": kind, kind: str(UUID(int=5)), "name": "x"}).status_code == 404
