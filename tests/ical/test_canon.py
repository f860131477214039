"""The canonical form: the same for the same, through JSON, through our writer and through foreign ones (SPEC C7)."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from icalendar import Calendar

from ical.canon import canon, digest, item_of
from ical.item import Item
from ical.item_writer import write_item
from ical.reading import Reading, read
from tests.fixtures.soak import SOAK, scale
from tests.ical.hostile import GOOD, HOSTILE, Hostile, calendar, event

STAMP = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
STARTS = [
    "DTSTART;TZID=Europe/Berlin:20260603T180000",
    "DTSTART:20260603T160000Z",
    "DTSTART;VALUE=DATE:20260603",
    "DTSTART;TZID=America/New_York:20261101T013000",
]
RULES = ["", "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=9", "RRULE:WKST=SU;INTERVAL=2;FREQ=DAILY;UNTIL=20270101"]


def items(body: bytes) -> list[Item]:
    found = read(body, "Europe/Berlin")
    assert isinstance(found, Reading)
    return list(found.items)


def as_json_has_it(text: str) -> str:
    """Keys sorted, no white space."""
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@seed(20260606)
@settings(max_examples=scale(2_000), deadline=None, database=None)
@given(st.sampled_from(STARTS), st.sampled_from(RULES), TEXTS, TEXTS, st.booleans(), st.integers(0, 9))
def test_what_is_read_written_and_read_again_is_the_same(
    start: str, rule: str, summary: str, text: str, is_free: bool, sequence: int
) -> None:
    from ical.text import escape

    lines = [
        f"SUMMARY:{escape(summary)}",
        f"DESCRIPTION:{escape(text)}",
        f"SEQUENCE:{sequence}",
        *([rule] if rule else []),
    ]
    lines += ["TRANSP:TRANSPARENT"] if is_free else []
    first = items(calendar(event(*lines, start=start)))[0]
    (second,) = items(write_item(first, STAMP))
    (third,) = items(write_item(second, STAMP + timedelta(days=1)))
    assert canon(third) == canon(second)
    assert canon(first) == as_json_has_it(canon(first))
    assert item_of(canon(first)) == first
    assert canon(item_of(canon(first))) == canon(first)


def test_another_library_that_writes_an_item_anew_changes_no_digest() -> None:
    body = calendar(
        event(
            "RRULE:FREQ=WEEKLY",
            "EXDATE;TZID=Europe/Berlin:20260610T180000",
            "SUMMARY:Grüße\\, " + "x" * 100,
            "DURATION:PT1H",
        ),
        event("RECURRENCE-ID;TZID=Europe/Berlin:20260617T180000", "SUMMARY:moved", start="DTSTART:20260618T080000Z"),
    )
    rewritten = Calendar.from_ical(body).to_ical(sorted=True)
    assert rewritten != body
    assert [digest(item) for item in items(rewritten)] == [digest(item) for item in items(body)]


READ = [case for case in HOSTILE if not case.is_refused]


@pytest.mark.parametrize("case", READ if SOAK else random.Random(20260603).sample(READ, 25), ids=lambda case: case.name)
def test_whatever_was_read_can_be_stored_and_loaded(case: Hostile) -> None:
    for item in items(case.body())[:20]:
        text = canon(item)
        assert item_of(text) == item
        assert canon(item_of(text)) == text == as_json_has_it(text)


def test_sequence_and_our_mark_take_no_part_in_the_digest_and_all_else_does() -> None:
    (item,) = [one for one in items(calendar()) if one.uid == GOOD]
    assert item.master is not None
    assert digest(replace(item, sequence=9, origin="x/1")) == digest(item)
    changes = {
        "summary": "x",
        "location": "x",
        "description": "x",
        "url": "x",
        "is_busy": False,
        "end": item.master.start,
    }
    for name, value in changes.items():
        assert digest(replace(item, master=replace(item.master, **{name: value}))) != digest(item), name


def test_what_was_worked_out_for_an_item_is_not_taken_for_a_changed_one() -> None:
    item = items(calendar(event("SUMMARY:x")))[0]
    text, known = canon(item), digest(item)
    changed = replace(item, uid="other@example.org")
    assert (canon(changed), digest(changed)) != (text, known)
    assert canon(changed) == canon(item_of(canon(changed)))
    assert replace(changed, uid=item.uid) == item
    assert canon(replace(changed, uid=item.uid)) == text
