"""What of an item a link keeps where it may not keep all: what comes soonest, and it knows up to when (SPEC C14)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.actions.occupy import LONGEST_PIECE
from booking.rules.link_dates import FEW, LONGEST, MOST_DATES, PIECE, PLENTY, at_first, coming, size, soonest
from booking.values.links import ImportedTime
from booking.values.slot import Slot
from ical.limits import LIMITS
from tests.builders import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNTIL = NOW + 300 * DAY


def at(days: float, lasts: timedelta = HOUR) -> Slot:
    return Slot(NOW + days * DAY, NOW + days * DAY + lasts)


def time(*slots: Slot, problem: str = "") -> ImportedTime:
    return ImportedTime("x", "{}", "Probe", slots, UNTIL, problem)


@pytest.mark.rule("C14")
@pytest.mark.parametrize(
    ("slots", "most", "kept", "until"),
    [
        ([at(1), at(2), at(3)], 3, 3, UNTIL),
        ([at(1), at(2), at(3)], 2, 2, NOW + 3 * DAY),
        ([at(3), at(1), at(2)], 1, 1, NOW + 2 * DAY),
        ([at(1), at(2)], 0, 0, NOW + DAY),
        ([at(-2), at(-1), at(1), at(2)], 1, 3, NOW + 2 * DAY),  # what is over counts for nothing
        ([at(1), at(1, 2 * HOUR), at(2)], 1, 2, NOW + 2 * DAY),  # what begins at once stays together
        ([at(1, PIECE + HOUR), at(20)], 2, 1, NOW + 20 * DAY),  # two weeks' worth
        ([at(1), at(2, PIECE + HOUR)], 2, 1, NOW + 2 * DAY),
    ],
)
def test_the_soonest_dates_are_kept_and_known_up_to_the_first_that_is_not(
    slots: list[Slot], most: int, kept: int, until: object
) -> None:
    found = soonest(time(*slots), NOW, most)
    assert (len(found.slots), found.until) == (kept, until)


@pytest.mark.rule("C14")
@given(st.lists(st.integers(-50, 400), max_size=30), st.integers(0, 35))
def test_nothing_that_is_kept_comes_after_what_is_not(hours: list[int], most: int) -> None:
    slots = [at(hour / 24) for hour in hours]
    found = soonest(time(*slots), NOW, most)
    assert found.until is not None
    assert sorted(found.slots) == sorted(slot for slot in slots if slot.start < found.until)
    assert coming(found.slots, NOW) >= min(most, coming(slots, NOW)) or not found.slots
    assert len({slot.start for slot in found.slots if slot.end > NOW}) <= most


@pytest.mark.rule("C14")
def test_where_dates_could_not_be_found_the_item_says_so_and_is_not_looked_at_again_and_again() -> None:
    assert soonest(time(at(1), at(2), problem="series-too-many"), NOW, 1).until == UNTIL


@pytest.mark.rule("C12", "C14")
def test_a_date_without_an_end_takes_ten_years() -> None:
    (found,) = soonest(time(Slot(NOW, NOW + 7_000 * 365 * DAY)), NOW, 1_000).slots
    assert found == Slot(NOW, NOW + LONGEST)
    assert size([found]) < 1_000


@pytest.mark.rule("C12", "C14")
def test_the_next_dates_of_every_item_of_the_largest_calendar_have_room() -> None:
    assert at_first(PLENTY) == at_first(MOST_DATES - FEW) == FEW
    assert (at_first(MOST_DATES), at_first(MOST_DATES, own=7)) == (0, 7)
    assert at_first(PLENTY - 1, own=5) == MOST_DATES - PLENTY + 6
    assert PLENTY + FEW * LIMITS.components <= MOST_DATES
    assert PIECE == LONGEST_PIECE
