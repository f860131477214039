"""Rooms are made, placed within each other, ordered, taken out of use (DESIGN rule 2)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import rooms as actions
from booking.actions.settings import ROOM_RANGES
from booking.reads.house import RoomFacts
from booking.reads.house_parts import branch_lines, coming, count_coming, room_units
from booking.reads.settings import door_names, price_lists, room_values
from booking.rules.parts import blocking, inside
from booking.rules.permissions import Capability
from booking.values.refusals import Refused
from web import field_readers as read_as
from web.access import require
from web.i18n import gettext
from web.office.settings_forms import Field, filled
from web.office.settings_frame import blueprint, form_page, page, save
from web.request import actor, house, now, organisation_id, read, write

SHOWN = 20


@blueprint.get("/rooms/new")
@require(Capability.SETTINGS)
def new_room() -> AnyResponse:
    branches, lists = branch_lines(read(), organisation_id()), price_lists(read(), organisation_id())
    if not branches or not lists:
        return page("rooms_first", has_branch=bool(branches))
    values: dict[str, Any] = {"most_people": 30, "inside": ()}
    values |= {"branch_id": branches[0].branch_id} if len(branches) == 1 else {}
    values |= {"price_list_id": lists[0].list_id} if len(lists) == 1 else {}
    return form_page(gettext("New room"), _new_fields(), values, lead=explained(), back=_back())


@blueprint.post("/rooms/new")
@require(Capability.SETTINGS)
def make_room() -> AnyResponse:
    form = filled(_new_fields(), request.form)
    if not form.errors:
        made = write(lambda db: actions.add_room(db, now(), organisation_id(), actor(), form.values), nudge=False)
        if not isinstance(made, Refused):
            flash(gettext("The room is there. It can be requested once it has opening hours."), "ok")
            return redirect(url_for("office_settings.opening", room=made))
        form = form.refused(made)
    return page("form", form, 422, title=gettext("New room"), lead=explained(), back=_back())


@blueprint.get("/rooms/<uuid:room>/place")
@require(Capability.SETTINGS)
def place_form(room: UUID) -> AnyResponse:
    facts = house().room_by(public_id=room)
    stored = room_values(read(), organisation_id(), room)
    held = inside(facts.room_id, room_units(read(), organisation_id()))
    values = {"slug": facts.slug, "branch_id": stored["branch_id"], "inside": tuple(sorted(held))}
    return form_page(facts.name, _place_fields(facts), values, lead=explained(), back=_back(), **_beside(facts))


@blueprint.post("/rooms/<uuid:room>/place")
@require(Capability.SETTINGS)
def save_place(room: UUID) -> AnyResponse:
    facts = house().room_by(public_id=room)

    def action(session: Session, values: Mapping[str, Any]) -> Refused | None:
        return actions.place_room(session, now(), organisation_id(), actor(), facts.room_id, values)

    return save(facts.name, _place_fields(facts), action, lead=explained(), back=_back(), **_beside(facts))


@blueprint.post("/rooms/<uuid:room>/shift")
@require(Capability.SETTINGS)
def shift_room(room: UUID) -> AnyResponse:
    facts, steps = house().room_by(public_id=room), -1 if request.form.get("to") == "up" else 1
    write(lambda db: actions.shift_room(db, now(), organisation_id(), actor(), facts.room_id, steps=steps), nudge=False)
    return redirect(f"{_back()}#room-{room}")


@blueprint.post("/rooms/<uuid:room>/archive")
@require(Capability.SETTINGS)
def archive(room: UUID) -> AnyResponse:
    """Refused with the bookings that are to come: they would be out of everybody's sight."""
    facts, archived = house().room_by(public_id=room), request.form.get("archived") == "yes"
    no = write(
        lambda db: actions.archive_room(db, now(), organisation_id(), actor(), facts.room_id, archived=archived),
        nudge=False,
    )
    if no:
        here = [facts.room_id]
        return page(
            "in_use",
            status=422,
            room=facts,
            count=count_coming(read(), now(), organisation_id(), here),
            bookings=coming(read(), now(), organisation_id(), here, SHOWN),
        )
    text = gettext("The room can no longer be requested.") if archived else gettext("The room can be requested again.")
    flash(text, "ok")
    return redirect(_back())


def explained() -> str:
    """The one sentence about rooms within rooms."""
    return gettext(
        "A room can hold smaller rooms: while one of them is booked the larger one cannot be, and the other way round."
    )


def _new_fields() -> tuple[Field, ...]:
    lists = tuple((str(one.list_id), one.values["name"]) for one in price_lists(read(), organisation_id()))
    doors = tuple((str(door_id), name) for door_id, name in door_names(read(), organisation_id()))
    return (
        Field("name", gettext("Name"), read_as.text(80)),
        _slug(gettext("Part of its address; made from the name where it is left empty."), required=False),
        Field("most_people", gettext("At most"), read_as.whole_number(*ROOM_RANGES["most_people"]), "number",
              suffix=gettext("people")),
        _branch(),
        Field("price_list_id", gettext("Price list"), read_as.chosen(lists, int), "select", options=lists),
        Field("door_id", gettext("Door with codes"), read_as.chosen(doors, int), "select", required=False,
              options=(("", gettext("none")), *doors)),
        Field("description", gettext("Description"), read_as.text(2000), "textarea", required=False, width="",
              more={"data-empty": ""}),
        *_inside(None),
    )  # fmt: skip


def _place_fields(facts: RoomFacts) -> tuple[Field, ...]:
    return (
        _slug(gettext("Part of its address. Links to the former address no longer work."), required=True),
        _branch(),
        *_inside(facts),
    )


def _slug(help_text: str, *, required: bool) -> Field:
    return Field("slug", gettext("Short name in links"), read_as.text(60), required=required, help=help_text)


def _branch() -> Field:
    options = tuple((str(one.branch_id), one.name) for one in branch_lines(read(), organisation_id()))
    return Field("branch_id", gettext("Branch"), read_as.chosen(options, int), "select", options=options)


def _inside(facts: RoomFacts | None) -> tuple[Field, ...]:
    """The rooms that may lie within this one; no field while there is no other room."""
    options = tuple(
        (str(one.room_id), f"{one.name} ({gettext('Out of use')})" if one.archived else one.name)
        for one in house().rooms.values()
        if facts is None or one.room_id != facts.room_id
    )
    field = Field("inside", gettext("It holds these rooms"), read_as.several_of(options, int), "choices",
                  required=False, options=options, more={"data-empty": ()})  # fmt: skip
    return (field,) if options else ()


def _beside(facts: RoomFacts) -> dict[str, Any]:
    units = room_units(read(), organisation_id())
    others = [house().room(one).name for one in house().rooms if one in blocking(facts.room_id, units)]
    told = gettext("Never booked at the same time: %(rooms)s.", rooms=", ".join(others))
    links = [(url_for("office_settings.room_form", room=facts.public_id), gettext("How it is booked"))]
    return {"note": told if others else "", "links": links}


def _back() -> str:
    return url_for("office_settings.rooms")
