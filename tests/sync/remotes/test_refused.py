"""A server that does not hand out some of its items: those wait, and the others come (SPEC C10)."""

from dataclasses import replace

import pytest

from outside.errors import SiteError
from sync.remotes.caldav import MOST_REFUSED
from sync.remotes.protocol import CursorKind, Quirks
from tests.sync.remotes.dav_peer import Manners
from tests.sync.remotes.worlds import PeerWorld, peer_world

TOKENS = Quirks(cursor_kind=CursorKind.TOKEN, etag_on_write=True)


def fill(world: PeerWorld, number: int) -> None:
    for index in range(number):
        world.put(f"uid-{index}", f"Court {index}")


@pytest.mark.rule("C10")
@pytest.mark.parametrize("status", [400, 403, 500])
@pytest.mark.parametrize("has_multiget", [True, False])
def test_an_item_that_the_server_does_not_hand_out_stops_no_other(status: int, has_multiget: bool) -> None:
    quirks = TOKENS if has_multiget else replace(TOKENS, most_at_once=1)
    with peer_world(Manners(refuses={"uid-1.ics": status}, has_multiget=has_multiget), quirks) as world:
        fill(world, 4)
        found = world.remote.fetch([world.remote.href_for(f"uid-{index}") for index in range(4)])
        assert [(one.href[-9:], one.is_refused, bool(one.body)) for one in found] == [
            (f"uid-{index}.ics", index == 1, index != 1) for index in range(4)
        ]


@pytest.mark.rule("C9", "C10")
@pytest.mark.parametrize(("status", "count"), [(403, MOST_REFUSED + 1), (401, 1), (429, 1), (503, 1)])
def test_a_server_that_hands_out_nothing_is_what_fails(status: int, count: int) -> None:
    names = {f"uid-{index}.ics": status for index in range(count)}
    with peer_world(Manners(refuses=names), TOKENS) as world:
        fill(world, 10)
        hrefs = [world.remote.href_for(f"uid-{index}") for index in range(10)]
        with pytest.raises(SiteError):
            world.remote.fetch(hrefs)


@pytest.mark.rule("C10")
def test_an_item_that_breaks_a_multiget_is_found_by_halves() -> None:
    with peer_world(Manners(multiget_breaks_at=frozenset({"uid-37.ics"})), TOKENS) as world:
        fill(world, 100)
        found = world.remote.fetch([world.remote.href_for(f"uid-{index}") for index in range(100)])
        assert len(found) == 100
        assert all(one.body for one in found)  # by itself it is handed out
        assert world.peer.count("REPORT") <= 2 * 7 + 1
        assert world.peer.count("GET") == 1
