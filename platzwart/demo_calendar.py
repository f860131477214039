"""A neighbour's calendar beside the demonstration: a parish whose groups use a room on the same days each week.

The stand-in for the booking site serves it; a calendar link brings its times here (SPEC C6).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from booking.actions.audit import SYSTEM
from booking.actions.links import make_link
from booking.actions.tools import Tools
from booking.tables.houses import Room
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkSettings
from booking.values.refusals import Refused

PARISH_PATH = "/kalender/kirchengemeinde.ics"
PARISH = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Kirchengemeinde//Kalender//DE
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:19810329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:kindergottesdienst@gemeinde.example
DTSTAMP:20260101T090000Z
DTSTART;TZID=Europe/Berlin:20260104T080000
DTEND;TZID=Europe/Berlin:20260104T100000
RRULE:FREQ=WEEKLY;BYDAY=SU
SUMMARY:Kindergottesdienst
END:VEVENT
BEGIN:VEVENT
UID:fruehsport@gemeinde.example
DTSTAMP:20260101T090000Z
DTSTART;TZID=Europe/Berlin:20260107T080000
DTEND;TZID=Europe/Berlin:20260107T090000
RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=WE
SUMMARY:Frühsport der Senioren
END:VEVENT
END:VCALENDAR
"""


def link_parish(session: Session, now: datetime, tools: Tools, room: Room, peer: str) -> UUID | Refused:
    """A link that brings the parish's times into a room. `peer`: host:port of the stand-in."""
    wanted = LinkSettings("Kirchengemeinde", LinkKind.ICS, room.id, LinkPolicy.IMPORT)
    access = LinkAccess(f"http://{peer}{PARISH_PATH}")
    return make_link(session, now, tools, room.organisation_id, SYSTEM, wanted, access)
