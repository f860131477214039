"""Series to vary, and generated ones with the instants that they mean, found day by day without our own planning."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.values.recurrence import Frequency, Rule
from booking.values.slot import Slot
from booking.values.states import ItemStatus
from ical.feed import FeedHead
from ical.series import Change, Revision, Series, Texts

HOST = "hall.example"
HEAD = FeedHead("Halle A", "Alle Zeiten", None, HOST, "Europe/Berlin")
DAY = timedelta(days=1)
MADE = Revision(3, datetime(2026, 5, 2, 9, 30, tzinfo=UTC))
TEXTS = Texts("Yoga", "VHS Köln", "Halle A", "Kirchstraße 1", "Matte mitbringen", "https://hall.example/s/1")
SERIES = Series(
    uid=UUID("0192f0c1-0000-7000-8000-0000000000aa"),
    zone="Europe/Berlin",
    first=date(2026, 9, 1),
    wall=time(18),
    length=timedelta(hours=2),
    rule=Rule(count=12),
    status=ItemStatus.CONFIRMED,
    texts=TEXTS,
    created_at=datetime(2026, 5, 1, 8, tzinfo=UTC),
    revision=MADE,
)
ZONES = (
    "Africa/Casablanca",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Jerusalem",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Chatham",
)


def at(*parts: int) -> datetime:
    """A wall time."""
    return datetime(*parts)  # type: ignore[arg-type,misc] # noqa: DTZ001


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def made(**changes: object) -> Series:
    return replace(SERIES, **changes)  # type: ignore[arg-type]


def change(sequence: int = 4, **what: object) -> Change:
    return Change(Revision(sequence, MADE.last_modified + sequence * DAY), **what)  # type: ignore[arg-type]


def local(zone: str, *parts: int, hours: float = 2) -> Slot:
    start = datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type,misc]
    return Slot(start, start + timedelta(hours=hours))


def planned_by_hand(series: Series) -> list[datetime]:
    """The originals, by asking of each day whether it is one."""
    rule, monday = series.rule, series.first - series.first.weekday() * DAY
    weekdays = rule.weekdays or {series.first.weekday()}
    found: list[datetime] = []
    day = series.first
    while (rule.until is None or day <= rule.until) and (rule.count is None or len(found) < rule.count):
        weeks = (day - monday).days // 7
        is_weekly = day.weekday() in weekdays and weeks % rule.interval == 0
        is_daily = (day - series.first).days % rule.interval == 0
        if is_daily if rule.frequency is Frequency.DAILY else is_weekly:
            found.append(datetime.combine(day, series.wall))
        day += DAY
    return found


def meant(series: Series) -> list[tuple[str, str, str]]:
    """The rows that a reader has to find, as `readers.Row`."""
    zone = ZoneInfo(series.zone)
    rows = []
    planned = planned_by_hand(series)
    for original in {*planned, *series.changes}:
        if original in planned and original.date() in series.left_out:
            continue
        start = original.replace(tzinfo=zone).astimezone(UTC)
        changed = series.changes.get(original)
        slot = (changed and changed.slot) or Slot(start, start + series.length)
        status = (changed and changed.status) or series.status
        rows.append((f"{slot.start:%Y-%m-%dT%H:%M:%SZ}", f"{slot.end:%Y-%m-%dT%H:%M:%SZ}", str(status)))
    return sorted(rows)


def generated(zone: str, seed: int) -> Series:
    """A series of up to two years, from 2026 on, with all that can happen to it; often at night, when clocks change."""
    chance = random.Random(f"{zone} {seed}")
    first = date(2026, 1, 1) + chance.randrange(300) * DAY
    weekly = chance.random() < 0.7
    weekdays = frozenset({first.weekday(), *chance.sample(range(7), chance.randrange(3))}) if weekly else frozenset()
    interval = chance.choice((1, 1, 1, 2, 3))
    until = first + chance.randrange(20, 400) * DAY
    ends = {"until": until} if chance.random() < 0.5 else {"count": chance.randrange(1, 90)}
    rule = Rule(Frequency.WEEKLY if weekly else Frequency.DAILY, interval, weekdays, **ends)  # type: ignore[arg-type]
    wall = chance.choice((time(0), time(1, 30), time(2), time(2, 30), time(3), time(18), time(23, 15)))
    length = chance.choice((timedelta(minutes=45), timedelta(hours=2), timedelta(hours=6)))
    base = made(uid=UUID(int=seed + 1), zone=zone, first=first, wall=wall, length=length, rule=rule)
    planned = planned_by_hand(base)
    left_out = frozenset(one.date() for one in planned if chance.random() < 0.06)
    changes = {one: _what_happened(base, one, chance) for one in planned if chance.random() < 0.12}
    added = datetime.combine(first + 3 * DAY, time(4, 5))
    return replace(base, left_out=left_out, changes={**changes, added: change()} if seed % 3 == 0 else changes)


def _what_happened(series: Series, original: datetime, chance: random.Random) -> Change:
    if chance.random() < 0.3:
        return change(status=ItemStatus.CANCELLED)
    if chance.random() < 0.2:
        return change(texts=Texts("Vertretung"))
    start = original.replace(tzinfo=ZoneInfo(series.zone)).astimezone(UTC)
    start += timedelta(hours=chance.choice((-30, -2, -1, 1, 3, 24, 24 * 9)))
    return change(slot=Slot(start, start + chance.choice((series.length, timedelta(hours=1)))))
