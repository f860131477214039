"""Ages and free places (SPEC V21)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.values.places import Places, age_on


@pytest.mark.rule("V21")
@pytest.mark.parametrize(
    ("born", "day", "years"),
    [
        (date(2010, 6, 15), date(2026, 6, 14), 15),
        (date(2010, 6, 15), date(2026, 6, 15), 16),
        (date(2010, 6, 15), date(2026, 12, 1), 16),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2008, 2, 29), date(2028, 2, 28), 19),
        (date(2008, 2, 29), date(2028, 2, 29), 20),
        (date(2026, 6, 15), date(2026, 6, 15), 0),
    ],
)
def test_an_age_is_reached_on_the_birthday(born: date, day: date, years: int) -> None:
    assert age_on(day, born) == years


@pytest.mark.rule("V16")
@given(taken=st.integers(0, 30), held=st.integers(0, 30), capacity=st.integers(0, 30))
def test_there_are_never_fewer_than_no_free_places(taken: int, held: int, capacity: int) -> None:
    free = Places(taken, held).free(capacity)
    assert free == 0 if taken + held >= capacity else taken + held + free == capacity
