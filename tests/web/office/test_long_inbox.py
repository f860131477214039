"""An inbox with more than it shows: what is urgent is never beyond its end (SPEC S15), and all is found (S8)."""

import pytest

from booking.reads import inbox
from booking.values.states import Verdict
from tests.web.office.conftest import Desk


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_WAITING", 2)


def shown(desk: Desk) -> list[str]:
    with desk.site.database.read() as session:
        return [line.name for line in inbox.waiting(session, desk.site.now, desk.ids.organisation_id)]


@pytest.mark.rule("S8", "S15")
@pytest.mark.usefixtures("short")
def test_what_is_on_short_notice_is_shown_however_many_wait(desk_on_both: Desk) -> None:
    desk = desk_on_both
    for day in (9, 10, 11):
        desk.ask(days=day, name=f"Wartend {day}")
    desk.ask(days=1, first=8, last=9, name="Kurz Fristig")
    assert shown(desk) == ["Kurz Fristig", "Wartend 9"]


@pytest.mark.rule("S8", "S15")
@pytest.mark.usefixtures("short")
def test_what_is_decided_takes_nobodys_place(desk_on_both: Desk) -> None:
    desk = desk_on_both
    decided, *_ = [desk.ask(days=day, name=f"Gast {day}") for day in (9, 10, 11)]
    desk.code(decided.slot)
    desk.decide(decided, Verdict.APPROVE)
    assert shown(desk) == ["Gast 10", "Gast 11"]


@pytest.mark.rule("S8")
@pytest.mark.usefixtures("short")
def test_a_request_beyond_the_end_is_found_and_none_is_shown_twice(desk_on_both: Desk) -> None:
    desk = desk_on_both
    made = [desk.ask(days=day, name=f"Gast {day}") for day in (9, 10, 11)]
    page = desk.get("/office/requests?q=Gast")
    assert [page.count(f'"/office/requests/{one.public_id}') > 0 for one in made] == [True, True, True]
    with desk.site.database.read() as session:
        shown_ids = [one.booking_id for one in made[:2]]
        beyond = inbox.found(session, desk.ids.organisation_id, "Gast", shown_ids)
    assert [line.booking_id for line in beyond] == [made[2].booking_id]
