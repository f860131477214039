"""Calendars made to cost time, memory or a wrong reading, each with one good event where it can have one."""

from collections.abc import Callable
from dataclasses import dataclass

GOOD = "good@example.org"
_GOOD_EVENT = f"BEGIN:VEVENT\nUID:{GOOD}\nDTSTART:20260603T160000Z\nDTEND:20260603T170000Z\nSUMMARY:Good\nEND:VEVENT\n"


@dataclass(frozen=True, slots=True)
class Hostile:
    """`is_read`: the good event beside it must come out. `is_refused`: the whole file is refused instead."""

    name: str
    body: Callable[[], bytes]
    is_read: bool = True
    is_refused: bool = False


def calendar(*parts: str, head: str = "") -> bytes:
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\n{head}" + "".join(parts) + _GOOD_EVENT + "END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode("utf-8", "surrogatepass")


def event(*lines: str, start: str = "DTSTART;TZID=Europe/Berlin:20260603T180000", uid: str = "bad@example.org") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", start, *lines, "END:VEVENT", ""])


def _rule(rule: str, start: str = "DTSTART;TZID=Europe/Berlin:20260603T180000", *more: str) -> Callable[[], bytes]:
    return lambda: calendar(event(f"RRULE:{rule}", *more, start=start))


def _lines(*lines: str) -> Callable[[], bytes]:
    return lambda: calendar(event(*lines))


def _raw(body: bytes) -> Callable[[], bytes]:
    return lambda: body


_OLD = "DTSTART:16010101T000000"
_ALL_HOURS = ",".join(map(str, range(24)))
_ALL_SIXTY = ",".join(map(str, range(60)))
_ALL_DAYS = ",".join(map(str, range(1, 367)))
_DATE = "20260603T180000Z"

_RULES = {
    "every second of a day": _rule("FREQ=SECONDLY;UNTIL=20260604T000000Z"),
    "every second of a year": _rule("FREQ=SECONDLY;COUNT=31536000"),
    "every second since 1970": _rule("FREQ=SECONDLY", "DTSTART:19700101T000000Z"),
    "every minute of a month": _rule("FREQ=MINUTELY;COUNT=43200"),
    "every hour for ever": _rule("FREQ=HOURLY"),
    "every hour since 1970, counted": _rule("FREQ=HOURLY;COUNT=99999", "DTSTART:19700101T000000Z"),
    "hours that never come": _rule("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "DTSTART:19700101T000000Z"),
    "interval 0": _rule("FREQ=DAILY;INTERVAL=0"),
    "interval below 0": _rule("FREQ=WEEKLY;INTERVAL=-1"),
    "interval beyond all": _rule("FREQ=DAILY;INTERVAL=99999999999"),
    "interval of a million": _rule("FREQ=MONTHLY;INTERVAL=999999"),
    "count 0": _rule("FREQ=DAILY;COUNT=0"),
    "count beyond all": _rule("FREQ=DAILY;COUNT=999999999"),
    "30 February": _rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
    "30 February, counted, since 1601": _rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5", _OLD),
    "30 February daily": _rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", _OLD),
    "30 February every second": _rule("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"),
    "daily since the year 1": _rule("FREQ=DAILY", "DTSTART:00010101T000000"),
    "daily since 1601": _rule("FREQ=DAILY", _OLD),
    "every second weekday since 1601, counted": _rule("FREQ=DAILY;INTERVAL=2;BYDAY=MO;COUNT=99999", _OLD),
    "all seconds of all hours": _rule(f"FREQ=DAILY;BYHOUR={_ALL_HOURS};BYMINUTE={_ALL_SIXTY};BYSECOND={_ALL_SIXTY}"),
    "all minutes": _rule(f"FREQ=DAILY;BYMINUTE={_ALL_SIXTY}"),
    "all hours of all days of the year": _rule(f"FREQ=YEARLY;BYYEARDAY={_ALL_DAYS};BYHOUR={_ALL_HOURS}"),
    "all positions of all days": _rule(f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS={_ALL_DAYS}"),
    "all positions, counted, since 1601": _rule(
        f"FREQ=YEARLY;BYYEARDAY={_ALL_DAYS};BYSETPOS={_ALL_DAYS};COUNT=9999", _OLD
    ),
    "week 53 counted": _rule("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;COUNT=99999", _OLD),
    "a rule of 60 kB": _rule("FREQ=WEEKLY;BYDAY=" + ",".join(["MO"] * 20_000)),
    "a number of 60,000 digits": _rule("FREQ=WEEKLY;INTERVAL=" + "9" * 60_000),
    "one part 5,000 times": _rule("FREQ=WEEKLY;" + ";".join(["COUNT=3"] * 5_000)),
    "a thousand rules": lambda: calendar(event(*[f"RRULE:FREQ=DAILY;COUNT={number}" for number in range(1, 1001)])),
    "a rule without a frequency": _rule("COUNT=3"),
    "a daily event of 5,000 years": _rule("FREQ=DAILY", "DTSTART:20260603T180000Z", "DTEND:70260603T180000Z"),
    "until the year 9999": _rule("FREQ=WEEKLY;UNTIL=99991231T235959Z"),
}

_VALUES = {
    "5,000 added dates": _lines("RDATE:" + ",".join([_DATE] * 3_500), "RDATE:" + ",".join([_DATE] * 3_500)),
    "250,000 added dates": lambda: calendar(
        event(
            *[
                "RDATE:" + ",".join(f"20{y:02}{m:02}01T000000Z" for m in range(1, 13) for y in range(100))
                for _ in range(200)
            ]
        )
    ),
    "200,000 left-out dates": lambda: calendar(
        event("RRULE:FREQ=DAILY", *["EXDATE:" + ",".join([_DATE] * 1_000) for _ in range(200)])
    ),
    "periods of centuries": _lines("RDATE;VALUE=PERIOD:" + ",".join(["20260603T180000Z/P99999W"] * 2_000)),
    "a duration beyond all": _lines("DURATION:P999999W"),
    "a duration of 60,000 digits": _lines("DURATION:P" + "9" * 60_000 + "D"),
    "a duration below 0": _lines("DURATION:-P1D"),
    "a sequence of 60,000 digits": _lines("SEQUENCE:" + "9" * 60_000),
    "a sequence below 0": _lines("SEQUENCE:-5"),
    "the year 0": lambda: calendar(event(start="DTSTART:00000101T000000Z")),
    "the year 9999": lambda: calendar(event("DTEND:99991231T235959Z", start="DTSTART:99991231T230000Z")),
    "25 o'clock": lambda: calendar(event(start="DTSTART:20260603T250000Z")),
    "digits of another script": lambda: calendar(
        event(start="DTSTART:" + "".join(chr(0x660 + int(digit)) for digit in "20260603") + "T180000Z")
    ),
    "two starts": _lines("DTSTART:20260604T180000Z"),
    "no start": lambda: calendar(event(start="SUMMARY:x")),
    "an end before the start": _lines("DTEND:20200101T000000Z"),
    "a recurrence-id that is none": _lines("RECURRENCE-ID:tomorrow"),
    "60,000 backslashes": _lines("SUMMARY:" + "\\" * 60_000),
    "60,000 carets": _lines('LOCATION;ALTREP="' + "^" * 60_000 + '":x'),
    "30,000 marks on one letter": _lines(
        *["DESCRIPTION:a" + "\u0315\u0300" * 14_000] * 1, "SUMMARY:a" + "\u0344" * 20_000
    ),
    "marks on one letter in 50 events": lambda: calendar(
        *[event("DESCRIPTION:a" + "\u0315\u0300" * 14_000, uid=f"{number}@example.org") for number in range(50)]
    ),
    "NUL everywhere": _lines("SUMMARY:\x00a\x00b\x00", "\x00\x00"),
    "control characters": _lines("SUMMARY:" + "".join(map(chr, range(1, 9))) + "\x7f\x85\u2028"),
}

_LINES = {
    "a line of 70 kB": Hostile("", _lines("SUMMARY:" + "x" * 70_000)),
    "a line of 1.1 MB": Hostile("", _lines("SUMMARY:" + "x" * 1_100_000), is_refused=True),
    "a line of 4 MB": Hostile("", _lines("SUMMARY:" + "x" * 4_000_000), is_refused=True),
    "a line of 70 kB, folded": Hostile("", _lines("SUMMARY:" + "\n ".join(["x"] * 70_000))),
    "a line of 1.1 MB, folded": Hostile("", _lines("SUMMARY:" + "\n ".join(["x"] * 1_100_000)), is_refused=True),
    "1.5 million empty folds": Hostile("", _lines("SUMMARY:x" + "\n " * 1_500_000)),
    "300,000 properties": Hostile("", lambda: calendar(event(*["X-A:b"] * 300_000))),
    "500,000 properties": Hostile("", lambda: calendar(event(*["A:b"] * 500_000)), is_refused=True),
    "300,000 different properties": Hostile("", lambda: calendar(event(*[f"X{n}:" for n in range(300_000)]))),
    "20,000 parameters": Hostile("", _lines("SUMMARY" + ";A=b" * 15_000 + ":x")),
    "60,000 quotes": Hostile("", _lines("SUMMARY;X=" + '"' * 60_000 + ":x")),
    "an open quote": Hostile("", _lines('SUMMARY;X="' + "a;b=c:" * 9_000)),
    "quotes that open and close 20,000 times": Hostile("", _lines("DTEND;X=" + '"":' * 20_000)),
    "a name of 60 kB": Hostile("", _lines("A" * 60_000 + ":x")),
    "a UID of 60 kB": Hostile("", lambda: calendar(event(uid="u" * 60_000))),
    "lines without a colon": Hostile("", _lines(*["nothing"] * 5_000)),
    "40,000 attendees": Hostile("", lambda: calendar(event(*["ATTENDEE;CN=x:mailto:a@b.c"] * 40_000))),
    "attachments of 4 MB": Hostile("", _lines(*["ATTACH;ENCODING=BASE64:" + "A" * 60_000] * 66)),
}

_PARTS = {
    "100,000 events": Hostile("", lambda: calendar(*[event(uid=str(n)) for n in range(100_000)]), is_refused=True),
    "10,001 events and one": Hostile(
        "", lambda: calendar(*[event(uid=str(n)) for n in range(10_000)]), is_refused=True
    ),
    "3,000 series of every fourth hour": Hostile(
        "", lambda: calendar(*[event("RRULE:FREQ=HOURLY;INTERVAL=4", uid=str(n)) for n in range(3_000)])
    ),
    "depth 17": Hostile("", lambda: calendar("BEGIN:A\n" * 17 + "END:A\n" * 17), is_refused=True),
    "depth 200,000": Hostile("", lambda: calendar("BEGIN:A\n" * 200_000), is_refused=True),
    "30,000 alarms": Hostile("", lambda: calendar(event("BEGIN:VALARM\nEND:VALARM\n" * 30_000))),
    "50,000 alarms": Hostile("", lambda: calendar(event("BEGIN:VALARM\nEND:VALARM\n" * 50_000)), is_refused=True),
    "an alarm that repeats": Hostile("", _lines("BEGIN:VALARM", "REPEAT:999999999", "DURATION:PT1S", "END:VALARM")),
    "an alarm that is never closed": Hostile("", _lines("BEGIN:VALARM", "TRIGGER:PT1S")),
    "an event that is never closed": Hostile("", lambda: calendar(event().replace("END:VEVENT\n", ""))),
    "ends of nothing": Hostile("", lambda: calendar("END:VEVENT\n" * 30_000)),
    "one UID, 9,000 masters": Hostile("", lambda: calendar(*[event(f"SUMMARY:{n}") for n in range(9_000)])),
    "one UID, 9,000 overrides": Hostile(
        "", lambda: calendar(*[event(f"RECURRENCE-ID:2026{1 + n % 12:02}01T{n % 24:02}0000Z") for n in range(9_000)])
    ),
    "9,000 events without a UID": Hostile("", lambda: calendar(*[event(f"SUMMARY:{n}", uid="") for n in range(9_000)])),
    "components of no kind": Hostile("", lambda: calendar("BEGIN:X-A\nEND:X-A\n" * 5_000)),
    "9,000 names of the calendar": Hostile("", lambda: calendar(head="X-WR-CALNAME:x\n" * 9_000)),
}


def _zone(inner: str, tzid: str = "Mine") -> str:
    return f"BEGIN:VTIMEZONE\nTZID:{tzid}\nBEGIN:STANDARD\n{inner}\nEND:STANDARD\nEND:VTIMEZONE\n"


_OFFSETS = "TZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nDTSTART:19700101T000000"
_IN_MINE = event(start="DTSTART;TZID=Mine:20260603T180000")

_ZONES = {
    "a zone that changes each second": lambda: calendar(_zone(_OFFSETS + "\nRRULE:FREQ=SECONDLY"), _IN_MINE),
    "a zone that changes each year since 1601": lambda: calendar(
        _zone(_OFFSETS.replace("1970", "1601") + "\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"), _IN_MINE
    ),
    "a zone with 100,000 dates": lambda: calendar(
        _zone(_OFFSETS + ("\nRDATE:" + ",".join(["19800101T000000"] * 1_000)) * 100), _IN_MINE
    ),
    "a zone without an offset": lambda: calendar("BEGIN:VTIMEZONE\nTZID:Mine\nEND:VTIMEZONE\n", _IN_MINE),
    "an offset of 99 hours": lambda: calendar(_zone(_OFFSETS.replace("+0100", "+9999")), _IN_MINE),
    "a zone that is never closed": lambda: calendar("BEGIN:VTIMEZONE\nTZID:Mine\n", _IN_MINE),
    "5,000 zones, all in use": lambda: calendar(
        *[_zone(_OFFSETS + "\nRRULE:FREQ=YEARLY", f"Z{n}") for n in range(5_000)],
        *[event(start=f"DTSTART;TZID=Z{n}:20260603T180000", uid=str(n)) for n in range(5_000)],
    ),
    "9,000 unknown zones": lambda: calendar(
        *[event(start=f"DTSTART;TZID=Z{n}:20260603T180000", uid=str(n)) for n in range(9_000)]
    ),
    "a zone that is a path": lambda: calendar(event(start="DTSTART;TZID=../../../../etc/passwd:20260603T180000")),
    "a zone that is a folder": lambda: calendar(event(start="DTSTART;TZID=America:20260603T180000")),
    "a zone of 60 kB": lambda: calendar(event(start=f"DTSTART;TZID={'Z/' * 30_000}:20260603T180000")),
    "a zone with NUL": lambda: calendar(event(start="DTSTART;TZID=Europe\x00/Berlin:20260603T180000")),
}

_NO_CALENDARS = {
    "nothing": b"",
    "white space": b" \r\n\t\r\n" * 1_000,
    "a page": b"<!doctype html><html><body>Please log in</body></html>",
    "JSON": b'{"error":"rate limit"}',
    "an XML bomb": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><l>&b;</l>',
    "compressed bytes": bytes(range(256)) * 100,
    "UTF-16": calendar().decode().encode("utf-16"),
    "an event without a calendar": event().encode(),
}

_BYTES = {
    "three byte order marks": Hostile("", _raw(b"\xef\xbb\xbf" * 3 + calendar())),
    "Latin-1": Hostile("", lambda: calendar(event("SUMMARY:Fußball")).decode().encode("latin-1")),
    "broken UTF-8": Hostile(
        "", lambda: calendar(event("SUMMARY:x")).replace(b"SUMMARY:x", b"SUMMARY:\xc3\x28\xf0\x9f")
    ),
    "lone CR": Hostile("", lambda: calendar(event()).replace(b"\r\n", b"\r")),
    "CR CR LF": Hostile("", lambda: calendar(event()).replace(b"\r\n", b"\r\r\n")),
    "names in small letters": Hostile(
        "", lambda: calendar(event()).replace(b"VEVENT", b"vEvent").replace(b"BEGIN", b"begin")
    ),
    "a fold inside BEGIN": Hostile("", lambda: calendar(event()).replace(b"BEGIN:VEV", b"BEG\r\n IN:V\r\n\tEV")),
    "only the beginning": Hostile("", _raw(b"BEGIN:VCALENDAR\r\n"), is_read=False),
    "cut inside a line": Hostile("", lambda: calendar(event())[:-40], is_read=False),
    "two calendars in one": Hostile("", lambda: calendar() + calendar(event())),
    "a calendar in a calendar": Hostile("", lambda: calendar("BEGIN:VCALENDAR\n")),
    "rubbish behind the end": Hostile("", lambda: calendar(event()) + b"<script>" * 1_000),
}


def _all() -> list[Hostile]:
    plain = {**_RULES, **_VALUES, **_ZONES}
    found = [Hostile(name, body) for name, body in plain.items()]
    found += [Hostile(name, _raw(body), is_read=False, is_refused=True) for name, body in _NO_CALENDARS.items()]
    ready = {**_LINES, **_PARTS, **_BYTES}
    found += [Hostile(name, case.body, case.is_read, case.is_refused) for name, case in ready.items()]
    return found


HOSTILE = _all()
