"""Many bodies in one child: each is read as if it were alone, and one that kills the child costs itself (SPEC C12)."""

import time

import pytest

from booking.values.refusals import Refused
from ical.reading import Reading, read
from sync.many import MOST_DEATHS, read_many
from sync.reading import Allowance
from tests.ical.hostile import calendar, event

BERLIN = "Europe/Berlin"
MEBIBYTE = 1024 * 1024
PATIENT = Allowance(wall=120)


def good(number: int) -> bytes:
    return calendar(event(uid=f"u{number}"))


def test_each_body_is_read_as_if_it_were_alone() -> None:
    bodies = [good(1), b"", b"junk", calendar(event("RRULE:FREQ=WEEKLY", "RDATE:soon")), good(2)]
    assert read_many(bodies, BERLIN, PATIENT) == [read(body, BERLIN) for body in bodies]
    assert read_many([], BERLIN) == []


@pytest.mark.rule("C10", "C12")
def test_a_body_that_takes_its_child_down_costs_itself_alone() -> None:
    """No body of a stranger is known to do that; so little memory that a large one cannot be read does the same."""
    large = calendar(event(f"DESCRIPTION:{'x' * 4_000_000}", uid="large"))
    tight = Allowance(memory=6 * MEBIBYTE, wall=120)
    found = read_many([good(1), large, good(2)], BERLIN, tight)
    first, second, third = found
    assert isinstance(first, Reading)
    assert isinstance(second, Refused)
    assert isinstance(third, Reading)
    assert "u1" in {item.uid for item in first.items}
    assert "u2" in {item.uid for item in third.items}


@pytest.mark.rule("C12")
def test_children_that_die_one_after_the_other_come_to_an_end() -> None:
    impatient = Allowance(wall=0.001)
    began = time.monotonic()
    found = read_many([good(number) for number in range(20)], BERLIN, impatient)
    assert time.monotonic() - began < 60
    assert len(found) == 20
    assert sum(isinstance(one, Refused) for one in found) <= MOST_DEATHS
    assert found[-1] is None
