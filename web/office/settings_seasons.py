"""Seasons, closing days, and the public holidays that follow from the state (SPEC S1, S8)."""

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import settings
from booking.reads.settings import ClosingLine, closing_lines
from booking.rules.permissions import Capability
from booking.rules.public_holidays import public_holiday_names
from booking.values.clock import local_day
from booking.values.refusals import Refused
from web import field_readers as read_as
from web.access import require
from web.i18n import gettext, language
from web.office.settings_forms import Field
from web.office.settings_frame import blueprint, form_page, page, save
from web.reasons import message
from web.request import actor, house, now, organisation_id, read, write


@blueprint.get("/seasons")
@require(Capability.SETTINGS)
def seasons() -> AnyResponse:
    facts = house()
    today = local_day(now(), facts.zone)
    names = public_holiday_names(facts.country, facts.subdivision, (today.year, today.year + 1), language())
    closings = closing_lines(read(), organisation_id())
    return page(
        "seasons",
        seasons=facts.seasons,
        closings=closings,
        rooms={room.room_id: room.name for room in facts.rooms.values()},
        holidays=[(day, name) for day, name in sorted(names.items()) if day >= today][:14],
        holidays_close=facts.office.holidays_close_rooms,
        today=today,
    )


@blueprint.get("/seasons/new")
@require(Capability.SETTINGS)
def new_season() -> AnyResponse:
    return form_page(gettext("New season"), _season_fields(), {}, back=_back())


@blueprint.post("/seasons/new")
@require(Capability.SETTINGS)
def make_season() -> AnyResponse:
    return _save_season(gettext("New season"), None)


@blueprint.get("/seasons/<int:season_id>")
@require(Capability.SETTINGS)
def season_form(season_id: int) -> AnyResponse:
    values = _season(season_id)
    remove = url_for("office_settings.remove_season", season_id=season_id)
    return form_page(values["name"], _season_fields(), values, back=_back(), remove=remove)


@blueprint.post("/seasons/<int:season_id>")
@require(Capability.SETTINGS)
def save_season(season_id: int) -> AnyResponse:
    return _save_season(_season(season_id)["name"], season_id)


@blueprint.post("/seasons/<int:season_id>/remove")
@require(Capability.SETTINGS)
def remove_season(season_id: int) -> AnyResponse:
    _season(season_id)
    no = write(lambda db: settings.remove_season(db, now(), organisation_id(), actor(), season_id), nudge=False)
    if no:
        flash(" ".join(message(reason) for reason in no.reasons), "stop")
        return redirect(url_for("office_settings.season_form", season_id=season_id))
    flash(gettext("The season was removed."), "ok")
    return redirect(_back())


@blueprint.get("/closings/new")
@require(Capability.SETTINGS)
def new_closing() -> AnyResponse:
    values = {"closes_office": True, "closes_rooms": True}
    return form_page(gettext("New closing days"), _closing_fields(), values, lead=_closing_lead(), back=_back())


@blueprint.post("/closings/new")
@require(Capability.SETTINGS)
def make_closing() -> AnyResponse:
    return _save_closing(None)


@blueprint.get("/closings/<int:closing_id>")
@require(Capability.SETTINGS)
def closing_form(closing_id: int) -> AnyResponse:
    line = _closing(closing_id)
    values = {name: getattr(line, name) for name in line.__slots__}
    remove = url_for("office_settings.remove_closing", closing_id=closing_id)
    return form_page(line.reason, _closing_fields(), values, lead=_closing_lead(), back=_back(), remove=remove)


@blueprint.post("/closings/<int:closing_id>")
@require(Capability.SETTINGS)
def save_closing(closing_id: int) -> AnyResponse:
    _closing(closing_id)
    return _save_closing(closing_id)


@blueprint.post("/closings/<int:closing_id>/remove")
@require(Capability.SETTINGS)
def remove_closing(closing_id: int) -> AnyResponse:
    _closing(closing_id)
    write(lambda db: settings.remove_closing(db, now(), organisation_id(), actor(), closing_id), nudge=False)
    flash(gettext("The closing days were removed."), "ok")
    return redirect(_back())


def _save_season(title: str, season_id: int | None) -> AnyResponse:
    def action(session: Session, values: Mapping[str, Any]) -> Refused | int:
        return settings.put_season(session, now(), organisation_id(), actor(), season_id, values)

    return save(title, _season_fields(), action, back=_back())


def _save_closing(closing_id: int | None) -> AnyResponse:
    def action(session: Session, values: Mapping[str, Any]) -> Refused | int:
        return settings.put_closing(session, now(), organisation_id(), actor(), closing_id, values)

    return save(gettext("Closing days"), _closing_fields(), action, lead=_closing_lead(), back=_back())


def _season_fields() -> tuple[Field, ...]:
    return (
        Field("name", gettext("Name"), read_as.text(60), width="", help=gettext("For example: Winter 2026/27")),
        Field("first_day", gettext("First day"), read_as.local_date, "date"),
        Field("last_day", gettext("Last day"), read_as.local_date, "date"),
    )


def _closing_fields() -> tuple[Field, ...]:
    rooms = tuple((str(room.room_id), room.name) for room in house().rooms.values())
    return (
        Field("first_day", gettext("First day"), read_as.local_date, "date"),
        Field("last_day", gettext("Last day"), read_as.local_date, "date"),
        Field("reason", gettext("Reason, as customers read it"), read_as.text(120)),
        Field("room_id", gettext("What is closed"), read_as.chosen(rooms, int), "select", required=False,
              options=(("", gettext("the whole house")), *rooms)),
        Field("closes_rooms", gettext("Nothing can be requested"), read_as.yes, "checkbox", required=False),
        Field("closes_office", gettext("The office does not work"), read_as.yes, "checkbox", required=False),
    )  # fmt: skip


def _closing_lead() -> str:
    return gettext("Both days count. What is booked on them already stays booked.")


def _season(season_id: int) -> dict[str, Any]:
    found = next((one for one in house().seasons if one.season_id == season_id), None)
    if found is None:
        abort(404)
    return {"name": found.name, "first_day": found.first_day, "last_day": found.last_day}


def _closing(closing_id: int) -> ClosingLine:
    found = next((one for one in closing_lines(read(), organisation_id()) if one.closing_id == closing_id), None)
    if found is None:
        abort(404)
    return found


def _back() -> str:
    return url_for("office_settings.seasons")
