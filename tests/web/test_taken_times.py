"""Refusals that are kept are those that would be worked out anew: after every change, at every moment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask import Response
from sqlalchemy import delete, update

from booking.actions.requests import price_of
from booking.reads import house as house_module
from booking.reads.house import MOST_KEPT, read_house
from booking.tables.bookings import Occupancy
from booking.tables.houses import ClosingDay, PriceRule, Room
from booking.values.house import PriceBasis
from booking.values.refusals import Refused
from tests.builders import NOW, change_house, slot_in
from tests.web.test_api import wish
from web.api.requests import REFUSALS
from web.api.taken_times import MOST, Question, Refusals, same_until
from web.free_times import taken_near

if TYPE_CHECKING:
    from booking.reads.house import House
    from tests.web.conftest import Site

HOUR = timedelta(hours=1)


@pytest.fixture
def ask(site: "Site") -> "Callable[..., dict[str, Any]]":
    """Ask for a time: the answer, which is found to be the same for who asks where nothing was kept."""
    client, token = site.app.test_client(), site.token()

    def ask(language: str = "de", **others: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
        body = wish(site, **others)
        answers = [client.post("/api/v1/requests", json=body, headers=headers)]
        REFUSALS._kept.clear()
        house_module._KNOWN.clear()  # and what was kept with the house
        answers.append(client.post("/api/v1/requests", json=body, headers=headers))
        told = [(answer.status_code, answer.content_type, answer.data) for answer in answers]
        assert told[0] == told[1]
        assert told[0][0] == 409
        found: dict[str, Any] = answers[0].get_json()
        return found

    return ask


def take(site: "Site", days: int, first: int, last: int) -> None:
    answer = site.api().post("/requests", wish(site, days, first, last))
    assert answer.status_code == 201, answer.text


def starts(told: dict[str, Any]) -> list[datetime]:
    return [datetime.fromisoformat(one["start"]) for one in told["nearest"]]


@pytest.mark.rule("S5")
def test_what_is_taken_around_a_time_is_never_out_of_date(site: "Site", ask: "Callable[..., dict[str, Any]]") -> None:
    take(site, 3, 18, 20)
    first = ask()
    assert ask() == first
    near = slot_in(3, 16, 18)
    assert near.start in starts(first)
    take(site, 3, 16, 18)
    second = ask()
    assert near.start not in starts(second)
    site.database.write(lambda session: session.execute(delete(Occupancy).where(Occupancy.starts_at < near.end)))
    assert ask() == first


def test_a_setting_that_changed_is_seen_at_once(site: "Site", ask: "Callable[..., dict[str, Any]]") -> None:
    take(site, 3, 18, 20)
    first = ask()

    def close(session: Any) -> None:
        day = slot_in(3, 9, 10).start.date()
        session.add(
            ClosingDay(
                organisation_id=site.ids.organisation_id,
                first_day=day,
                last_day=day,
                reason="Turnier",
                closes_office=False,
                closes_rooms=True,
            )
        )
        change_house(session, site.ids)

    site.database.write(close)
    closed = ask()
    assert {one["code"] for one in closed["reasons"]} == {"closed", "taken"}
    assert starts(closed) != starts(first)


def test_a_day_of_the_week_that_opens_otherwise_is_seen_at_once(site: "Site") -> None:
    """What the house keeps of its opening hours goes with the house."""
    with site.database.read() as session:
        before = read_house(session, site.ids.organisation_id)
    room = before.room(site.ids.left)
    day = slot_in(3, 9, 10).start.date()
    opened = before.open_between(room, day, day)
    assert opened
    assert before.open_between(room, day, day) is opened

    def shut(session: Any) -> "House":
        session.add(
            ClosingDay(
                organisation_id=site.ids.organisation_id,
                first_day=day,
                last_day=day,
                reason="",
                closes_office=False,
                closes_rooms=True,
            )
        )
        return change_house(session, site.ids)

    after = site.database.write(shut)
    assert after.open_between(after.room(site.ids.left), day, day) == ()
    assert after.open_between(room, day, day) == opened, "another room's facts are asked for by themselves"
    assert after.open_between(after.room(site.ids.left), day, day) == ()


def test_a_price_that_changes_is_seen_at_once(site: "Site") -> None:
    """Prices are kept with the house too, each by all that it depends on."""
    with site.database.read() as session:
        before = read_house(session, site.ids.organisation_id)
    room, slot, longer = before.room(site.ids.left), slot_in(3, 18, 20), slot_in(3, 18, 21)
    first = price_of(before, room, slot)
    assert not isinstance(first, Refused)
    assert price_of(before, room, slot) is first
    assert price_of(before, room, longer) != first

    def raise_prices(session: Any) -> "House":
        session.execute(update(PriceRule).values(cents=PriceRule.cents + 100))
        return change_house(session, site.ids)

    after = site.database.write(raise_prices)
    assert price_of(after, after.room(site.ids.left), slot) != first
    assert price_of(after, room, slot) == first, "another room's facts are asked for by themselves"
    for number in range(MOST_KEPT + 1):
        after.kept(room, number, int)
    assert len(after._kept) <= MOST_KEPT
    assert after.kept(room, 0, lambda: -1) == -1, "there were too many"


def test_other_people_and_another_language_are_other_questions(
    site: "Site", ask: "Callable[..., dict[str, Any]]"
) -> None:
    take(site, 3, 18, 20)
    told = [ask(), ask("en"), ask(people=5000), ask(last=19), ask(first=17)]
    assert len({str(one) for one in told}) == len(told)
    assert [ask(), ask("en"), ask(people=5000), ask(last=19), ask(first=17)] == told


def test_the_moment_is_never_out_of_date(site: "Site", ask: "Callable[..., dict[str, Any]]") -> None:
    """From minute to minute while starts of the same day become too soon and then past."""
    site.database.write(lambda session: session.execute(update(Room).values(notice_minutes=90)))
    site.database.write(lambda session: change_house(session, site.ids))
    take(site, 0, 18, 20)
    seen = []
    for minutes in range(0, 9 * 60, 10):
        for moment in (0, 1):
            site.now = NOW + timedelta(minutes=minutes, microseconds=moment)
            seen.append(str(ask(days=0)))
    assert len(set(seen)) > 4


@pytest.mark.parametrize("notice", [0, 90])
def test_how_long_the_moment_makes_no_difference(site: "Site", notice: int) -> None:
    site.database.write(lambda session: session.execute(update(Room).values(notice_minutes=notice, horizon_days=30)))
    house = site.database.write(lambda session: change_house(session, site.ids))
    terms, start = house.room(site.ids.left).terms, slot_in(3, 18, 20).start
    soon = start - timedelta(minutes=notice)
    assert same_until(NOW, terms, [start, start + HOUR]) == soon
    assert same_until(soon, terms, [start]) == soon, "too soon from the next instant on"
    assert same_until(start - timedelta(days=30, hours=1), terms, [start]) == start - timedelta(days=30)
    assert same_until(start + HOUR, terms, [start]) == datetime.max.replace(tzinfo=UTC)


def test_the_number_of_refusals_that_are_kept_is_bounded(site: "Site") -> None:
    with site.database.read() as session:
        house = read_house(session, site.ids.organisation_id)
        taken = taken_near(session, house.room(site.ids.left), slot_in(3, 18, 20))
    kept, answer = Refusals(), Response(b"{}", 409)
    for people in range(2 * MOST):
        question = Question(site.ids.left, slot_in(3, 18, 20), PriceBasis(people=people), taken, "de")
        kept.keep(house, NOW, question, answer, ())
        assert len(kept._kept) <= MOST
        assert kept.find(house, NOW, question) is not None
        assert kept.find(house, NOW - HOUR, question) is None, "the clock was set back"
