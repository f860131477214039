"""What other Python libraries need for a body: JSON on standard input, seconds by name on standard output.

Runs in an environment of its own, since PyPI's `ical` has the name of our package.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import recurring_ical_events
from icalendar import Calendar

from ical.calendar_stream import IcsCalendarStream

asked = json.load(sys.stdin)
text = asked["body"]
START = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)
SERIES = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//bench//EN\r
BEGIN:VEVENT\r
UID:series@example.org\r
DTSTAMP:20260101T000000Z\r
DTSTART;TZID=Europe/Berlin:20260105T180000\r
DTEND;TZID=Europe/Berlin:20260105T190000\r
RRULE:{rule}\r
END:VEVENT\r
END:VCALENDAR\r
"""


def best(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(asked["tries"]):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def expanded(rule: str) -> float:
    series = Calendar.from_ical(SERIES.format(rule=rule))
    end = START + timedelta(days=365 * asked["years"])
    return best(lambda: recurring_ical_events.of(series).between(START, end))


parsed = Calendar.from_ical(text)
stream = IcsCalendarStream.calendar_from_ics(text)
found = {
    "icalendar read": best(lambda: Calendar.from_ical(text)),
    "icalendar write": best(parsed.to_ical),
    "ical read": best(lambda: IcsCalendarStream.calendar_from_ics(text)),
    "ical write": best(lambda: IcsCalendarStream.calendar_to_ics(stream)),
}
json.dump(found | {f"expand {rule}": expanded(rule) for rule in asked["rules"]}, sys.stdout)
