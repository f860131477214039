"""A link with the address of an account: the only calendar there is taken, of several a person chooses (SPEC C6)."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from booking.actions.links import change_link_access, open_access
from booking.values.links import LinkAccess, LinkPolicy, RunMode, RunOutcome
from sync.remotes.opening import open_remote
from sync.runner import Ran, run_link
from tests.outside.server import answer, listening
from tests.sync.linked import OFFICE, World, read_here, world
from tests.sync.remotes.dav_peer import multistatus, response
from tests.sync.remotes.live import LiveServer, radicale


@dataclass
class Account:
    world: World
    netloc: str

    def connect(self, path: str, policy: LinkPolicy = LinkPolicy.TWO_WAY) -> None:
        here, access = self.world, LinkAccess(f"http://{self.netloc}{path}", "u", "p")
        here.connect(policy)
        mine = here.ids.organisation_id
        here.write(lambda db: change_link_access(db, here.now, here.tools, mine, OFFICE, here.link_id, access))

    def run(self, mode: RunMode = RunMode.NORMAL) -> Ran:
        allowed = frozenset({self.netloc})
        engine = replace(self.world.engine, opener=open_remote, reader=read_here, allow_private=allowed)
        ran = run_link(engine, self.world.link_id, mode)
        assert ran is not None
        return ran

    @property
    def url(self) -> str:
        link = self.world.link
        return open_access(self.world.tools, link.public_id, link.access_cipher, link.access_key_id).url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with radicale(tmp_path_factory.mktemp("radicale")) as found:
        yield found


@pytest.fixture
def account(sqlite_url: str, server: LiveServer) -> Iterator[Account]:
    here = world(sqlite_url)
    yield Account(here, server.netloc)
    for name in ("hall", "small"):
        server.ask("DELETE", f"{server.home}{name}/")
    here.database.close()


@pytest.mark.rule("C6")
@pytest.mark.parametrize("path", ["/", "/u/"])
@pytest.mark.parametrize("mode", [RunMode.NORMAL, RunMode.PLAN])
def test_the_only_calendar_of_an_account_becomes_the_address_of_the_link(
    account: Account, server: LiveServer, path: str, mode: RunMode
) -> None:
    server.make("hall")
    account.connect(path)
    ran = account.run(mode)
    assert (ran.outcome, ran.problem) == (RunOutcome.DONE if mode is RunMode.NORMAL else RunOutcome.PLANNED, "")
    assert account.url == server.url("hall")
    assert account.world.link.address == server.url("hall")
    assert account.world.link.quirks["cursor_kind"] == "TOKEN"
    assert account.run().outcome is RunOutcome.DONE


@pytest.mark.rule("C6")
def test_of_several_calendars_a_person_chooses_and_until_then_the_link_says_what_it_is(
    account: Account, server: LiveServer
) -> None:
    server.make("hall")
    server.make("small")
    account.connect("/")
    for _ in range(2):
        ran = account.run()
        link = account.world.link
        assert (ran.outcome, ran.problem, link.problem) == (RunOutcome.FAILED, "account", "account")
        assert "/u/hall/" in link.detail
        assert {one["url"] for one in link.quirks["calendars"]} == {server.url("hall"), server.url("small")}
    assert account.url == f"http://{server.netloc}/"


@pytest.mark.rule("C6")
def test_an_account_without_a_calendar_says_so(account: Account) -> None:
    account.connect("/u/")
    assert account.run().problem == "account"
    assert "no calendar" in account.world.link.detail


def account_with_what_may_only_be_read(peer: socket.socket, asked: bytes) -> None:
    inside = b"Depth: 1" in asked
    home = "<C:calendar-home-set><href>/</href></C:calendar-home-set>"
    read = "<current-user-privilege-set><privilege><read/></privilege></current-user-privilege-set>"
    calendar = f"<resourcetype><collection/><C:calendar/></resourcetype>{read}"
    rows = [response("/", home), *([response("/b/", calendar)] if inside else [])]
    script = answer(multistatus(*rows), status="207 Multi-Status")
    (script if b" / " in asked else answer(b"", status="503 Busy"))(peer, asked)


@pytest.mark.rule("C6", "C7")
@pytest.mark.parametrize(
    ("policy", "problem", "path"), [(LinkPolicy.TWO_WAY, "account", "/"), (LinkPolicy.IMPORT, "down", "/b/")]
)
def test_a_calendar_that_may_only_be_read_is_none_for_a_link_that_writes(
    sqlite_url: str, policy: LinkPolicy, problem: str, path: str
) -> None:
    with listening(account_with_what_may_only_be_read) as listener:
        account = Account(world(sqlite_url), listener.netloc)
        account.connect("/", policy)
        assert account.run().problem == problem
        assert account.url == f"http://{listener.netloc}{path}"
        account.world.database.close()


@pytest.mark.rule("C6", "C9")
@pytest.mark.parametrize(("status", "problem"), [("404 Not Found", "gone"), ("200 OK", "no-calendar")])
def test_what_leads_to_no_account_is_told_as_before(sqlite_url: str, status: str, problem: str) -> None:
    with listening(answer(b"<html>", status=status)) as listener:
        account = Account(world(sqlite_url), listener.netloc)
        account.connect("/x/")
        assert account.run().problem == problem
        account.world.database.close()
