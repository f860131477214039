"""A link on a live server, through the real client and the real reader: what it costs, and kills (SPEC C6, C10)."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from booking.tables.links import CalendarLink
from booking.values.links import LinkPolicy, RunOutcome
from booking.values.states import OccupancyKind
from ical.item_writer import write_item
from tests.builders import NOW
from tests.fixtures.soak import SOAK
from tests.sync.acting import cancel, move, slot_of, uid_of
from tests.sync.linked import Killed, event, world
from tests.sync.remotes.linked_remote import Linked, on_live
from tests.sync.remotes.live import LiveServer

HOUR = timedelta(hours=1)
BOUNDARIES = 9
_number = iter(range(1_000))


@pytest.fixture(params=["radicale", "xandikos"])
def live(sqlite_url: str, request: pytest.FixtureRequest) -> Iterator[Linked]:
    server: LiveServer = request.getfixturevalue(f"{request.param}_server")
    name = f"linked-{next(_number)}"
    server.make(name)
    made = on_live(world(sqlite_url), server, name)
    yield made
    made.world.database.close()


@pytest.mark.rule("C6", "C10")
def test_a_link_with_a_live_server_agrees_and_then_costs_one_request(live: Linked) -> None:
    here = live.world
    live.connect()
    made, other = here.book(3), here.book(4)
    live.put(event("x1", 6, 2, "Wartung"))
    assert live.run()[:3] == (RunOutcome.DONE, 1, 2)
    assert live.run() == (RunOutcome.DONE, 0, 0, 1)
    assert len(here.taken(OccupancyKind.CLOSURE)) == 1
    assert set(live.theirs()) == {"x1", uid_of(here, made), uid_of(here, other)}
    move(here, made, HOUR)
    cancel(here, other)
    outcome, _, there, asked = live.run()
    assert (outcome, there) == (RunOutcome.DONE, 2)
    assert asked <= 6  # changes, the former version, two writes, reading back
    live.run()  # the server tells of our own writes
    assert live.run() == (RunOutcome.DONE, 0, 0, 1)
    assert live.theirs()[uid_of(here, made)].master.start.instant == slot_of(here, made).start  # type: ignore[union-attr]
    assert here.link.quirks["cursor_kind"] == "TOKEN"


@pytest.mark.rule("C7")
def test_what_others_added_to_an_item_of_ours_stays(live: Linked) -> None:
    here = live.world
    live.connect(LinkPolicy.EXPORT)
    made = here.book(3)
    live.run()
    uid = uid_of(here, made)
    (href,) = [row.href for row in here.index()]
    body = write_item(live.theirs()[uid], NOW).replace(b"END:VEVENT", b"X-OTHERS-NOTE:stays\r\nEND:VEVENT")
    assert _asked("PUT", live, href, body).status_code in {201, 204}
    live.run()
    move(here, made, HOUR)
    live.run()
    assert live.theirs()[uid].master.start.instant == slot_of(here, made).start  # type: ignore[union-attr]
    assert b"X-OTHERS-NOTE:stays" in _asked("GET", live, href).content


def _asked(method: str, live: Linked, href: str, body: bytes = b"") -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    with session:
        url, headers = f"http://{live.netloc}{href}", {"Content-Type": "text/calendar"} if body else {}
        return session.request(method, url, data=body, headers=headers, auth=live.login, timeout=60)


@pytest.mark.soak
@pytest.mark.rule("C10")
def test_killed_at_any_boundary_on_a_live_server_it_converges(live: Linked) -> None:
    here = live.world
    live.connect()
    live.run()
    for after in range(BOUNDARIES) if SOAK else random.Random(3).sample(range(BOUNDARIES), 2):
        day = 3 + after * 3
        stays, ends = here.book(day), here.book(day + 1)
        live.run()
        move(here, stays, HOUR)
        cancel(here, ends)
        new = here.book(day + 2)
        live.put(event(f"x{after}", day + 2.2))
        here.kill_at = after % 7
        with pytest.raises(Killed):
            live.run()
        here.kill_at = None
        here.now += timedelta(minutes=2)
        for _ in range(2):
            assert live.run()[0] is RunOutcome.DONE
        assert live.run() == (RunOutcome.DONE, 0, 0, 1)
        theirs = live.theirs()
        assert {uid_of(here, stays), uid_of(here, new), f"x{after}"} <= set(theirs)
        assert uid_of(here, ends) not in theirs
        assert theirs[uid_of(here, stays)].master.start.instant == slot_of(here, stays).start  # type: ignore[union-attr]
        assert len(here.imported()) == len([uid for uid in theirs if uid.startswith("x")])
    (link,) = here.rows(select(CalendarLink))
    assert link.failures == 0
