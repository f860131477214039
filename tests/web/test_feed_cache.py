"""What a calendar holds after any changes is what it would hold if it were made anew."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from web.feed_cache import FEW, HELD_BYTES, Calendar, Held

BASE = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def held(item_id: int, rng: random.Random) -> Held:
    start = BASE + rng.randrange(50) * HOUR
    text = b"x" * rng.randrange(40)
    return Held(order=(start, item_id), fragment=text, zones=frozenset(), until=start + HOUR, modified=start)


@pytest.mark.parametrize("most", [3, 2 * FEW], ids=["few at a time", "many at a time"])
def test_items_put_in_their_places_stand_as_if_all_were_sorted(most: int) -> None:
    rng, calendar = random.Random(most), Calendar()
    for _ in range(60):
        new = {item_id: held(item_id, rng) for item_id in rng.sample(range(3 * FEW), rng.randint(0, most))}
        there = [item_id for item_id in calendar.held if item_id not in new]
        gone = rng.sample(there, min(len(there), rng.randint(0, most)))
        expected = {item_id: one for item_id, one in (calendar.held | new).items() if item_id not in gone}
        calendar.change(new, gone)
        assert calendar.held == expected
        assert calendar.ordered == sorted(expected.values(), key=lambda one: one.order)
        assert calendar.size == HELD_BYTES + sum(len(one.fragment) + HELD_BYTES for one in expected.values())


def test_an_item_is_shown_as_it_is_until_it_leaves_or_turns() -> None:
    for until, turns, ends in [
        (None, None, None),
        (BASE, None, BASE),
        (BASE, BASE - HOUR, BASE - HOUR),
        (BASE, BASE + HOUR, BASE),
    ]:
        assert Held((), b"", frozenset(), until, BASE, turns).ends == ends
