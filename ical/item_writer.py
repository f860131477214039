"""An item as one calendar object for a CalDAV server (RFC 5545, RFC 4791 section 4.1; SPEC C6, C7).

Nothing personal is written but what the item's details hold. What a program of others had added to the object stays
(`ical.previous`).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from booking.values.clock import instant_of, require_utc
from ical.basic import basic
from ical.feed import PRODUCT
from ical.item import Details, Item, Moment
from ical.lines import normal
from ical.previous import (
    OWNED_BY_CALENDAR,
    Component,
    all_lines,
    kept_lines,
    name_of,
    parsed,
    text_of,
    zone_named,
)
from ical.text import CRLF, escape, fold, uri
from ical.times import is_repeated, utc_text
from ical.zone_table import EARLIEST, LATEST, described

ORIGIN = "X-PLATZWART-ORIGIN"
OPEN_END_YEARS = 15
_RULE = re.compile(r"[A-Z0-9=;,+-]+")
_UNTIL = re.compile(r"UNTIL=(\d{4})")


class NothingToWriteError(ValueError):
    """The item has neither a master nor an override. A mistake of the caller; trying again does not help."""

    def __init__(self, uid: str) -> None:
        super().__init__("an item without a component cannot be written")
        self.uid = uid


def write_item(item: Item, stamp: datetime, previous: bytes | None = None) -> bytes:
    """The VCALENDAR of an item, without METHOD: the same bytes for the same arguments.

    `stamp` (aware) becomes DTSTAMP and LAST-MODIFIED. `previous` is the object as the server has it: its properties and
    components that are none of ours stay, and an override that is new takes over those of the master. Times stay in
    their zones, but for single ones in an hour that is run through twice, which are written in UTC. Raises
    NothingToWriteError, ValueError on a naive stamp or on what is no rule, ZoneInfoNotFoundError on what is no zone.
    """
    if item.master is None and not item.overrides:
        raise NothingToWriteError(item.uid)
    old = (parsed(previous) if previous is not None else None) or Component("VCALENDAR")
    writer = _Writer(item, utc_text(stamp), _Times(_series_zone(item)))
    events = _old_events(old, item.uid, writer.times.zone)
    parts = [] if item.master is None else [writer.component(item.master, None, events.get(""))]
    parts += [
        writer.component(details, key, events.get(key) or events.get(""))
        for key, details in sorted(item.overrides.items())
    ]
    kept = [part for part in old.parts if part.name not in {"VEVENT", "VTIMEZONE"}]
    lines = [line for line in old.lines if name_of(line) not in OWNED_BY_CALENDAR]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", *map(fold, lines)]
    foreign = _foreign_zones(old, [*parts, *kept], set(writer.times.years))
    zones = [described(name, years).decode() for name, years in sorted(writer.times.years.items())]
    body = "".join([*zones, *map(text_of, [*foreign, *parts, *kept])])
    return ("".join(line + CRLF for line in head) + body + "END:VCALENDAR\r\n").encode()


@dataclass(slots=True)
class _Times:
    """Writes moments, and notes for which years which zone has to be described.

    `zone` is that of the series' wall times: an Olson name, "UTC", or "" where it is of whole days.
    """

    zone: str
    years: dict[str, set[int]] = field(default_factory=dict)

    def sure(self, names: Iterable[str], moments: Iterable[Moment]) -> list[str]:
        """Moments that belong together: days, wall times where all of them are sure, else UTC."""
        pairs = list(zip(names, moments, strict=True))
        if any(_is_unsure(one) for _, one in pairs):
            return [self._day_or_utc(name, one) for name, one in pairs]
        return [self._local(name, one.instant.astimezone(ZoneInfo(one.zone)), one.zone) for name, one in pairs]

    def in_series(self, name: str, moment: Moment) -> str:
        """A moment of a series: in the zone and of the type that all of its times have."""
        if moment.is_day or self.zone in {"", "UTC"}:
            return self._day_or_utc(name, moment)
        return self._local(name, moment.wall if _tells(moment, self.zone) else self._wall(moment), self.zone)

    def _wall(self, moment: Moment) -> datetime:
        return moment.instant.astimezone(ZoneInfo(self.zone))

    def _day_or_utc(self, name: str, moment: Moment) -> str:
        if moment.is_day:
            return f"{name};VALUE=DATE:{basic(moment.wall)[:8]}"
        return f"{name}:{utc_text(moment.instant)}"

    def _local(self, name: str, wall: datetime, zone: str) -> str:
        self.years.setdefault(zone, set()).add(wall.year)
        return f"{name};TZID={zone}:{basic(wall)}"


@dataclass(slots=True)
class _Writer:
    item: Item
    stamp: str
    times: _Times

    def component(self, details: Details, key: str | None, old: Component | None) -> Component:
        """The VEVENT of the master (`key` None), or of the override with this key."""
        lines = [f"UID:{escape(self.item.uid)}", f"DTSTAMP:{self.stamp}", f"LAST-MODIFIED:{self.stamp}"]
        lines.append(f"SEQUENCE:{self.item.sequence}")
        lines += self._repetition(details) if key is None else self._exception(details, key)
        texts = (("SUMMARY", details.summary), ("LOCATION", details.location), ("DESCRIPTION", details.description))
        lines += [_text_line(name, text, old) for name, text in texts if text]
        lines += [f"URL:{uri(details.url)}"] if details.url else []
        transparency = "OPAQUE" if details.is_busy else "TRANSPARENT"
        lines += [f"STATUS:{details.status}", f"TRANSP:{transparency}"]
        lines += [f"{ORIGIN}:{escape(self.item.origin)}"] if self.item.origin is not None else []
        if old is not None:
            lines += kept_lines(old, _difference(details, transparency, old))
        return Component("VEVENT", lines, list(old.parts) if old is not None else [])

    def _repetition(self, details: Details) -> list[str]:
        recurrence = self.item.recurrence
        if recurrence is None:
            return self.times.sure(*_ends(details))
        if _RULE.fullmatch(recurrence.rule) is None and recurrence.rule:
            raise ValueError("a rule is made of capitals, digits and separators")
        self._note_years(details.start, recurrence.rule)
        lines = [self.times.in_series(name, moment) for name, moment in zip(*_ends(details), strict=True)]
        lines += [f"RRULE:{recurrence.rule}"] if recurrence.rule else []
        lines += [self._of_series("RDATE", moment) for moment in _sorted(recurrence.added)]
        return lines + [self._of_series("EXDATE", moment) for moment in _sorted(recurrence.left_out)]

    def _exception(self, details: Details, key: str) -> list[str]:
        if len(key) == len("20260101"):
            return [f"RECURRENCE-ID;VALUE=DATE:{key}", *self.times.sure(*_ends(details))]
        instant = datetime.strptime(key, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        original = self._of_series("RECURRENCE-ID", Moment(instant, "UTC", instant))
        return [original, *self.times.sure(*_ends(details))]

    def _of_series(self, name: str, moment: Moment) -> str:
        """As the master has it: a wall time that clocks skip is named as planned, not as it turned out."""
        master = self.item.master
        if master is None or moment.is_day or self.times.zone in {"", "UTC"}:
            return self.times.in_series(name, moment)
        wall = _planned(moment.instant, master.start.wall.time(), self.times.zone)
        return self.times.in_series(name, Moment(wall, self.times.zone, moment.instant))

    def _note_years(self, start: Moment, rule: str) -> None:
        """A series' zone is described for all the years in which it repeats, with one to spare at both ends."""
        if self.times.zone not in {"", "UTC"}:
            until = _UNTIL.search(rule)
            last = int(until[1]) if until else start.wall.year + OPEN_END_YEARS
            last = min(last, start.wall.year + OPEN_END_YEARS)
            self.times.years.setdefault(self.times.zone, set()).update(range(start.wall.year - 1, last + 2))


def _is_unsure(moment: Moment) -> bool:
    """Whether a moment has no wall time, or one that not all readers take for the same instant."""
    if moment.is_day or moment.zone == "UTC" or not EARLIEST <= moment.instant.year <= LATEST:
        return True
    return is_repeated(moment.instant, moment.zone)


def _series_zone(item: Item) -> str:
    details = item.master or next(iter(item.overrides.values()))
    return details.start.zone


def _ends(details: Details) -> tuple[list[str], list[Moment]]:
    """The properties to write; an event without a length has no DTEND (section 3.6.1)."""
    if details.end.instant > details.start.instant or (details.end.is_day and details.end.wall > details.start.wall):
        return ["DTSTART", "DTEND"], [details.start, details.end]
    return ["DTSTART"], [details.start]


def _sorted(moments: Iterable[Moment]) -> list[Moment]:
    return sorted({moment.key: moment for moment in moments}.values(), key=lambda moment: moment.key)


def _tells(moment: Moment, zone: str) -> bool:
    """Whether the moment's wall time, in this zone, means its instant to every reader of RFC 5545 section 3.3.5."""
    return moment.zone == zone and _meaning(moment.wall, zone) == require_utc(moment.instant)


def _planned(instant: datetime, usual: time, zone: str) -> datetime:
    """The wall time of an occurrence: at the usual time where that means the instant, else what clocks show."""
    there = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    planned = datetime.combine(there.date(), usual)
    return planned if _meaning(planned, zone) == instant else there


def _meaning(wall: datetime, zone: str) -> datetime:
    return instant_of(wall.date(), wall.time(), ZoneInfo(zone))


def _text_line(name: str, text: str, old: Component | None) -> str:
    """The line as it was where it says the same, with its parameters; else a new one."""
    line = old.line(name) if old is not None else None
    if old is not None and line is not None and old.text(name) == normal(text):
        return line
    return f"{name}:{escape(text)}"


def _difference(details: Details, transparency: str, old: Component) -> Callable[[str], bool]:
    ours = {
        "DESCRIPTION": normal(details.description),
        "LOCATION": normal(details.location),
        "STATUS": str(details.status),
        "TRANSP": transparency,
    }
    is_day = "T" not in old.text("DTSTART")

    def is_changed(name: str) -> bool:
        return is_day != details.start.is_day if name == "DTSTART" else ours[name] != old.text(name)

    return is_changed


def _old_events(old: Component, uid: str, zone: str) -> dict[str, Component]:
    """The events of this UID by the key of their RECURRENCE-ID; the master's is ""."""
    events = [part for part in old.parts if part.name == "VEVENT" and part.text("UID") == normal(uid)]
    return {_key(event, zone): event for event in reversed(events)}


def _key(event: Component, zone: str) -> str:
    line, value = event.line("RECURRENCE-ID"), event.text("RECURRENCE-ID")
    if line is None or "T" not in value:
        return value
    try:
        wall = datetime.strptime(value.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - the zone follows
        if value.endswith("Z"):
            return value
        return f"{_meaning(wall, _known(zone_named(line)) or _known(zone) or 'UTC'):%Y%m%dT%H%M%SZ}"
    except (ValueError, OverflowError):
        return value


def _known(name: str) -> str:
    """The name where it is a zone's, else ""."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        return ""


def _foreign_zones(old: Component, parts: Iterable[Component], ours: set[str]) -> list[Component]:
    """The old VTIMEZONEs that what is kept refers to, and that we do not describe ourselves."""
    wanted = {zone_named(line) for line in all_lines(parts)} - ours
    return [part for part in old.parts if part.name == "VTIMEZONE" and part.text("TZID") in wanted]
