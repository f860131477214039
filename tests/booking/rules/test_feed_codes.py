"""When a customer's own feed shows a code, whatever the times are (SPEC C4), and that each change is told (C2)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.doorcodes import Sending, sending, sent_from
from booking.rules.feed_codes import FeedTerms, Told, counted, is_shown, stretch, with_codes
from booking.values.agenda import AgendaEntry, modified_by
from booking.values.slot import Slot
from booking.values.states import BookingState, CodeState, ItemStatus

START = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

minutes = st.integers(-20_000, 20_000).map(lambda number: START + number * MINUTE)
lengths = st.integers(1, 3_000).map(lambda number: number * MINUTE)
slots = st.builds(lambda start, length: Slot(start, start + length), minutes, lengths)
hours = st.integers(1, 168)
terms = st.builds(FeedTerms, hours, st.none() | st.integers(1, 720), minutes)


def entry(slot: Slot, sequence: int = 4) -> AgendaEntry:
    return AgendaEntry(
        uid=UUID(int=1),
        sequence=sequence,
        created_at=START - timedelta(days=30),
        last_modified=START - timedelta(days=30),
        slot=slot,
        zone="Europe/Berlin",
        status=ItemStatus.CONFIRMED,
        title="Training",
        party="Anna",
        room="Halle",
        location="Köln",
        details="Anna, 1",
    )


def at(found: AgendaEntry, now: datetime) -> AgendaEntry:
    """The entry that stands at an instant."""
    while found.then is not None and found.until is not None and found.until <= now:
        found = found.then
    return found


@pytest.mark.rule("C4", "S22")
@given(slots, slots, terms, minutes)
def test_whatever_a_feed_shows_is_near_not_over_and_might_be_mailed(
    booked: Slot, window: Slot, chosen: FeedTerms, now: datetime
) -> None:
    shown = stretch(booked, window, chosen)
    if shown is None or not is_shown(shown, min(chosen.seen, now), now):
        return
    assert booked.start - timedelta(hours=chosen.hours) <= now < booked.end
    earliest = sent_from(booked, chosen.hours_before)
    mailed = sending(BookingState.CONFIRMED, CodeState.ISSUED, now, window, not_before=earliest)
    assert mailed is Sending.NOW


@pytest.mark.rule("C4")
@given(slots, slots, terms, minutes)
def test_counted_in_time_a_feed_shows_all_that_may_be_shown(
    booked: Slot, window: Slot, chosen: FeedTerms, now: datetime
) -> None:
    shown = stretch(booked, window, chosen)
    near = booked.start - timedelta(hours=chosen.hours) <= now < booked.end
    earliest = sent_from(booked, chosen.hours_before)
    mailed = sending(BookingState.CONFIRMED, CodeState.ISSUED, now, window, not_before=earliest)
    assert (shown is not None and is_shown(shown, now, now)) == (near and mailed is Sending.NOW)


@pytest.mark.rule("C2", "C4")
@given(st.lists(slots, min_size=1, max_size=4), minutes, minutes)
def test_a_feed_says_the_same_before_and_after_the_ends_are_counted(
    stretches: list[Slot], seen: datetime, now: datetime
) -> None:
    """And before and after something that was never shown."""
    seen, now = min(seen, now), max(seen, now)
    booked = Slot(START, START + timedelta(hours=1))
    codes = [Told(f"Code {number}", one) for number, one in enumerate(stretches)]
    change = counted(stretches, seen, now)
    stored = entry(booked)
    for instant in (*change.ended, now) if change.has_begun else change.ended:
        modified = modified_by(stored.last_modified, instant)
        stored = replace(stored, sequence=stored.sequence + 1, last_modified=modified)
    before, after = at(with_codes(entry(booked), codes, seen), now), at(with_codes(stored, codes, now), now)
    if not change.has_begun:
        assert plain(before) == plain(after)
    else:
        assert after.sequence == before.sequence + 1
        assert after.last_modified > before.last_modified
        assert before.details != after.details


@pytest.mark.rule("C2", "C4")
@given(st.lists(slots, min_size=1, max_size=4), minutes)
def test_each_code_that_goes_is_one_change(stretches: list[Slot], seen: datetime) -> None:
    booked = Slot(START, START + timedelta(hours=1))
    codes = [Told(f"Code {number}", one) for number, one in enumerate(stretches)]
    found = with_codes(entry(booked), codes, seen)
    standing = [code for code in codes if code.stretch.start <= seen < code.stretch.end]
    assert found.details.split("\n") == ["Anna, 1", *(code.line for code in standing)]
    while found.then is not None:
        after = found.then
        assert (after.sequence, after.last_modified > found.last_modified) == (found.sequence + 1, True)
        assert set(after.details.split("\n")) < set(found.details.split("\n"))
        assert after.until is None or (found.until is not None and found.until < after.until)
        found = after
    assert (found.details, found.until) == ("Anna, 1", None)


def test_no_code_is_told_where_an_entry_is_printed() -> None:
    told = Told("Code 482915", Slot(START, START + MINUTE))
    assert "482915" not in repr(told) + repr(with_codes(entry(told.stretch), [told], START))


def plain(found: AgendaEntry) -> dict[str, object]:
    names = [name for name in AgendaEntry.__dataclass_fields__ if name not in {"until", "then"}]
    return {name: getattr(found, name) for name in names}
