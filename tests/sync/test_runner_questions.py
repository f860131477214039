"""What a link asks a person, and what becomes of each answer, on both databases (SPEC C7, C9, C13)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from booking.values.links import Choice, LinkPolicy
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, OccupancyKind
from ical.item import Status
from tests.sync.acting import cancel, decide, slot_of, state_of, uid_of
from tests.sync.linked import World, world

HOUR = timedelta(hours=1)
LATER = timedelta(minutes=16)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


@pytest.mark.rule("C13", "C7")
def test_a_booking_moved_there_is_a_question_and_follows_when_a_person_says_so(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid, before = uid_of(here, made), slot_of(here, made)
    here.move_theirs(uid, HOUR)
    here.settle()
    facts = here.cases()["link-moved"]
    assert facts["ours"]["starts_at"] == before.start.isoformat()
    assert facts["theirs"]["starts_at"] == (before.start + HOUR).isoformat()
    assert slot_of(here, made) == before
    assert decide(here, uid, Choice.TAKE_THEIRS) is None
    assert slot_of(here, made) == Slot(before.start + HOUR, before.end + HOUR)
    assert here.cases() == {}
    here.run()
    here.assert_quiet()
    assert here.theirs()[uid].master.start.instant == before.start + HOUR  # type: ignore[union-attr]


@pytest.mark.rule("C13")
def test_a_booking_moved_there_is_moved_back_when_a_person_keeps_ours(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid, before = uid_of(here, made), slot_of(here, made)
    here.move_theirs(uid, HOUR)
    here.settle()
    assert decide(here, uid, Choice.KEEP_OURS) is None
    here.run()
    here.assert_quiet()
    assert here.theirs()[uid].master.start.instant == before.start  # type: ignore[union-attr]
    assert (slot_of(here, made), here.cases()) == (before, {})


@pytest.mark.rule("C13")
def test_a_move_that_is_no_longer_free_is_refused_and_the_question_stays(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid = uid_of(here, made)
    here.move_theirs(uid, timedelta(days=1))
    here.settle()
    here.book(5)
    no = decide(here, uid, Choice.TAKE_THEIRS)
    assert isinstance(no, Refused)
    assert "taken" in no.codes
    assert "link-moved" in here.cases()


@pytest.mark.rule("C13")
def test_a_decision_about_a_version_that_has_moved_on_since_is_asked_again(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid, before = uid_of(here, made), slot_of(here, made)
    here.move_theirs(uid, HOUR)
    here.settle()
    here.move_theirs(uid, HOUR)
    assert decide(here, uid, Choice.TAKE_THEIRS) is None
    here.run()
    assert slot_of(here, made) == Slot(before.start + HOUR, before.end + HOUR)
    assert here.cases()["link-moved"]["starts_at"] == (before.start + 2 * HOUR).isoformat()
    here.assert_quiet()


@pytest.mark.rule("C9")
def test_a_booking_deleted_there_is_a_question_with_the_time_kept(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid = uid_of(here, made)
    here.delete_theirs(uid)
    here.settle()
    assert "link-cancelled" in here.cases()
    assert state_of(here, made) is BookingState.REQUESTED
    assert len(here.taken(OccupancyKind.BOOKING)) == 1
    assert decide(here, uid, Choice.TAKE_THEIRS) is None
    assert state_of(here, made) is BookingState.CANCELLED
    here.run()
    here.assert_quiet()
    assert here.theirs() == {}


@pytest.mark.rule("C9")
def test_a_booking_deleted_there_is_written_again_when_a_person_keeps_it(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid = uid_of(here, made)
    here.delete_theirs(uid)
    here.settle()
    assert decide(here, uid, Choice.KEEP_OURS) is None
    here.run()
    here.assert_quiet()
    assert list(here.theirs()) == [uid]


@pytest.mark.rule("C9", "C13")
def test_a_booking_cancelled_there_is_the_same_question(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    here.edit_theirs(uid_of(here, made), status=Status.CANCELLED)
    here.settle()
    assert "link-cancelled" in here.cases()
    assert state_of(here, made) is BookingState.REQUESTED


@pytest.mark.rule("C13")
def test_another_state_there_is_a_question_that_moves_nothing(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid, before = uid_of(here, made), slot_of(here, made)
    here.edit_theirs(uid, status=Status.CONFIRMED)
    here.settle()
    assert "link-moved" in here.cases()
    assert decide(here, uid, Choice.TAKE_THEIRS) is None
    here.run()
    here.assert_quiet()
    assert (slot_of(here, made), state_of(here, made)) == (before, BookingState.REQUESTED)


@pytest.mark.rule("C9")
def test_what_ended_here_while_it_was_changed_there_keeps_its_time_and_is_told(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid, slot = uid_of(here, made), slot_of(here, made)
    cancel(here, made)
    here.edit_theirs(uid, description="Wir kommen doch")
    here.settle()
    assert here.taken(OccupancyKind.CLOSURE) == [slot]
    assert "link-conflict" in here.cases()
    here.delete_theirs(uid)
    here.settle()
    assert here.taken(OccupancyKind.CLOSURE) == []


@pytest.mark.rule("C13")
def test_a_booking_that_is_moved_back_there_is_no_question_any_more(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid, before = uid_of(here, made), slot_of(here, made)
    here.move_theirs(uid, HOUR)
    here.settle()
    assert "link-moved" in here.cases()
    here.move_theirs(uid, -HOUR)
    here.settle()
    assert (here.cases(), slot_of(here, made)) == ({}, before)


@pytest.mark.rule("C9", "C13")
def test_a_booking_moved_and_then_deleted_there_is_one_question_and_not_two(here: World) -> None:
    made = here.book(4)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid, before = uid_of(here, made), slot_of(here, made)
    here.move_theirs(uid, HOUR)
    here.settle()
    here.delete_theirs(uid)
    here.run()
    assert (set(here.cases()), slot_of(here, made)) == ({"link-cancelled"}, before)
