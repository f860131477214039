"""What a bad answer never does, and what waits for a person (SPEC C9, C10, C15)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from booking.actions.link_alarms import announce_silent_links
from booking.actions.link_runs import LEASE, PAUSES
from booking.actions.links import approve_held, change_link_access, pause_link, restore_held, resume_link, unlink
from booking.reads.links import due_links, held_of
from booking.tables.links import CalendarLink
from booking.values.links import LinkAccess, LinkPolicy, LinkStatus, RunMode, RunOutcome
from booking.values.refusals import Refused
from booking.values.states import OccupancyKind
from outside.errors import (
    OutsideError,
    RefusedAddress,
    RefusedRedirect,
    SiteDenied,
    SiteDown,
    SiteMissing,
    SiteRefused,
    SiteThrottled,
    SiteUnreadable,
    TooLarge,
    TooSlow,
    Unreachable,
)
from sync.remotes.memory import Manners, MemoryRemote
from sync.runner import run_link
from sync.their_side import MARGIN
from tests.sync.linked import OFFICE, World, event, world

ALL = 12
WHERE = "https://dav.example:443"


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def imported(here: World, number: int = ALL, policy: LinkPolicy = LinkPolicy.IMPORT, first_day: int = 5) -> None:
    here.connect(policy)
    for index in range(number):
        here.put(event(f"x{index}", first_day + index))
    here.settle()
    assert len(here.imported()) == number


def taken(here: World) -> int:
    return len(here.taken(OccupancyKind.EXTERNAL, OccupancyKind.CLOSURE))


@pytest.mark.rule("C9")
@pytest.mark.parametrize(("gone", "is_held"), [(5, False), (6, True), (ALL, True)])
def test_more_deletions_than_people_make_wait_for_a_person(here: World, gone: int, is_held: bool) -> None:
    imported(here)
    for index in range(gone):
        here.delete_theirs(f"x{index}")
    here.run()
    assert taken(here) == (ALL if is_held else ALL - gone)
    assert ("link-held" in here.cases()) is is_held
    here.now += timedelta(hours=1)
    for _ in range(2):
        here.run()
    assert taken(here) == (ALL if is_held else ALL - gone)
    assert here.line.held == (gone if is_held else 0)


@pytest.mark.rule("C9")
def test_deletions_of_the_next_days_wait_sooner(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    for index in range(40):
        here.put(event(f"x{index}", 0.1 + index / 24))
    here.settle()
    for index in range(6):  # less than a fifth of all
        here.delete_theirs(f"x{index}")
    here.run()
    assert taken(here) == 40
    assert here.cases()["link-held"]["hold"] == "SOON"


@pytest.mark.rule("C9")
def test_an_empty_calendar_where_something_was_frees_nothing_however_often_it_is_read(here: World) -> None:
    here.remote.manners.deltas = False
    imported(here, 3)
    for index in range(3):
        here.delete_theirs(f"x{index}")
    for _ in range(4):
        here.run()
        here.now += timedelta(minutes=20)
    assert taken(here) == 3
    assert here.cases()["link-held"]["hold"] == "EMPTY"


@pytest.mark.rule("C9")
def test_a_listing_that_was_cut_off_is_no_success_and_frees_nothing(here: World) -> None:
    here.remote.manners.deltas = False
    imported(here)
    here.remote.manners.cut_at = 1
    for _ in range(3):
        here.now += timedelta(hours=2)
        ran = here.run()
        assert (ran.outcome, ran.problem) == (RunOutcome.INCOMPLETE, "incomplete")
    assert taken(here) == ALL
    assert here.line.failures == 3


@pytest.mark.rule("C8", "C9")
def test_held_deletions_go_only_with_the_plan_that_was_shown(here: World) -> None:
    imported(here)
    for index in range(ALL - 1):
        here.delete_theirs(f"x{index}")
    here.run()
    with here.database.read() as session:
        found = held_of(session, here.link_id)
    assert found is not None
    run, steps = found
    assert len(steps) == ALL - 1
    assert steps[0].theirs == {} or steps[0].ours["summary"] == "Probe"
    wrong = here.write(
        lambda db: approve_held(db, here.now, here.ids.organisation_id, OFFICE, here.link_id, "another hash")
    )
    assert isinstance(wrong, Refused)
    here.run()
    assert taken(here) == ALL
    no = here.write(
        lambda db: approve_held(db, here.now, here.ids.organisation_id, OFFICE, here.link_id, run.plan_hash)
    )
    assert no is None
    here.run()
    assert taken(here) == 1
    assert here.cases() == {}
    here.assert_quiet()


@pytest.mark.rule("C9")
def test_held_deletions_are_written_there_again_where_a_person_restores_them(here: World) -> None:
    imported(here, policy=LinkPolicy.TWO_WAY)
    before = set(here.theirs())
    for index in range(ALL - 1):
        here.delete_theirs(f"x{index}")
    here.run()
    shown = str(here.cases()["link-held"]["plan"])
    no = here.write(lambda db: restore_held(db, here.now, here.ids.organisation_id, OFFICE, here.link_id, shown))
    assert no is None
    here.run()
    here.assert_quiet()
    assert set(here.theirs()) == before
    assert taken(here) == ALL
    assert here.cases() == {}


@pytest.mark.rule("C9")
def test_a_repeated_hold_is_recorded_once(here: World) -> None:
    imported(here)
    for index in range(ALL - 1):
        here.delete_theirs(f"x{index}")
    for _ in range(3):
        here.run()
        here.now += timedelta(hours=1)
    held = [run for run in here.runs() if here.steps(run.id) and run.hold]
    assert len(held) == 1


ERRORS: list[tuple[OutsideError, str, LinkStatus]] = [
    (SiteDenied(WHERE, 401), "auth", LinkStatus.FAILED),
    (SiteMissing(WHERE, 404), "gone", LinkStatus.FAILED),
    (SiteDown(WHERE, 502), "down", LinkStatus.ACTIVE),
    (SiteUnreadable(WHERE, "HTML"), "unreadable", LinkStatus.ACTIVE),
    (SiteThrottled(WHERE, 429, 700), "throttled", LinkStatus.ACTIVE),
    (TooLarge(WHERE, 10), "too-large", LinkStatus.ACTIVE),
    (TooSlow(WHERE, 10), "too-slow", LinkStatus.ACTIVE),
    (Unreachable(WHERE, "connect"), "unreachable", LinkStatus.ACTIVE),
    (Unreachable(WHERE, "tls"), "certificate", LinkStatus.ACTIVE),
    (RefusedRedirect(WHERE, "leads to another host"), "redirected", LinkStatus.ACTIVE),
    (RefusedAddress(WHERE, "private"), "refused-address", LinkStatus.ACTIVE),
]


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    ("error", "problem", "state"), ERRORS, ids=[word + str(no) for no, (_, word, _) in enumerate(ERRORS)]
)
def test_each_fault_of_a_server_has_its_word_frees_nothing_and_ends(
    sqlite_url: str, error: OutsideError, problem: str, state: LinkStatus
) -> None:
    here = world(sqlite_url)
    imported(here, 3)

    def fail(moment: str, method: str) -> None:
        if (moment, method) == ("before", "changes"):
            raise error

    here.remote.hook = fail
    ran = here.run()
    assert (ran.outcome, ran.problem, here.link.problem, here.link.state) == (
        RunOutcome.FAILED,
        problem,
        problem,
        state,
    )
    assert taken(here) == 3
    wait = here.link.next_run_at - here.now
    assert wait >= (timedelta(seconds=700) if problem == "throttled" else PAUSES[0] * 0.75)
    here.now = here.link.next_run_at
    here.remote.hook = lambda _moment, _method: None
    assert here.run().outcome is RunOutcome.DONE
    assert (here.link.problem, here.link.state, here.link.failures) == ("", LinkStatus.ACTIVE, 0)
    here.database.close()


def test_the_pause_after_failures_grows_and_a_booking_does_not_shorten_it(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)

    def fail(_moment: str, _method: str) -> None:
        raise SiteDown(WHERE, 500)

    here.remote.hook = fail
    waits = []
    for _ in range(4):
        here.run()
        waits.append(here.link.next_run_at - here.now)
        here.now = here.link.next_run_at
    assert waits == sorted(waits)
    assert waits[-1] > 2 * waits[0]
    here.now -= timedelta(seconds=1)
    here.book(5)
    assert here.link.next_run_at > here.now


@pytest.mark.rule("C10")
def test_an_item_that_the_server_refuses_costs_itself_alone(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    here.book(3)
    here.book(4)
    refused: list[str] = []

    def refuse(moment: str, method: str) -> None:
        if (moment, method) == ("before", "create") and not refused:
            refused.append(method)
            raise SiteRefused(WHERE, 422)

    here.remote.hook = refuse
    ran = here.run()
    assert (ran.outcome, ran.applied.there, ran.applied.failed) == (RunOutcome.DONE, 1, 1)
    assert sorted(step.state.value for step in here.steps(ran.run_id)) == ["DONE", "FAILED"]  # whichever was first
    here.now += timedelta(minutes=3)  # it waits that long, at most
    here.settle()
    assert len(here.theirs()) == 2


@pytest.mark.rule("C10")
def test_a_run_that_has_no_time_left_goes_on_in_the_next(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    here.book(3)
    here.seconds = 0.0
    assert here.run().outcome is RunOutcome.FAILED
    assert here.link.problem == "too-slow"
    here.seconds = 60.0
    here.settle()
    assert len(here.theirs()) == 1


@pytest.mark.rule("C10")
def test_what_was_looked_at_for_too_long_is_not_written_under_a_lease_that_may_end(database_url: str) -> None:
    here = world(database_url, MemoryRemote(Manners(guards=False)))
    here.connect(LinkPolicy.EXPORT)
    here.book(3)

    def look_long(moment: str, method: str) -> None:
        if (moment, method) == ("after", "fetch"):
            here.now += LEASE - MARGIN + timedelta(seconds=1)

    here.remote.hook = look_long
    ran = here.run()
    assert (ran.outcome, ran.applied.undone, here.remote.writes) == (RunOutcome.PARTIAL, 1, 0)
    here.remote.hook = lambda _moment, _method: None
    assert here.run().applied.there == 1
    here.database.close()


@pytest.mark.rule("C15")
def test_a_silent_link_raises_one_alarm_that_ends_when_it_works(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)

    def announced() -> int:
        house = here.house
        return here.write(lambda db: announce_silent_links(db, here.now, house))

    here.run()
    here.now += timedelta(minutes=25)
    assert announced() == 0
    here.now += timedelta(minutes=10)
    assert (announced(), announced()) == (1, 0)
    assert "link-silent" in here.cases()
    here.run()
    assert here.cases() == {}
    here.now += timedelta(minutes=40)
    assert announced() == 1
    here.write(lambda db: pause_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    here.now += timedelta(days=1)
    assert (announced(), here.cases()) == (0, {})


def test_a_paused_link_rests_with_all_that_it_brought_and_goes_on_where_it_was(here: World) -> None:
    imported(here, 2)
    here.write(lambda db: pause_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    here.delete_theirs("x0")
    here.now += timedelta(days=1)
    with here.database.read() as session:
        assert due_links(session, here.now) == []
    assert run_link(here.engine, here.link_id) is None
    assert taken(here) == 2
    here.write(lambda db: resume_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    with here.database.read() as session:
        assert due_links(session, here.now) == [here.link_id]
    here.run()
    assert taken(here) == 1


def test_a_link_that_ends_takes_with_it_what_it_wrote_there_and_nothing_else(here: World) -> None:
    here.connect(LinkPolicy.TWO_WAY)
    here.book(3)
    here.put(event("x1", 5))
    here.settle()
    here.write(lambda db: unlink(db, here.now, here.ids.organisation_id, OFFICE, here.link_id, removes=True))
    assert here.link.state is LinkStatus.UNLINKING
    here.run()
    assert list(here.theirs()) == ["x1"]
    assert (here.index(), here.imported(), taken(here)) == ([], [], 0)
    assert len(here.taken(OccupancyKind.BOOKING)) == 1
    with here.database.read() as session:
        assert due_links(session, here.now + timedelta(days=1)) == []


def test_a_calendar_that_is_linked_again_is_known_again(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    here.book(3)
    here.settle()
    here.write(lambda db: unlink(db, here.now, here.ids.organisation_id, OFFICE, here.link_id, removes=False))
    here.connect(LinkPolicy.TWO_WAY)
    here.run()
    here.assert_quiet()
    assert len(here.theirs()) == 1
    assert len(here.index()) == 1


@pytest.mark.rule("C9")
def test_each_night_the_whole_is_listed_and_what_changes_did_not_tell_is_counted(here: World) -> None:
    imported(here, 3, LinkPolicy.IMPORT)
    href = here.put(event("late", 20))
    cursor = len(here.remote._log)
    here.write(lambda db: _set_cursor(db, here.link_id, str(cursor)))
    here.now += timedelta(hours=31)
    ran = here.run()
    assert ran.outcome is RunOutcome.DONE
    assert href in {row.href for row in here.index()}
    last = here.runs()[-1]
    assert (last.mode, last.drift) == (RunMode.FULL, 1)
    here.now += timedelta(minutes=10)
    before = len(here.runs())
    here.run()
    assert len(here.runs()) == before + 1


def _set_cursor(session: Session, link_id: int, cursor: str) -> None:
    session.get_one(CalendarLink, link_id).cursor = cursor


@pytest.mark.rule("C10")
def test_a_link_to_an_address_of_this_installation_asks_nobody(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    access, mine = LinkAccess("webcal://HALL.example:443/x/../feeds/abc.ics"), here.ids.organisation_id
    here.write(lambda db: change_link_access(db, here.now, here.tools, mine, OFFICE, here.link_id, access))
    here.visited.clear()
    ran = here.run()
    assert (ran.outcome, ran.problem, ran.requests) == (RunOutcome.FAILED, "own-calendar", 0)
    assert "before changes" not in here.visited
