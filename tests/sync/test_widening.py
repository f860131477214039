"""A large calendar takes what it may keep, the soonest first, says the rest, and ends in pieces (SPEC C9, C14)."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from booking.actions.links import unlink
from booking.tables.bookings import CaseFile, Occupancy
from booking.tables.links import CalendarLink, ImportedTime, ItemLink
from booking.values.links import LinkPolicy, LinkProblem, LinkStatus, RunOutcome
from booking.values.states import OccupancyKind
from ical.item import Item, Recurrence
from tests.sync.linked import OFFICE, World, event, world

MOST, PLENTY, SPARE, ROWS, SERIES = 120, 20, 6, 24, 10
MODULES = ("booking.rules.link_dates", "sync.widening", "booking.actions.link_imports", "booking.actions.link_ending")


def limit(patch: pytest.MonkeyPatch, most: int = MOST, plenty: int = PLENTY) -> None:
    values = {"MOST_DATES": most, "PLENTY": plenty, "MOST_ROWS": ROWS, "SPARE": SPARE}
    for module in (*MODULES, "sync.our_side"):
        for name, value in values.items():
            patch.setattr(f"{module}.{name}", value, raising=False)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    made.connect(LinkPolicy.IMPORT, months_ahead=1)
    yield made
    made.database.close()


def daily(number: int, rule: str = "FREQ=DAILY", **more: Any) -> Item:
    one = event(f"d{number}", 1 + number / 24, 0.5, **more)
    return replace(one, recurrence=Recurrence(rule))


def fill(here: World, count: int = SERIES) -> None:
    for number in range(count):
        here.put(daily(number))


def dates(here: World) -> dict[str, list[datetime]]:
    """The dates to come of each item."""
    query = (
        select(ImportedTime.uid, Occupancy.starts_at)
        .join(Occupancy, Occupancy.source_id == ImportedTime.id)
        .where(Occupancy.kind == OccupancyKind.EXTERNAL, Occupancy.unit_id == here.ids.units[0])
        .where(Occupancy.ends_at > here.now, ImportedTime.ended_at.is_(None))
        .order_by(Occupancy.starts_at)
    )
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    with here.database.read() as session:
        for uid, start in session.execute(query):
            found[uid].append(start)
    return dict(found)


def count(here: World) -> int:
    return sum(map(len, dates(here).values()))


@contextmanager
def watched(here: World) -> Iterator[list[int]]:
    """By how many rows each transaction changed what is taken."""
    changes: list[int] = []
    write = here.database.write

    def taken() -> int:
        (found,) = here.rows(select(func.count()).select_from(Occupancy))
        assert isinstance(found, int)
        return found

    def watching(work: Callable[[Any], Any]) -> Any:
        before = taken()
        done = write(work)
        changes.append(abs(taken() - before))
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(here.database, "write", watching)
        yield changes


def end(here: World) -> None:
    here.write(lambda db: unlink(db, here.now, here.ids.organisation_id, OFFICE, here.link_id, removes=False))


@pytest.mark.rule("C12", "C14")
def test_in_many_pieces_the_same_is_taken_as_at_once(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(here, 3)
    here.put(daily(7, "FREQ=WEEKLY"))
    with watched(here) as at_once:
        here.settle()
    expected = dates(here)
    assert max(at_once) > 3 * 30
    end(here)
    limit(monkeypatch, most=1_000, plenty=0)
    here.connect(LinkPolicy.IMPORT, months_ahead=1)
    with watched(here) as changes:
        here.settle()
    assert dates(here) == expected
    assert max(changes) <= ROWS
    assert (here.link.problem, here.cases()) == ("", {})


@pytest.mark.rule("C9", "C14")
def test_of_more_dates_than_may_be_kept_the_soonest_are_and_the_office_sees_it(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch)
    fill(here)
    ran = here.run()
    assert (ran.outcome, here.link.problem) == (RunOutcome.DONE, LinkProblem.TOO_MANY)
    assert here.cases()["link-full"] == {"site": "Kalender", "link_id": here.link_id, "most": MOST}
    found = dates(here)
    assert MOST - SPARE - 5 <= count(here) <= MOST - SPARE
    assert len(found) == SERIES
    assert sorted(map(len, found.values()))[1] >= (MOST - SPARE - 31) // (SERIES - 1) - 1
    here.assert_quiet()
    assert dates(here) == found


@pytest.mark.rule("C9", "C14")
def test_what_a_full_link_brought_stays_and_later_dates_follow_as_time_goes_by(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch)
    fill(here)
    here.run()
    before = dates(here)
    here.put(event("late", 12, 1))
    here.run()
    assert "late" in dates(here)
    assert all(set(was) <= set(dates(here)[uid]) for uid, was in before.items())
    here.now += timedelta(days=4)
    here.run()
    after = dates(here)
    assert all({at for at in was if at > here.now} <= set(after[uid]) for uid, was in before.items())
    assert count(here) > sum(at > here.now for was in before.values() for at in was)


@pytest.mark.rule("C9", "C14")
def test_a_series_that_changes_keeps_as_many_dates_as_it_had(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch)
    fill(here)
    here.run()
    had = {uid: len(found) for uid, found in dates(here).items()}
    here.edit_theirs("d0", summary="Anders")
    here.run()
    assert {uid: len(found) for uid, found in dates(here).items()} == had


@pytest.mark.rule("C14")
def test_what_waits_for_the_next_hour_finds_room_for_its_next_dates(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch)
    here.write(lambda db: setattr(db.get_one(CalendarLink, here.link_id), "limits", {"writes_per_hour": SERIES // 2}))
    fill(here)
    assert here.run().outcome is RunOutcome.PARTIAL
    assert len(dates(here)) == SERIES // 2
    here.now += timedelta(minutes=61)
    here.run()
    assert min(map(len, dates(here).values())) >= 3
    assert len(dates(here)) == SERIES


@pytest.mark.rule("C14")
def test_with_room_again_all_is_taken_and_the_case_closes(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch)
    fill(here)
    here.run()
    limit(monkeypatch, most=1_000)
    here.now += timedelta(minutes=10)
    here.run()
    assert (here.link.problem, here.cases()) == ("", {})
    assert {len(found) for found in dates(here).values()} <= {30, 31}


@pytest.mark.rule("C14")
def test_dates_that_come_later_are_held_against_our_bookings_too(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, most=1_000, plenty=0)
    here.book(20, 1)
    here.put(daily(0))
    here.run()
    assert set(here.cases()) == {"link-clash"}


@pytest.mark.rule("C10", "C14")
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_large_link_ends_in_pieces_and_its_times_stay_taken_until_then(
    here: World, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    limit(monkeypatch, most=1_000, plenty=1_000)
    made = here.book(20, 1)
    fill(here, 3)
    with watched(here) as changes:
        here.run()
    assert max(changes) <= ROWS
    requests = len(here.visited)
    before = dates(here)
    with watched(here) as changes:
        end(here)
        assert (here.link.state, dates(here)) == (LinkStatus.UNLINKING, before)
        here.seconds = 0.0 if is_killed else 60.0
        here.run()
        here.seconds = 60.0
        if is_killed:
            assert here.link.state is LinkStatus.UNLINKING
            here.now += timedelta(minutes=2)
            here.run()
    assert max(changes) <= ROWS
    for table in (CalendarLink, ImportedTime, ItemLink):
        assert here.rows(select(table.id)) == []
    assert len(here.taken(OccupancyKind.BOOKING)) == 1 == made.booking_id
    assert here.taken(OccupancyKind.EXTERNAL) == []
    assert here.rows(select(CaseFile).where(CaseFile.closed_at.is_(None))) == []
    assert not any("changes" in name for name in here.visited[requests:])


@pytest.mark.rule("C14")
def test_a_small_link_ends_at_once(here: World) -> None:
    here.put(event("x1", 4))
    here.settle()
    end(here)
    assert here.rows(select(CalendarLink.id)) == []
    assert here.taken(*OccupancyKind) == []
