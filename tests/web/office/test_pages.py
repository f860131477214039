"""Today and the calendar: everything has its place, nothing costs more with more rows, all texts are German."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from sqlalchemy import insert, select, update

from booking.rules.findings_table import KINDS
from booking.rules.permissions import Capability, may
from booking.tables.bookings import Occupancy
from booking.tables.connections import Connection
from booking.tables.outgoing import Outbox
from booking.values.identity import new_uuid
from booking.values.states import Role
from tests.builders import slot_in
from tests.web.office.conftest import Desk
from web.access import Way, access_of
from web.i18n import catalogue

ROOT = Path(__file__).parent.parent.parent.parent
OTHERS = ("doors", "settings", "sites", "feeds")


def hatched(desk: Desk, kind: str) -> None:
    slot = slot_in(10, 9, 11)
    desk.write(
        lambda db, _: db.execute(
            insert(Occupancy).values(
                organisation_id=desk.ids.organisation_id,
                unit_id=desk.ids.units[0],
                starts_at=slot.start,
                ends_at=slot.end,
                kind=kind,
                source_id=7,
                exclusive=False,
            )
        )
    )


@pytest.mark.parametrize("way", ["day=2026-12-04", "week=2026-12-04"])
@pytest.mark.parametrize(("kind", "word"), [("external", "Extern"), ("held", "Gehalten"), ("closure", "Geschlossen")])
def test_the_calendar_shows_bookings_to_open_and_other_times_hatched(
    desk: Desk, way: str, kind: str, word: str
) -> None:
    made = desk.confirmed()
    hatched(desk, kind)
    page = desk.get(f"/office/calendar?{way}")
    assert f'href="/office/bookings/{made.public_id}"' in page
    assert re.search(r'<div class="cal-item is-quiet[^>]*>.*?' + word, page, re.DOTALL)
    assert "teilt die Fläche" in page  # the whole hall is taken by its half


def test_the_day_the_clocks_go_back_is_drawn_by_the_wall_clock(desk: Desk) -> None:
    assert desk.visitor.get("/office/calendar?day=2026-10-25").status_code == 200
    assert desk.visitor.get("/office/calendar?week=2026-03-29").status_code == 200


@pytest.mark.parametrize("query", ["day=", "day=x", "week=9999-99-99", "day=2026-02-30"])
def test_a_day_that_is_none_is_today(desk: Desk, query: str) -> None:
    assert "24. Nov" in desk.get(f"/office/calendar?{query}")


def test_today_shows_a_connection_that_is_late_and_a_duty_that_failed(desk: Desk) -> None:
    def work(db: object, _: object) -> None:
        db.add(  # type: ignore[attr-defined]  # a session
            Connection(
                organisation_id=desk.ids.organisation_id,
                public_id=new_uuid(desk.site.now),
                name="Seite Eins",
                base_url="http://127.0.0.1:1",
                account_id="a",
                api_key_cipher=b"x",
                api_key_id="k1",
                hook_secret_hash=b"x",
                next_poll_at=desk.site.now,
                polled_at=desk.site.now - timedelta(minutes=16),
            )
        )
        db.add(  # type: ignore[attr-defined]
            Outbox(
                organisation_id=desk.ids.organisation_id,
                topic="decision.settle",
                subject_id=1,
                dedup_key="x",
                created_at=desk.site.now,
                due_at=desk.site.now,
                attempts=10,
                last_error="Boom",
                dead_at=desk.site.now,
            )
        )

    desk.write(work)
    page = desk.get("/office/")
    assert "Seite Eins" in page
    assert "Boom" in page
    duty = desk.rows(select(Outbox.id).where(Outbox.topic == "decision.settle"))[0]
    desk.visitor.post(f"/office/duties/{duty}/again", of="/office/")
    assert desk.rows(select(Outbox.dead_at).where(Outbox.id == duty)) == [None]
    assert desk.audit("duty", "tried-again")[0].actor == "Frau Office"
    desk.write(lambda db, _: db.execute(update(Connection).values(polled_at=desk.site.now)))
    assert "Seite Eins" not in desk.get("/office/")


def test_today_counts_what_waits(desk: Desk) -> None:
    desk.ask(days=0, first=14, last=16)
    desk.ask(days=5)
    page = desk.get("/office/")
    assert re.findall(r'class="stat-value">(\d+)<', page)[:5] == ["2", "1", "0", "0", "0"]


PAGES = (
    "/office/",
    "/office/requests",
    "/office/requests/several",
    "/office/calendar",
    "/office/calendar?week=2026-11-27",
    "/office/customers",
    "/office/mails",
    "/office/cases",
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_costs_as_many_queries_with_many_rows_as_with_few(
    desk: Desk, count_queries: Callable[[Callable[[], object]], int], page: str
) -> None:
    from booking.actions.cases import open_case

    def fill(day: int) -> None:
        made = desk.ask(days=day, name=f"Gast {day}")
        now = desk.site.now
        desk.write(
            lambda db, here: open_case(db, now, here.organisation_id, "site-clash", f"{day}", made.booking_id, {})
        )

    fill(3)
    few = count_queries(lambda: desk.get(page))
    for day in range(4, 10):
        fill(day)
    assert count_queries(lambda: desk.get(page)) == few
    assert few < 25


def test_every_office_page_says_who_may_and_the_rail_shows_nothing_else(desk: Desk) -> None:
    endpoints = [rule.endpoint for rule in desk.site.app.url_map.iter_rules() if rule.rule.startswith("/office")]
    assert len(endpoints) > 20
    for endpoint in endpoints:
        access = access_of(desk.site.app, endpoint)
        assert access is not None, endpoint
        assert access.way is Way.STAFF, endpoint
        assert access.capability is not None, endpoint
    shown = re.findall(r'class="nav-item" href="([^"]+)"', desk.get("/office/"))
    assert "/office/requests" in shown
    assert all(desk.visitor.get(href).status_code == 200 for href in shown)
    assert not may(Role.OFFICE, Capability.SETTINGS)
    assert "/office/settings" not in shown


@pytest.mark.rule("X1")
def test_every_text_of_the_office_is_translated() -> None:
    german = catalogue("de")
    keywords = {"gettext": None, "_": None, "ngettext": (1, 2), "_later": None}
    for folder, method in (("web/office", "python"), ("web/templates/office", "jinja2")):
        found = extract_from_dir(ROOT / folder, method_map=[("**", method)], keywords=keywords)
        for name, line, message, _, _ in found:
            if name.startswith(OTHERS) or not name.endswith((".py", ".html")):
                continue
            singular = message if isinstance(message, str) else message[0]
            known = german._catalog  # type: ignore[attr-defined]  # what was read of the files
            assert singular in known or (singular, 1) in known, (name, line, singular)
    for kind in KINDS.values():
        assert kind.message in german._catalog  # type: ignore[attr-defined]


def test_english_is_complete(desk: Desk) -> None:
    desk.visitor.post("/language", {"language": "en", "next": "/office/"})
    made = desk.ask()
    desk.code(made.slot)
    page = desk.get(f"/office/requests/{made.public_id}")
    assert "This mail goes out when you confirm" in page
    assert "To be reviewed by Wed, 25 November 2026, 12:00." in page
