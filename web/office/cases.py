"""Cases: what a person has to decide, each by one click that says what it does (SPEC S10, Y6)."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.codes import CodeLostError
from booking.actions.deciding_cases import Way, decide_case, ways_of
from booking.reads.cases import CaseLine, case_by, open_cases, told_facts
from booking.rules.permissions import Capability
from booking.values.refusals import MoveLost, Overlap, Refused, refused
from booking.values.slot import Slot
from web.access import require
from web.filters import day, money, when
from web.i18n import gettext
from web.office import words
from web.office.frame import act
from web.request import actor, house, now, organisation_id, read, tools

blueprint = Blueprint("office_cases", __name__, url_prefix="/office/cases")
RISKY = frozenset({Way.CANCEL, Way.FREE})


@blueprint.get("")
@require(Capability.CASES)
def index() -> str:
    found = open_cases(read(), organisation_id())
    return render_template("office/cases.html", cases=[_shown(case) for case in found])


@blueprint.get("/<int:case_id>")
@require(Capability.CASES)
def show(case_id: int) -> AnyResponse:
    return _page(case_by(read(), organisation_id(), case_id))


@blueprint.post("/<int:case_id>")
@require(Capability.CASES)
def decide(case_id: int) -> AnyResponse:
    case = case_by(read(), organisation_id(), case_id)
    given = request.form.get("way", "")
    way = Way(given) if given in set(Way) else None
    if way is None:
        return _page(case, refused("no-such-way"))
    try:
        no = act(lambda db, here: decide_case(db, now(), tools(), here, case_id, way, actor()))
    except (MoveLost, Overlap, CodeLostError):
        no = refused("taken")
    if no is not None:
        return _page(case_by(read(), organisation_id(), case_id), no)
    flash(gettext("Decided: %(what)s", what=words.way_label(case.kind, way)), "ok")
    return redirect(url_for("office_cases.index"))


def _page(case: CaseLine, no: Refused | None = None) -> AnyResponse:
    page = render_template("office/case.html", errors=words.refusal(no) if no else [], **_shown(case))
    status = 200 if no is None else 409 if "case-closed" in no.codes else 422
    return make_response(page, status)


def _shown(case: CaseLine) -> dict[str, Any]:
    return {
        "case": case,
        "title": words.case_title(case.kind),
        "question": words.case_question(case.kind),
        "facts": _facts(case),
        "ways": [
            (way, words.way_label(case.kind, way), words.way_effect(case.kind, way), way in RISKY)
            for way in ways_of(case.kind)
        ]
        if case.closed_at is None
        else [],
    }


def _facts(case: CaseLine) -> list[tuple[str, str]]:
    here, known = house(), []
    if case.slot is not None and case.room_id is not None:
        room = here.room(case.room_id)
        known += [
            (gettext("Booking"), words.joined((case.party, case.code[:4] + "-" + case.code[4:]))),
            (gettext("Here"), words.joined((when(case.slot, room.zone.key), room.name))),
        ]
    facts = told_facts(case)
    there = _there(facts)
    if there is not None and case.kind == "site-moved":
        known.append((gettext("There"), when(there)))
    for key, label in _labels():
        if key in facts:
            known.append((label, _value(key, facts[key])))
    return known


def _there(facts: dict[str, Any]) -> Slot | None:
    if "starts_at" not in facts or "ends_at" not in facts:
        return None
    return Slot(datetime.fromisoformat(facts["starts_at"]), datetime.fromisoformat(facts["ends_at"]))


def _labels() -> list[tuple[str, str]]:
    return [
        ("site", gettext("Booking site")),
        ("ref", gettext("Its reference")),
        ("error", gettext("What it answered")),
        ("invoice", gettext("Invoice")),
        ("issued_cents", gettext("On the invoice")),
        ("price_cents", gettext("New price")),
        ("cents", gettext("Amount")),
        ("door", gettext("Door")),
        ("season", gettext("Season")),
        ("left", gettext("Codes left")),
        ("last_day", gettext("Last day with a code")),
    ]


def _value(key: str, value: Any) -> str:
    if key.endswith("cents"):
        return money(int(value))
    if key == "error":
        return _answers().get(str(value), str(value))
    return day(datetime.fromisoformat(str(value)).date()) if key == "last_day" else str(value)


def _answers() -> dict[str, str]:
    """What the booking site answered, by the name of the error in `outside.errors`."""
    return {
        "SiteDenied": gettext("It no longer accepts our access."),
        "SiteMissing": gettext("It does not know this booking."),
        "SiteRefused": gettext("It said no."),
        "SiteThrottled": gettext("It asked us to wait."),
        "SiteDown": gettext("It reported a fault of its own."),
        "SiteUnreadable": gettext("Its answer could not be read."),
        "SiteIncomplete": gettext("Its answer could not be read."),
        "BadAnswer": gettext("Its answer could not be read."),
        "SiteUnchanged": gettext("It said yes, but nothing changed there."),
        "TooSlow": gettext("It did not answer in time."),
        "Unreachable": gettext("It could not be reached."),
    }
