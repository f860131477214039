"""A house linked to a calendar that a server holds, through the real client and the real reader."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import requests

from booking.actions.links import change_link_access
from booking.values.links import LinkAccess, LinkPolicy, RunOutcome
from ical.item import Item
from ical.item_writer import write_item
from ical.reading import Reading, read
from sync.gathering import Reader
from sync.many import read_many
from sync.remotes.opening import open_remote
from sync.runner import Engine, run_link
from tests.builders import NOW, ZONE
from tests.sync.linked import OFFICE, World, read_here
from tests.sync.remotes.dav_peer import DavPeer
from tests.sync.remotes.live import LiveServer

MOST_RUNS = 5


@dataclass
class Linked:
    """`put` and `theirs`: what somebody else does at the same calendar, and sees there."""

    world: World
    url: str
    netloc: str
    login: tuple[str, str]
    put: Callable[[Item], None]
    theirs: Callable[[], dict[str, Item]]
    reader: Reader = read_many

    @property
    def engine(self) -> Engine:
        allowed = frozenset({self.netloc})
        return replace(self.world.engine, opener=open_remote, reader=self.reader, allow_private=allowed)

    def connect(self, policy: LinkPolicy = LinkPolicy.TWO_WAY) -> None:
        here, access = self.world, LinkAccess(self.url, *self.login)
        here.connect(policy)
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

    def quiet(self) -> int:
        """Run until a run writes nothing. Returns its requests."""
        for _ in range(MOST_RUNS):
            outcome, here, there, asked = self.run()
            if (outcome, here, there) == (RunOutcome.DONE, 0, 0):
                return asked
        raise AssertionError(f"no rest after {MOST_RUNS} runs: {outcome}, {here} here, {there} there")


def on_live(world: World, server: LiveServer, name: str) -> Linked:
    """Linked to a calendar of Radicale or Xandikos."""

    def put(item: Item) -> None:
        path = f"{server.home}{name}/{item.uid}.ics"
        assert server.ask("PUT", path, write_item(item, NOW), **{"Content-Type": "text/calendar"}) in {201, 204}

    def theirs() -> dict[str, Item]:
        session = requests.Session()
        session.trust_env, session.auth = False, ("u", "p")
        with session:
            listing = session.request("PROPFIND", server.url(name), headers={"Depth": "1"}, timeout=60).text
            hrefs = re.findall(r"href>([^<]+\.ics)</", listing)
            found = [session.get(f"http://{server.netloc}{href}", timeout=60) for href in hrefs]
        assert {one.status_code for one in found} <= {200}
        return items_of([one.content for one in found])

    return Linked(world, server.url(name), server.netloc, ("u", "p"), put, theirs)


def on_peer(world: World, peer: DavPeer) -> Linked:
    """Linked to a scripted server. What it holds is ours, so no child is started to read it."""

    def put(item: Item) -> None:
        peer.write(f"{item.uid}.ics", write_item(item, NOW))

    def theirs() -> dict[str, Item]:
        with peer.lock:
            return items_of([item.body for item in peer.items.values() if item.body is not None])

    return Linked(world, peer.url, peer.netloc, peer.manners.login or ("u", "p"), put, theirs, read_here)


def items_of(bodies: list[bytes]) -> dict[str, Item]:
    """By UID; there is never a second one of the same."""
    found: dict[str, Item] = {}
    for body in bodies:
        reading = read(body, ZONE.key)
        assert isinstance(reading, Reading)
        for one in reading.items:
            assert one.uid not in found
            found[one.uid] = one
    return found
