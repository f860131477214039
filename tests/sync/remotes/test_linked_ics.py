"""A link with a calendar at an address, over HTTP and through the real reader: what a bad answer never does (SPEC C9).

vdirsyncer lost 99 of 100 events to a half-empty answer without a word; here each fault has a run of its own, twice
over, far enough apart to prove what is missing, if it proved anything.
"""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import cycle

import pytest

from booking.actions.links import change_link_access
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkStatus, RunOutcome
from booking.values.states import OccupancyKind
from ical.item_writer import write_item
from sync.many import read_many
from sync.remotes.opening import open_remote
from sync.runner import Engine, Ran, run_link
from tests.builders import NOW
from tests.outside.server import Listener, Script, answer, listening
from tests.sync.linked import OFFICE, World, event, world

LATER = timedelta(minutes=16)
MANY = 100
EMPTY = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"
PAGE = b"<!doctype html><html><body>Please log in</body></html>"


def body_of(numbers: list[int]) -> bytes:
    """One calendar with these events, hour after hour from the sixth day on: none of them soon."""
    texts = [write_item(event(f"x{number:03}", 6 + number / 24), NOW).decode() for number in numbers]
    parts = [text[text.index("BEGIN:VEVENT") : text.index("END:VCALENDAR")] for text in texts]
    return EMPTY.replace(b"END:VCALENDAR", "".join(parts).encode() + b"END:VCALENDAR")


WHOLE = body_of(list(range(MANY)))


@dataclass
class Address:
    """A calendar at an address whose server says whatever `script` says by then."""

    world: World
    listener: Listener
    say: Callable[[Script], None]

    @property
    def engine(self) -> Engine:
        allowed = frozenset({self.listener.netloc})
        return replace(self.world.engine, opener=open_remote, reader=read_many, allow_private=allowed)

    def run(self) -> Ran:
        ran = run_link(self.engine, self.world.link_id)
        assert ran is not None
        return ran

    def taken(self) -> int:
        return len(self.world.taken(OccupancyKind.EXTERNAL))


@pytest.fixture
def address(sqlite_url: str) -> Iterator[Address]:
    scripts: list[Script] = [answer(WHOLE)]

    def now_said(peer: socket.socket, asked: bytes) -> None:
        scripts[-1](peer, asked)

    with listening(now_said) as listener:
        here = world(sqlite_url)
        here.connect(LinkPolicy.IMPORT, kind=LinkKind.ICS)
        access = LinkAccess(f"http://{listener.netloc}/s3cret.ics")
        mine = here.ids.organisation_id
        here.write(lambda db: change_link_access(db, here.now, here.tools, mine, OFFICE, here.link_id, access))
        made = Address(here, listener, scripts.append)
        assert made.run().outcome is RunOutcome.DONE
        assert made.taken() == MANY
        yield made
        here.database.close()


def to_a_login(peer: socket.socket, asked: bytes) -> None:
    page = answer(PAGE, "Content-Type: text/html")
    script = page if b" /login " in asked else answer(b"", "Location: /login", status="302 Found")
    script(peer, asked)


BAD: dict[str, tuple[Script, RunOutcome, str]] = {
    "0 bytes": (answer(b""), RunOutcome.INCOMPLETE, "empty"),
    "a page": (answer(PAGE, "Content-Type: text/calendar"), RunOutcome.INCOMPLETE, "no-calendar"),
    "JSON": (answer(b'{"error": "rate limit"}'), RunOutcome.INCOMPLETE, "no-calendar"),
    "half of it": (answer(WHOLE[: len(WHOLE) // 2]), RunOutcome.INCOMPLETE, "cut-off"),
    "all but its end": (answer(WHOLE[:-15]), RunOutcome.INCOMPLETE, "cut-off"),
    "cut on the way": (
        lambda peer, _asked: peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + WHOLE[:9_000]),
        RunOutcome.FAILED,
        "cut-off",
    ),
    "206 with a part": (answer(body_of([0]), status="206 Partial Content"), RunOutcome.INCOMPLETE, "incomplete"),
    "500": (answer(EMPTY, status="500 Oops"), RunOutcome.FAILED, "down"),
    "a login redirect": (to_a_login, RunOutcome.INCOMPLETE, "no-calendar"),
    "no such page": (answer(PAGE, status="404 Not Found"), RunOutcome.FAILED, "gone"),
    "too much": (answer(WHOLE + b"X-A:b\r\n" * 800_000), RunOutcome.FAILED, "too-large"),
    "a bomb": (answer(WHOLE[:-15] + b"BEGIN:A\r\n" * 20), RunOutcome.INCOMPLETE, "too-much"),
}


@pytest.mark.rule("C9", "C12")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_where_a_hundred_were_ends_nothing_however_often_it_comes(address: Address, name: str) -> None:
    script, outcome, problem = BAD[name]
    here = address.world
    address.say(script)
    for _ in range(3):
        here.now += LATER
        ran = address.run()
        assert (ran.outcome, ran.problem, here.link.problem) == (outcome, problem, problem)
        assert ran.applied.here == 0
        assert address.taken() == MANY
    address.say(answer(WHOLE))
    here.now += LATER
    ran = address.run()
    assert (ran.outcome, ran.applied.here, here.link.problem) == (RunOutcome.DONE, 0, "")
    assert (address.taken(), here.link.state, here.cases()) == (MANY, LinkStatus.ACTIVE, {})


@pytest.mark.rule("C9")
@pytest.mark.parametrize(("gone", "ended"), [(1, 1), (19, 19), (20, 20), (21, 0), (99, 0), (100, 0)])
def test_so_many_of_a_hundred_end_by_two_whole_listings_and_more_wait_for_a_person(
    address: Address, gone: int, ended: int
) -> None:
    here = address.world
    address.say(answer(body_of(list(range(gone, MANY)))))
    assert address.run().outcome is RunOutcome.DONE
    assert address.taken() == MANY  # one listing proves nothing
    for _ in range(3):
        here.now += LATER
        address.run()
        assert address.taken() == MANY - ended
    assert here.line.held == gone - ended
    assert ("link-held" in here.cases()) is (ended == 0)
    if not ended:
        assert here.cases()["link-held"]["hold"] == ("EMPTY" if gone == MANY else "SHARE")


@pytest.mark.rule("C9")
def test_an_event_that_never_ends_keeps_its_time_however_often_it_is_read(address: Address) -> None:
    """It is named and in no block of its own, so it is neither read nor missing."""
    here = address.world
    text = body_of(list(range(MANY)))
    start = text.index(b"UID:x007")
    end = text.index(b"END:VEVENT\r\n", start)
    address.say(answer(text[:end] + text[end + len(b"END:VEVENT\r\n") :]))
    for _ in range(3):
        here.now += LATER
        ran = address.run()
        assert ran.applied.here == 0
        assert address.taken() == MANY
    (row,) = [one for one in here.index() if one.uid == "x007"]
    assert row.state == "QUARANTINED"


@pytest.mark.rule("C9", "C10")
def test_a_feed_that_is_broken_each_other_time_is_none_the_less_complete(address: Address) -> None:
    """Good and bad answers by turns: what is gone goes once two good ones say so, and nothing else does."""
    here = address.world
    fewer = answer(body_of(list(range(1, MANY))))
    for script, _ in zip(cycle([fewer, answer(b""), answer(WHOLE[:5_000]), fewer]), range(8), strict=False):
        address.say(script)
        here.now += LATER
        address.run()
    assert address.taken() == MANY - 1
