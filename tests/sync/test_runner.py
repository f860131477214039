"""A link at work on both databases: what goes out, what comes back, what is asked (SPEC C6, C7, C9, C13, C14)."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from booking.actions.requests import look
from booking.values.links import LinkPolicy, RunMode, RunOutcome
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, OccupancyKind, Variant
from ical.item import Recurrence, Status
from ical.moments import in_zone
from sync import gathering
from sync.remotes.memory import Manners, MemoryRemote
from tests.builders import ZONE
from tests.sync.acting import cancel, move, slot_of, state_of, uid_of
from tests.sync.linked import OFFICE, World, event, world

HOUR = timedelta(hours=1)
LATER = timedelta(minutes=16)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


@pytest.mark.rule("C6", "C10")
def test_a_booking_goes_out_and_the_next_run_is_one_request_that_writes_nothing(here: World) -> None:
    made = here.book(3)
    here.connect(LinkPolicy.EXPORT)
    ran = here.settle()
    assert ran.applied.there == 1
    item = here.theirs()[uid_of(here, made)]
    assert item.master is not None
    assert (item.master.status, item.master.start.instant) == (Status.TENTATIVE, slot_of(here, made).start)
    assert item.origin == f"{here.house.host_id}/{here.link_id}"


@pytest.mark.rule("C6")
def test_an_item_is_known_at_the_address_that_its_server_gave_it(database_url: str) -> None:
    here = world(database_url, MemoryRemote(Manners(names_itself=True)))
    first, second = here.book(3), here.book(4)
    here.connect(LinkPolicy.EXPORT)
    assert here.run().applied.undone == 0
    assert {row.href for row in here.index()} == set(here.remote.bodies)
    here.assert_quiet()
    move(here, first, HOUR)
    cancel(here, second)
    here.settle()
    assert set(here.theirs()) == {uid_of(here, first)}
    here.database.close()


@pytest.mark.rule("C6")
def test_what_changes_here_is_changed_there_and_what_ends_here_ends_there(here: World) -> None:
    first, second = here.book(3), here.book(4)
    here.connect(LinkPolicy.EXPORT)
    here.settle()
    move(here, first, HOUR)
    cancel(here, second)
    ran = here.settle()
    assert ran.applied.there == 2
    (item,) = here.theirs().values()
    assert item.master is not None
    assert (item.uid, item.master.start.instant) == (uid_of(here, first), slot_of(here, first).start)


@pytest.mark.rule("C6")
def test_a_busy_link_tells_no_more_than_the_time(here: World) -> None:
    here.book(3)
    here.connect(LinkPolicy.EXPORT_BUSY, variant=Variant.FULL)
    here.settle()
    (item,) = here.theirs().values()
    assert item.master is not None
    assert (item.master.summary, item.master.location, item.master.description) == ("Belegt", "", "")


@pytest.mark.rule("C6")
def test_a_room_that_shares_a_unit_is_told_of_as_busy_and_cannot_be_moved_from_outside(here: World) -> None:
    made = here.book(3, room=here.ids.left)
    here.connect(LinkPolicy.TWO_WAY, variant=Variant.FULL)
    here.settle()
    (item,) = here.theirs().values()
    assert item.master is not None
    assert (item.master.summary, item.master.location) == ("Belegt", "")
    here.move_theirs(item.uid, HOUR)
    here.settle()
    assert here.theirs()[item.uid].master.start.instant == slot_of(here, made).start  # type: ignore[union-attr]
    assert "link-moved" not in here.cases()


@pytest.mark.rule("C14")
def test_a_busy_time_of_theirs_takes_the_room_until_it_is_gone_there(here: World) -> None:
    here.connect(LinkPolicy.IMPORT_BUSY)
    here.put(event("x1", 4))
    here.put(event("free", 5, is_busy=False))
    here.settle()
    (slot,) = here.taken(OccupancyKind.EXTERNAL)
    house = here.house
    with here.database.read() as session:
        verdict = look(session, here.now, house, house.room(here.ids.left), slot)
    assert isinstance(verdict, Refused)
    assert "taken" in verdict.codes
    here.delete_theirs("x1")
    here.settle()
    assert here.taken(OccupancyKind.EXTERNAL) == []


@pytest.mark.rule("C14")
def test_a_clash_is_shown_to_the_office_and_the_time_stays_ours(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.IMPORT_BUSY)
    here.put(event("x1", 4))
    here.settle()
    assert here.cases()["link-clash"]["summary"] == "Belegt"  # busy links tell no texts
    assert state_of(here, made) is BookingState.REQUESTED
    assert len(here.taken(OccupancyKind.BOOKING)) == len(here.taken(OccupancyKind.EXTERNAL)) == 1
    here.move_theirs("x1", timedelta(days=1))
    here.settle()
    assert here.cases() == {}


@pytest.mark.rule("C13")
def test_a_new_closure_in_the_offices_calendar_closes_the_room(here: World) -> None:
    here.connect(LinkPolicy.TWO_WAY)
    here.put(event("wartung", 4, 3, "Wartung"))
    here.settle()
    (slot,) = here.taken(OccupancyKind.CLOSURE)
    assert slot.duration == 3 * HOUR
    here.move_theirs("wartung", HOUR)
    here.settle()
    assert here.taken(OccupancyKind.CLOSURE) == [Slot(slot.start + HOUR, slot.end + HOUR)]


@pytest.mark.rule("C13", "C14")
def test_a_series_takes_the_room_on_each_of_its_dates_but_those_left_out(here: World) -> None:
    weekly = event("kurs", 1, 2)
    assert weekly.master is not None
    second = weekly.master.start.instant + timedelta(days=7)
    series = replace(weekly, recurrence=Recurrence("FREQ=WEEKLY;COUNT=4", (), (in_zone(second, ZONE.key),)))
    here.connect(LinkPolicy.IMPORT)
    here.put(series)
    here.settle()
    starts = [slot.start for slot in here.taken(OccupancyKind.EXTERNAL)]
    assert starts == [weekly.master.start.instant + timedelta(days=7) * week for week in (0, 2, 3)]


@pytest.mark.rule("C14")
def test_the_dates_of_an_endless_series_come_as_they_come_within_reach(here: World) -> None:
    here.connect(LinkPolicy.IMPORT, months_ahead=1)
    here.put(replace(event("kurs", 1), recurrence=Recurrence("FREQ=DAILY")))
    here.settle()
    before = len(here.taken(OccupancyKind.EXTERNAL))
    here.now += timedelta(days=10)
    here.run()
    last = here.taken(OccupancyKind.EXTERNAL)[-1]
    assert last.start > here.now + timedelta(days=28)
    assert len(here.taken(OccupancyKind.EXTERNAL)) in range(before, before + 3)


@pytest.mark.rule("C7")
def test_changes_of_both_sides_merge_and_what_does_not_hold_is_kept_for_review(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid = uid_of(here, made)
    here.edit_theirs(uid, summary="Anders")
    move(here, made, HOUR)
    here.settle()
    master = here.theirs()[uid].master
    assert master is not None
    assert (master.summary, master.start.instant) == ("Training der Altherren", slot_of(here, made).start)
    (conflict,) = here.cases()["link-conflict"]["conflicts"]
    assert (conflict["field"], conflict["theirs"], conflict["winner"]) == ("SUMMARY", "Anders", "LOCAL")


@pytest.mark.rule("C9")
def test_what_a_listing_without_changes_lacks_is_gone_only_after_a_second_one(here: World) -> None:
    here.remote.manners.deltas = False
    here.connect(LinkPolicy.IMPORT)
    here.put(event("x1", 4))
    here.put(event("x2", 5))
    here.run()
    here.delete_theirs("x1")
    here.run()
    assert len(here.taken(OccupancyKind.EXTERNAL)) == 2
    here.now += LATER
    assert here.link.next_run_at <= here.now
    here.run()
    assert len(here.taken(OccupancyKind.EXTERNAL)) == 1


@pytest.mark.rule("C11")
def test_the_index_is_lost_and_rebuilt_without_a_duplicate(here: World) -> None:
    from booking.actions.links import rebuild_link

    made = here.book(3)
    here.connect(LinkPolicy.TWO_WAY)
    here.put(event("x1", 5))
    here.settle()
    taken, theirs = here.taken(OccupancyKind.CLOSURE), here.theirs()
    here.write(lambda db: rebuild_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    assert here.index() == []
    ran = here.run()
    assert (ran.applied.here, ran.applied.there) == (0, 0)
    here.assert_quiet()
    assert (here.taken(OccupancyKind.CLOSURE), here.theirs()) == (taken, theirs)
    move(here, made, HOUR)
    here.settle()
    assert here.theirs()[uid_of(here, made)].master.start.instant == slot_of(here, made).start  # type: ignore[union-attr]


@pytest.mark.rule("C8")
def test_a_plan_is_shown_recorded_and_changes_nothing(here: World) -> None:
    made = here.book(3)
    here.connect(LinkPolicy.EXPORT)
    ran = here.run(RunMode.PLAN)
    assert (ran.outcome, here.remote.bodies) == (RunOutcome.PLANNED, {})
    (step,) = here.steps(ran.run_id)
    assert (step.kind, step.side, step.reason, step.uid) == ("CREATE", "REMOTE", "NEW_HERE", uid_of(here, made))
    assert ran.plan is not None
    other = here.run(shown="another plan")
    assert (other.outcome, here.remote.bodies) == (RunOutcome.PLANNED, {})
    assert here.run(shown=ran.plan.hash).outcome is RunOutcome.DONE
    assert len(here.remote.bodies) == 1


@pytest.mark.rule("C10")
def test_one_item_that_cannot_be_read_or_written_stops_no_other(here: World) -> None:
    here.connect(LinkPolicy.TWO_WAY)
    here.put(event("x1", 4))
    here.remote.edit("/calendar/broken.ics", b"BEGIN:VCALENDAR\r\nnonsense")
    made = here.book(3)
    ran = here.run()
    assert ran.outcome is RunOutcome.DONE
    assert len(here.taken(OccupancyKind.CLOSURE)) == 1
    assert uid_of(here, made) in {row.uid for row in here.index()}
    (broken,) = [row for row in here.index() if row.state == "QUARANTINED"]
    assert broken.href == "/calendar/broken.ics"
    here.assert_quiet()


@pytest.mark.rule("C10")
def test_a_calendar_that_is_our_own_is_not_imported(here: World) -> None:
    here.book(3)
    here.book(4)
    here.connect(LinkPolicy.EXPORT)
    here.run()
    bodies = dict(here.remote.bodies)
    here.connect(LinkPolicy.IMPORT, name="Ring")
    assert here.run().problem == "own-calendar"
    assert here.taken(OccupancyKind.EXTERNAL) == []
    assert here.remote.bodies == bodies


@pytest.mark.rule("C10")
@pytest.mark.parametrize("is_first", [True, False])
def test_a_copy_of_our_booking_that_came_around_by_another_calendar_is_not_imported(
    here: World, is_first: bool
) -> None:
    here.book(4)
    here.connect(LinkPolicy.EXPORT)
    here.settle()
    (sent,) = here.theirs().values()
    assert sent.master is not None
    here.remote = MemoryRemote()
    here.connect(LinkPolicy.IMPORT, name="Ring")
    here.put(event("other", 9))
    if not is_first:
        here.settle()
    here.put(replace(sent, uid="copy-of-a-service", origin=None))
    here.settle()
    assert len(here.taken(OccupancyKind.EXTERNAL)) == 1
    assert here.cases() == {}


@pytest.mark.rule("C9", "C10")
def test_what_is_too_much_for_one_run_is_read_by_the_next_ones(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "FETCH", 1)
    here.connect(LinkPolicy.IMPORT)
    for number in range(4):
        here.put(event(f"x{number}", 4 + number))
    here.remote.hook = lambda moment, method: time.sleep(1) if (moment, method) == ("before", "fetch") else None
    here.seconds = 3.0  # of which reading may take three fifths
    ran = here.run()
    assert (ran.outcome, here.link.cursor) == (RunOutcome.PARTIAL, "")
    assert 0 < len(here.taken(OccupancyKind.EXTERNAL)) < 4
    here.remote.hook = lambda _moment, _method: None
    here.settle()
    assert len(here.taken(OccupancyKind.EXTERNAL)) == 4
