"""Good links beside all kinds of bad ones: each bad one costs its own turn, says what is wrong, and nothing else."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select

from booking.actions.audit import Actor
from booking.actions.links import make_link
from booking.reads.links import due_links, links_of
from booking.tables.bookings import Occupancy
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkSettings, RunOutcome
from booking.values.states import OccupancyKind
from outside.http import Limits
from sync.remotes import dav, ics
from tests.builders import slot_in
from tests.fixtures.mail import SmtpSink
from tests.fixtures.processes import free_port
from tests.ical.hostile import HOSTILE
from tests.outside.server import Listener, Script, answer, dripping, listening
from tests.outside.test_ssrf import certificate_for
from tests.sync.remotes.live import LiveServer, radicale
from tests.sync.remotes.test_hostile import gzip_bomb, laughs
from tests.sync.remotes.worlds import event
from tests.workers.conftest import Works, make_works
from workers.context import clock
from workers.links import run_due

OFFICE = Actor("Frau Office", None, "test")
PAGE = b"<!doctype html><html><body>Please log in</body></html>"
DEEP = next(one for one in HOSTILE if one.name == "depth 200,000")
BUSY = next(one for one in HOSTILE if one.name == "every second since 1970")
XML = "Content-Type: application/xml"
ICS, DAV = LinkKind.ICS, LinkKind.CALDAV
BAD: dict[str, tuple[LinkKind, Script, str]] = {
    "empty": (ICS, answer(b""), "empty"),
    "a page": (ICS, answer(PAGE), "no-calendar"),
    "truncated": (ICS, answer(event("x1")[:-30]), "cut-off"),
    "huge": (ICS, answer(gzip_bomb(100_000_000), "Content-Encoding: gzip"), "too-large"),
    "hostile": (ICS, answer(DEEP.body()), "too-much"),
    "slow": (ICS, dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"B"), "too-slow"),
    "no HTTP": (ICS, lambda peer, _asked: peer.sendall(b"SSH-2.0-OpenSSH\r\n"), "unreadable"),
    "denied": (ICS, answer(PAGE, status="401 Unauthorized"), "auth"),
    "missing": (ICS, answer(PAGE, status="404 Not Found"), "gone"),
    "broken": (ICS, answer(PAGE, status="500 Oops"), "down"),
    "overrun": (ICS, answer(PAGE, "Retry-After: 99", status="429 Too Many"), "throttled"),
    "an XML bomb": (DAV, answer(laughs(10), XML, status="207 Multi-Status"), "too-much"),
    "elsewhere": (DAV, answer(b"", "Location: https://example.org/dav/", status="301 Moved"), "redirected"),
}


@dataclass
class House:
    works: Works
    links: dict[str, int]
    inside: Listener

    def connect(self, name: str, kind: LinkKind, url: str) -> None:
        policy = LinkPolicy.TWO_WAY if name == "good server" else LinkPolicy.IMPORT
        wanted = LinkSettings(name, kind, self.works.ids.hall, policy)
        context, mine = self.works.context, self.works.ids.organisation_id
        access = LinkAccess(url, "u", "p") if kind is DAV else LinkAccess(url)
        made = context.database.write(lambda db: make_link(db, clock(), context.tools, mine, OFFICE, wanted, access))
        assert isinstance(made, UUID), made
        with context.database.read() as session:
            self.links[name] = next(one.link_id for one in links_of(session) if one.name == name)

    def run_all(self) -> dict[str, tuple[RunOutcome, str]]:
        """Each link that is due in its turn, as the worker's jobs do."""
        names = {link_id: name for name, link_id in self.links.items()}
        with self.works.context.database.read() as session:
            due = due_links(session, clock())
        last = {names[link_id]: run_due(self.works.context, link_id)[-1] for link_id in due}
        return {name: (ran.outcome, ran.problem) for name, ran in last.items()}


@pytest.fixture
def house(
    sqlite_url: str,
    smtp_sink: SmtpSink,
    traveller: time_machine.Traveller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[House]:
    quick = Limits(seconds=0.5, longest=0.5)
    monkeypatch.setattr(ics, "LIMITS", quick)
    monkeypatch.setattr(dav, "LIMITS", quick)
    (tmp_path / "tls").mkdir()
    _, tls = certificate_for("studio.example.org", tmp_path / "tls")
    with ExitStack() as stack:
        (tmp_path / "radicale").mkdir()
        good = stack.enter_context(radicale(tmp_path / "radicale"))
        good.make("hall")
        served = {name: stack.enter_context(listening(script)) for name, (_, script, _) in BAD.items()}
        feed = stack.enter_context(listening(answer(event("fine"))))
        busy = stack.enter_context(listening(answer(BUSY.body())))
        secure = stack.enter_context(listening(answer(event("x")), tls))
        inside = stack.enter_context(listening(answer(event("secret"))))
        nobody = f"127.0.0.1:{free_port()}"
        allowed = [one.netloc for one in (*served.values(), feed, busy, secure)] + [good.netloc, nobody]
        given = {"ALLOW_PRIVATE_HOSTS": ",".join(allowed), "DATA_DIR": str(tmp_path)}
        works = make_works(sqlite_url, smtp_sink, traveller, "redis://127.0.0.1:1/0", **given)
        made = House(works, {}, inside)
        for name, (kind, _, _) in BAD.items():
            made.connect(name, kind, f"http://{served[name].netloc}/")
        made.connect("inside", ICS, f"https://127.0.0.1:{inside.port}/")
        made.connect("private", ICS, "https://127.0.0.1/")
        made.connect("certificate", ICS, f"https://{secure.netloc}/")
        made.connect("nobody", ICS, f"http://{nobody}/")
        made.connect("every second", ICS, f"http://{busy.netloc}/")
        made.connect("good feed", ICS, f"http://{feed.netloc}/")
        made.connect("good server", DAV, _of(good))
        yield made
        works.context.database.close()


def _of(server: LiveServer) -> str:
    return server.url("hall")


@pytest.mark.rule("C9", "C10", "C12")
def test_good_links_work_beside_bad_ones_and_each_of_those_says_what_is_wrong(house: House) -> None:
    works = house.works
    works.request(slot_in(10, 18, 20))
    expected = {name: problem for name, (_, _, problem) in BAD.items()}
    expected |= {
        "inside": "unfit-address",
        "private": "refused-address",
        "certificate": "certificate",
        "nobody": "unreachable",
    }
    for _ in range(2):
        begun = time.monotonic()
        told = house.run_all()
        assert time.monotonic() - begun < 40
        for name in ("good feed", "good server", "every second"):
            assert told.pop(name) == (RunOutcome.DONE, "")
        assert {name: problem for name, (_, problem) in told.items()} == {name: expected[name] for name in told}
        assert {outcome for outcome, _ in told.values()} == {RunOutcome.FAILED}
        works.later(timedelta(minutes=11))
    assert house.inside.connections == 0
    with works.context.database.read() as session:
        lines = {one.name: one for one in links_of(session)}
        kinds = set(session.scalars(select(Occupancy.kind)))
    assert {name: lines[name].problem for name in expected} == expected
    assert (lines["good feed"].imported, lines["good server"].items) == (1, 1)
    assert lines["every second"].items == 2  # what is good in it is known, and the other, too
    assert kinds == {OccupancyKind.BOOKING, OccupancyKind.EXTERNAL}
