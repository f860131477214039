"""An entry to vary, and a strict reader of content lines that shares nothing with the writer."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from booking.values.agenda import AgendaEntry
from booking.values.slot import Slot
from booking.values.states import ItemStatus
from ical.feed import FeedHead

HOST = "hall.example"
START = datetime(2026, 6, 3, 16, 0, tzinfo=UTC)
ENTRY = AgendaEntry(
    uid=UUID("0192f0c1-0000-7000-8000-00000000000a"),
    sequence=3,
    created_at=datetime(2026, 5, 1, 8, 0, 0, 250_000, tzinfo=UTC),
    last_modified=datetime(2026, 5, 2, 9, 30, tzinfo=UTC),
    slot=Slot(START, START + timedelta(hours=1)),
    zone="Europe/Berlin",
    status=ItemStatus.CONFIRMED,
    title="Training",
    party="FC Beispiel",
    room="Halle A",
    location="Kirchstraße 1",
    details="Helle Sohlen",
    url="https://hall.example/b/1",
)

Line = tuple[str, str, str]


def read_lines(body: bytes) -> list[Line]:
    """(name, parameters, raw value) of each content line; asserts the rules of RFC 5545 section 3.1 on the way."""
    assert body.endswith(b"\r\n")
    physical = body[:-2].split(b"\r\n")
    for octets in physical:
        assert len(octets) <= 75
        text = octets.decode("utf-8")  # each piece on its own: nothing is cut inside a sequence
        assert len(text.splitlines()) == 1, octets
        assert re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", text) is None
    logical: list[str] = []
    for octets in physical:
        if octets.startswith(b" "):
            logical[-1] += octets[1:].decode()
        else:
            logical.append(octets.decode())
    return [_split(line) for line in logical]


def _split(line: str) -> Line:
    found = re.fullmatch(r'([A-Z0-9-]+)((?:;[A-Z-]+=(?:"[^"]*"|[^";:,]*))*):(.*)', line)
    assert found is not None, line
    return found[1], found[2], found[3]


def unescape(value: str) -> str:
    assert re.fullmatch(r"(?:[^\\;,]|\\[\\;,n])*", value), value
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)


@pytest.fixture(scope="session")
def make_entry() -> Callable[..., AgendaEntry]:
    def make(**changes: object) -> AgendaEntry:
        return replace(ENTRY, **changes)  # type: ignore[arg-type] # the tests name fields of AgendaEntry

    return make


@pytest.fixture(scope="session")
def read() -> Callable[[bytes], list[Line]]:
    return read_lines


@pytest.fixture(scope="session")
def plain() -> Callable[[str], str]:
    return unescape


@pytest.fixture(scope="session")
def values() -> Callable[[bytes], dict[str, str]]:
    """Unescaped values by property name, of what has each property once."""

    def values_of(body: bytes) -> dict[str, str]:
        lines = [(name, value) for name, _, value in read_lines(body) if name not in {"BEGIN", "END"}]
        assert len({name for name, _ in lines}) == len(lines), lines
        raw = {"DTSTART", "DTEND", "URL", "RRULE"}
        return {name: value if name in raw else unescape(value) for name, value in lines}

    return values_of


@pytest.fixture(scope="session")
def head() -> FeedHead:
    return FeedHead("Halle A", "Alle Zeiten, alle Tage", "#3a7d44", HOST, "Europe/Berlin", timedelta(minutes=90))
