"""How long a child that dies again and again has to wait."""

import pytest

from platzwart.children import LONGEST_PAUSE, STEADY_SECONDS, failures_after, pause_before_restart


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.2), (2, 0.4), (3, 0.8), (6, 6.4), (7, 10.0), (1000, 10.0)])
def test_the_pause_doubles_up_to_a_limit(failures: int, seconds: float) -> None:
    assert pause_before_restart(failures) == pytest.approx(seconds)
    assert pause_before_restart(failures) <= LONGEST_PAUSE


@pytest.mark.parametrize(
    ("lived", "before", "after"),
    [(0.0, 0, 1), (STEADY_SECONDS - 0.1, 4, 5), (STEADY_SECONDS, 4, 1)],
    ids=["first", "again", "after a steady life"],
)
def test_failures_in_a_row_are_counted(lived: float, before: int, after: int) -> None:
    assert failures_after(lived, before) == after
