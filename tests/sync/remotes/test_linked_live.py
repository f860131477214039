"""A link on a live server, through the real client and the real reader: what it costs, and kills (SPEC C6, C10)."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from booking.tables.links import CalendarLink
from booking.values.links import LinkAccess, LinkPolicy, RunOutcome
from booking.values.states import OccupancyKind
from ical.item import Item
from ical.item_writer import write_item
from ical.reading import Reading, read
from sync.many import read_many
from sync.remotes.opening import open_remote
from sync.runner import Engine, run_link
from tests.builders import NOW, ZONE
from tests.fixtures.soak import SOAK
from tests.sync.acting import cancel, move, slot_of, uid_of
from tests.sync.linked import OFFICE, Killed, World, event, world
from tests.sync.remotes.live import LiveServer

HOUR = timedelta(hours=1)
BOUNDARIES = 9
_number = iter(range(1_000))


@dataclass
class Live:
    """The world of a link whose calendar is a live server's."""

    world: World
    server: LiveServer
    name: str

    @property
    def engine(self) -> Engine:
        allowed = frozenset({self.server.netloc})
        return replace(self.world.engine, opener=open_remote, reader=read_many, allow_private=allowed)

    def connect(self, policy: LinkPolicy = LinkPolicy.TWO_WAY) -> None:
        from booking.actions.links import change_link_access

        here = self.world
        here.connect(policy)
        access = LinkAccess(self.server.url(self.name), "u", "p")
        here.write(
            lambda db: change_link_access(
                db, here.now, here.tools, here.ids.organisation_id, OFFICE, here.link_id, access
            )
        )

    def run(self) -> tuple[RunOutcome, int, int, int]:
        """Outcome, writes here, writes there, requests."""
        ran = run_link(self.engine, self.world.link_id)
        assert ran is not None
        return ran.outcome, ran.applied.here, ran.applied.there, ran.requests

    def put(self, item: Item) -> None:
        path = f"{self.server.home}{self.name}/{item.uid}.ics"
        status = self.server.ask("PUT", path, write_item(item, NOW), **{"Content-Type": "text/calendar"})
        assert status in {201, 204}

    def theirs(self) -> dict[str, Item]:
        session = requests.Session()
        session.trust_env = False
        with session:
            body = session.get(self.server.url(self.name), auth=("u", "p"), timeout=60).content
        reading = read(body, ZONE.key) if b"BEGIN:VEVENT" in body else None
        if reading is None:
            return {}
        assert isinstance(reading, Reading)
        assert len({one.uid for one in reading.items}) == len(reading.items)
        return {one.uid: one for one in reading.items}


@pytest.fixture
def live(sqlite_url: str, radicale_server: LiveServer) -> Iterator[Live]:
    name = f"linked-{next(_number)}"
    radicale_server.make(name)
    made = Live(world(sqlite_url), radicale_server, name)
    yield made
    made.world.database.close()


@pytest.mark.rule("C6", "C10")
def test_a_link_with_radicale_agrees_and_then_costs_one_request(live: Live) -> None:
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
def test_what_others_added_to_an_item_of_ours_stays(live: Live) -> None:
    here = live.world
    live.connect(LinkPolicy.EXPORT)
    made = here.book(3)
    live.run()
    uid = uid_of(here, made)
    (href,) = [row.href for row in here.index()]
    body = write_item(live.theirs()[uid], NOW).replace(b"END:VEVENT", b"X-OTHERS-NOTE:stays\r\nEND:VEVENT")
    assert live.server.ask("PUT", href, body, **{"Content-Type": "text/calendar"}) in {201, 204}
    live.run()
    move(here, made, HOUR)
    live.run()
    assert live.theirs()[uid].master.start.instant == slot_of(here, made).start  # type: ignore[union-attr]
    session = requests.Session()
    session.trust_env = False
    with session:
        url = f"http://{live.server.netloc}{href}"
        assert b"X-OTHERS-NOTE:stays" in session.get(url, auth=("u", "p"), timeout=60).content


@pytest.mark.soak
@pytest.mark.rule("C10")
def test_killed_at_any_boundary_on_a_live_server_it_converges(live: Live) -> None:
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
