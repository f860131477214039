from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.values.agenda import AgendaEntry
from booking.values.slot import Slot
from booking.values.states import ItemStatus
from ical.window import Window, shown_from, shown_until, valid_until, visible

Make = Callable[..., AgendaEntry]
ENDED = datetime(2026, 5, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WINDOW = Window()
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@pytest.fixture
def cancelled(make_entry: Make) -> AgendaEntry:
    return make_entry(status=ItemStatus.CANCELLED, ended_at=ENDED)


@pytest.mark.rule("C2")
@pytest.mark.parametrize(
    ("since", "seen"),
    [(timedelta(0), True), (timedelta(days=30) - SECOND, True), (timedelta(days=30), False)],
    ids=["at once", "a second before 30 days", "after 30 days"],
)
def test_a_cancelled_entry_is_seen_for_30_days(since: timedelta, seen: bool, cancelled: AgendaEntry) -> None:
    assert visible(cancelled, ENDED + since, WINDOW) is seen


@pytest.mark.rule("C2")
def test_a_feed_can_leave_cancelled_entries_out_at_once(cancelled: AgendaEntry) -> None:
    at_once = Window(cancelled_shown=False)
    assert not visible(cancelled, ENDED, at_once)
    assert valid_until([cancelled], ENDED, at_once) is None


def test_the_feed_of_a_cancelled_entry_holds_until_it_goes(cancelled: AgendaEntry, make_entry: Make) -> None:
    gone = ENDED + timedelta(days=30)
    assert valid_until([cancelled, make_entry()], ENDED, WINDOW) == gone
    assert valid_until([cancelled], gone - SECOND, WINDOW) == gone
    assert valid_until([cancelled], gone, WINDOW) is None
    assert valid_until([], gone, WINDOW) is None


def test_without_a_known_end_the_last_change_counts(make_entry: Make) -> None:
    entry = make_entry(status=ItemStatus.CANCELLED, ended_at=None)
    assert shown_until(entry, WINDOW) == entry.last_modified + timedelta(days=30)


def test_a_past_entry_stays_for_some_calendar_months(make_entry: Make) -> None:
    end = datetime(2026, 8, 31, 17, tzinfo=UTC)
    entry = make_entry(slot=Slot(end - timedelta(hours=1), end))
    until = datetime(2027, 2, 28, 17, tzinfo=UTC)
    assert shown_until(entry, Window(months_back=6)) == until
    assert visible(entry, until - SECOND, Window(months_back=6))
    assert not visible(entry, until, Window(months_back=6))


def test_a_feed_can_show_entries_only_some_calendar_months_ahead(make_entry: Make) -> None:
    start = datetime(2027, 4, 30, 17, tzinfo=UTC)
    entry = make_entry(slot=Slot(start, start + timedelta(hours=1)))
    ahead = Window(months_ahead=2)
    since = datetime(2027, 2, 28, 17, tzinfo=UTC)
    assert shown_from(entry, ahead) == since
    assert not visible(entry, since - SECOND, ahead)
    assert visible(entry, since, ahead)
    assert valid_until([entry], since - SECOND, ahead) == since
    assert shown_from(entry, WINDOW) is None


def test_a_cancelled_entry_that_is_gone_before_it_would_come_never_changes_the_feed(make_entry: Make) -> None:
    start = datetime(2027, 4, 30, 17, tzinfo=UTC)
    entry = make_entry(slot=Slot(start, start + timedelta(hours=1)), status=ItemStatus.CANCELLED, ended_at=ENDED)
    assert valid_until([entry], ENDED, Window(months_ahead=2)) is None


@pytest.mark.rule("C2")
@given(
    ends=st.lists(st.tuples(MOMENTS, st.sampled_from(ItemStatus)), max_size=5),
    now=MOMENTS,
    later=MOMENTS,
    window=st.builds(Window, st.booleans(), st.integers(0, 14), st.one_of(st.none(), st.integers(0, 14))),
)
def test_what_is_seen_changes_at_the_moment_foretold_and_never_before(
    ends: list[tuple[datetime, ItemStatus]], now: datetime, later: datetime, window: Window, make_entry: Make
) -> None:
    slots = [(Slot(end - timedelta(hours=1), end), end, status) for end, status in ends]
    entries = [make_entry(slot=slot, ended_at=end, status=status) for slot, end, status in slots]

    def seen(at: datetime) -> list[bool]:
        return [visible(entry, at, window) for entry in entries]

    until = valid_until(entries, now, window)
    if until is not None:
        assert until > now
        assert seen(until) != seen(now)
        assert seen(until - timedelta(microseconds=1)) == seen(now)
    if later >= now and (until is None or later < until):
        assert seen(later) == seen(now)
