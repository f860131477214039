"""The lock's own list of codes, read from CSV with a preview of what would happen (SPEC S1, X7). Pure: bytes in.

Columns *code*, *from*, *until* by their German or English heads, or in this order without a head; separated by
semicolon, comma or tab; UTF-8, UTF-16 with a byte order mark, else Windows-1252. Dates are `2026-12-05 18:00`, RFC 3339
with offset, `05.12.2026 18:00`, `5.12.26, 18 Uhr`; a date alone means that whole local day. Until is exclusive.
"""

import codecs
import csv
import io
import re
from bisect import bisect, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from booking.rules.doorcodes import LockFormat, is_accepted
from booking.values.clock import DAY, instant_of, is_in_gap, within_reach
from booking.values.slot import Slot

MOST_BYTES = 2_000_000
MOST_ROWS = 50_000
HEADS = {
    "code": {"code", "codes", "pin", "zugangscode", "türcode", "zahlencode"},
    "from": {"from", "von", "ab", "start", "beginn", "gültig ab", "gültig von", "valid from"},
    "until": {"until", "bis", "to", "end", "ende", "gültig bis", "valid until", "valid to"},
}
ORDER = ("code", "from", "until")
_CLOCK = r"(?:[T ,]+(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?(?::(?P<second>\d{2}))?(?: ?Uhr)?)?"
_GERMAN = re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4}|\d{2})" + _CLOCK)
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})" + _CLOCK)


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code that can be taken over, and the line of the file that it stands in (from 1). The code is a secret."""

    line: int
    code: str = field(repr=False)
    window: Slot


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line is not taken over; line 0 means the file. Never holds a code."""

    line: int
    code: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    rows: tuple[CodeRow, ...]
    problems: tuple[Problem, ...]


def read_codes_csv(body: bytes, zone: ZoneInfo, lock: LockFormat | None = None) -> Preview:
    """What an import of these bytes would take over, and what not and why.

    too-large           the file has too many bytes or rows    unreadable    no text, or broken quotes
    missing-column      a head, or a cell of a line            empty         nothing in it
    bad-time            no date that is understood             no-such-time  the clock skips this time on that day
    until-before-from   the window is empty                    bad-format    the lock refuses such a code
    duplicate           the same code twice at one time
    """
    if len(body) > MOST_BYTES:
        return Preview((), (Problem(0, "too-large"),))
    try:
        lines = list(_cells(_text(body)))
    except (UnicodeError, csv.Error):
        return Preview((), (Problem(0, "unreadable"),))
    if not lines or len(lines) > MOST_ROWS:
        return Preview((), (Problem(0, "too-large" if lines else "empty"),))
    places = _places(lines[0][1])
    if places is None:
        missing = next(name for name in ORDER if _place_of(name, lines[0][1]) is None)
        return Preview((), (Problem(lines[0][0], "missing-column", missing),))
    first = 0 if _is_headless(lines[0][1]) else 1
    return _without_duplicates([_row(line, cells, places, zone, lock) for line, cells in lines[first:]])


def _text(body: bytes) -> str:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp1252")
    if "\0" in text:
        raise UnicodeError("a NUL is no text")
    return text


def _cells(text: str) -> Iterable[tuple[int, list[str]]]:
    """The lines that are not blank, with their number; the separator is the one that the first of them has most of."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(";\t,", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, [_plain(cell) for cell in cells]


def _plain(cell: str) -> str:
    """The cell without what a spreadsheet puts around a number to keep its leading zero."""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").strip()


def _place_of(name: str, head: Sequence[str]) -> int | None:
    return next((place for place, cell in enumerate(head) if cell.casefold() in HEADS[name]), None)


def _is_headless(cells: Sequence[str]) -> bool:
    return len(cells) >= len(ORDER) and bool(_GERMAN.fullmatch(cells[1]) or _ISO.match(cells[1]))


def _places(first: Sequence[str]) -> dict[str, int] | None:
    if _is_headless(first):
        return {name: place for place, name in enumerate(ORDER)}
    places = {name: place for name in ORDER if (place := _place_of(name, first)) is not None}
    return places if len(places) == len(ORDER) else None


def _row(
    line: int, cells: Sequence[str], places: dict[str, int], zone: ZoneInfo, lock: LockFormat | None
) -> CodeRow | Problem:
    found = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
    missing = next((name for name, cell in found.items() if not cell), None)
    if missing:
        return Problem(line, "missing-column", missing)
    if lock and not is_accepted(found["code"], lock):
        return Problem(line, "bad-format", "code")
    start = _instant(found["from"], zone, whole_day_ends=False)
    end = _instant(found["until"], zone, whole_day_ends=True)
    for name, instant in (("from", start), ("until", end)):
        if isinstance(instant, str):
            return Problem(line, instant, name)
    if isinstance(start, str) or isinstance(end, str) or start >= end:
        return Problem(line, "until-before-from", "until")
    return CodeRow(line, found["code"], Slot(start, end))


def _instant(text: str, zone: ZoneInfo, *, whole_day_ends: bool) -> datetime | str:
    """The instant that a cell means, or the code of its problem."""
    try:
        exact = within_reach(datetime.fromisoformat(text))
    except ValueError:
        exact = None
    if exact is not None and exact.tzinfo is not None:
        return exact.astimezone(UTC)
    match = _ISO.fullmatch(text) or _GERMAN.fullmatch(text)
    return _local(match, zone, whole_day_ends=whole_day_ends) if match else "bad-time"


def _local(match: re.Match[str], zone: ZoneInfo, *, whole_day_ends: bool) -> datetime | str:
    part = {name: int(digits) for name, digits in match.groupdict().items() if digits is not None}
    year = part["year"] + (2000 if part["year"] < 100 else 0)
    at_midnight = part.get("hour") == 24 and not part.get("minute")
    try:
        day = within_reach(date(year, part["month"], part["day"]))
        wall = time(0 if at_midnight else part.get("hour", 0), part.get("minute", 0), part.get("second", 0))
        if at_midnight or ("hour" not in part and whole_day_ends):
            day += DAY
        return "no-such-time" if is_in_gap(day, wall, zone) else instant_of(day, wall, zone)
    except (ValueError, OverflowError):
        return "bad-time"


def _without_duplicates(read: Iterable[CodeRow | Problem]) -> Preview:
    """The first of two equal codes stays; which one the lock means cannot be told from the list."""
    windows: dict[str, list[Slot]] = {}
    rows: list[CodeRow] = []
    problems: list[Problem] = []
    for row in read:
        if isinstance(row, Problem):
            problems.append(row)
        elif _is_among(row.window, windows.setdefault(row.code, [])):
            problems.append(Problem(row.line, "duplicate", "code"))
        else:
            insort(windows[row.code], row.window)
            rows.append(row)
    return Preview(tuple(rows), tuple(problems))


def _is_among(window: Slot, disjoint: Sequence[Slot]) -> bool:
    """Whether the window overlaps one of sorted ones that do not overlap each other: only its neighbours can."""
    place = bisect(disjoint, window)
    return any(window.overlaps(other) for other in disjoint[max(0, place - 1) : place + 1])
