"""The steps of cancelling a room (SPEC S27): one line each, added by filling a line, removed by emptying it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import settings
from booking.reads.settings import room_values
from booking.rules.moving import MOST_DAYS, MOST_PERCENT, MOST_STEPS
from booking.rules.permissions import Capability
from booking.values.house import CancelStep
from booking.values.refusals import Reason, Refused
from web import field_readers as read_as
from web.access import require
from web.cancel_words import cancel_words
from web.i18n import gettext
from web.office.settings_forms import Field
from web.office.settings_frame import blueprint, form_page, save
from web.request import actor, now, organisation_id, read

EMPTY_LINES, FEWEST_LINES = 2, 4
PARTS = {"days_before": "days", "fee_percent": "percent"}


@blueprint.get("/rooms/<uuid:room>/cancelling")
@require(Capability.SETTINGS)
def cancelling(room: UUID) -> AnyResponse:
    values = room_values(read(), organisation_id(), room)
    steps: tuple[CancelStep, ...] = values["cancel_steps"]
    shown = {_name(line, "days"): step.days_before for line, step in enumerate(steps)}
    shown |= {_name(line, "percent"): step.fee_percent for line, step in enumerate(steps)}
    lines = min(MOST_STEPS, max(FEWEST_LINES, len(steps) + EMPTY_LINES))
    return form_page(values["name"], _fields(lines), shown, **_beside(room, steps))


@blueprint.post("/rooms/<uuid:room>/cancelling")
@require(Capability.SETTINGS)
def save_cancelling(room: UUID) -> AnyResponse:
    values = room_values(read(), organisation_id(), room)
    lines = next((line for line in range(MOST_STEPS) if _name(line, "days") not in request.form), MOST_STEPS)

    def action(session: Session, given: Mapping[str, Any]) -> Refused | None:
        filled = [line for line in range(lines) if _pair(given, line) != (None, None)]
        halves = [
            Reason("missing", _name(line, part))
            for line in filled
            for part in PARTS.values()
            if given[_name(line, part)] is None
        ]
        if halves:
            return Refused(tuple(halves))
        steps = tuple(CancelStep(*_pair(given, line)) for line in filled)
        no = settings.change_room(session, now(), organisation_id(), actor(), values["id"], {"cancel_steps": steps})
        return _at_fields(no, filled)

    beside = _beside(room, values["cancel_steps"])
    return save(values["name"], _fields(lines), action, then=url_for(".cancelling", room=room), **beside)


def _fields(lines: int) -> tuple[Field, ...]:
    return tuple(field for line in range(lines) for field in _line(line))


def _line(line: int) -> tuple[Field, Field]:
    return (
        Field(
            _name(line, "days"),
            gettext("Step %(n)d: later than", n=line + 1),
            read_as.whole_number(0, MOST_DAYS),
            "number",
            required=False,
            suffix=gettext("days before the start"),
        ),
        Field(
            _name(line, "percent"),
            gettext("Step %(n)d: it costs", n=line + 1),
            read_as.whole_number(0, MOST_PERCENT),
            "number",
            required=False,
            suffix=gettext("% of the price"),
        ),
    )


def _name(line: int, part: str) -> str:
    return f"step-{line}-{part}"


def _pair(given: Mapping[str, Any], line: int) -> tuple[Any, Any]:
    return given[_name(line, "days")], given[_name(line, "percent")]


def _at_fields(no: Refused | None, filled: list[int]) -> Refused | None:
    """The reasons at the lines of the form, of which empty ones were left out."""
    if no is None:
        return None
    return Refused(tuple(replace(reason, at=_field_of(reason.at, filled)) for reason in no.reasons))


def _field_of(at: str | None, filled: list[int]) -> str | None:
    _, _, rest = (at or "").partition(".")
    place, _, part = rest.partition(".")
    return _name(filled[int(place)], PARTS[part]) if place else None


def _beside(room: UUID, steps: tuple[CancelStep, ...]) -> dict[str, Any]:
    return {
        "lead": gettext("What it costs to cancel a confirmed booking or to take another time, the later the more."),
        "note": gettext("Customers read: %(words)s", words=cancel_words(steps))
        + " "
        + gettext("An empty line is no step: empty a line to remove it. What was cancelled already keeps its fee."),
        "back": url_for("office_settings.room_form", room=room),
    }
