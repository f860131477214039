"""The calendar: rooms as columns, a day on the scale of hours or a week as a table (FACE, Office)."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for

from booking.reads.today import placed
from booking.rules.opening import open_between
from booking.rules.permissions import Capability
from booking.values.clock import local_day, within_reach
from booking.values.slot import Slot
from web.access import require
from web.filters import day as spoken_day
from web.i18n import gettext, translator
from web.office import lanes, words
from web.request import house, now, read

blueprint = Blueprint("office_calendar", __name__, url_prefix="/office/calendar")
WEEK = timedelta(days=7)


@blueprint.get("")
@require(Capability.BOOKINGS)
def show() -> str:
    """`?week=2026-12-05` is the week around that day; else the day of `?day=`, today where none is given."""
    return _week() if "week" in request.args else _day()


def _given(name: str) -> date:
    try:
        return within_reach(date.fromisoformat(request.args.get(name, "")))
    except ValueError:
        return local_day(now(), house().zone)


def _day() -> str:
    here, day = house(), _given("day")
    rooms = lanes.rooms_shown(here)
    drawn = lanes.columns(here, rooms, placed(read(), here.organisation_id, lanes.window_of(day, here.zone)), day)
    return render_template(
        "office/calendar_day.html",
        columns=drawn,
        scale=lanes.scale(rooms, day, drawn),
        title=spoken_day(day),
        before=url_for(".show", day=day - timedelta(days=1)),
        after=url_for(".show", day=day + timedelta(days=1)),
        tabs=_tabs(day, is_week=False),
        today=url_for(".show", day=local_day(now(), here.zone)),
        value=day,
    )


def _week() -> str:
    here, day = house(), _given("week")
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=count) for count in range(7)]
    rooms = lanes.rooms_shown(here)
    window = Slot(lanes.window_of(days[0], here.zone).start, lanes.window_of(days[-1], here.zone).end)
    found = placed(read(), here.organisation_id, window)
    return render_template(
        "office/calendar_week.html",
        rooms=[room.name for room in rooms],
        days=[_row(one, lanes.columns(here, rooms, found, one)) for one in days],
        title=_week_title(days),
        before=url_for(".show", week=monday - WEEK),
        after=url_for(".show", week=monday + WEEK),
        tabs=_tabs(day, is_week=True),
        today=url_for(".show", week=local_day(now(), here.zone)),
        value=day,
    )


def _row(day: date, columns: tuple[lanes.Column, ...]) -> dict[str, Any]:
    here = house()
    is_open = any(open_between(day, day, here.calendar(room)) for room in lanes.rooms_shown(here))
    closed = next(
        (one.reason for one in here.closings if one.closes_rooms and one.first_day <= day <= one.last_day), ""
    )
    return {
        "label": words.short_day(day),
        "href": url_for(".show", day=day),
        "is_today": day == local_day(now(), here.zone),
        "columns": columns,
        "closed": closed if closed or is_open else gettext("Closed"),
    }


def _week_title(days: list[date]) -> str:
    first, last = translator().short_day(days[0]), translator().short_day(days[-1])
    return gettext("Week %(number)s: %(first)s to %(last)s", number=days[0].isocalendar().week, first=first, last=last)


def _tabs(day: date, *, is_week: bool) -> list[dict[str, Any]]:
    return [
        {"label": gettext("Day"), "href": url_for(".show", day=day), "current": not is_week},
        {"label": gettext("Week"), "href": url_for(".show", week=day), "current": is_week},
    ]
