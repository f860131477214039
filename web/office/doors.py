"""Doors: the season as a month, the codes of a day, and the ways to new codes (SPEC S1, S2, S22; FACE, Doors)."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import render_template, request

from booking.actions.doors import reveal_codes
from booking.reads.door_days import DoorDay, door_days
from booking.reads.doors import CodeLine, DoorFacts, Reach, code_lines
from booking.rules.permissions import Capability
from booking.values.clock import DAY, day_bounds, local_day
from booking.values.slot import Slot
from web.access import require
from web.i18n import translator
from web.office import doors_making, doors_replacing
from web.office.doors_frame import blueprint, door_of, name_of, names
from web.request import actor, house, now, read, tools, write

LONGEST_LIST = 31 * DAY
__all__ = ["blueprint", "doors_making", "doors_replacing"]  # whose views belong to the blueprint


@blueprint.get("")
@require(Capability.DOORS_MANAGE)
def index() -> str:
    doors = names()
    return show(doors[0].public_id) if doors else render_template("office/doors_none.html")


@blueprint.get("/<uuid:door>")
@require(Capability.DOORS_MANAGE)
def show(door: UUID) -> str:
    return page(door)


@blueprint.post("/<uuid:door>/codes")
@require(Capability.DOORS_MANAGE)
def reveal(door: UUID) -> str:
    """The codes of the days that are shown, in plain text; the look is recorded (SPEC S2)."""
    facts, known = house(), name_of(door)
    span = _span(door_of(known), _first_day(), _last_day())
    reach = Reach(facts.organisation_id, frozenset({known.door_id}))
    shown = write(lambda db: reveal_codes(db, now(), tools(), facts, reach, span, actor()), nudge=False)
    return page(door, {one.line.code_id: one.text for one in shown})


def page(door: UUID, texts: dict[int, str] | None = None, **more: Any) -> str:
    facts, known = house(), name_of(door)
    behind = door_of(known)
    first, last = _first_day(), _last_day()
    month = _month()
    grid = door_days(read(), now(), facts, known.door_id, month, _end_of(month))
    lines = code_lines(
        read(), facts, Reach(facts.organisation_id, frozenset({known.door_id})), _span(behind, first, last)
    )
    shown = [line for line in lines if texts is not None or request.args.get("all") or line.booking_id is not None]
    return render_template(
        "office/doors.html",
        door=known,
        doors=names(),
        rooms=behind.rooms,
        month=month,
        weeks=_weeks(grid),
        weekdays=[translator().weekday(number) for number in range(7)],
        totals=_totals(grid),
        before=_month_before(month),
        after=_end_of(month) + DAY,
        first=first,
        last=last,
        today=local_day(now(), behind.zone),
        lines=shown,
        days=_by_day(shown, behind),
        free_left=len(lines) - len(shown),
        texts=texts,
        zone=behind.zone.key,
        seasons=facts.seasons,
        **more,
    )


def _by_day(lines: Iterable[CodeLine], behind: DoorFacts) -> list[tuple[date, list[CodeLine]]]:
    """The codes under the days in whose hours they open, by the middle of their windows; tolerances do not count."""
    return [(day, list(some)) for day, some in groupby(lines, lambda line: _day_of(line.window, behind))]


def _day_of(window: Slot, behind: DoorFacts) -> date:
    return local_day(window.start + window.duration / 2, behind.zone)


def _span(behind: DoorFacts, first: date, last: date) -> Slot:
    return Slot(day_bounds(first, behind.zone)[0], day_bounds(last, behind.zone)[1])


def _first_day() -> date:
    return _day(request.values.get("from", "")) or local_day(now(), house().zone)


def _last_day() -> date:
    first = _first_day()
    chosen = _day(request.values.get("until", "")) or _day(request.values.get("from", ""))
    last = chosen or first + (house().desk_days - 1) * DAY
    return min(max(first, last), first + LONGEST_LIST)


def _month() -> date:
    """The first day of the month that is shown."""
    return (_day(f"{request.values.get('month', '')}-01") or _first_day()).replace(day=1)


def _month_before(month: date) -> date:
    return (month - DAY).replace(day=1)


def _end_of(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1) - DAY


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None


def _weeks(grid: tuple[DoorDay, ...]) -> list[list[DoorDay | None]]:
    """Rows of seven, Monday first; None where the month has no day."""
    cells: list[DoorDay | None] = [None] * grid[0].day.weekday() + list(grid)
    cells += [None] * (-len(cells) % 7)
    return [cells[first : first + 7] for first in range(0, len(cells), 7)]


def _totals(grid: tuple[DoorDay, ...]) -> DoorDay:
    return DoorDay(
        grid[0].day,
        free=sum(day.free for day in grid),
        given=sum(day.given for day in grid),
        used=sum(day.used for day in grid),
        retired=sum(day.retired for day in grid),
        short=sum(day.short for day in grid),
    )
