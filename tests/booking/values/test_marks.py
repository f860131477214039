"""A mark proves one block, at one place and time, to who has the key."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from booking.values.marks import block_mark, is_good_mark, named_in
from booking.values.slot import Slot

KEY, SITE, OURS = b"a key", UUID(int=1), UUID(int=2)
START = datetime(2026, 12, 4, 17, tzinfo=UTC)
SLOT = Slot(START, START + timedelta(hours=2))
MARK = block_mark(KEY, SITE, "prf_hall", SLOT, OURS)


@pytest.mark.rule("Y8")
def test_a_mark_names_its_subject_and_is_good_where_it_was_made_for() -> None:
    assert named_in(MARK) == OURS
    assert is_good_mark(KEY, SITE, "prf_hall", SLOT, MARK)


@pytest.mark.rule("Y8")
@pytest.mark.parametrize(
    ("key", "site", "page", "slot"),
    [
        (b"another", SITE, "prf_hall", SLOT),
        (KEY, UUID(int=3), "prf_hall", SLOT),
        (KEY, SITE, "prf_left", SLOT),
        (KEY, SITE, "prf_hall", replace(SLOT, start=START + timedelta(hours=1))),
        (KEY, SITE, "prf_hall", replace(SLOT, end=START + timedelta(hours=1))),
    ],
    ids=["key", "connection", "page", "start", "end"],
)
def test_a_mark_is_good_nowhere_else(key: bytes, site: UUID, page: str, slot: Slot) -> None:
    assert not is_good_mark(key, site, page, slot, MARK)


@pytest.mark.rule("Y8")
@pytest.mark.parametrize(
    "mark",
    ["", "PLATZWART", str(OURS), OURS.hex, f"{OURS.hex}.", f"{OURS.hex}.{'0' * 32}", f"{UUID(int=9).hex}{MARK[32:]}"],
)
def test_what_anybody_can_type_is_no_mark(mark: str) -> None:
    assert not is_good_mark(KEY, SITE, "prf_hall", SLOT, mark)


def test_without_a_key_there_are_no_marks() -> None:
    with pytest.raises(ValueError, match="key"):
        block_mark(b"", SITE, "prf_hall", SLOT, OURS)
