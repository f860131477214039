"""Half-open intervals and what remains of them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.values.slot import Slot, covered, subtract

NOON = datetime(2026, 12, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def span(first: int, last: int) -> Slot:
    return Slot(NOON + first * HOUR, NOON + last * HOUR)


def hours(slots: tuple[Slot, ...]) -> set[int]:
    """The hours that the slots hold, which is all there is to say about slots of whole hours."""
    return {hour for slot in slots for hour in range(int((slot.start - NOON) / HOUR), int((slot.end - NOON) / HOUR))}


@pytest.mark.parametrize(
    ("other", "overlaps", "is_covered"),
    [
        (span(-2, 0), False, False),
        (span(-2, 1), True, False),
        (span(0, 4), True, True),
        (span(1, 2), True, True),
        (span(3, 5), True, False),
        (span(4, 6), False, False),
        (span(-1, 5), True, False),
    ],
    ids=["right before", "reaches in", "the same", "inside", "reaches out", "right after", "around"],
)
def test_slots_that_only_touch_do_not_overlap(other: Slot, *, overlaps: bool, is_covered: bool) -> None:
    assert span(0, 4).overlaps(other) is other.overlaps(span(0, 4)) is overlaps
    assert span(0, 4).covers(other) is is_covered


def test_an_empty_backward_or_naive_slot_is_an_error() -> None:
    for start, end in [(NOON, NOON), (NOON, NOON - HOUR)]:
        with pytest.raises(ValueError, match="start < end"):
            Slot(start, end)
    with pytest.raises(ValueError, match="needs a zone"):
        Slot(NOON.replace(tzinfo=None), NOON)


def test_a_widened_slot_grows_on_both_sides() -> None:
    assert span(0, 1).widened(HOUR, 2 * HOUR) == span(-1, 3)
    assert span(-1, 3).duration == 4 * HOUR


spans = st.tuples(st.integers(-20, 20), st.integers(1, 12)).map(lambda pair: span(pair[0], sum(pair)))


@given(spans, st.lists(spans, max_size=8))
def test_what_remains_is_what_nobody_took_in_order_and_apart(whole: Slot, taken: list[Slot]) -> None:
    rest = subtract(whole, taken)
    assert hours(rest) == hours((whole,)) - hours(tuple(taken))
    assert all(before.end < after.start for before, after in pairwise(rest))
    assert covered(whole, taken) is (not rest)
    assert not any(part.overlaps(slot) for part in rest for slot in taken)
