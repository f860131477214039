"""The form of a new series: its fields, what stands in them at first, and what they ask for (SPEC V5, V7, V15, V16)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from booking.reads.house import RoomFacts
from booking.reads.settings import staff_lines
from booking.reads.timetable import CourseLine
from booking.rules.course_settings import (
    MOST_BETWEEN,
    MOST_EVENTS,
    MOST_PEOPLE,
    MOST_UNITS,
    PlanDraft,
    checked_plan,
    terms_reasons,
)
from booking.values.clock import DAY, local_day
from booking.values.money import Cents
from booking.values.places import Needs
from booking.values.recurrence import Frequency
from booking.values.refusals import Refused
from booking.values.timetable import EventTerms, WaitingPolicy
from web import field_readers as read_as
from web.course_words import waiting_names
from web.i18n import gettext, translator
from web.office.settings_forms import Field, Form
from web.request import house, now, organisation_id, read
from web.series_wish import Asked

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MOST_HOURS = 366 * 24
# What a draft and terms call it, where the form calls it otherwise.
AT = {"room": "room_id", "length": "minutes", "decide_before": "decide_hours", "free_until": "free_hours"}


def rooms_of(line: CourseLine) -> tuple[RoomFacts, ...]:
    """Where it can take place: the rooms of its branch that are in use."""
    return tuple(one for one in house().rooms.values() if one.branch == line.branch and not one.archived)


def trainers(chosen: int | None) -> tuple[tuple[str, str], ...]:
    """Everybody who works here, and who is chosen now."""
    return tuple(
        (str(one.staff_id), one.name)
        for one in staff_lines(read(), organisation_id())
        if one.disabled_at is None or one.staff_id == chosen
    )


def sections() -> tuple[tuple[str, int, int], ...]:
    """Head, first field and the one after the last, in the order of `fields`."""
    return (
        (gettext("When and where"), 0, 10),
        (gettext("Places and waiting list"), 10, 14),
        (gettext("Booking and cost"), 14, 18),
    )


def fields(line: CourseLine) -> tuple[Field, ...]:
    return *_when(line), *_places(), *_cost()


def fresh(line: CourseLine) -> dict[str, Any]:
    """What stands in an empty form: what most series have."""
    rooms, terms = rooms_of(line), EventTerms(1)
    return {
        "room_id": rooms[0].room_id if len(rooms) == 1 else None,
        "trainer_id": line.trainer_id,
        "first": local_day(now(), house().zone) + DAY,
        "interval": 1,
        "minutes": 60,
        "skips_holidays": True,
        "capacity": 12,
        "minimum": terms.minimum,
        "decide_hours": terms.decide_before // HOUR,
        "waiting": terms.waiting.value,
        "online": terms.online,
        "units": terms.units,
        "price": "0,00",
        "free_hours": terms.free_until // HOUR,
    }


def asked(values: Mapping[str, Any]) -> Asked:
    """What the fields ask for, once all could be read."""
    return Asked(house().room(values["room_id"]), _draft(values), _terms(values), values["trainer_id"])


def checked(form: Form) -> Form:
    """The form with what is wrong by the rules, too, where a field could not be read: all of it is said at once."""
    values = {**_UNREAD, **form.values}
    plan = checked_plan(_draft(values), house().zone)
    found = (*(plan.reasons if isinstance(plan, Refused) else ()), *terms_reasons(_terms(values), Needs()))
    more = form.refused(at_fields(Refused(found))).errors
    errors = {one.name: form.errors.get(one.name) or more.get(one.name) for one in form.fields}
    return replace(form, errors={name: texts for name, texts in errors.items() if texts})


# Stands for a field that could not be read: nothing is wrong with it.
_UNREAD: dict[str, Any] = {
    "first": None, "wall": None, "minutes": None, "interval": 1, "weekdays": (), "until": None, "count": None,
    "skips_holidays": False, "capacity": MOST_PEOPLE, "minimum": 0, "decide_hours": 0, "online": True, "units": 0,
    "price": 0, "free_hours": 0, "waiting": WaitingPolicy.NONE,
}  # fmt: skip


def _draft(values: Mapping[str, Any]) -> PlanDraft:
    return PlanDraft(
        first=values["first"],
        wall=values["wall"],
        length=None if values["minutes"] is None else values["minutes"] * MINUTE,
        interval=values["interval"],
        weekdays=frozenset(values["weekdays"]),
        until=values["until"],
        count=values["count"],
        skips_holidays=values["skips_holidays"],
    )


def _terms(values: Mapping[str, Any]) -> EventTerms:
    return EventTerms(
        capacity=values["capacity"],
        minimum=values["minimum"],
        decide_before=values["decide_hours"] * HOUR,
        online=values["online"],
        units=values["units"],
        price=Cents(values["price"]),
        free_until=values["free_hours"] * HOUR,
        waiting=values["waiting"],
    )


def at_fields(no: Refused) -> Refused:
    """The reasons at the fields of the form."""
    return Refused(tuple(replace(one, at=AT.get(one.at or "", one.at)) for one in no.reasons))


def _when(line: CourseLine) -> tuple[Field, ...]:
    rooms = tuple((str(one.room_id), one.name) for one in rooms_of(line))
    people = trainers(line.trainer_id)
    days = tuple((str(day), translator().weekday(day)) for day in range(7))
    number = read_as.whole_number
    return (
        Field("room_id", gettext("Room"), read_as.chosen(rooms, int), "select", options=rooms),
        Field("trainer_id", gettext("Trainer"), read_as.chosen(people, int), "select", required=False,
              options=(("", gettext("nobody")), *people)),
        Field("first", gettext("First day"), read_as.local_date, "date"),
        Field("interval", gettext("Every"), number(1, MOST_BETWEEN[Frequency.WEEKLY]), "number",
              suffix=gettext("weeks")),
        Field("weekdays", gettext("Weekdays"), read_as.several_of(days, int), "choices", required=False, options=days,
              help=gettext("None ticked: that of the first day."), more={"data-empty": (), "data-row": True}),
        Field("wall", gettext("Start time"), read_as.clock_time, "time"),
        Field("minutes", gettext("Length"), number(1, 24 * 60), "number", suffix=gettext("minutes")),
        Field("until", gettext("Last day"), read_as.local_date, "date", required=False,
              help=gettext("Neither this nor a number: it goes on without end.")),
        Field("count", gettext("Number of dates"), number(1, MOST_EVENTS), "number", required=False,
              help=gettext("Instead of a last day. Days left out count.")),
        Field("skips_holidays", gettext("Not on public holidays and closing days"), read_as.yes, "checkbox",
              required=False, width=""),
    )  # fmt: skip


def _places() -> tuple[Field, ...]:
    number = read_as.whole_number
    policies = tuple((one.value, text) for one, text in waiting_names().items())
    return (
        Field("capacity", gettext("Places"), number(1, MOST_PEOPLE), "number"),
        Field("waiting", gettext("When a place frees"), read_as.chosen(policies, WaitingPolicy), "select",
              options=policies),
        Field("minimum", gettext("Takes place with at least"), number(0, MOST_PEOPLE), "number",
              suffix=gettext("people"), help=gettext("0: it takes place anyway.")),
        Field("decide_hours", gettext("That is decided"), number(0, MOST_HOURS), "number",
              suffix=gettext("hours before"), help=gettext("With fewer booked by then it is cancelled.")),
    )  # fmt: skip


def _cost() -> tuple[Field, ...]:
    number = read_as.whole_number
    return (
        Field("units", gettext("Units of a pass"), number(0, MOST_UNITS), "number",
              help=gettext("What a place costs with a pass.")),
        Field("price", gettext("Price without a pass"), read_as.euros, suffix=house().currency,
              more={"inputmode": "decimal"}),
        Field("free_hours", gettext("Cancelling is free until"), number(0, MOST_HOURS), "number",
              suffix=gettext("hours before")),
        Field("online", gettext("Customers may book it online; else only the office books"), read_as.yes, "checkbox",
              required=False, width=""),
    )  # fmt: skip
