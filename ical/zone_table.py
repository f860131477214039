"""The VTIMEZONEs of one calendar object that goes to a foreign server, where a series may be in any zone there is.

A feed writes what a yearly rule cannot tell in UTC (`ical.zones`); a series that others own cannot be taken apart, so
its zone is told by a table of its changes instead. Servers and most clients know an Olson name by themselves anyway.
"""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from ical.text import CRLF
from ical.zones import Change, changes_of, keeps_rule, observance, offset_at, vtimezone

EARLIEST, LATEST = 1971, 9990


def described(zone_name: str, years: Iterable[int]) -> bytes:
    """A VTIMEZONE that is right in all these years: the rule where it holds, else a table.

    Raises ZoneInfoNotFoundError (a KeyError) or ValueError on a name that is no zone.
    """
    wanted = {min(max(year, EARLIEST), LATEST) for year in years}
    ruled = vtimezone(zone_name) if all(keeps_rule(zone_name, year) for year in wanted) else None
    return ruled or _table(zone_name, min(wanted), max(wanted))


def _table(zone_name: str, first: int, last: int) -> bytes:
    """One observance for each pair of offsets, its onsets as RDATE; the offset before all of them stands first."""
    zone = ZoneInfo(zone_name)
    start = datetime(first, 1, 1)  # noqa: DTZ001 - naive UTC
    before = offset_at(zone, start)
    groups: dict[tuple[object, object], list[Change]] = {}
    for year in range(first, last + 1):
        for change in changes_of(zone, year):
            groups.setdefault((change.before, change.after), []).append(change)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone_name}"]
    lines += observance("STANDARD", start, (before, before), zone_name, None)
    for changes in groups.values():
        walls = [change.at + change.before for change in changes]
        offsets = changes[0].before, changes[0].after
        dates = CRLF.join(f"RDATE:{wall:%Y%m%dT%H%M%S}" for wall in walls[1:])
        kind = "DAYLIGHT" if offsets[1] > offsets[0] else "STANDARD"
        lines += observance(kind, walls[0], offsets, zone_name, dates or None)
    lines.append("END:VTIMEZONE")
    return "".join(line + CRLF for line in lines).encode()
