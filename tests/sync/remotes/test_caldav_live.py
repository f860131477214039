"""What a run costs on servers as people have them."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from outside.http import GuardedSession, Limits
from sync.remotes.caldav import CalDavRemote
from sync.remotes.credentials import Login
from sync.remotes.dav import dav_session
from sync.remotes.protocol import CursorKind, Quirks, WriteOutcome
from tests.fixtures.soak import scale
from tests.sync.remotes.live import LiveServer
from tests.sync.remotes.worlds import LIMITS, event

TOKENS = Quirks(cursor_kind=CursorKind.TOKEN, etag_on_write=True)


@dataclass
class Meter:
    """Counts each answer on its way through the session, and the time that the server took for it."""

    methods: list[str] = field(default_factory=list)
    down: int = 0
    waited: float = 0.0

    def on(self, session: GuardedSession) -> None:
        session.hooks["response"].append(self.count)

    def count(self, answer: requests.Response, **_options: Any) -> None:
        self.methods.append(str(answer.request.method))
        self.down += len(answer.content) + sum(len(name) + len(value) + 4 for name, value in answer.headers.items())
        self.waited += answer.elapsed.total_seconds()


def whole_calendar(number: int) -> bytes:
    events = b"".join(
        event(f"uid-{index}").partition(b"BEGIN:VEVENT")[2].partition(b"END:VCALENDAR")[0].join([b"BEGIN:VEVENT", b""])
        for index in range(number)
    )
    return b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + events + b"END:VCALENDAR\r\n"


@pytest.mark.soak
@pytest.mark.rule("C6")
def test_no_change_costs_one_small_request_however_much_is_there(radicale_server: LiveServer) -> None:
    number, patient = scale(5_000), Limits(body=10_000_000, seconds=120)
    body = whole_calendar(number)
    assert radicale_server.ask("PUT", "/u/large/", body, **{"Content-Type": "text/calendar"}) == 201
    with dav_session(frozenset({radicale_server.netloc}), patient) as session:
        remote = CalDavRemote(radicale_server.url("large"), Login("u", "p"), session=session, quirks=TOKENS)
        first = remote.changes(None)
        assert len(first.there) == number
        meter = Meter()
        meter.on(session)
        again = remote.changes(first.cursor)
        assert (again.is_delta, again.is_whole, again.there, again.gone) == (True, True, (), ())
        assert meter.methods == ["REPORT"]
        assert meter.down < 4_000
        meter.methods.clear()
        assert len(remote.fetch([listed.href for listed in first.there])) == number
        assert meter.methods == ["REPORT"] * -(-number // 100)


@pytest.mark.rule("C6")
@pytest.mark.parametrize("name", ["radicale_server", "xandikos_server"])
def test_ten_changes_and_ten_deletions_cost_22_requests(name: str, request: pytest.FixtureRequest) -> None:
    server: LiveServer = request.getfixturevalue(name)
    server.make("twenty")
    with dav_session(frozenset({server.netloc}), LIMITS) as session:
        remote = CalDavRemote(server.url("twenty"), Login("u", "p"), session=session, quirks=TOKENS)

        def push(index: int) -> WriteOutcome:
            return remote.create(remote.href_for(f"uid-{index}"), event(f"uid-{index}")).outcome

        with ThreadPoolExecutor(remote.parallel) as pool:
            assert set(pool.map(push, range(30))) == {WriteOutcome.DONE}
        before = remote.changes(None)
        etags = {listed.href: listed.etag for listed in before.there}
        meter = Meter()
        meter.on(session)
        for index in range(10):
            href = remote.href_for(f"uid-{index}")
            assert remote.update(href, event(f"uid-{index}", "Moved"), etags[href]).outcome is WriteOutcome.DONE
        for index in range(10, 20):
            href = remote.href_for(f"uid-{index}")
            assert remote.delete(href, etags[href]).outcome is WriteOutcome.DONE
        after = remote.changes(before.cursor)
        assert {listed.href for listed in after.there} == {remote.href_for(f"uid-{index}") for index in range(10)}
        assert set(after.gone) == {remote.href_for(f"uid-{index}") for index in range(10, 20)}
        assert len(remote.fetch([listed.href for listed in after.there])) == 10
        assert len(meter.methods) == 22


@pytest.mark.rule("C6")
def test_our_own_time_for_a_write_is_a_few_milliseconds(radicale_server: LiveServer) -> None:
    """For each of them vdirsyncer takes about 50 ms on this server, 16 of them its own."""
    radicale_server.make("pushed")
    number = 60
    with dav_session(frozenset({radicale_server.netloc}), LIMITS) as session:
        remote = CalDavRemote(radicale_server.url("pushed"), Login("u", "p"), session=session, quirks=TOKENS)
        begun = time.process_time()
        for index in range(number):
            remote.create(remote.href_for(f"uid-{index}"), event(f"uid-{index}"))
        own = time.process_time() - begun
    assert own / number < 0.008
