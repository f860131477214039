"""Times of foreign components as `Moment`s: which zone is meant, and what stands in for what is missing.

Policy. A wall time in a gap means the moment as long after the gap's start, one in a fold its first run
(`booking.values.clock`). A time without a zone is read in the zone of the series that it belongs to, else of the
calendar; so is one whose zone nobody knows. A time of a zone that only the file itself knows is carried in UTC.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ical.foreign_zones import UTC_ZONE, FeedZones, Zone, known_zone
from ical.item import Moment
from ical.problems import Code
from ical.properties import Raw
from ical.values import day_of, duration_of, wall_of

DAY = timedelta(days=1)
_MIDNIGHT = timedelta(0)


@dataclass(frozen=True, slots=True)
class Note:
    """An assumption that was made, at a line of the component."""

    code: Code
    line: int
    found: str = ""


@dataclass(slots=True)
class Times:
    """Reads times of one file. `notes` collects what it assumed; who reads a component takes them out."""

    zones: FeedZones
    notes: list[Note] = field(default_factory=list)

    def zone_of(self, raw: Raw, default: Zone | None = None) -> Zone:
        """The zone in which a value is written; *default* is for values without one."""
        if raw.value.endswith(("Z", "z", "Z ")):
            return UTC_ZONE
        tzid = raw.parameters.get("TZID", "")
        zone = self.zones.zone(tzid) if tzid else default
        if zone is not None:
            return zone
        if "T" in raw.value.upper():
            self.notes.append(Note(Code.ZONE_UNKNOWN if tzid else Code.FLOATING, raw.line, tzid))
        return default or self.zones.own

    def moment(self, raw: Raw, zone: Zone) -> Moment:
        """A DATE or DATE-TIME. Raises ValueError on what is neither."""
        if len(raw.value) == 15 and zone.observances is None and "VALUE" not in raw.parameters:  # nearly always
            wall = wall_of(raw.value)
            return Moment(wall, zone.name, wall.replace(tzinfo=zone.info or UTC).astimezone(UTC))
        return self.moment_of(raw.value, zone, is_date=raw.parameters.get("VALUE", "") in {"DATE", "date"})

    def moment_of(self, value: str, zone: Zone, *, is_date: bool = False) -> Moment:
        value = value.strip()
        if len(value) == 8 or is_date:
            return self.day(day_of(value[:8]))
        if value.endswith(("Z", "z")):
            wall = wall_of(value[:-1])
            return Moment(wall, "UTC", wall.replace(tzinfo=UTC))
        return self.at(wall_of(value), zone)

    def day(self, midnight: datetime) -> Moment:
        return Moment(midnight, "", self.zones.own.instant(midnight))

    def at(self, wall: datetime, zone: Zone) -> Moment:
        """A wall time in a zone; in UTC where the file's own zone has no namesake that agrees then."""
        if zone.observances is None:
            return Moment(wall, zone.name, wall.replace(tzinfo=zone.info or UTC).astimezone(UTC))
        instant = zone.instant(wall)
        named = known_zone(zone.name)
        if named is not None and named.instant(wall) == instant:
            return Moment(wall, zone.name, instant)
        return Moment(instant.replace(tzinfo=None), "UTC", instant)

    def aligned(self, moment: Moment, start: Moment, line: int) -> Moment:
        """A moment that names an occurrence, in the form of the series' start: a day, or a time in the same zone."""
        if start.is_day != moment.is_day:
            self.notes.append(Note(Code.DATE_AND_TIME, line))
        if start.is_day:
            return moment if moment.is_day else self.day(self._date_of(moment))
        if moment.is_day:
            zone = known_zone(start.zone) or self.zones.own
            return self.at(datetime.combine(moment.wall, start.wall.time()), zone)
        return moment if moment.zone == start.zone else in_zone(moment.instant, start.zone)

    def end(self, raw: Raw | None, length: Raw | None, start: Moment, zone: Zone) -> Moment:
        """The end by DTEND, else by DURATION, else a day for a whole day and nothing for a time.

        Raises ValueError where it cannot be read or lies before the start.
        """
        if raw is not None:
            end = self.moment(raw, self.zone_of(raw, zone))
            return self._checked(self._of_kind(end, start, raw.line), start)
        if length is not None:
            return self._checked(self._after(start, zone, *duration_of(length.value)), start)
        return self.default_end(start)

    def default_end(self, start: Moment) -> Moment:
        return self.day(start.wall + DAY) if start.is_day else start

    def until(self, value: str, start: Moment) -> str:
        """UNTIL in the form of `ical.rules`: a date for whole days, else UTC; a date ends with its last second."""
        zone = known_zone(start.zone) or self.zones.own
        moment = self.moment_of(value, zone)
        if start.is_day:
            return f"{(moment.wall if moment.is_day else self._date_of(moment)):%Y%m%d}"
        if moment.is_day:
            moment = self.at(moment.wall + DAY - timedelta(seconds=1), zone)
        return f"{moment.instant:%Y%m%dT%H%M%SZ}"

    def _date_of(self, moment: Moment) -> datetime:
        """The midnight of the date that is meant: programs write one in UTC as the midnight of their own zone."""
        wall = moment.wall
        if moment.zone == "UTC" and wall.time() != datetime.min.time():
            wall = in_zone(moment.instant, self.zones.own.name).wall
        return datetime.combine(wall, datetime.min.time())

    def _of_kind(self, end: Moment, start: Moment, line: int) -> Moment:
        if end.is_day == start.is_day:
            return end
        self.notes.append(Note(Code.DATE_AND_TIME, line))
        if start.is_day:
            midnight = datetime.combine(end.wall, datetime.min.time())
            return self.day(midnight if midnight == end.wall else midnight + DAY)
        return self.at(end.wall, known_zone(start.zone) or self.zones.own)

    def _after(self, start: Moment, zone: Zone, nominal: timedelta, exact: timedelta) -> Moment:
        """Days by the calendar, then hours by the clock."""
        if start.is_day:
            return self.day(start.wall + nominal + -(-exact // DAY) * DAY)
        later = self.at(start.wall + nominal, zone if start.zone == zone.name else UTC_ZONE) if nominal else start
        return in_zone(later.instant + exact, start.zone) if exact else later

    def _checked(self, end: Moment, start: Moment) -> Moment:
        if start.is_day and end.wall == start.wall:
            return self.day(start.wall + DAY)  # a common mistake for one whole day
        if end.instant >= start.instant:
            return end
        if end.zone == start.zone and end.wall >= start.wall:  # the start was moved out of a gap, past the end
            return in_zone(start.instant + (end.wall - start.wall), start.zone)
        raise ValueError("ends before it starts")


def in_zone(instant: datetime, zone: str) -> Moment:
    """An instant as a wall time of a zone by name."""
    local = instant if zone == "UTC" else instant.astimezone(ZoneInfo(zone))
    return Moment(local.replace(tzinfo=None, fold=0), zone, instant)
