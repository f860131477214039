"""A run tells how far it is, and comes to the end of what it tells."""

from dataclasses import replace
from math import ceil

from booking.values.links import LinkPolicy
from sync.applying import MOST_ITEMS
from sync.gathering import FETCH
from sync.progress import Stage
from sync.runner import run_link
from tests.sync.linked import event, world

MANY = 600
"""More than one batch is read, and more than one chunk applied."""


def test_a_run_tells_each_batch_of_what_it_reads_and_applies(sqlite_url: str) -> None:
    here = world(sqlite_url)
    here.connect(LinkPolicy.IMPORT)
    for number in range(MANY):
        here.put(event(f"x{number}", 5 + number / 4, hours=1))
    told: list[tuple[Stage, int, int]] = []
    ran = run_link(replace(here.engine, progress=lambda *one: told.append(one)), here.link_id)
    assert ran is not None
    assert ran.applied.here == MANY
    for stage, size in ((Stage.READ, FETCH), (Stage.APPLY, MOST_ITEMS)):
        steps = [more for one, more, _ in told if one is stage]
        assert (len(steps), sum(steps)) == (ceil(MANY / size), MANY)
    assert {total for _, _, total in told} == {MANY}
    here.database.close()
