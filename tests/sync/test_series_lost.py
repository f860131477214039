"""A series of which some dates cannot be known never frees one that was known (SPEC C9)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from booking.values.links import LinkPolicy, RunOutcome
from booking.values.states import OccupancyKind
from ical.item import Recurrence
from ical.item_writer import write_item
from tests.sync.linked import World, event, world

WEEKLY = "FREQ=WEEKLY;COUNT=4"
LOST = ("X-FOO=1", "INTERVAL=0", "BYDAY=", "UNTIL=")
KINDS = (OccupancyKind.EXTERNAL, OccupancyKind.CLOSURE)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def put_series(here: World, rule: str, days: float = 4, summary: str = "Probe") -> str:
    """A series that somebody writes with this rule, whatever it says."""
    item = replace(event("x1", days, summary=summary), recurrence=Recurrence(WEEKLY))
    href = here.remote.href_for("x1")
    here.remote.edit(href, write_item(item, here.now).replace(f"RRULE:{WEEKLY}".encode(), rule.encode()))
    return href


@pytest.mark.rule("C9")
@pytest.mark.parametrize("policy", [LinkPolicy.IMPORT, LinkPolicy.IMPORT_BUSY])
@pytest.mark.parametrize("rule", [*(f"RRULE:{WEEKLY};{lost}" for lost in LOST), "RRULE:FREQ=MINUTELY;INTERVAL=90"])
def test_a_rule_that_cannot_be_read_any_more_frees_nothing_and_is_shown(
    here: World, policy: LinkPolicy, rule: str
) -> None:
    here.connect(policy)
    put_series(here, f"RRULE:{WEEKLY}")
    here.settle()
    before = here.taken(*KINDS)
    assert len(before) == 4
    put_series(here, rule)
    for _ in range(2):
        assert here.run().outcome is RunOutcome.DONE
        assert here.taken(*KINDS) == before
    (row,) = here.index()
    assert (row.state, row.problem != "") == ("QUARANTINED", True)
    put_series(here, "RRULE:FREQ=WEEKLY;COUNT=2")
    here.run()
    assert here.taken(*KINDS) == before[:2]
    (row,) = here.index()
    assert (row.state, row.problem) == ("ACTIVE", "")
    here.assert_quiet()


@pytest.mark.rule("C9", "C14")
def test_what_can_be_read_of_a_new_series_takes_its_time_and_the_row_says_what_is_missing(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    put_series(here, "RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=5")
    for _ in range(2):
        assert here.run().outcome is RunOutcome.DONE
        assert len(here.taken(*KINDS)) == 1
        (row,) = here.index()
        assert (row.state, row.problem) == ("ACTIVE", "rule-too-often")
    here.remote.forget()  # all is listed anew, and nothing of it has changed
    here.run()
    (row,) = here.index()
    assert row.problem == "rule-too-often"
    put_series(here, f"RRULE:{WEEKLY}")
    here.run()
    assert len(here.taken(*KINDS)) == 4
    (row,) = here.index()
    assert row.problem == ""


@pytest.mark.rule("C9", "C12")
def test_a_series_that_becomes_too_long_to_follow_keeps_the_dates_that_were_known(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    put_series(here, f"RRULE:{WEEKLY}", days=40)
    here.settle()
    before = here.taken(*KINDS)
    put_series(here, "RRULE:FREQ=HOURLY", days=4)
    here.run()
    assert here.taken(*KINDS) == before
    (row,) = here.index()
    assert (row.state, row.problem) == ("QUARANTINED", "series-too-many")


@pytest.mark.rule("C12")
@pytest.mark.parametrize("count", [1, 3])
def test_a_new_series_that_is_too_long_to_follow_is_shown_as_such(here: World, count: int) -> None:
    here.connect(LinkPolicy.IMPORT)
    for number in range(1, count):  # alone it is brought alone, among others with them
        here.put(event(f"y{number}", 60 + number))
    put_series(here, "RRULE:FREQ=HOURLY")
    here.run()
    (row,) = [row for row in here.index() if row.uid == "x1"]
    assert row.problem == "series-too-many"
    assert len(here.taken(*KINDS)) == count  # of it what is certain: its first date
