"""Doors: made, renamed, given to rooms; the form of code that each lock takes (SPEC S1, S23)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import house_doors as actions
from booking.reads.house_parts import DoorLine, branch_lines, door_line, door_lines
from booking.rules.doorcodes import LockFormat, new_codes
from booking.rules.locks import LONGEST, SHORTEST, count_codes
from booking.rules.permissions import Capability
from booking.values.refusals import Refused
from web import field_readers as read_as
from web.access import require
from web.i18n import gettext, ngettext
from web.office.settings_forms import Field
from web.office.settings_frame import blueprint, form_page, page, save
from web.reasons import message
from web.request import actor, house, now, organisation_id, read, write

LOCK = ("length", "alphabet", "no_leading_zero", "forbidden_prefixes", "longest_run")


@blueprint.get("/doors")
@require(Capability.SETTINGS)
def doors() -> AnyResponse:
    return page("doors", doors=door_lines(read(), organisation_id()), example=_example)


@blueprint.get("/doors/new")
@require(Capability.SETTINGS)
def new_door() -> AnyResponse:
    branches = branch_lines(read(), organisation_id())
    values = _lock_values(LockFormat()) | {"rooms": ()}
    values |= {"branch_id": branches[0].branch_id} if len(branches) == 1 else {}
    return form_page(gettext("New door"), _fields(), values, lead=_lead(), back=_back())


@blueprint.post("/doors/new")
@require(Capability.SETTINGS)
def make_door() -> AnyResponse:
    def action(session: Session, values: Mapping[str, Any]) -> UUID | Refused:
        return actions.add_door(session, now(), organisation_id(), actor(), values)

    return save(gettext("New door"), _fields(), action, lead=_lead(), back=_back())


@blueprint.get("/doors/<uuid:door>")
@require(Capability.SETTINGS)
def door_form(door: UUID) -> AnyResponse:
    line = door_line(read(), organisation_id(), door)
    rooms = tuple(room_id for room_id, _ in line.rooms)
    values = _lock_values(line.lock) | {"name": line.name, "branch_id": line.branch_id, "rooms": rooms}
    return form_page(line.name, _fields(), values, lead=_example(line.lock), back=_back(), **_beside(line))


@blueprint.post("/doors/<uuid:door>")
@require(Capability.SETTINGS)
def save_door(door: UUID) -> AnyResponse:
    line = door_line(read(), organisation_id(), door)

    def action(session: Session, values: Mapping[str, Any]) -> Refused | None:
        return actions.change_door(session, now(), organisation_id(), actor(), line.door_id, values)

    return save(line.name, _fields(), action, lead=_example(line.lock), back=_back(), **_beside(line))


@blueprint.post("/doors/<uuid:door>/remove")
@require(Capability.SETTINGS)
def remove_door(door: UUID) -> AnyResponse:
    line = door_line(read(), organisation_id(), door)
    no = write(lambda db: actions.remove_door(db, now(), organisation_id(), actor(), line.door_id), nudge=False)
    if no:
        flash(" ".join(message(reason) for reason in no.reasons), "stop")
        return redirect(url_for("office_settings.door_form", door=door))
    flash(gettext("The door was removed."), "ok")
    return redirect(_back())


def _fields() -> tuple[Field, ...]:
    branches = tuple((str(one.branch_id), one.name) for one in branch_lines(read(), organisation_id()))
    rooms = tuple((str(one.room_id), one.name) for one in house().rooms.values())
    behind = Field("rooms", gettext("Rooms behind it"), read_as.several_of(rooms, int), "choices", required=False,
                   options=rooms, more={"data-empty": ()},
                   help=gettext("A room that has another door gets this one instead."))  # fmt: skip
    return (
        Field("name", gettext("Name"), read_as.text(80), help=gettext("It stands in the customer's mail.")),
        Field("branch_id", gettext("Branch"), read_as.chosen(branches, int), "select", options=branches),
        *([behind] if rooms else []),
        Field("length", gettext("A code has"), read_as.whole_number(SHORTEST, LONGEST), "number",
              suffix=gettext("characters")),
        Field("alphabet", gettext("Characters of the lock"), _alphabet,
              help=gettext("Each once, for example 0123456789.")),
        Field("longest_run", gettext("Same character in a row, at most"), read_as.whole_number(0, LONGEST),
              "number", suffix=gettext("times"), help=gettext("0: however often.")),
        Field("forbidden_prefixes", gettext("A code never begins with"), _prefixes, required=False,
              help=gettext("For example 12, 99."), more={"data-empty": ()}),
        Field("no_leading_zero", gettext("A code never begins with 0"), read_as.yes, "checkbox", required=False),
    )  # fmt: skip


def _alphabet(typed: str) -> str:
    return "".join(typed.split()).upper()


def _prefixes(typed: str) -> tuple[str, ...]:
    return tuple(part for part in typed.upper().replace(" ", "").split(",") if part)


def _lock_values(lock: LockFormat) -> dict[str, Any]:
    return {name: getattr(lock, name) for name in LOCK} | {"forbidden_prefixes": ", ".join(lock.forbidden_prefixes)}


def _example(lock: LockFormat) -> str:
    """A code as this lock takes it, and how many there are."""
    drawn = new_codes(1, lock)
    if isinstance(drawn, Refused):
        return ""
    count = f"{count_codes(lock):_}".replace("_", "\N{NARROW NO-BREAK SPACE}")
    return gettext("For example %(code)s; there are %(count)s such codes.", code=drawn[0], count=count)


def _beside(line: DoorLine) -> dict[str, Any]:
    told = ngettext(
        "The door has %(num)d code already; another form holds for new codes only.",
        "The door has %(num)d codes already; another form holds for new codes only.",
        line.codes,
    )
    return {
        "note": told if line.codes else "",
        "links": [(url_for("office_doors.show", door=line.public_id), gettext("Its codes"))],
        "remove": url_for("office_settings.remove_door", door=line.public_id),
        "remove_text": gettext("Codes that nobody ever had go with it."),
    }


def _lead() -> str:
    return gettext("How much earlier and longer a code opens is set with each room.")


def _back() -> str:
    return url_for("office_settings.doors")
