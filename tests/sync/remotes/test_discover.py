"""From what somebody types to the calendars behind it."""

from collections.abc import Callable

import pytest

from outside.errors import RefusedRedirect, SiteDenied, SiteMissing
from sync.remotes.credentials import Login
from sync.remotes.dav import dav_session
from sync.remotes.dav_discover import Found, discover
from tests.outside.server import Script, answer, by_path, listening
from tests.sync.remotes.dav_peer import HOME, Manners, dav_peer, multistatus, response
from tests.sync.remotes.live import LiveServer

CALENDAR = "<resourcetype><collection/><C:calendar/></resourcetype>"
MULTI = "207 Multi-Status"


def found_at(script: Script, path: str = "/") -> tuple[str, tuple[Found, ...]]:
    with listening(script) as listener, dav_session(frozenset({listener.netloc})) as session:
        origin = f"http://{listener.netloc}"
        return origin, discover(origin + path, Login("u", "p"), session)


@pytest.mark.rule("C6")
@pytest.mark.parametrize("name", ["radicale_server", "xandikos_server"])
def test_the_calendars_of_a_live_server_are_found_from_each_address(name: str, request: pytest.FixtureRequest) -> None:
    server: LiveServer = request.getfixturevalue(name)
    server.make("found")
    with dav_session(frozenset({server.netloc})) as session:
        origin = f"http://{server.netloc}"
        for path in ("/", "", server.home, f"{server.home}found/"):
            found = discover(origin + path, Login("u", "p"), session)
            assert server.url("found") in {calendar.url for calendar in found}, path
            assert all(calendar.is_writable for calendar in found)
        assert [calendar.url for calendar in found] == [server.url("found")]


@pytest.mark.rule("C6")
def test_name_colour_and_rights_are_read_and_what_holds_no_events_is_left_out() -> None:
    only = '<C:supported-calendar-component-set><C:comp name="{}"/></C:supported-calendar-component-set>'
    colour = '<A:calendar-color xmlns:A="http://apple.com/ns/ical/">#FF8800FF</A:calendar-color>'
    read = "<current-user-privilege-set><privilege><read/></privilege></current-user-privilege-set>"
    write = "<current-user-privilege-set><privilege><write-content/></privilege></current-user-privilege-set>"
    home = multistatus(
        response("/", "<C:calendar-home-set><href>/</href></C:calendar-home-set>"),
        response("/b/", f"{CALENDAR}<displayname>Court</displayname>{colour}{read}{only.format('VEVENT')}"),
        response("/a%20b/", f"{CALENDAR}{write}"),
        response("/tasks/", CALENDAR + only.format("VTODO")),
        response("/contacts/", "<resourcetype><collection/></resourcetype>"),
        response("http://elsewhere.example/c/", CALENDAR),
        response("/broken/", status=403),
    )
    origin, found = found_at(answer(home, status=MULTI))
    assert found == (
        Found(f"{origin}/a%20b/", "a b", "", is_writable=True),
        Found(f"{origin}/b/", "Court", "#ff8800", is_writable=False),
    )
    assert origin not in repr(found)


@pytest.mark.rule("C6")
def test_the_way_leads_over_the_well_known_address_and_the_principal() -> None:
    principal = "<current-user-principal><href>/me/</href></current-user-principal>"
    script = by_path(
        **{
            "root": answer(b"<html/>", status="200 OK"),
            ".well-known/caldav": answer(b"", "Location: /dav", status="301 Moved"),
            "dav": answer(multistatus(response("/dav", principal)), status=MULTI),
            "me": answer(
                multistatus(response("/me/", "<C:calendar-home-set><href>/home/</href></C:calendar-home-set>")),
                status=MULTI,
            ),
            "home": answer(multistatus(response("/home/", "<a/>"), response("/home/x/", CALENDAR)), status=MULTI),
        }
    )
    origin, found = found_at(script)
    assert [calendar.url for calendar in found] == [f"{origin}/home/x/"]


@pytest.mark.rule("C6")
@pytest.mark.parametrize("kind", [SiteDenied, SiteMissing, RefusedRedirect])
def test_why_nothing_is_found_is_told(kind: type[Exception]) -> None:
    elsewhere = "<C:calendar-home-set><href>https://elsewhere.example/</href></C:calendar-home-set>"
    scripts: dict[type[Exception], Callable[[], Script]] = {
        SiteDenied: lambda: answer(b"", status="401 Unauthorized"),
        SiteMissing: lambda: answer(b"", status="404 Not Found"),
        RefusedRedirect: lambda: answer(multistatus(response("/", elsewhere)), status=MULTI),
    }
    with pytest.raises(kind):
        found_at(scripts[kind]())


@pytest.mark.rule("C6")
def test_a_collection_that_one_may_only_read_says_so() -> None:
    with dav_peer(Manners(read_only=True)) as peer, dav_session(frozenset({peer.netloc})) as session:
        found = discover(f"http://{peer.netloc}{HOME}", None, session)
        assert found == (Found(peer.url, "Hall & Court", "", is_writable=False),)
