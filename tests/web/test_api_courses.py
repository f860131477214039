"""Courses, series and events by program: by role, once per key, refused at the member (SPEC V5, X3, X12)."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from booking.tables.studio import Course, CourseEvent, Series
from booking.values.states import Role
from tests.neighbours import add_neighbour
from tests.web.test_api import room_id
from tests.web.test_api_house import first_id, reasons

if TYPE_CHECKING:
    from tests.web.conftest import Caller, Site

CALLS = [
    ("GET", "/courses"),
    ("POST", "/courses"),
    ("PATCH", "/courses/{id}"),
    ("POST", "/courses/{id}/archive"),
    ("POST", "/courses/{id}/restore"),
    ("GET", "/courses/{id}/series"),
    ("POST", "/courses/{id}/series"),
    ("GET", "/events?from=2026-11-30T00:00:00Z&to=2026-12-07T00:00:00Z"),
]
DECEMBER = "from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z"


def yoga(program: "Caller", **others: Any) -> dict[str, Any]:
    return {"name": "Yoga", "branch": first_id(program, "branches")} | others


def mondays(site: "Site", **others: Any) -> dict[str, Any]:
    plan = {"room": room_id(site), "first_day": "2026-11-30", "time": "18:00", "minutes": 90, "places": 12}
    return plan | {"times": 10} | others


def count(site: "Site", table: Any) -> int:
    with site.database.read() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.rule("R1", "R2")
@pytest.mark.parametrize(("method", "path"), CALLS, ids=[f"{method} {path}" for method, path in CALLS])
def test_courses_are_for_the_administration_alone(site: "Site", method: str, path: str) -> None:
    address = path.format(id=UUID(int=1))
    for role in (Role.OFFICE, Role.DESK):
        assert site.api(role).call(method, address, {}).status_code == 403, role
    for role in (Role.ADMIN, Role.OWNER):
        assert site.api(role).call(method, address, {}).status_code in {200, 404, 422}


def test_a_course_is_made_once_changed_archived_and_brought_back(site_on_both: "Site") -> None:
    site = site_on_both
    program = site.api(Role.ADMIN)
    body = yoga(program, level="Anfänger")
    made = program.post("/courses", body, key="course-1")
    assert made.status_code == 201, made.text
    found = made.get_json()
    assert (found["slug"], found["level"], found["coming"], found["next_at"]) == ("yoga", "Anfänger", 0, None)
    assert program.post("/courses", body, key="course-1").get_json() == found
    assert count(site, Course) == 1
    path = f"/courses/{found['id']}"
    staff = next(one["id"] for one in program.get("/staff").get_json()["staff"] if one["role"] == "office")
    changed = program.call("PATCH", path, {"name": "Hatha", "trainer": staff})
    assert changed.get_json() == found | {"name": "Hatha", "trainer": staff}
    assert program.call("PATCH", path, {"trainer": None}).get_json()["trainer"] is None
    assert program.post(f"{path}/archive").get_json()["archived"] is True
    assert program.post(f"{path}/restore").get_json()["archived"] is False
    assert [one["name"] for one in program.get("/courses").get_json()["courses"]] == ["Hatha"]


@pytest.mark.rule("V5")
def test_a_series_is_made_once_with_its_events_and_keeps_its_course_in_use(site_on_both: "Site") -> None:
    site = site_on_both
    program = site.api(Role.ADMIN)
    path = f"/courses/{program.post('/courses', yoga(program)).get_json()['id']}"
    body = mondays(site, weekdays=[0, 2], minimum=3, units=2, price_cents=950, waiting="book", online=False)
    made = program.post(f"{path}/series", body, key="series-1")
    assert made.status_code == 201, made.text
    found = made.get_json()
    assert body.items() <= found.items()
    assert (found["coming"], found["zone"], found["every"], found["frequency"]) == (10, "Europe/Berlin", 1, "WEEKLY")
    assert program.post(f"{path}/series", body, key="series-1").get_json() == found
    assert (count(site, Series), count(site, CourseEvent)) == (1, 10)
    assert program.get(f"{path}/series").get_json() == {"series": [found]}
    no = program.post(f"{path}/archive")
    assert (no.status_code, reasons(no)) == (409, {("still-planned", None)})
    assert program.get("/courses").get_json()["courses"][0]["next_at"] == "2026-11-30T17:00:00Z"


def test_events_are_listed_by_stretch_and_course_and_only_up_to_93_days(site: "Site") -> None:
    program = site.api(Role.ADMIN)
    ids = [program.post("/courses", yoga(program, name=name)).get_json()["id"] for name in ("Yoga", "Tanz")]
    for course, hour in zip(ids, ("10:00", "12:00"), strict=True):
        assert program.post(f"/courses/{course}/series", mondays(site, time=hour)).status_code == 201
    found = program.get(f"/events?{DECEMBER}").get_json()["events"]
    assert [one["start"][:13] for one in found[:3]] == ["2026-12-07T09", "2026-12-07T11", "2026-12-14T09"]
    assert {one["title"] for one in found} == {"Yoga", "Tanz"}
    mine = program.get(f"/events?{DECEMBER}&course={ids[1]}").get_json()["events"]
    assert {one["course"] for one in mine} == {ids[1]}
    assert len(found) == 2 * len(mine) == 8
    assert mine[0]["room_name"] == "Halle links"
    assert program.get(f"/events?{DECEMBER}&course={UUID(int=1)}").status_code == 404
    far = program.get("/events?from=2026-12-01T00:00:00Z&to=2027-12-01T00:00:00Z")
    assert (far.status_code, reasons(far)) == (422, {("window-too-long", "to")})
    turned = program.get("/events?from=2026-12-02T00:00:00Z&to=2026-12-01T00:00:00Z")
    assert reasons(turned) == {("not-a-slot", "end")}


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"name": "Yoga"}, 409, ("name-taken", "name")),
        ({"slug": "yoga"}, 409, ("slug-taken", "slug")),
        ({"slug": "Yo ga"}, 422, ("bad-slug", "slug")),
        ({"level": "x" * 61}, 422, ("invalid", "level")),
        ({"colour": "red"}, 422, ("invalid", "colour")),
    ],
)
def test_a_course_that_cannot_be_is_refused_at_its_member(
    site: "Site", change: dict[str, Any], status: int, expected: tuple[str, str]
) -> None:
    program = site.api(Role.ADMIN)
    program.post("/courses", yoga(program))
    no = program.post("/courses", yoga(program, **({"name": "Tanz"} | change)))
    assert no.status_code == status
    assert expected in reasons(no)


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"minutes": 0}, ("length-impossible", "minutes")),
        ({"last_day": "2026-12-24"}, ("two-ends", "times")),
        ({"times": None, "last_day": "2026-11-01"}, ("ends-before-first", "last_day")),
        ({"every": 0}, ("out-of-range", "every")),
        ({"frequency": "DAILY", "weekdays": [1]}, ("no-such-weekday", "weekdays")),
        ({"places": 0}, ("out-of-range", "places")),
        ({"minimum": 13}, ("minimum-above-capacity", "minimum")),
        ({"first_day": "2020-01-06"}, ("never-takes-place", "weekdays")),
        ({"weekdays": [7]}, ("invalid", "weekdays.0")),
        ({"time": "25:00"}, ("invalid", "time")),
    ],
)
def test_a_series_that_cannot_be_is_refused_at_its_member_and_leaves_nothing(
    site: "Site", change: dict[str, Any], expected: tuple[str, str]
) -> None:
    program = site.api(Role.ADMIN)
    path = f"/courses/{program.post('/courses', yoga(program)).get_json()['id']}/series"
    no = program.post(path, mondays(site, **change), key="one")
    assert no.status_code == 422
    assert expected in reasons(no)
    assert count(site, Series) == 0
    assert program.post(path, mondays(site), key="one").status_code == 201


def test_nothing_of_another_house_can_be_named(site: "Site") -> None:
    neighbour = add_neighbour(site)
    program, other = site.api(Role.ADMIN), site.api(Role.ADMIN, neighbour.organisation_id)
    mine = program.post("/courses", yoga(program)).get_json()["id"]
    assert other.get(f"/courses/{mine}/series").status_code == 404
    assert other.call("PATCH", f"/courses/{mine}", {"name": "x"}).status_code == 404
    assert other.post(f"/courses/{mine}/series", mondays(site)).status_code == 404
    assert other.get("/courses").get_json() == {"courses": []}
    assert other.post("/courses", yoga(program)).status_code == 404
    foreign = other.get("/staff").get_json()["staff"][0]["id"]
    assert program.call("PATCH", f"/courses/{mine}", {"trainer": foreign}).status_code == 404
    there = other.get("/rooms").get_json()["rooms"][0]["id"]
    assert program.post(f"/courses/{mine}/series", mondays(site, room=there)).status_code == 404
