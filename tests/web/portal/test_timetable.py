"""The timetable: a week of courses day by day, for everybody, without scripts (SPEC V1, V2)."""

import re
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from booking.actions.audit import SYSTEM
from booking.actions.courses import archive_course
from booking.tables.studio import CourseEvent
from booking.values.recurrence import Rule
from booking.values.timetable import EventTerms
from tests.web.office.studio import a_course, a_series, courses_of

if TYPE_CHECKING:
    from tests.web.conftest import Site

WEEK = "/courses?week=2026-12-02"


def shown(site: "Site", path: str = WEEK) -> str:
    answer = site.client().get(path)
    assert answer.status_code == 200
    return answer.text


def titles(page: str) -> list[str]:
    return re.findall(r"<h4>(?:<s>)?([^<]+)", page)


@pytest.mark.rule("V2")
def test_a_week_is_listed_by_day_with_all_that_one_needs_to_know(site_on_both: "Site") -> None:
    site = site_on_both
    a_course(site, level="Anfänger")
    a_series(site, rule=Rule(weekdays=frozenset({0, 2}), count=4), trainer_id=site.ids.office)
    page = shown(site)
    assert re.findall(r'<h3 id="day-[^"]+">([^<]+)', page) == ["Montag, 30. November", "Mittwoch, 2. Dezember"]
    for words in ("18:00–19:30", "Yoga", "Anfänger", "Frau Office · Halle links", "12 Plätze · 1 Punkt"):
        assert words in page, words
    assert 'href="tel:+492211000"' in page
    assert 'href="mailto:buero@kirche.example"' in page
    main = page[page.index("<main") : page.index("</main>")]
    assert 'method="post"' not in main


def test_the_phone_is_named_only_while_the_office_answers(site: "Site") -> None:
    a_course(site)
    site.now += timedelta(hours=10)
    page = shown(site)
    assert "tel:" not in page
    assert "Schreiben Sie an" in page


def test_a_cancelled_one_is_struck_with_a_word_and_its_reason(site: "Site") -> None:
    a_course(site)
    a_series(site)

    def cancel(db: Any) -> None:
        row = db.scalars(select(CourseEvent).order_by(CourseEvent.id)).first()
        row.cancelled_at, row.cancel_reason = site.now, "Trainerin krank"

    site.database.write(cancel)
    page = shown(site)
    assert "<s>18:00–19:30</s>" in page
    assert "<s>Yoga</s>" in page
    assert "Fällt aus" in page
    assert "Trainerin krank" in page
    assert "12 Plätze" not in page


def test_arrows_lead_from_this_week_on_and_a_week_before_is_this_one(site: "Site") -> None:
    a_course(site)
    a_series(site)
    now = shown(site, "/courses")
    assert "23.–29. Nov" in now
    assert 'rel="prev"' not in now
    assert 'href="/courses?week=2026-11-30"' in now
    later = shown(site)
    assert 'rel="prev"' in later
    for path in ("/courses?week=2020-01-01", "/courses?week=x", "/courses?week=0001-01-01"):
        assert "23.–29. Nov" in shown(site, path)
    last = shown(site, "/courses?week=9999-12-31")
    assert "2028" in last
    assert 'rel="next"' not in last


def test_filters_are_in_the_address_and_unknown_ones_show_nothing(site: "Site") -> None:
    a_course(site)
    a_course(site, "Tanz", trainer_id=site.ids.owner)
    a_series(site, trainer_id=site.ids.office)
    a_series(site, "Tanz", wall=time(10), trainer_id=site.ids.owner)
    tanz = courses_of(site)["Tanz"]
    assert titles(shown(site)) == ["Tanz", "Yoga"]
    assert titles(shown(site, f"{WEEK}&course=yoga")) == ["Yoga"]
    assert titles(shown(site, f"{WEEK}&trainer={tanz.trainer_public_id}")) == ["Tanz"]
    assert titles(shown(site, f"{WEEK}&branch={tanz.branch_public_id}")) == ["Tanz", "Yoga"]
    none = shown(site, f"{WEEK}&course=yoga&trainer={tanz.trainer_public_id}")
    assert titles(none) == []
    assert "Mit dieser Auswahl gibt es keine" in none
    assert titles(shown(site, f"{WEEK}&course=<script>")) == []
    assert titles(shown(site, f"{WEEK}&trainer=x")) == ["Tanz", "Yoga"]
    page = shown(site, f"{WEEK}&course=yoga")
    assert 'href="/courses?week=2026-12-07&amp;course=yoga"' in page
    assert re.search(r'<option value="yoga" selected', page)


def test_an_empty_week_leads_to_the_next_date(site: "Site") -> None:
    a_course(site)
    a_series(site)
    page = shown(site, "/courses")
    assert "Der nächste Termin ist am Montag, 30. November." in page
    assert 'href="/courses?week=2026-11-30"' in page


def test_it_stands_in_the_navigation_only_where_there_is_a_course(site: "Site") -> None:
    link = 'class="nav-item" href="/courses"'
    assert link not in shown(site, "/")
    a_course(site)
    for path in ("/", "/rooms/halle", "/courses", "/terms/imprint"):
        assert link in shown(site, path), path
    assert link not in site.client().get("/login").text
    mine = site.ids.organisation_id
    course_id = courses_of(site)["Yoga"].course_id
    site.database.write(lambda db: archive_course(db, site.now, mine, SYSTEM, course_id, archived=True))
    assert link not in shown(site, "/")
    assert shown(site, "/courses")


def test_what_is_over_is_said_and_english_is_complete(site: "Site") -> None:
    a_course(site)
    a_series(site, terms=EventTerms(1, units=0, price=1250))  # type: ignore[arg-type]  # cents
    site.now += timedelta(days=6)
    page = site.client().get("/courses", headers={"Accept-Language": "en"}).text
    assert "1 place · €12.50" in page
    assert "Today" in page
    assert "Over<" not in page
    site.now += timedelta(hours=12)
    assert "Over<" in site.client().get("/courses", headers={"Accept-Language": "en"}).text
