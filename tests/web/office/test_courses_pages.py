"""Courses and their series by page: made, changed, out of use and back; nothing typed is lost (SPEC V5, X8, R2)."""

import re
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from booking.tables.bookings import AuditEntry, Event
from booking.tables.houses import Branch, ClosingDay, Room
from booking.tables.studio import Course, Series
from booking.values.identity import new_uuid
from booking.values.recurrence import Rule
from booking.values.states import Role
from booking.values.timetable import EventTerms, WaitingPolicy
from tests.neighbours import add_neighbour
from tests.web.office.studio import HOME, MONDAY, a_course, a_series, courses_of, send

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor

NEW = f"{HOME}/new"


def new_course(site: "Site", visitor: "Visitor", **changes: Any) -> Any:
    return send(visitor, NEW, **({"name": "Yoga", "branch_id": str(site.ids.branch_id)} | changes))


def new_series(site: "Site", visitor: "Visitor", course: UUID, **changes: Any) -> Any:
    given = {"room_id": str(site.ids.left), "first": MONDAY.isoformat(), "wall": "18:00", "minutes": "90"}
    return send(visitor, f"{HOME}/{course}/series/new", **(given | changes))


def rows(site: "Site", query: Any) -> list[Any]:
    with site.database.read() as db:
        return list(db.scalars(query))


@pytest.mark.rule("R1", "R2")
def test_courses_are_for_the_administration_and_nobody_below(site: "Site") -> None:
    course = a_course(site)
    paths = [HOME, NEW, f"{HOME}/{course}", f"{HOME}/{course}/edit", f"{HOME}/{course}/series/new"]
    for role in (Role.OWNER, Role.ADMIN):
        visitor = site.logged_in(role)
        assert [visitor.get(path).status_code for path in paths] == [200] * len(paths)
        assert f'href="{HOME}"' in visitor.get("/office/").text
    office = site.logged_in(Role.OFFICE)
    assert {office.get(path).status_code for path in paths} == {403}
    changing = [NEW, f"{HOME}/{course}/edit", f"{HOME}/{course}/archive", f"{HOME}/{course}/series/new"]
    assert {office.post(path, {"name": "x"}, of="/office/").status_code for path in changing} == {403}
    assert f'href="{HOME}"' not in office.get("/office/").text
    assert {site.logged_in(Role.DESK).get(path).status_code for path in paths} == {403}
    assert {site.client().get(path).status_code for path in paths} == {302}


def test_a_course_of_another_house_does_not_exist(site: "Site") -> None:
    neighbour = add_neighbour(site)
    visitor = site.logged_in(Role.ADMIN)

    def theirs(db: Any) -> UUID:
        row = Course(
            organisation_id=neighbour.organisation_id,
            public_id=new_uuid(site.now),
            branch_id=neighbour.branch_id,
            slug="fremd",
            name="Fremd",
            made_at=site.now,
        )
        db.add(row)
        return row.public_id

    foreign = site.database.write(theirs)
    for path in (f"{HOME}/{foreign}", f"{HOME}/{foreign}/edit", f"{HOME}/{foreign}/series/new"):
        assert visitor.get(path).status_code == 404
    assert visitor.post(f"{HOME}/{foreign}/archive", {"archived": "yes"}, of="/office/").status_code == 404
    assert "Fremd" not in visitor.get(HOME).text
    assert new_course(site, visitor, branch_id=str(neighbour.branch_id)).status_code == 422


def test_a_course_is_made_shown_and_changed_on_both_databases(site_on_both: "Site") -> None:
    site = site_on_both
    visitor = site.logged_in(Role.ADMIN)
    assert "Noch kein Kurs" in visitor.get(HOME).text
    answer = new_course(site, visitor, level="Anfänger", trainer_id=str(site.ids.office), description="Ruhig.")
    made = courses_of(site)["Yoga"]
    assert (answer.status_code, answer.location) == (302, f"{HOME}/{made.public_id}")
    assert (made.slug, made.level, made.trainer, made.coming) == ("yoga", "Anfänger", "Frau Office", 0)
    text = visitor.get(f"{HOME}/{made.public_id}").text
    assert "Noch keine Termine" in text
    assert "Ruhig." in text
    assert send(visitor, f"{HOME}/{made.public_id}/edit", name="Hatha", trainer_id="").status_code == 302
    changed = courses_of(site)["Hatha"]
    assert (changed.trainer_id, changed.level, changed.description) == (None, "Anfänger", "Ruhig.")


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", " ", "Diese Angabe fehlt"),
        ("name", "x" * 81, "höchstens 80"),
        ("name", "Yoga", "Diesen Namen gibt es schon"),
        ("slug", "Yoga!", "Kleinbuchstaben"),
        ("slug", "yoga", "Diese Adresse gibt es schon"),
        ("branch_id", "99", "aus der Liste"),
        ("trainer_id", "99", "aus der Liste"),
    ],
)
def test_what_a_course_cannot_have_is_named_at_its_field_and_nothing_is_lost(
    site: "Site", field: str, typed: str, said: str
) -> None:
    a_course(site)
    answer = new_course(site, site.logged_in(Role.ADMIN), **({"name": "Pilates", "level": "alle"} | {field: typed}))
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-error">.*?{said}', answer.text, re.DOTALL)
    assert 'value="alle"' in answer.text
    assert list(courses_of(site)) == ["Yoga"]


@pytest.mark.rule("V5", "V7", "V15", "V16")
def test_a_series_is_made_as_the_form_says_and_told_in_words(site_on_both: "Site") -> None:
    site = site_on_both
    visitor, course = site.logged_in(Role.ADMIN), a_course(site)
    holiday = date(2026, 12, 2)
    closed = ClosingDay(
        organisation_id=site.ids.organisation_id,
        first_day=holiday,
        last_day=holiday,
        reason="Putz",
        closes_rooms=True,
        closes_office=False,
    )
    site.database.write(lambda db: db.add(closed))
    answer = new_series(
        site, visitor, course, weekdays=["0", "2"], count="4", interval="2", capacity="8", minimum="3",
        decide_hours="12", units="2", price="9,50", free_hours="48", waiting="book", trainer_id=str(site.ids.office),
    )  # fmt: skip
    assert answer.status_code == 302, answer.text
    row = rows(site, select(Series))[0]
    assert (row.first_day, row.times, row.every, row.weekdays) == (MONDAY, 4, 2, [0, 2])
    assert (row.wall, row.minutes, row.skips_holidays, row.last_day) == (time(18), 90, True, None)
    assert (row.capacity, row.minimum, row.decide_minutes, row.waiting) == (8, 3, 720, WaitingPolicy.BOOK)
    assert (row.units, row.price_cents, row.free_minutes, row.online) == (2, 950, 2880, True)
    assert (row.trainer_id, row.room_id) == (site.ids.office, site.ids.left)
    assert len(rows(site, select(Event))) == 3
    text = re.sub(r"\s+", " ", visitor.get(f"{HOME}/{course}").text)
    skipped = 'Mi, 2. Dezember 2026</span> <span class="quiet">geschlossen'
    for words in ("alle 2 Wochen: Mo, Mi 18:00–19:30", "ab Mo, 30. November 2026, 4 Termine", "2 Punkte oder 9,50",
                  "ab 3 Personen; entschieden wird 12 Stunden vorher", "bis 2 Tage vorher", "sofort buchen",
                  "Fällt an 1 kommenden Tag aus", skipped):  # fmt: skip
        assert words in text, words
    assert "Mo, 30. November 2026, 18:00" in visitor.get(HOME).text


def test_a_series_for_the_office_alone_goes_on_without_end_through_holidays(site: "Site") -> None:
    visitor, course = site.logged_in(Role.ADMIN), a_course(site)
    form = visitor.get(f"{HOME}/{course}/series/new").text
    ticked = re.findall(r'name="(online|skips_holidays)"[^>]* checked', form)
    assert set(ticked) == {"online", "skips_holidays"}
    given = {"room_id": str(site.ids.left), "first": "2026-12-24", "wall": "18:00", "minutes": "60", "interval": "1",
             "capacity": "5", "minimum": "0", "decide_hours": "0", "waiting": "none", "units": "0", "price": "0",
             "free_hours": "0"}  # fmt: skip
    assert visitor.post(f"{HOME}/{course}/series/new", given, of=HOME).status_code == 302
    row = rows(site, select(Series))[0]
    assert (row.online, row.skips_holidays, row.times, row.last_day, row.weekdays) == (False, False, None, None, [])
    text = visitor.get(f"{HOME}/{course}").text
    for words in (
        "Do 18:00–19:00",
        "ohne Ende",
        "nur durch das Büro",
        "kostenlos",
        "bis zum Beginn",
        "Keine Warteliste",
    ):
        assert words in text, words


@pytest.mark.rule("X8")
@pytest.mark.parametrize("language", ["de", "en"])
def test_all_that_is_impossible_about_a_series_is_said_at_once_at_its_fields(site: "Site", language: str) -> None:
    visitor, course = site.logged_in(Role.ADMIN), a_course(site)
    visitor.post("/language", {"language": language, "next": HOME}, of=HOME)
    answer = new_series(site, visitor, course, wall="", until="2026-11-01", count="3", minimum="40", price="viel",
                        weekdays=["4"])  # fmt: skip
    assert answer.status_code == 422
    said = {"de": ("Diese Angabe fehlt", "vor dem ersten", "nicht beides", "nur 12 Plätze"),
            "en": ("This is needed here", "before the first", "not both", "12 places only")}[language]  # fmt: skip
    for field, words in zip(("wall", "until", "count", "minimum"), said, strict=True):
        assert re.search(rf'id="{field}-error">[^/]*?<svg.*?{words}', answer.text, re.DOTALL), (field, words)
    assert 'id="price-error"' in answer.text
    for kept in ('value="2026-11-01"', 'value="40"', 'value="viel"'):
        assert kept in answer.text
    assert re.search(r'name="weekdays" value="4"[^>]* checked', answer.text)
    assert rows(site, select(Series)) == []


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"room_id": "99"}, "room_id"),
        ({"minutes": "0"}, "minutes"),
        ({"minutes": "1441"}, "minutes"),
        ({"interval": "53"}, "interval"),
        ({"count": "0"}, "count"),
        ({"capacity": "0"}, "capacity"),
        ({"units": "-1"}, "units"),
        ({"first": "1999-01-01"}, "first"),
        ({"weekdays": ["2"], "until": MONDAY.isoformat()}, "weekdays"),
        ({"first": "2026-12-25", "until": "2026-12-26"}, "skips_holidays"),
        ({"first": "2026-11-02", "until": "2026-11-03"}, "weekdays"),
    ],
)
def test_each_impossible_setting_of_a_series_is_refused_at_its_field(
    site: "Site", changes: dict[str, Any], field: str
) -> None:
    answer = new_series(site, site.logged_in(Role.ADMIN), a_course(site), **changes)
    assert answer.status_code == 422
    assert re.findall(r'id="(\w+)-error"', answer.text) == [field]
    assert rows(site, select(Series)) == []
    assert rows(site, select(AuditEntry).where(AuditEntry.subject == "series")) == []


def test_the_form_offers_the_rooms_of_the_branch_that_are_in_use(site: "Site") -> None:
    visitor, course = site.logged_in(Role.ADMIN), a_course(site)

    def close(db: Any) -> None:
        db.get_one(Room, site.ids.right).archived_at = site.now
        south = Branch(organisation_id=site.ids.organisation_id, public_id=new_uuid(site.now), name="Süd",
                       street="Südring 1", postcode="50677", city="Köln", zone="Europe/Berlin")  # fmt: skip
        db.add(south)
        db.flush()
        made["south"] = south.id

    made: dict[str, int] = {}
    site.database.write(close)
    bump(site)
    text = visitor.get(f"{HOME}/{course}/series/new").text
    assert "Halle links" in text
    assert "Halle rechts" not in text
    far = a_course(site, "Weit weg", branch_id=made["south"])
    assert "Kein Raum an diesem Standort" in visitor.get(f"{HOME}/{far}/series/new").text


def bump(site: "Site") -> None:
    from booking.actions.setting_rows import bump as raise_revision

    site.database.write(lambda db: raise_revision(db, site.ids.organisation_id))


def test_a_course_goes_out_of_use_and_comes_back_but_not_while_a_series_goes_on(site: "Site") -> None:
    visitor, course = site.logged_in(Role.ADMIN), a_course(site)
    path = f"{HOME}/{course}"
    visitor.post(f"{path}/archive", {"archived": "yes"}, of=path)
    assert courses_of(site)["Yoga"].archived
    text = visitor.get(path).text
    assert "Außer Gebrauch" in text
    assert "series/new" not in text
    refused = new_series(site, visitor, course)
    assert refused.status_code == 422
    assert "Bitte nehmen Sie ihn zuerst wieder in Gebrauch" in refused.text
    visitor.post(f"{path}/archive", of=path)
    assert not courses_of(site)["Yoga"].archived
    a_series(site)
    visitor.post(f"{path}/archive", {"archived": "yes"}, of=path)
    assert "Eine Serie dieses Kurses läuft noch" in visitor.get(path).text
    assert not courses_of(site)["Yoga"].archived


def test_a_branch_stays_while_a_course_is_there_and_a_course_with_a_series_stays_in_its_branch(site: "Site") -> None:
    visitor, course = site.logged_in(Role.ADMIN), a_course(site)
    a_series(site)

    def south(db: Any) -> tuple[int, UUID]:
        row = Branch(organisation_id=site.ids.organisation_id, public_id=new_uuid(site.now), name="Süd",
                     street="Südring 1", postcode="50677", city="Köln", zone="Europe/Berlin")  # fmt: skip
        db.add(row)
        db.flush()
        return row.id, row.public_id

    other, public_id = site.database.write(south)
    answer = send(visitor, f"{HOME}/{course}/edit", branch_id=str(other))
    assert re.search(r'id="branch_id-error">.*?sein Standort bleibt', answer.text, re.DOTALL)
    a_course(site, "Südkurs", branch_id=other)
    visitor.post(f"/office/settings/branches/{public_id}/remove", of=HOME)
    text = visitor.get("/office/settings/branches").text
    assert "Räume, Türen oder Kurse" in text
    assert "Süd" in text


@pytest.mark.rule("X5")
def test_the_audit_log_tells_of_courses_and_series_in_words(site: "Site") -> None:
    visitor = site.logged_in(Role.ADMIN)
    course = new_course(site, visitor, trainer_id=str(site.ids.office)).location.rpartition("/")[2]
    new_series(site, visitor, UUID(course))
    text = visitor.get("/office/settings/audit").text
    assert f'href="{HOME}/{course}"' in text
    for words in ("Kurs", "Serie", "Frau Office", "Plätze", "Länge in Minuten", "Termine angelegt"):
        assert words in text, words


def test_a_list_costs_as_many_queries_with_many_courses_as_with_few(site: "Site", count_queries: Any) -> None:
    visitor = site.logged_in(Role.ADMIN)
    a_course(site)
    a_series(site)
    few = count_queries(lambda: visitor.get(HOME))
    for hour in range(8, 16, 2):
        a_course(site, f"Kurs {hour}")
        a_series(site, f"Kurs {hour}", Rule(count=2), wall=time(hour), first=MONDAY + timedelta(days=1))
    assert count_queries(lambda: visitor.get(HOME)) == few
    course = courses_of(site)["Kurs 8"]
    path = f"{HOME}/{course.public_id}"
    one = count_queries(lambda: visitor.get(path))
    a_series(site, "Kurs 8", Rule(count=2), wall=time(20), terms=EventTerms(5))
    assert count_queries(lambda: visitor.get(path)) == one
