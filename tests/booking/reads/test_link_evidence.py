"""What a link finds here of many new items at once (SPEC C6, C7)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from booking.reads import link_evidence
from booking.values.links import LinkPolicy
from tests.builders import NOW
from tests.sync.acting import cancel
from tests.sync.linked import World, world

DAYS = (3, 5, 7)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    made.connect(LinkPolicy.TWO_WAY)
    yield made
    made.database.close()


@pytest.mark.parametrize("further", [0, 1_000])
def test_bookings_that_begin_when_something_new_does_are_found_however_much_is_new(here: World, further: int) -> None:
    first, between, last = (here.book(days) for days in DAYS)
    cancel(here, here.book(6))
    starts = [NOW + timedelta(days=days) for days in (DAYS[0], DAYS[2], 6)]
    starts += [NOW + timedelta(days=2, minutes=number) for number in range(1, further + 1)]
    with here.database.read() as session:
        facts = link_evidence.link_facts(session, here.now, here.link_id)
        every = {one.booking_id: one for one in link_evidence.bookings(session, facts)}
        found = link_evidence.bookings_like(session, facts, [], starts)
        by_uid = link_evidence.bookings_like(session, facts, [every[between.booking_id].uid], starts)
    assert {one.booking_id for one in found} == {first.booking_id, last.booking_id}
    assert {one.booking_id for one in by_uid} == {one.booking_id for one in (first, between, last)}
