"""Leaked codes: one, or a season's whole list, with a preview of who gets a new mail (SPEC S22)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.doors import draw_replacement
from booking.actions.replacing import Replaced, replace_code
from booking.actions.replacing_lists import replace_season
from booking.reads.door_stock import holders_of
from booking.rules.permissions import Capability
from booking.tables.doors import DoorCode
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import CodeState
from web.access import require
from web.i18n import gettext, ngettext
from web.office.doors_frame import DoorName, blueprint, door_of, name_of, refused, texts_of
from web.request import actor, house, now, organisation_id, read, tools, write

LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class OldCode:
    code_id: int
    window: Slot
    state: CodeState
    starts_at: datetime


@blueprint.get("/<uuid:door>/replace/<int:code_id>")
@require(Capability.DOORS_MANAGE)
def replace_form(door: UUID, code_id: int) -> str:
    known = name_of(door)
    code = _code(known, code_id)
    return render_template("office/doors_replace.html", **_facts(known, code))


@blueprint.post("/<uuid:door>/replace/<int:code_id>")
@require(Capability.DOORS_MANAGE)
def replace(door: UUID, code_id: int) -> AnyResponse:
    known = name_of(door)
    code, reason, facts = _code(known, code_id), _reason(), house()
    if not reason:
        return _again("office/doors_replace.html", known, code, at_reason=True)
    done = write(lambda db: replace_code(db, now(), facts, code_id, reason, actor()))
    if isinstance(done, Refused):
        return _again("office/doors_replace.html", known, code, no=done)
    return _done(door, done)


@blueprint.get("/<uuid:door>/replace-season")
@require(Capability.DOORS_MANAGE)
def replace_season_form(door: UUID) -> str:
    return render_template("office/doors_replace_season.html", **_season_facts(name_of(door)))


@blueprint.post("/<uuid:door>/replace-season")
@require(Capability.DOORS_MANAGE)
def replace_list(door: UUID) -> AnyResponse:
    known = name_of(door)
    season_id, reason, facts = _season_id(), _reason(), house()
    if season_id is None:
        abort(404)
    if not reason:
        return _season_again(known, at_reason=True)
    fresh = draw_replacement(read(), now(), tools(), facts, known.door_id, season_id)
    if isinstance(fresh, Refused):
        return _season_again(known, no=fresh)
    done = write(lambda db: replace_season(db, now(), facts, known.door_id, season_id, fresh, reason, actor()))
    if isinstance(done, Refused):
        return _season_again(known, no=done)
    return _done(door, done)


def _facts(known: DoorName, code: OldCode) -> dict[str, object]:
    return {
        "door": known,
        "code": code,
        "zone": door_of(known).zone.key,
        "holders": holders_of(read(), now(), organisation_id(), known.door_id, DoorCode.id == code.code_id),
        "reason": _reason(),
    }


def _season_facts(known: DoorName) -> dict[str, object]:
    season_id = _season_id()
    return {
        "door": known,
        "seasons": house().seasons,
        "season": season_id,
        "zone": door_of(known).zone.key,
        "holders": holders_of(read(), now(), organisation_id(), known.door_id, DoorCode.season_id == season_id),
        "reason": _reason(),
    }


def _code(known: DoorName, code_id: int) -> OldCode:
    query = select(DoorCode).where(
        DoorCode.organisation_id == organisation_id(), DoorCode.door_id == known.door_id, DoorCode.id == code_id
    )
    row = read().scalar(query)
    if row is None:
        abort(404)
    return OldCode(row.id, Slot(row.starts_at, row.ends_at), row.state, row.starts_at)


def _season_id() -> int | None:
    """The season that was chosen, else the one of now or the last."""
    seasons = house().seasons
    typed = request.values.get("season")
    if typed is not None:
        return next((one.season_id for one in seasons if str(one.season_id) == typed), None)
    today = now().astimezone(house().zone).date()
    current = [one for one in seasons if one.first_day <= today <= one.last_day] or list(seasons)
    return current[-1].season_id if current else None


def _reason() -> str:
    return request.form.get("reason", "").strip()[:LONGEST_REASON]


def _again(
    template: str, known: DoorName, code: OldCode, *, no: Refused | None = None, at_reason: bool = False
) -> Response:
    page = render_template(template, **_facts(known, code), errors=texts_of(no) if no else [], at_reason=at_reason)
    return make_response(page, 422)


def _season_again(known: DoorName, *, no: Refused | None = None, at_reason: bool = False) -> Response:
    facts = _season_facts(known)
    template = "office/doors_replace_season.html"
    return refused(known.public_id, template, no or Refused(()), at_reason=at_reason, **_without_door(facts))


def _without_door(facts: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if name != "door"}


def _done(door: UUID, done: Replaced) -> AnyResponse:
    retired = ngettext("%(num)d code was replaced.", "%(num)d codes were replaced.", done.retired)
    mails = ngettext("%(num)d new mail goes out.", "%(num)d new mails go out.", done.mails)
    flash(f"{retired} {mails}" if done.mails else f"{retired} {gettext('Nobody needs a new mail.')}", "ok")
    return redirect(url_for("office_doors.show", door=door))
