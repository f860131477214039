"""Live servers once per run, and one world of each kind for the contract."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sync.remotes.memory import Manners as MemoryManners
from sync.remotes.memory import MemoryRemote
from sync.remotes.protocol import Quirks
from tests.sync.remotes.dav_peer import Manners
from tests.sync.remotes.live import LiveServer, radicale, xandikos
from tests.sync.remotes.worlds import LiveWorld, MemoryWorld, PeerWorld, World, ics_world, live_world, peer_world
from tests.sync.remotes.ycbm_world import ycbm_world

PEERS = {
    "peer with tokens": Manners(),
    "peer in pages": Manners(page=3),
    "peer with tags": Manners(has_sync=False, rewrites=True),
    "peer without either": Manners(has_sync=False, has_tag=False, etags="weak", etag_on_write=False),
    "peer without guards": Manners(heeds_match=False, heeds_none_match=False, has_multiget=False),
    "peer with odd hrefs": Manners(spells_hrefs="escaped", login=("hall", "wörd:ü"), gzips=True),
    "peer behind a proxy": Manners(spells_hrefs="url", etags="none"),
}
_probed: dict[str, Quirks] = {}  # one probe of each kind is enough for a run
SITES = {"booking site": True, "booking site in pages of ten": False}  # whether it knows the newer query
WRITABLE = ("memory", "memory that names things", "radicale", "xandikos", *PEERS, *SITES)


@pytest.fixture(scope="session")
def radicale_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="session")
def xandikos_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with xandikos(tmp_path_factory.mktemp("xandikos")) as server:
        yield server


def _world(kind: str, stack: ExitStack, request: pytest.FixtureRequest) -> World:
    if kind == "memory":
        return MemoryWorld()
    if kind == "memory that names things":
        return MemoryWorld(MemoryRemote(MemoryManners(names_itself=True)))
    if kind == "ics":
        return stack.enter_context(ics_world())[0]
    if kind in SITES:
        return stack.enter_context(ycbm_world(has_query=SITES[kind]))
    made: PeerWorld | LiveWorld
    if kind in PEERS:
        made = stack.enter_context(peer_world(PEERS[kind], _probed.get(kind)))
    else:
        made = stack.enter_context(live_world(request.getfixturevalue(f"{kind}_server"), _probed.get(kind)))
    _probed[kind] = made.remote.quirks
    return made


@pytest.fixture(params=WRITABLE)
def writable(request: pytest.FixtureRequest) -> Iterator[World]:
    """A calendar that can be written."""
    with ExitStack() as stack:
        yield _world(request.param, stack, request)


@pytest.fixture(params=[*WRITABLE, "ics"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A calendar of any kind."""
    with ExitStack() as stack:
        yield _world(request.param, stack, request)
