"""How a run divides its time, and when it renews its lease meanwhile."""

import time

import pytest

from booking.actions.link_runs import LostLeaseError
from sync.run_time import JUST_TAKEN, LISTING, READING, RunTime

SECONDS = 100.0


def after(spent: float, renewed: list[None] | None = None) -> RunTime:
    """The time of a run that began so many seconds ago."""
    asked: list[None] = [] if renewed is None else renewed
    return RunTime(SECONDS, lambda: asked.append(None), begin=time.monotonic() - spent)


@pytest.mark.rule("C12")
@pytest.mark.parametrize(
    ("spent", "lists", "reads", "goes_on"),
    [
        (0.0, True, True, True),
        (LISTING * SECONDS - 5, True, True, True),
        (LISTING * SECONDS + 1, False, True, True),
        (READING * SECONDS + 1, False, False, True),
        (SECONDS + 1, False, False, False),
    ],
)
def test_a_run_lists_then_reads_then_does_and_ends(spent: float, lists: bool, reads: bool, goes_on: bool) -> None:
    run = after(spent)
    assert (run.listing() > 0, run.patience(), run.is_left()) == (lists, reads, goes_on)


@pytest.mark.rule("C12")
def test_a_listing_has_what_is_left_of_its_part() -> None:
    assert after(10).listing() == pytest.approx(LISTING * SECONDS - 10, abs=1)


@pytest.mark.rule("C10")
def test_the_lease_is_renewed_before_each_piece_unless_it_was_just_taken() -> None:
    renewed: list[None] = []
    after(0, renewed).listing()
    assert renewed == []
    after(0, renewed).patience()
    after(JUST_TAKEN + 1, renewed).listing()
    assert len(renewed) == 2


@pytest.mark.rule("C10")
def test_who_lost_the_lease_lists_nothing() -> None:
    def lost() -> None:
        raise LostLeaseError(7)

    with pytest.raises(LostLeaseError):
        RunTime(SECONDS, lost, begin=time.monotonic() - JUST_TAKEN - 1).listing()
