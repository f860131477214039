"""What is read of an answer, and what is not taken for more than it is (SPEC C9, C10)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from booking.actions.links import unlink
from booking.values.links import LinkPolicy
from booking.values.states import OccupancyKind
from ical.item_writer import write_item
from sync.foreign_item import BROKEN, SEVERAL
from tests.sync.acting import move, uid_of
from tests.sync.linked import OFFICE, World, event, world

HOUR = timedelta(hours=1)
LATER = timedelta(minutes=16)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def two_in_one(here: World) -> bytes:
    first, second = (write_item(event(uid, 5), here.now) for uid in ("x1", "x2"))
    inner = second[second.index(b"BEGIN:VEVENT") : second.index(b"END:VCALENDAR")]
    return first.replace(b"END:VCALENDAR", inner + b"END:VCALENDAR")


@pytest.mark.rule("C9")
@pytest.mark.parametrize("policy", [LinkPolicy.IMPORT, LinkPolicy.TWO_WAY])
def test_a_resource_that_becomes_two_events_is_taken_for_neither_and_keeps_its_time(
    here: World, policy: LinkPolicy
) -> None:
    here.connect(policy)
    href = here.put(event("x1", 4))
    here.settle()
    body = two_in_one(here)
    here.remote.edit(href, body)
    for _ in range(3):
        here.run()
        here.now += LATER
    (row,) = here.index()
    assert (row.state, row.problem) == ("QUARANTINED", SEVERAL)
    assert len(here.taken(OccupancyKind.EXTERNAL, OccupancyKind.CLOSURE)) == 1
    assert here.remote.bodies[href] == body


@pytest.mark.rule("C9", "C10")
def test_an_item_of_which_a_part_cannot_be_read_is_never_written_over(here: World) -> None:
    """Writing the half that was understood would be a loss of the other half there."""
    made = here.book(3)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid = uid_of(here, made)
    href = here.their_href(uid)
    whole = here.remote.bodies[href]
    broken = whole.replace(b"END:VEVENT", b"RDATE:20261208T180000Z,soon\r\nRRULE:FREQ=DAILY;FOO=1\r\nEND:VEVENT")
    here.remote.edit(href, broken)
    here.run()
    move(here, made, HOUR)
    for _ in range(2):
        here.run()
        here.now += LATER
    assert here.remote.bodies[href] == broken
    (row,) = here.index()
    assert (row.state, row.problem) == ("QUARANTINED", BROKEN)
    here.remote.edit(href, whole)
    here.settle()
    assert here.remote.bodies[href] != whole  # it is at the time of now


@pytest.mark.rule("C9")
def test_a_link_that_only_reads_takes_what_can_be_read_of_an_item(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    body = write_item(event("x1", 4), here.now).replace(b"END:VEVENT", b"RDATE:soon\r\nEND:VEVENT")
    here.remote.edit(here.remote.href_for("x1"), body)
    here.settle()
    assert len(here.taken(OccupancyKind.EXTERNAL)) == 1


@pytest.mark.rule("C10", "C11")
def test_what_a_link_of_before_had_written_is_known_again_by_the_next_whatever_its_number(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    first, theirs = here.link_id, here.remote
    made = here.book(3)
    here.settle()
    here.remote = type(theirs)()
    here.connect(LinkPolicy.EXPORT, name="Between")  # so that the number of the first is not given again
    mine = here.ids.organisation_id
    here.write(lambda db: unlink(db, here.now, mine, OFFICE, first, removes=False))
    here.remote = theirs
    here.connect(LinkPolicy.TWO_WAY, name="Again")
    assert here.link_id != first
    here.run()
    here.assert_quiet()
    assert set(here.theirs()) == {uid_of(here, made)}
    move(here, made, HOUR)
    here.settle()
    (item,) = here.theirs().values()
    assert item.origin == f"{here.house.host_id}/{here.link_id}"


@pytest.mark.rule("C10")
def test_what_a_link_that_lives_had_written_is_none_of_the_others(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    made = here.book(3)
    here.settle()
    before = dict(here.remote.bodies)
    here.connect(LinkPolicy.TWO_WAY, name="Second")
    for _ in range(2):
        here.run()
    assert here.remote.bodies == before
    assert {row.problem for row in here.index()} == {"IGNORED_OWN"}
    assert [one.uid for one in here.theirs().values()] == [uid_of(here, made)]
