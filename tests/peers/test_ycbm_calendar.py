"""Free times as the documentation tells them, and a calendar whose busy times a page does not offer (SPEC Y8)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from outside.errors import SiteDown, SiteMissing, SiteRefused, SiteUnreadable
from outside.http import Fetcher
from outside.ycbm import YcbmClient
from platzwart.peers.ycbm import Page, YcbmPeer, peer_from
from tests.outside.server import answer, listening
from tests.peers.stand_in import client_of
from tests.sync.remotes.live import LiveServer, radicale

HOUR = timedelta(hours=1)
DAY = date(2026, 12, 2)
TEN = datetime(2026, 12, 2, 9, tzinfo=UTC)
EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//t//t//EN
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20261101T000000Z
DTSTART:{start:%Y%m%dT%H%M%SZ}
DTEND:{end:%Y%m%dT%H%M%SZ}
SUMMARY:x
{more}END:VEVENT
END:VCALENDAR
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with radicale(tmp_path_factory.mktemp("radicale")) as found:
        yield found


@pytest.fixture
def calendar(server: LiveServer) -> Iterator[str]:
    server.make("hall")
    yield server.url("hall")
    server.ask("DELETE", f"{server.home}hall/")


def reading(url: str) -> YcbmPeer:
    """A stand-in whose one page reads a calendar; its clock stands."""
    page = Page("prf_a", "Hall", "hall", opens=10, closes=14, calendar=url, calendar_user="u", calendar_password="p")
    peer = YcbmPeer([page])
    peer.world.clock = lambda: datetime(2026, 12, 1, 8, tzinfo=UTC)
    peer.control({"calendar_lag": 0})
    return peer


def event(uid: str, hours: int, more: str = "", length: int = 1) -> bytes:
    start = TEN + hours * HOUR
    text = EVENT.format(uid=uid, start=start, end=start + length * HOUR, more=more)
    return text.replace("\n", "\r\n").encode()


def hours_of(found: frozenset[datetime], day: date = DAY) -> list[int]:
    return sorted(start.hour for start in found if start.date() == day)


def test_free_times_are_told_from_a_day_on_for_a_month(peer: YcbmPeer, client: YcbmClient) -> None:
    intent = client.begin("prf_b")
    first = peer.world.clock().date() + timedelta(days=20)
    found = client.offered(intent, first)
    assert min(found).date() >= first - timedelta(days=1)
    assert timedelta(days=25) < max(found) - min(found) < timedelta(days=32)
    taken = min(found)
    peer.book(taken, taken + HOUR, "prf_b")
    assert client.offered(intent, first) == found - {taken}
    assert taken in client.offered(client.begin("prf_a"), first), "each page has its own"


def test_what_the_site_does_not_know_is_missing(client: YcbmClient) -> None:
    with pytest.raises(SiteMissing):
        client.begin("prf_none")
    with pytest.raises(SiteMissing):
        client.offered("itt_forgotten", DAY)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"key": 7, "slots": []}',
        b'{"key": "k"}',
        b'{"key": "k", "slots": null}',
        b'{"key": "k", "slots": [7]}',
        b'{"key": "k", "slots": [{"startsAt": "soon"}]}',
        b'{"key": "k", "slots": [{"freeUnits": 1}]}',
        b'{"key": "k", "slots": [{"startsAt": "1733130000000"}, {"startsAt": ""}]}',
    ],
)
def test_an_answer_with_anything_unreadable_in_it_proves_nothing(body: bytes) -> None:
    with listening(answer(body)) as listener:
        netloc = f"127.0.0.1:{listener.port}"
        client = YcbmClient(f"http://{netloc}", "acc", "key", Fetcher(frozenset({netloc})).request)
        with pytest.raises(SiteUnreadable):
            client.offered("itt_1", DAY)


@pytest.mark.rule("Y8")
def test_what_is_busy_in_the_calendar_is_not_offered_and_cannot_be_booked(server: LiveServer, calendar: str) -> None:
    with reading(calendar) as peer:
        client = client_of(peer)
        intent = client.begin("prf_a")
        assert hours_of(client.offered(intent, DAY)) == [9, 10, 11, 12]
        server.ask("PUT", "/u/hall/busy.ics", event("busy", 0, "STATUS:TENTATIVE\n"))
        server.ask("PUT", "/u/hall/free.ics", event("free", 1, "TRANSP:TRANSPARENT\n"))
        server.ask("PUT", "/u/hall/off.ics", event("off", 1, "STATUS:CANCELLED\n"))
        assert hours_of(client.offered(intent, DAY)) == [10, 11, 12]
        with pytest.raises(SiteRefused):
            peer_book(client, TEN)
        server.ask("PUT", "/u/hall/weekly.ics", event("weekly", 2, "RRULE:FREQ=DAILY;COUNT=3\n"))
        found = client.offered(intent, DAY)
        assert [hours_of(found, DAY + timedelta(days=n)) for n in range(4)] == [
            [10, 12],
            [9, 10, 12],
            [9, 10, 12],
            [9, 10, 11, 12],
        ]
        server.ask("DELETE", "/u/hall/busy.ics")
        assert 9 in hours_of(client.offered(intent, DAY))


def peer_book(client: YcbmClient, start: datetime) -> None:
    from zoneinfo import ZoneInfo

    from booking.values.slot import Slot

    client.create_block("prf_a", Slot(start, start + HOUR), ZoneInfo("Europe/Berlin"), "Test")


def test_an_address_of_an_ics_file_is_read_as_well(calendar: str) -> None:
    with listening(answer(event("one", 3), "Content-Type: text/calendar")) as listener:
        with reading(f"http://127.0.0.1:{listener.port}/secret.ics") as peer:
            client = client_of(peer)
            assert hours_of(client.offered(client.begin("prf_a"), DAY)) == [9, 10, 11]
        assert listener.requests[0].startswith(b"GET /secret.ics ")


def test_a_calendar_that_cannot_be_read_offers_nothing_and_says_so(server: LiveServer, calendar: str) -> None:
    with reading(f"{calendar}none/") as peer:
        client = client_of(peer)
        with pytest.raises(SiteDown):
            client.offered(client.begin("prf_a"), DAY)
    with reading("http://127.0.0.1:1/x.ics") as peer:
        client = client_of(peer)
        with pytest.raises(SiteDown):
            client.offered(client.begin("prf_a"), DAY)


def test_the_stand_in_reads_calendars_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Page("prf_a", "Hall", "hall", calendar="https://calendar.example/hall/")
    config = {"account_id": "a", "api_key": "k", "profiles": [{"id": "p", "title": "t", "subdomain": "s"}]}
    config["profiles"][0]["calendar"] = "https://calendar.example/hall/"  # type: ignore[index]
    with pytest.raises(ValueError, match="loopback"):
        peer_from(config, "127.0.0.1", 0, None)
    assert "geheim" not in repr(replace(Page("p", "t", "s"), calendar_password="geheim"))
