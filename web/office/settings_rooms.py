"""Rooms: how each is booked, and when it is open (SPEC S4, S22, S25, S27)."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import abort, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import settings
from booking.reads.house import RoomFacts
from booking.reads.settings import door_names, price_lists, room_values
from booking.rules.parts import inside
from booking.rules.permissions import Capability
from booking.values.house import Hours
from booking.values.refusals import Refused
from web import field_readers as read_as
from web.access import require
from web.i18n import gettext, translator
from web.office.settings_forms import Field, hours_written
from web.office.settings_frame import blueprint, form_page, page, save
from web.request import actor, house, now, organisation_id, read

MINUTES = (
    "slot_minutes",
    "grid_minutes",
    "shortest_minutes",
    "longest_minutes",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "tolerance_before_minutes",
    "tolerance_after_minutes",
    "notice_minutes",
)


@blueprint.get("/rooms")
@require(Capability.SETTINGS)
def rooms() -> AnyResponse:
    return page("rooms", rooms=list(house().rooms.values()), parts=_parts(), hours=_hours_lines)


def _parts() -> dict[int, str]:
    """The names of the rooms that each room holds."""
    units = {room.room_id: frozenset(room.unit_ids) for room in house().rooms.values()}
    held = {room_id: inside(room_id, units) for room_id in units}
    return {room_id: ", ".join(house().room(one).name for one in units if one in held[room_id]) for room_id in units}


@blueprint.get("/rooms/<uuid:room>")
@require(Capability.SETTINGS)
def room_form(room: UUID) -> AnyResponse:
    values = room_values(read(), organisation_id(), room)
    return form_page(values["name"], _fields(), values, lead=_lead(), back=_back(), **_beside(room))


@blueprint.post("/rooms/<uuid:room>")
@require(Capability.SETTINGS)
def save_room(room: UUID) -> AnyResponse:
    values = room_values(read(), organisation_id(), room)

    def action(session: Session, wanted: Mapping[str, Any]) -> Refused | None:
        return settings.change_room(session, now(), organisation_id(), actor(), values["id"], wanted)

    return save(values["name"], _fields(), action, lead=_lead(), back=_back(), **_beside(room))


@blueprint.get("/rooms/<uuid:room>/hours")
@require(Capability.SETTINGS)
def opening(room: UUID) -> AnyResponse:
    facts, season = _room(room), _season()
    lines = _hours_of(facts, season)
    values = {f"opening-{day}": hours_written(lines, day) for day in range(7)}
    return form_page(facts.name, _opening_fields(), values, back=_back(), **_opening_beside(room, season))


@blueprint.post("/rooms/<uuid:room>/hours")
@require(Capability.SETTINGS)
def save_opening(room: UUID) -> AnyResponse:
    facts, season = _room(room), _season()

    def action(session: Session, values: Mapping[str, Any]) -> Refused | None:
        lines: list[Hours] = [line for day in range(7) for line in values[f"opening-{day}"]]
        return settings.set_opening_hours(session, now(), organisation_id(), actor(), facts.room_id, season, lines)

    return save(facts.name, _opening_fields(), action, back=_back(), **_opening_beside(room, season))


def _room(room: UUID) -> RoomFacts:
    return house().room_by(public_id=room)


def _beside(room: UUID) -> dict[str, Any]:
    facts = _room(room)
    return {
        "links": [
            (url_for("office_settings.opening", room=room), gettext("Opening hours")),
            (url_for("office_settings.cancelling", room=room), gettext("Cancelling")),
            (url_for("office_settings.place_form", room=room), gettext("Place and parts")),
        ],
        "archive": url_for("office_settings.archive", room=room),
        "archived": facts.archived,
    }


def _fields() -> tuple[Field, ...]:
    lists = tuple((str(one.list_id), one.values["name"]) for one in price_lists(read(), organisation_id()))
    doors = tuple((str(door_id), name) for door_id, name in door_names(read(), organisation_id()))
    labels = _minute_labels()
    ranges = settings.ROOM_RANGES
    return (
        Field("name", gettext("Name"), read_as.text(80)),
        _count("most_people", gettext("At most"), gettext("people")),
        Field("description", gettext("Description"), read_as.text(2000), "textarea", required=False, width="",
              more={"data-empty": ""}),
        *(
            Field(
                name,
                labels[name][0],
                read_as.whole_number(*ranges[name]),
                "number",
                suffix=gettext("minutes"),
                help=labels[name][1],
            )
            for name in MINUTES
        ),
        _count("horizon_days", gettext("Can be requested at most"), gettext("days ahead")),
        Field("price_list_id", gettext("Price list"), read_as.chosen(lists, int), "select", options=lists),
        Field(
            "door_id",
            gettext("Door with codes"),
            read_as.chosen(doors, int),
            "select",
            required=False,
            options=(("", gettext("none")), *doors),
        ),
    )  # fmt: skip


def _count(name: str, label: str, suffix: str) -> Field:
    return Field(name, label, read_as.whole_number(*settings.ROOM_RANGES[name]), "number", suffix=suffix)


def _minute_labels() -> dict[str, tuple[str, str]]:
    return {
        "slot_minutes": (gettext("One slot lasts"), gettext("Lengths are multiples of it.")),
        "grid_minutes": (gettext("Times begin every"), gettext("Counted from the opening.")),
        "shortest_minutes": (gettext("Shortest booking"), ""),
        "longest_minutes": (gettext("Longest booking"), ""),
        "buffer_before_minutes": (gettext("Kept free before"), gettext("Occupies the room.")),
        "buffer_after_minutes": (gettext("Kept free after"), gettext("Occupies the room.")),
        "tolerance_before_minutes": (gettext("The code opens earlier by"), gettext("Does not occupy the room.")),
        "tolerance_after_minutes": (gettext("The code opens longer by"), gettext("Does not occupy the room.")),
        "notice_minutes": (gettext("To be requested ahead by"), gettext("0: until the start.")),
    }


def _opening_fields() -> tuple[Field, ...]:
    return tuple(
        Field(
            f"opening-{day}",
            translator().weekday(day),
            read_as.hours_of(day),
            "hours",
            required=False,
            more={"placeholder": gettext("closed")},
        )
        for day in range(7)
    )


def _opening_beside(room: UUID, season: int | None) -> dict[str, Any]:
    def link(season_id: int | None) -> str:
        return url_for("office_settings.opening", room=room, season=season_id)

    seasons = [(None, gettext("All year")), *((one.season_id, one.name) for one in house().seasons)]
    return {
        "lead": gettext("For example 08:00-22:00, or 08:00-12:00, 14:00-24:00. An empty day is closed."),
        "tabs": [
            {"href": link(season_id), "label": name, "current": season_id == season} for season_id, name in seasons
        ],
        "tabs_label": gettext("Season"),
        "note": gettext("Hours of a season are added to those of all year. What is booked already stays booked."),
    }


def _season() -> int | None:
    typed = request.args.get("season")
    if not typed:
        return None
    found = next((one.season_id for one in house().seasons if str(one.season_id) == typed), None)
    if found is None:
        abort(404)
    return found


def _hours_of(facts: RoomFacts, season: int | None) -> list[Hours]:
    return [one for one in facts.hours if one.season_id == season]


def _hours_lines(facts: RoomFacts) -> list[tuple[str, str]]:
    """Weekdays and hours of all year, days in a row with the same hours together, days without left out."""
    lines = _hours_of(facts, None)
    found = groupby(range(7), key=lambda day: hours_written(lines, day))
    return [(_days(list(days)), text) for text, days in found if text]


def _days(days: list[int]) -> str:
    """`Mo` or `Mo-Fr`, with an en dash."""
    ends = dict.fromkeys((days[0], days[-1]))
    return "\N{EN DASH}".join(translator().weekday(day) for day in ends)


def _lead() -> str:
    return gettext("What is booked already keeps its time and its price.")


def _back() -> str:
    return url_for("office_settings.rooms")
