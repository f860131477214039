"""Many bodies in one child: each is read as if it were alone, and one that kills the child costs itself (SPEC C12)."""

import resource
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


DYING = (
    "import os, sys; sys.path += sys.argv[1:-2]; from ical import child_many as child; read = child.read; "
    "child.read = lambda body, *rest, **more: os._exit(9) if b'DEADLY' in body else read(body, *rest, **more); "
    "child.main()"
)


@pytest.mark.rule("C10", "C12")
def test_of_many_that_were_answered_together_only_the_deadly_ones_are_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a child had read and not yet answered when it died is read again."""
    monkeypatch.setattr("sync.many._PROGRAM", DYING)
    deadly = {0, 77}
    bodies = [calendar(event(*(["SUMMARY:DEADLY"] if number in deadly else []))) for number in range(90)]
    found = read_many(bodies, BERLIN, PATIENT)
    assert {number for number, one in enumerate(found) if isinstance(one, Refused)} == deadly
    assert sum(isinstance(one, Reading) for one in found) == 90 - len(deadly)


BURNING = (
    "import sys; sys.path += sys.argv[1:-2]; from ical import child_many as child; read = child.read\n"
    "def burn(body, *rest, **more):\n"
    "    while b'ENDLESS' in body: pass\n"
    "    return read(body, *rest, **more)\n"
    "child.read = burn; child.main()"
)


@pytest.mark.rule("C10", "C12")
def test_a_body_that_burns_its_seconds_is_stopped_and_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is that of a batch, however many the child has read before."""
    monkeypatch.setattr("sync.many._PROGRAM", BURNING)
    with read_many.kept(Allowance(cpu=1, wall=30)) as reader:
        assert all(isinstance(one, Reading) for one in reader([good(0)], BERLIN))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        first, second, third = reader([good(1), calendar(event("SUMMARY:ENDLESS")), good(2)], BERLIN)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert isinstance(second, Refused)
    assert second.codes == ("calendar-too-slow",)
    assert isinstance(first, Reading)
    assert isinstance(third, Reading)
    assert after.ru_utime - before.ru_utime < 8  # three children begin it


@pytest.mark.rule("C12")
def test_children_that_die_one_after_the_other_come_to_an_end() -> None:
    impatient = Allowance(wall=0.001)
    began = time.monotonic()
    found = read_many([good(number) for number in range(20)], BERLIN, impatient)
    assert time.monotonic() - began < 60
    assert len(found) == 20
    assert sum(isinstance(one, Refused) for one in found) <= MOST_DEATHS
    assert found[-1] is None


def test_calls_share_a_child_as_long_as_it_is_kept() -> None:
    with read_many.kept(PATIENT) as reader:
        assert reader([], BERLIN) == []  # it gets ready
        first = reader._child
        assert first is not None
        for number in range(3):
            bodies = [good(number), calendar(event("X-NEW;A=b:c", uid=f"v{number}"))]
            assert reader(bodies, BERLIN) == [read(body, BERLIN) for body in bodies]
        assert reader._child is first
    assert first.returncode is not None


@pytest.mark.rule("C12")
def test_a_child_that_was_ended_between_two_calls_is_held_against_no_body() -> None:
    with read_many.kept(PATIENT) as reader:
        reader([good(1)], BERLIN)
        child = reader._child
        assert child is not None
        child.kill()
        child.wait()
        (found,) = reader([good(2)], BERLIN)
        assert isinstance(found, Reading)


@pytest.mark.rule("C12")
def test_what_one_body_defines_is_not_seen_by_the_next() -> None:
    """They are read by one process, which remembers definitions by each of their bytes."""
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Mine\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        "TZOFFSETFROM:{0}\r\nTZOFFSETTO:{0}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )

    def body(offset: str | None) -> bytes:
        defined = zone.format(offset) if offset else ""
        return (
            f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:{offset}\r\n{defined}BEGIN:VEVENT\r\nUID:u\r\n"
            "DTSTART;TZID=Mine:20260603T160000\r\nDTEND;TZID=Mine:20260603T170000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        ).encode()

    bodies = [body("+0300"), body("-0500"), body(None), body("+0300")]
    found = read_many(bodies, BERLIN, PATIENT)
    assert found == [read(one, BERLIN) for one in bodies]
    starts = [one.items[0].master.start.instant for one in found if isinstance(one, Reading) and one.items[0].master]
    assert [start.hour for start in starts] == [13, 21, 14, 13]
