"""What the pages of doors share: the door of an address, and the texts of refusals."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from babel.dates import format_date
from flask import Blueprint, Response, abort, make_response, render_template
from sqlalchemy import select

from booking.reads.doors import DoorFacts, read_door
from booking.tables.doors import Door
from booking.values.refusals import Refused
from web.i18n import gettext, translator
from web.reasons import message
from web.request import house, organisation_id, read

blueprint = Blueprint("office_doors", __name__, url_prefix="/office/doors")


@blueprint.app_template_filter("month")
def month_name(day: date) -> str:
    """`Dezember 2026`."""
    return format_date(day, "LLLL y", locale=translator().locale)


@dataclass(frozen=True, slots=True)
class DoorName:
    """A door as links name it."""

    door_id: int
    public_id: UUID
    name: str


def names() -> list[DoorName]:
    query = select(Door.id, Door.public_id, Door.name).where(Door.organisation_id == organisation_id())
    return [DoorName(*row) for row in read().execute(query.order_by(Door.name, Door.id))]


def name_of(door: UUID) -> DoorName:
    """The door of this organisation, else 404."""
    found = next((one for one in names() if one.public_id == door), None)
    if found is None:
        abort(404)
    return found


def door_of(known: DoorName) -> DoorFacts:
    return read_door(read(), house(), known.door_id)


def texts_of(no: Refused) -> list[str]:
    """Why codes were not made, read or replaced."""
    known = {
        "no-rooms": gettext("No room lies behind this door; choose the door in a room's settings first."),
        "bad-pool": gettext("At least one code for each window is needed."),
        "no-windows": gettext("The rooms behind this door are closed in that season, so there is nothing to make."),
        "codes-changed": gettext("The door got other codes meanwhile. Please look at the preview again."),
        "has-problems": gettext("Nothing was taken over: please put the file right first."),
        "preview-changed": gettext("File or door changed since the preview. Please look at it again."),
        "retired": gettext("This code was replaced already."),
        "over": gettext("This code opens nothing any more; it needs no replacement."),
        "unknown-season": gettext("Please choose a season."),
        "no-file": gettext("Please choose a file."),
    }
    return [known.get(reason.code) or _with_count(reason.values) or message(reason) for reason in no.reasons]


def refused(door: UUID, template: str, no: Refused, **values: Any) -> Response:
    """A page of the door again, with the reasons and all that was entered."""
    return make_response(render_template(template, door=name_of(door), errors=texts_of(no), **values), 422)


def _with_count(values: dict[str, str | int]) -> str:
    if "bookings" not in values:
        return ""
    return gettext("The new list has no code for %(count)s bookings. Nothing was changed.", count=values["bookings"])
