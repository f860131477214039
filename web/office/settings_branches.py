"""Branches: the places where rooms and doors are."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from flask import flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import branches as actions
from booking.reads.house_parts import branch_line, branch_lines
from booking.rules.permissions import Capability
from booking.values.refusals import Refused
from web import field_readers as read_as
from web.access import require
from web.i18n import gettext
from web.office.settings_forms import Field
from web.office.settings_frame import blueprint, form_page, page, save
from web.reasons import message
from web.request import actor, house, now, organisation_id, read, write


@blueprint.get("/branches")
@require(Capability.SETTINGS)
def branches() -> AnyResponse:
    return page("branches", branches=branch_lines(read(), organisation_id()))


@blueprint.get("/branches/new")
@require(Capability.SETTINGS)
def new_branch() -> AnyResponse:
    return form_page(gettext("New branch"), _fields(), {"zone": house().zone.key}, back=_back())


@blueprint.post("/branches/new")
@require(Capability.SETTINGS)
def make_branch() -> AnyResponse:
    def action(session: Session, values: Mapping[str, Any]) -> UUID | Refused:
        return actions.add_branch(session, now(), organisation_id(), actor(), values)

    return save(gettext("New branch"), _fields(), action, back=_back())


@blueprint.get("/branches/<uuid:branch>")
@require(Capability.SETTINGS)
def branch_form(branch: UUID) -> AnyResponse:
    line = branch_line(read(), organisation_id(), branch)
    values = {name: getattr(line, name) for name in actions.FIELDS}
    return form_page(line.name, _fields(line.zone), values, lead=_lead(), back=_back(), **_beside(branch))


@blueprint.post("/branches/<uuid:branch>")
@require(Capability.SETTINGS)
def save_branch(branch: UUID) -> AnyResponse:
    line = branch_line(read(), organisation_id(), branch)

    def action(session: Session, values: Mapping[str, Any]) -> Refused | None:
        return actions.change_branch(session, now(), organisation_id(), actor(), line.branch_id, values)

    return save(line.name, _fields(line.zone), action, lead=_lead(), back=_back(), **_beside(branch))


@blueprint.post("/branches/<uuid:branch>/remove")
@require(Capability.SETTINGS)
def remove_branch(branch: UUID) -> AnyResponse:
    line = branch_line(read(), organisation_id(), branch)
    no = write(lambda db: actions.remove_branch(db, now(), organisation_id(), actor(), line.branch_id), nudge=False)
    if no:
        flash(" ".join(message(reason) for reason in no.reasons), "stop")
        return redirect(url_for("office_settings.branch_form", branch=branch))
    flash(gettext("The branch was removed."), "ok")
    return redirect(_back())


def _fields(present: str = "") -> tuple[Field, ...]:
    """`present`: the zone set now, which stays among the choices wherever it lies."""
    zones = tuple(
        (zone, zone) for zone in sorted(available_timezones()) if zone.startswith("Europe/") or zone == present
    )
    return (
        Field("name", gettext("Name"), read_as.text(80), width="",
              help=gettext("It stands before the address in calendars.")),
        Field("street", gettext("Street and number"), read_as.text(120), width=""),
        Field("postcode", gettext("Postcode"), read_as.text(12), width="third", more={"autocomplete": "off"}),
        Field("city", gettext("City"), read_as.text(80), width="two-thirds"),
        Field("zone", gettext("Time zone"), read_as.chosen(zones), "select", options=zones,
              help=gettext("Opening hours and door codes follow it.")),
    )  # fmt: skip


def _beside(branch: UUID) -> dict[str, Any]:
    return {"remove": url_for("office_settings.remove_branch", branch=branch)}


def _lead() -> str:
    return gettext("Mails and calendar entries carry the new address from their next change on.")


def _back() -> str:
    return url_for("office_settings.branches")
