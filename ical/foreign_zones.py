"""Which zone a foreign TZID means. Each file is read on its own: nothing that one feed defines is seen by another.

In this order: a name of the tz database (also behind a vendor's path, as in /example.org/Europe/Berlin), a name of
Windows, an offset (GMT+0100), and last the file's own VTIMEZONE: by its offsets, and named by the zone of the tz
database that has the same ones from 2024 to 2030, if there is one. A known name wins over the file's own definition.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ical.limits import LIMITS
from ical.observances import Observances, location_of, observances_of, tzid_of
from ical.values import offset_of

# One zone for each set of offsets that is in force in these years, but for whole hours, which Etc has.
_KNOWN = (
    *("Europe/Berlin", "Europe/London", "Europe/Athens", "Europe/Chisinau", "America/New_York", "America/Chicago"),
    *("America/Denver", "America/Los_Angeles", "America/Anchorage", "America/Adak", "America/Halifax"),
    *("America/St_Johns", "America/Santiago", "America/Havana", "America/Nuuk", "America/Miquelon"),
    *("America/Scoresbysund", "Atlantic/Azores", "Africa/Cairo", "Africa/Casablanca", "Asia/Jerusalem", "Asia/Gaza"),
    *("Asia/Tehran", "Asia/Kabul", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Yangon", "Australia/Eucla"),
    *("Australia/Adelaide", "Australia/Darwin", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland"),
    *("Pacific/Chatham", "Pacific/Marquesas", "Pacific/Norfolk", "Pacific/Easter"),
)
_SAMPLES = tuple(datetime(year, month, day) for year in range(2024, 2031) for month in range(1, 13) for day in (1, 15))  # noqa: DTZ001 - naive UTC
_UTC_NAMES = frozenset(
    [
        *("UTC", "UCT", "GMT", "Z", "ZULU", "UNIVERSAL", "GMT0"),
        *("ETC/UTC", "ETC/UCT", "ETC/GMT", "ETC/ZULU", "ETC/UNIVERSAL", "ETC/GMT0"),
    ]
)
_NO_ZONES = frozenset(["localtime", "posixrules", "Factory"])
_OFFSET_NAME = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?")
_HOUR = timedelta(hours=1)
_USUAL = 4_000
"""Definitions of at most so many bytes are remembered: servers send one with each event."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone to read times in. `name` is one of the tz database, "UTC", or "" where only `observances` know it."""

    name: str
    info: ZoneInfo | None = None
    observances: Observances | None = None

    def instant(self, wall: datetime) -> datetime:
        """The instant of a naive wall time: the moment as long after a gap's start, the first of a fold."""
        if self.observances is not None:
            return self.observances.instant(wall)
        return wall.replace(tzinfo=self.info or UTC).astimezone(UTC)


UTC_ZONE = Zone("UTC")


@dataclass(slots=True)
class FeedZones:
    """The zones of one file. `found` tells for each TZID as it is written what it was taken for; None is unknown."""

    own: Zone
    components: Mapping[str, bytes]
    most: int = LIMITS.zones
    found: dict[str, Zone | None] = field(default_factory=dict)
    _defined: int = 0

    def zone(self, tzid: str) -> Zone | None:
        if tzid not in self.found:
            self.found[tzid] = self._resolve(tzid) if len(self.found) < 10 * self.most else None
        return self.found[tzid]

    def _resolve(self, tzid: str) -> Zone | None:
        known = known_zone(tzid)
        component = self.components.get(tzid)
        if known is not None or component is None or self._defined >= self.most:
            return known
        self._defined += 1
        return (_usual_zone if len(component) <= _USUAL else _defined_zone)(component, self.own.name)


def feed_zones(own: str, components: tuple[bytes, ...], most: int = LIMITS.zones) -> FeedZones:
    """The zones of a file with these VTIMEZONEs, in a calendar whose own zone has this name.

    Raises ValueError where that is no zone. Of two definitions of one TZID the last counts.
    """
    zone = known_zone(own)
    if zone is None:
        raise ValueError(f"no such zone: {own!r}")
    named = {(_usual_tzid if len(one) <= _USUAL else tzid_of)(one): one for one in components}
    return FeedZones(zone, named, most)


def _defined_zone(component: bytes, own: str) -> Zone | None:
    """What a VTIMEZONE says, for a calendar whose own zone has this name."""
    try:
        observances = observances_of(component)
    except (ValueError, OverflowError):
        return known_zone(location_of(component))
    name = _named(observances, [own, location_of(component)])
    return Zone(name, ZoneInfo(name) if name and name != "UTC" else None, observances)


# by each of its bytes: another definition is another zone
_usual_tzid = lru_cache(maxsize=64)(tzid_of)
_usual_zone = lru_cache(maxsize=64)(_defined_zone)


@lru_cache(maxsize=1024)
def known_zone(tzid: str) -> Zone | None:
    """The zone that a TZID names by itself, or None."""
    name = tzid.strip().strip('"')
    if name.upper() in _UTC_NAMES:
        return UTC_ZONE
    if not 0 < len(name) <= 100:
        return None
    return _olson(name) or _vendor(name) or _offset(name) or _windows(name)


def _olson(name: str) -> Zone | None:
    if name.startswith(("right/", "posix/")) or name in _NO_ZONES:
        return None
    try:
        return Zone(name, ZoneInfo(name))
    except (KeyError, ValueError, OSError):  # not there, no name of a zone, a folder
        return None


def _vendor(name: str) -> Zone | None:
    """/freeassociation.sourceforge.net/Tzfile/America/Argentina/Buenos_Aires and the like."""
    parts = name.split("/")
    tails = ["/".join(parts[-count:]) for count in (3, 2) if len(parts) > count]
    return next((zone for tail in tails if (zone := _olson(tail)) is not None), None)


def _offset(name: str) -> Zone | None:
    found = _OFFSET_NAME.fullmatch(name.replace(" ", ""))
    if found is None:
        return None
    try:
        fixed = fixed_zone(offset_of(f"{found[1]}{found[2]:0>2}{found[3] or '00'}"))
    except ValueError:
        return None
    return UTC_ZONE if fixed == "UTC" else _olson(fixed) if fixed else None


def fixed_zone(offset: timedelta) -> str:
    """The name of the zone that always has this offset, or empty where Etc has none."""
    hours, rest = divmod(offset, _HOUR)
    if rest or not -12 <= hours <= 14:
        return ""
    return f"Etc/GMT{-hours:+}" if hours else "UTC"


@lru_cache(maxsize=1)
def _windows_names() -> Mapping[str, str]:
    # Loaded when first needed: icalendar takes longer to import than all the rest of the reading.
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    return {name.casefold(): olson for name, olson in WINDOWS_TO_OLSON.items()}


def _windows(name: str) -> Zone | None:
    if "/" in name or "time" not in name.casefold():
        return None  # every name in the table ends in "Standard Time", but for UTC's
    olson = _windows_names().get(name.casefold())
    return _olson(olson) if olson else None


def _named(observances: Observances, first: list[str]) -> str:
    """The zone of the tz database with the same offsets in the sampled years, those in *first* preferred; or empty."""
    begins = observances.onsets[0].at
    samples = [at for at in (*_SAMPLES, *_around(observances)) if at >= begins]
    if not samples:
        return ""
    wanted = [(at.replace(tzinfo=UTC), observances.offset_at(at)) for at in samples]
    offsets = {offset for _, offset in wanted}
    fixed = fixed_zone(next(iter(offsets))) if len(offsets) == 1 else ""
    for name in (*first, fixed, *_KNOWN):
        if name and _agrees(name, wanted):
            return name
    return ""


def _around(observances: Observances) -> list[datetime]:
    """The hour before and the moment of each change in the sampled years."""
    years = range(_SAMPLES[0].year, _SAMPLES[-1].year + 1)
    changes = [onset.at for onset in observances.onsets if onset.at.year in years]
    return [moment for at in changes for moment in (at - _HOUR, at)]


def _agrees(name: str, wanted: list[tuple[datetime, timedelta]]) -> bool:
    zone = known_zone(name)
    if zone is None:
        return False
    return all(at.astimezone(zone.info or UTC).utcoffset() == offset for at, offset in wanted)
