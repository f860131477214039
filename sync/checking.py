"""Any calendar looked at as a link would read it, for whoever wants to know what will come of it (SPEC C9, C12)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from booking.values.refusals import Refused
from booking.values.slot import Slot
from ical.expansion import expand_each
from ical.reading import Reading
from sync.reading import read_foreign

AHEAD = timedelta(days=366)
CUT_OFF = "cut-off"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that was wrong: its code, the UID and the line (0: the file as a whole) that it is about."""

    code: str
    uid: str = ""
    line: int = 0
    found: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a calendar holds. `events` counts VEVENTs, `uids` what they make up; `occurrences` those in the window.

    `zones` tells for each TZID the zone that it was taken for ("?": unknown). `unread` says why nothing could be read.
    """

    name: str = ""
    events: int = 0
    uids: int = 0
    occurrences: int = 0
    zones: tuple[tuple[str, str], ...] = ()
    problems: tuple[Trouble, ...] = ()
    further_problems: int = 0
    is_whole: bool = False
    unread: Trouble | None = None

    def as_values(self) -> dict[str, Any]:
        """The same for JSON; with `unread` as the only problem where nothing could be read."""
        problems = self.problems if self.unread is None else (self.unread,)
        return {
            "name": self.name,
            "events": self.events,
            "uids": self.uids,
            "occurrences": self.occurrences,
            "zones": dict(self.zones),
            "problems": [{"code": one.code, "uid": one.uid, "line": one.line, "found": one.found} for one in problems],
            "further_problems": self.further_problems,
            "whole": self.is_whole,
        }


def check(body: bytes, zone: str, start: datetime) -> Report:
    """Read a calendar into the zone *zone* and expand it over `AHEAD` from *start* (aware UTC); never raises for what
    is in the body. Raises ValueError where *zone* is none of the tz database.
    """
    poll = read_foreign(body, zone)
    if isinstance(poll, Refused):
        reason = poll.reasons[0]
        return Report(unread=Trouble(reason.code, line=int(reason.values.get("line", 0))))
    return _report(poll.reading, zone, Slot(start, start + AHEAD))


def _report(reading: Reading, zone: str, window: Slot) -> Report:
    told = [Trouble(one.code, one.uid, one.line, one.found) for one in reading.problems]
    count = 0
    for uid, found in expand_each(reading.items, window, zone):  # counted one by one: there may be millions
        count += len(found.occurrences)
        if found.refusal is not None:
            told.append(Trouble(found.refusal.codes[0], uid))
    if not reading.is_whole:
        told.append(Trouble(CUT_OFF))
    return Report(
        name=reading.name,
        events=reading.events,
        uids=len(reading.items),
        occurrences=count,
        zones=tuple(reading.zones.items()),
        problems=tuple(told),
        further_problems=reading.further,
        is_whole=reading.is_whole,
    )
