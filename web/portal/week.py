"""A week of a room in the words of the page: what the macro `week_grid` shows (docs/design.md)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from babel.dates import format_date, format_interval

from booking.reads.free import Cell, DayPlan, Piece
from booking.reads.house import House, RoomFacts
from booking.rules.opening import Closed, ClosedBecause
from booking.values.clock import DAY, local_day
from booking.values.slot import Slot
from web.i18n import gettext, translator

WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)
WHOLE_DAY = 24 * 60
VALUE = "%Y-%m-%dT%H:%MZ"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a week is drawn with. `deadline` is the next review: what begins before it is short notice (SPEC S15)."""

    now: datetime
    house: House
    room: RoomFacts
    deadline: datetime
    open_day: date | None = None
    chosen: Collection[datetime] = ()


def clamped(wanted: date, frame: Frame) -> date:
    """The first of the seven days with the one that is wanted. The first seven begin today, so that none is over; the
    last hold the day on which the horizon ends.
    """
    today = local_day(frame.now, frame.room.zone)
    last = local_day(frame.now + frame.room.terms.horizon, frame.room.zone)
    shown = min(max(wanted, today), max(last, today))
    return today + (shown - today) // WEEK * WEEK


def week_words(frame: Frame, plans: tuple[DayPlan, ...], href: Callable[[date], str]) -> dict[str, Any]:
    """The macro's data. `href` makes the address of the seven days that begin on a day."""
    first = plans[0].day
    before, after = first - WEEK, first + WEEK
    opens, closes = _span(frame, plans)
    open_day = frame.open_day or next((plan.day for plan in plans if plan.free), first)
    return {
        "label": interval_words(first, first + 6 * DAY),
        "previous": href(before) if clamped(before, frame) == before else None,
        "next": href(after) if clamped(after, frame) == after else None,
        "opens": opens,
        "closes": closes,
        "days": [_day(frame, plan, open_day) for plan in plans],
    }


def value_of(start: datetime) -> str:
    """How a cell's start travels in a form."""
    return start.strftime(VALUE)


def long_day(day: date) -> str:
    """`Samstag, 5. Dezember`."""
    return format_date(day, "EEEE, d. MMMM" if translator().language == "de" else "EEEE, d MMMM", translator().locale)


def short_times(slot: Slot, room: RoomFacts) -> str:
    return translator().times(slot, room.zone.key)


def interval_words(first: date, last: date) -> str:
    """`30. November – 6. Dezember 2026`."""
    return str(format_interval(first, last, "yMMMMd", locale=translator().locale))


def _day(frame: Frame, plan: DayPlan, open_day: date) -> dict[str, Any]:
    locale, today = translator().locale, local_day(frame.now, frame.room.zone)
    return {
        "date": plan.day.isoformat(),
        "name": format_date(plan.day, "ccc", locale=locale).rstrip("."),
        "day": format_date(plan.day, "d.", locale=locale) if translator().language == "de" else str(plan.day.day),
        "label": long_day(plan.day),
        "free": plan.free,
        "today": plan.day == today,
        "open": plan.day == open_day,
        "closed": _closed(frame, plan, today),
        "slots": [_slot(frame, plan.day, piece) for piece in plan.pieces],
    }


def _closed(frame: Frame, plan: DayPlan, today: date) -> str | None:
    """Why a day has no times at all, in words."""
    cells = {piece.cell for piece in plan.pieces}
    if plan.day < today or cells == {Cell.PAST}:
        return gettext("Over")
    if plan.closed:
        return closed_words(plan.closed)
    if cells == {Cell.BEYOND}:
        opens_on = plan.day - frame.room.terms.horizon
        return gettext("Can be requested from %(day)s on", day=translator().day(opens_on))
    return None


def closed_words(closed: Closed) -> str:
    words = {
        ClosedBecause.CLOSING_DAY: gettext("Closed: %(reason)s", reason=closed.reason or ""),
        ClosedBecause.PUBLIC_HOLIDAY: gettext("Closed on public holidays"),
        ClosedBecause.OUT_OF_SEASON: gettext("Outside the season"),
        ClosedBecause.NO_HOURS: gettext("Not open on this day"),
    }
    return words[closed.because]


def _slot(frame: Frame, day: date, piece: Piece) -> dict[str, Any]:
    slot, room = piece.slot, frame.room
    is_free = piece.cell is Cell.FREE
    begins = _minutes(slot.start, day, room)
    return {
        "state": _STATES.get(piece.cell, "closed"),
        "from_min": begins,
        "to_min": begins + slot.duration // MINUTE,
        "times": short_times(slot, room),
        "price": translator().money(piece.cents or 0, frame.house.currency) if is_free else None,  # type: ignore[arg-type]  # 0 cents are Cents
        "cents": piece.cents,
        "value": value_of(slot.start),
        "reason": _reason(piece.cell),
        "note": _note(frame, slot) if is_free else None,
        "checked": is_free and slot.start in frame.chosen,
        "href": None,
    }


_STATES = {Cell.FREE: "free", Cell.TAKEN: "taken", Cell.HELD: "held", Cell.PAST: "past"}


def _reason(cell: Cell) -> str | None:
    words = {
        Cell.HELD: gettext("Held"),
        Cell.SOON: gettext("Too soon"),
        Cell.BEYOND: gettext("Not yet"),
        Cell.UNPRICED: gettext("On request"),
        Cell.REST: gettext("Gap too short"),
    }
    return words.get(cell)


def _note(frame: Frame, slot: Slot) -> str | None:
    if slot.start >= frame.deadline:
        return None
    return gettext("Short notice: please call us after you have sent the request.")


def _span(frame: Frame, plans: tuple[DayPlan, ...]) -> tuple[int, int]:
    """From the earliest to the latest full hour that any day shows; a day at most."""
    found = [
        (begins, begins + piece.slot.duration // MINUTE)
        for plan in plans
        for piece in plan.pieces
        for begins in [_minutes(piece.slot.start, plan.day, frame.room)]
    ]
    if not found:
        return 8 * 60, 22 * 60
    opens = min(begins for begins, _ in found) // 60 * 60
    closes = -(-max(ends for _, ends in found) // 60) * 60
    return opens, min(closes, opens + WHOLE_DAY)


def _minutes(instant: datetime, day: date, room: RoomFacts) -> int:
    """Wall-clock minutes since the midnight with which the day began."""
    local = instant.astimezone(room.zone)
    return (local.date() - day).days * WHOLE_DAY + local.hour * 60 + local.minute
