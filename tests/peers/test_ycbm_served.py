"""The stand-in keeps some neighbour's calendar as well, as the demonstration links it: a file with an ETag (C6)."""

from ical.reading import Reading, read
from platzwart.demo_calendar import PARISH, PARISH_PATH
from platzwart.peers.ycbm import peer_from
from tests.peers.test_ycbm_peer import call

CONFIG = {"account_id": "acc", "api_key": "key", "calendars": {PARISH_PATH: PARISH}}


def test_a_calendar_is_served_as_it_is_and_not_again_to_who_has_it() -> None:
    with peer_from(CONFIG, "127.0.0.1", 0, None) as peer:
        status, headers, text = call(peer, "GET", PARISH_PATH)
        assert (status, headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
        assert text == PARISH.replace("\n", "\r\n")
        again, _, nothing = call(peer, "GET", PARISH_PATH, If_None_Match=headers["ETag"])
        assert (again, nothing) == (304, "")
        assert call(peer, "GET", "/kalender/other.ics")[0] == 404
        assert call(peer, "POST", PARISH_PATH, "")[0] != 200


def test_it_can_be_read_whole() -> None:
    found = read(PARISH.encode(), "Europe/Berlin")
    assert isinstance(found, Reading)
    assert (found.is_whole, found.problems, len(found.items)) == (True, (), 2)
