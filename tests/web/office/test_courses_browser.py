"""A course with its series is made in a real browser, on a desk and on a phone; axe and reflow on each page of it."""

import threading
from collections.abc import Iterator
from datetime import time
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from sqlalchemy import select
from werkzeug.serving import make_server

from booking.tables.studio import CourseEvent, Series
from booking.values.recurrence import Rule
from tests.web.office.studio import HOME, MONDAY, a_course, a_series, courses_of
from tests.web.office.test_links_browser import log_in

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from sqlalchemy.orm import Session

    from tests.web.conftest import Site


@pytest.fixture
def address(site: "Site") -> Iterator[str]:
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def faults(page: "Page", state: str) -> list[tuple[str, str, object]]:
    """What axe finds on the page as it is, and whether it is wider than a small phone."""
    found = Axe().run(page).response["violations"]
    told: list[tuple[str, str, object]] = [
        (state, one["id"], [node["html"][:120] for node in one["nodes"][:2]]) for one in found
    ]
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 800})
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert size is not None
    page.set_viewport_size(size)
    return [*told, *([(state, "wider than 320 pixels", over)] if over > 0 else [])]


@pytest.mark.browser
@pytest.mark.rule("X2", "V5")
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (375, 740)])
def test_a_course_and_its_series_are_made_from_the_empty_list_on(
    site: "Site", address: str, page: "Page", width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    log_in(page, address)
    page.goto(address + HOME)
    problems = faults(page, "no course")
    page.locator(".empty a.btn-primary").click()
    problems += faults(page, "new course")
    page.fill("#name", "Yoga")
    page.fill("#level", "Anfänger")
    page.locator("main button.btn-primary").click()
    page.locator("h1", has_text="Yoga").wait_for()
    problems += faults(page, "no series")
    page.locator(".empty a.btn-primary").click()
    page.fill("#first", MONDAY.isoformat())
    page.check("#weekdays-0")
    page.check("#weekdays-2")
    page.fill("#wall", "18:00")
    page.fill("#minutes", "90")
    page.fill("#count", "6")
    page.fill("#minimum", "20")
    page.locator("main button.btn-primary").click()
    summary = page.locator("[data-error-summary]")
    summary.wait_for()
    assert summary.locator("li").count() == 2  # no room, and more wanted than places
    problems += faults(page, "refused")
    assert page.locator("#weekdays-2").is_checked()
    page.select_option("#room_id", label="Halle links")
    page.fill("#minimum", "4")
    page.locator("main button.btn-primary").click()
    page.locator("h3", has_text="Mo, Mi 18:00–19:30").wait_for()
    problems += faults(page, "series")
    with site.database.read() as db:
        assert db.scalars(select(Series.times)).all() == [6]
    page.goto(f"{address}/courses?week={MONDAY.isoformat()}")
    assert page.locator(".timetable-event").count() == 2
    assert problems == []


@pytest.mark.browser
@pytest.mark.rule("X2")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_courses_passes_axe_and_reflows(site: "Site", address: str, page: "Page", theme: str) -> None:
    a_course(site, level="Anfänger", trainer_id=site.ids.office)
    a_course(site, "Kindertanz für Vier- bis Sechsjährige mit Begleitung", trainer_id=site.ids.owner)
    a_series(site, rule=Rule(weekdays=frozenset({0, 2})), trainer_id=site.ids.office)
    a_series(site, "Kindertanz für Vier- bis Sechsjährige mit Begleitung", wall=time(15), trainer_id=site.ids.owner)

    def cancel(db: "Session") -> None:
        row = db.scalars(select(CourseEvent).order_by(CourseEvent.id)).first()
        assert row is not None
        row.cancelled_at, row.cancel_reason = site.now, "Trainerin krank"

    site.database.write(cancel)
    course = f"{HOME}/{courses_of(site)['Yoga'].public_id}"
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two
    log_in(page, address)
    problems = []
    paths = [HOME, course, f"{course}/edit", f"{course}/series/new", "/courses",
             f"/courses?week={MONDAY.isoformat()}", f"/courses?week={MONDAY.isoformat()}&course=yoga"]  # fmt: skip
    for path in paths:
        for width in (1440, 375):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(address + path)
            problems += faults(page, f"{path} at {width}")
    assert problems == []


@pytest.mark.browser
@pytest.mark.rule("X2")
def test_the_timetable_is_filtered_and_turned_by_keyboard_without_scripts(
    site: "Site", address: str, page: "Page"
) -> None:
    a_course(site)
    a_course(site, "Tanz")
    a_series(site)
    a_series(site, "Tanz", wall=time(10))
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False, locale="de-DE")
    try:
        plain = context.new_page()
        plain.goto(f"{address}/courses?week={MONDAY.isoformat()}")
        plain.focus("#filter-course")
        plain.select_option("#filter-course", "yoga")
        plain.keyboard.press("Tab")
        plain.keyboard.press("Enter")
        plain.wait_for_url("**course=yoga**")
        assert plain.locator(".timetable-event h4").all_inner_texts() == ["Yoga"]
        plain.locator("a[rel=next]").press("Enter")
        plain.wait_for_url("**week=2026-12-07**")
        assert plain.locator(".timetable-event h4").all_inner_texts() == ["Yoga"]
    finally:
        context.close()
