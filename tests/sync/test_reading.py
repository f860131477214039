"""The child process: foreign bodies die in it, if at all, and what changed is all that is parsed."""

import os
import random
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from booking.values.refusals import Refused
from ical.problems import Code
from ical.reading import Reading, read
from sync.reading import ALLOWANCE, Allowance, Poll, in_child, read_foreign
from tests.fixtures.soak import SOAK
from tests.ical.hostile import GOOD, HOSTILE, Hostile, calendar, event

BERLIN = "Europe/Berlin"
MEBIBYTE = 1024 * 1024
PATIENT = Allowance(wall=120)  # the machine of a test may stand still for a while; seconds of CPU are what counts


def poll(body: bytes, known: frozenset[str] = frozenset()) -> Poll:
    found = read_foreign(body, BERLIN, known, allowance=PATIENT)
    assert isinstance(found, Poll), found
    return found


def children() -> set[str]:
    """The processes that this one started and has not seen the end of; a server of another test may be among them."""
    return {pid for tasks in Path(f"/proc/{os.getpid()}/task").glob("*/children") for pid in tasks.read_text().split()}


def test_a_child_reads_what_the_parent_would_read() -> None:
    body = calendar(
        event("RRULE:FREQ=WEEKLY", "EXDATE:20260610T160000Z", "RDATE:soon"),
        event("RECURRENCE-ID:20260617T160000Z", start="DTSTART:never"),
        event(uid="x").replace("END:VEVENT\n", ""),
        head="X-WR-CALNAME:Grüße\nREFRESH-INTERVAL:PT1H\n",
    )
    expected = read(body, BERLIN)
    assert isinstance(expected, Reading)
    assert expected.problems
    assert poll(body).reading == expected
    assert poll(body[:-20]).reading == read(body[:-20], BERLIN)


@pytest.mark.rule("C12")
@pytest.mark.parametrize(
    "case", HOSTILE if SOAK else random.Random(20260603).sample(HOSTILE, 12), ids=lambda case: case.name
)
def test_a_hostile_calendar_costs_its_child_and_no_more(case: Hostile) -> None:
    body = case.body()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = read_foreign(body, BERLIN, allowance=PATIENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 6
    assert isinstance(found, Refused) is case.is_refused
    if isinstance(found, Poll):
        assert (GOOD in {item.uid for item in found.reading.items}) is case.is_read


@pytest.mark.rule("C12")
@pytest.mark.parametrize(
    ("allowance", "code"),
    [
        (Allowance(memory=1 * MEBIBYTE, wall=120), "calendar-too-much-memory"),
        (Allowance(wall=0.01), "calendar-too-slow"),
    ],
)
def test_a_child_that_passes_its_limits_is_an_answer_and_leaves_nothing_behind(allowance: Allowance, code: str) -> None:
    before = children()
    found = in_child(calendar(*[event("SUMMARY:" + "x" * 5_000, uid=str(n)) for n in range(800)]), BERLIN, allowance)
    assert isinstance(found, Refused)
    assert found.codes == (code,)
    assert children() <= before


# Instead of reading a body, spend what it asks for: `ALLOC n` bytes of memory, `BURN n` seconds of CPU.
SPENDING = """
import sys, time; sys.path += sys.argv[1:-2]
from ical import child
read = child.read
def spend(body, zone):
    what, _, much = body[body.index(b"SUMMARY:") + 8:].split(b"\\r", 1)[0].partition(b" ")
    kept = bytearray(int(much)) if what == b"ALLOC" else b""
    while what == b"BURN" and time.process_time() < float(much):
        pass
    return read(body, zone)
child.read = spend
child.main()
"""


@pytest.mark.rule("C12")
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (f"ALLOC {150 * MEBIBYTE}", ""),
        (f"ALLOC {220 * MEBIBYTE}", "calendar-too-much-memory"),
        ("BURN 3", ""),
        ("BURN 7", "calendar-too-slow"),
    ],
)
def test_what_a_feed_may_cost_is_enforced_by_the_system(monkeypatch: pytest.MonkeyPatch, asked: str, code: str) -> None:
    """With the limits that links have: 5 s of CPU, 200 MB, 10 s by the clock."""
    assert Allowance(cpu=5, wall=10.0, memory=200 * MEBIBYTE) == ALLOWANCE
    monkeypatch.setattr("sync.reading._PROGRAM", SPENDING)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = in_child(calendar(event(f"SUMMARY:{asked}")).replace(b"Good", b"ok"), BERLIN, replace(ALLOWANCE, wall=120))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (found.codes if isinstance(found, Refused) else ("",)) == (code,)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 6


@pytest.mark.rule("C12")
def test_the_child_sees_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    assert len(poll(calendar()).reading.items) == 1


def test_only_what_changed_is_read_again_and_its_lines_are_those_of_the_body() -> None:
    events = [event(f"SUMMARY:{number}", uid=str(number)) for number in range(50)]
    first = poll(calendar(*events))
    assert len(first.reading.items) == 51
    known = frozenset(first.digests.values())
    assert poll(calendar(*events), known).reading.items == ()
    events[7] = events[7].replace("SUMMARY:7", "SUMMARY:seven\nSEQUENCE:x")
    body = calendar(*events)
    second = poll(body, known)
    assert [item.uid for item in second.reading.items] == ["7"]
    assert second.digests.keys() == first.digests.keys()
    (problem,) = second.reading.problems
    assert problem.code is Code.BAD_VALUE
    assert body.split(b"\r\n")[problem.line - 1] == b"SEQUENCE:x"


@pytest.mark.rule("C9")
def test_a_truncated_body_is_not_whole_however_little_of_it_is_new() -> None:
    body = calendar(*[event(uid=str(number)) for number in range(20)])
    known = frozenset(poll(body).digests.values())
    cut = poll(body[:-40], known)
    assert not cut.reading.is_whole
    assert not cut.reading.is_complete
    assert cut.reading.lost == {GOOD}


def test_a_poll_without_a_change_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    known = frozenset(poll(calendar()).digests.values())
    monkeypatch.setattr("sys.executable", "/nowhere")
    assert poll(calendar(), known).reading.is_complete


@pytest.mark.rule("C10")
def test_an_attachment_within_an_event_costs_neither_it_nor_any_other() -> None:
    """A picture of 200 kB in base64, folded as programs do it."""
    data = "A" * 270_000
    folded = "\n ".join([data[first : first + 74] for first in range(0, len(data), 74)])
    found = poll(calendar(event(f"ATTACH;FMTTYPE=image/png;ENCODING=BASE64;VALUE=BINARY:{folded}", uid="picture")))
    assert "picture" in {item.uid for item in found.reading.items}
    assert len(found.reading.items) == 2
    assert found.reading.is_whole
    assert not found.reading.lost
