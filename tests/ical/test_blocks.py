"""A body cut into blocks: the same events whatever the line ends, and truncation is never taken for completeness."""

import random
import re

import pytest

from booking.values.refusals import Refused
from ical.blocks import NO_UID, Blocks, _run_of_events, _Scan, selection, split
from ical.limits import LIMITS, Limits
from tests.ical.hostile import calendar, event

ZONE = (
    "BEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
    "TZOFFSETFROM:+0100\nTZOFFSETTO:{}\nEND:STANDARD\nEND:VTIMEZONE\n"
)
BODY = calendar(
    event("SUMMARY:a long one " + "x" * 200, uid="a"),
    event("RECURRENCE-ID:20260603T160000Z", uid="b"),
    event("BEGIN:VALARM", "UID:alarm", "END:VALARM", uid="c"),
    event("RRULE:FREQ=DAILY", uid="b"),
)


def blocks(body: bytes) -> Blocks:
    found = split(body)
    assert isinstance(found, Blocks), found
    return found


def digests(body: bytes) -> dict[str, str]:
    return {block.uid: block.digest for block in blocks(body).events}


def folded(body: bytes, every: int) -> bytes:
    lines = [re.sub(rb"(.{%d})(?=.)" % every, rb"\1\r\n ", line) for line in body.split(b"\r\n")]
    return b"\r\n".join(lines)


def test_events_of_one_uid_are_one_block_wherever_they_stand() -> None:
    found = blocks(BODY)
    assert [(block.uid, len(block.starts)) for block in found.events] == [
        ("a", 1),
        ("b", 2),
        ("c", 1),
        ("good@example.org", 1),
    ]
    first, second = found.events[1].pieces
    assert (b"RECURRENCE-ID" in first, b"RRULE" in second) == (True, True)
    assert second.startswith(b"BEGIN:VEVENT\n")
    assert second.endswith(b"END:VEVENT")
    assert found.is_whole


@pytest.mark.parametrize(
    "changed",
    [
        BODY.replace(b"\r\n", b"\n"),
        BODY.replace(b"\r\n", b"\r"),
        BODY.replace(b"\r\n", b"\r\r\n"),
        b"\xef\xbb\xbf" + BODY,
        folded(BODY, 70),
        folded(BODY, 7).replace(b"\r\n ", b"\r\n\t"),
        BODY.replace(b"DTSTART;", b"DTSTAMP:20260101T000000Z\r\nDTSTART;"),
        BODY.replace(b"DTSTART;", b"dtstamp;X=1:20260101T000000Z\r\nDTSTART;"),
        BODY + b"\r\n\r\n\x00\x1a",
    ],
    ids=[
        "LF",
        "CR",
        "CRCRLF",
        "BOM",
        "folds",
        "tabs, also inside names",
        "a stamp",
        "a stamp in small letters",
        "a tail",
    ],
)
def test_how_a_body_is_written_changes_no_digest(changed: bytes) -> None:
    assert digests(changed) == digests(BODY)
    assert blocks(changed).is_whole


@pytest.mark.rule("C7")
def test_a_changed_event_changes_its_digest_and_no_other() -> None:
    before, after = digests(BODY), digests(BODY.replace(b"a long one", b"a short one"))
    assert {uid for uid in before if before[uid] != after[uid]} == {"a"}


def test_a_changed_zone_of_the_file_changes_every_digest_since_it_says_what_the_times_mean() -> None:
    one, other = (calendar(ZONE.format(offset), event(uid="a")) for offset in ("+0100", "+0200"))
    assert all(digests(one)[uid] != digests(other)[uid] for uid in ("a", "good@example.org"))


def test_an_event_without_a_uid_is_a_block_by_its_content() -> None:
    found = blocks(calendar(event("SUMMARY:1", uid=""), event("SUMMARY:2").replace("UID:bad@example.org\n", "")))
    assert [block.is_nameless for block in found.events] == [True, True, False]
    assert len({block.uid for block in found.events}) == 3
    assert all(block.uid.startswith(NO_UID) for block in found.events[:2])


def test_the_uid_of_an_alarm_is_not_taken_for_that_of_its_event() -> None:
    alarm_first = event().replace("UID:", "BEGIN:VALARM\nUID:alarm\nEND:VALARM\nUID:")
    assert [block.uid for block in blocks(calendar(alarm_first)).events] == ["bad@example.org", "good@example.org"]


@pytest.mark.rule("C9")
def test_a_body_cut_anywhere_is_never_whole() -> None:
    lines = len(BODY.rstrip())
    generator = random.Random(20260603)
    cuts = {*range(lines - 60, lines), *(generator.randrange(20, lines) for _ in range(300))}
    for cut in sorted(cuts):
        found = split(BODY[:cut])
        assert isinstance(found, Refused) or not found.is_whole, cut


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    ("body", "lost"),
    [
        (BODY.replace(b"END:VCALENDAR", b""), ()),
        (calendar(event(uid="x").replace("END:VEVENT\n", "")), ("x",)),
        (BODY + BODY.replace(b"END:VCALENDAR\r\n", b""), ()),
        (calendar("BEGIN:VCALENDAR\n"), ()),
    ],
    ids=["no end", "an event without an end", "a second calendar without an end", "a calendar inside a calendar"],
)
def test_what_is_not_closed_is_told_and_loses_nothing_else(body: bytes, lost: tuple[str, ...]) -> None:
    found = blocks(body)
    assert tuple(part.uid for part in found.broken if part.is_loss) == lost
    assert found.is_whole is bool(lost)  # its UID is known, so that the rest is complete
    assert "good@example.org" in {block.uid for block in found.events}


def test_a_selection_reads_as_the_same_blocks() -> None:
    body = calendar(ZONE.format("+0100"), event(uid="a"), event(uid="b"), head="X-WR-CALNAME:Halle\n")
    whole = blocks(body)
    part = blocks(selection(whole, whole.events[1:2]))
    assert part.events[0]._replace(starts=()) == whole.events[1]._replace(starts=())
    assert (part.head, part.zones) == (whole.head, whole.zones)


def test_lines_are_those_of_the_file_as_it_was_sent() -> None:
    body = folded(BODY, 20)
    found = blocks(body)
    for block in found.events:
        for start in block.starts:
            line = found.lines.number(start)
            assert body.split(b"\r\n")[line - 1] == b"BEGIN:VEVENT"


def test_two_events_are_told_apart_by_their_uid_also_when_it_is_escaped() -> None:
    found = blocks(calendar(event(uid="a\\,b"), event(uid="a\\\\b")))
    assert [block.uid for block in found.events][:2] == ["a,b", "a\\b"]


PIECES = (
    *(b"BEGIN:VEVENT", b"END:VEVENT", b"BEGIN:VCALENDAR", b"END:VCALENDAR", b"begin:vevent", b"End:VEvent"),
    *(b"BEGIN :VEVENT", b"BEGIN:VALARM", b"END:VALARM", b"BEGIN:VTIMEZONE", b"END:VTIMEZONE", b"BEGIN:VTODO"),
    *(b"END:VTODO", b"ENDED:soon", b"UID:other", b" folded", b"", b"X-WR-CALNAME:between"),
)


@pytest.mark.parametrize("seed", range(40))
def test_events_in_a_row_are_found_as_the_walk_through_all_lines_finds_them(seed: int) -> None:
    """Most files are whole events one after the other, and are not looked at line by line."""
    dice = random.Random(seed)
    lines = calendar(*(event("SUMMARY:x", uid=f"u{number}") for number in range(5))).split(b"\r\n")
    in_a_row = 0
    for _ in range(50):
        mangled = list(lines)
        for _ in range(dice.choice([0, 1, 1, 2])):
            place = dice.randrange(len(mangled))
            if dice.random() < 0.5:
                mangled.insert(place, dice.choice(PIECES))
            else:
                mangled[place] = dice.choice([b"", mangled[place].lower(), dice.choice(mangled)])
        body = b"\r\n".join(mangled)
        limits = dice.choice([LIMITS, LIMITS, Limits(components=dice.randrange(8), parts=dice.randrange(9), depth=2)])
        text = b"\n" + body.replace(b"\r\n", b"\n").replace(b"\n ", b"") + b"\n"
        fast, slow = _Scan(text, limits), _Scan(text, limits)
        in_a_row += bool(_run_of_events(text))
        code = fast.run()
        assert code == slow.run(in_a_row=False)
        assert code or fast == slow
    assert in_a_row > 10


def test_an_event_in_small_letters_before_those_in_a_row_is_not_lost() -> None:
    first, others = event(uid="small").lower(), [event(uid="a"), event(uid="b")]
    assert [block.uid for block in blocks(calendar(first, *others)).events][:3] == ["small", "a", "b"]
