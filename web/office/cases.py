"""Cases: what a person has to decide, each by one click that says what it does (SPEC S10, Y6)."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.codes import CodeLostError
from booking.actions.deciding_cases import Way, decide_case, ways_of
from booking.reads.cases import CaseLine, case_by, mark_of, open_cases, told_facts
from booking.rules.permissions import Capability
from booking.values.refusals import MoveLost, Overlap, Refused, refused
from booking.values.slot import Slot
from web.access import require
from web.case_words import case_question, case_title, way_effect, way_label
from web.filters import day, moment, money, when
from web.i18n import gettext, ngettext
from web.link_item_words import item_problem
from web.link_texts import problem_words
from web.office import words
from web.office.frame import act
from web.office.link_cases import can_be_taken, link_of_case
from web.proof_words import proof_words
from web.request import actor, house, now, organisation_id, read, tools
from web.site_words import site_answer

blueprint = Blueprint("office_cases", __name__, url_prefix="/office/cases")
OVERTAKEN = frozenset({"case-closed", "case-changed", "preview-changed"})
RISKY = frozenset({Way.CANCEL, Way.FREE, Way.LET_GO})


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
        no = act(
            lambda db, here: decide_case(
                db, now(), tools(), here, case_id, way, actor(), shown=request.form.get("shown")
            )
        )
    except (MoveLost, Overlap, CodeLostError):
        no = refused("taken")
    if no is not None:
        return _page(case_by(read(), organisation_id(), case_id), no)
    flash(gettext("Decided: %(what)s", what=way_label(case.kind, way)), "ok")
    return redirect(url_for("office_cases.index"))


def _page(case: CaseLine, no: Refused | None = None) -> AnyResponse:
    errors = words.refusal(no) if no else []
    page = render_template("office/case.html", errors=errors, link=link_of_case(case), **_shown(case))
    status = 200 if no is None else 409 if OVERTAKEN & set(no.codes) else 422
    return make_response(page, status)


def _shown(case: CaseLine) -> dict[str, Any]:
    ways = ways_of(case.kind) if case.closed_at is None else ()
    return {
        "case": case,
        "title": case_title(case.kind),
        "question": case_question(case.kind),
        "facts": _facts(case),
        "mark": mark_of(case.facts),
        "ways": [
            (way, way_label(case.kind, way), way_effect(case.kind, way), way in RISKY)
            for way in ways
            if can_be_taken(case, way)
        ],
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
    if there is not None and case.kind in {"site-moved", "link-clash"}:
        known.append((gettext("There"), when(there)))
    if there is not None and case.kind == "link-unwritten":
        known.append((gettext("Time"), when(there)))
    for key, label in _labels(case.kind):
        if key in facts:
            known.append((label, _value(key, facts[key], case.kind)))
    return known


def _there(facts: dict[str, Any]) -> Slot | None:
    if "starts_at" not in facts or "ends_at" not in facts:
        return None
    return Slot(datetime.fromisoformat(facts["starts_at"]), datetime.fromisoformat(facts["ends_at"]))


def _labels(kind: str) -> list[tuple[str, str]]:
    return [
        ("site", gettext("Calendar link") if kind.startswith("link-") else gettext("Booking site")),
        ("link", gettext("Calendar link")),
        ("fell", gettext("Why")),
        ("summary", gettext("Title") if kind == "link-unwritten" else gettext("Its title there")),
        ("count", gettext("Entries concerned")),
        ("ref", gettext("Its reference")),
        ("since", gettext("Last success")),
        ("review_at", gettext("To be reviewed by")),
        ("error", gettext("What it answered")),
        ("invoice", gettext("Invoice")),
        ("issued_cents", gettext("On the invoice")),
        ("price_cents", gettext("New price")),
        ("issued_day", gettext("Day on the invoice")),
        ("new_day", gettext("New day")),
        ("issued_minutes", gettext("Length on the invoice")),
        ("new_minutes", gettext("New length")),
        ("paid_cents", gettext("Paid")),
        ("fee_cents", gettext("Fee")),
        ("lacking", gettext("What is missing")),
        ("cents", gettext("Amount")),
        ("door", gettext("Door")),
        ("season", gettext("Season")),
        ("left", gettext("Codes left")),
        ("last_day", gettext("Last day with a code")),
    ]


def _value(key: str, value: Any, kind: str = "") -> str:
    if key.endswith("cents"):
        return money(int(value))
    if key in {"error", "fell"}:
        return _cause(key, str(value), kind)
    if key in {"since", "review_at"}:
        return moment(datetime.fromisoformat(str(value)))
    if key == "lacking":
        return ", ".join(_missing().get(str(one), str(one)) for one in value)
    if key.endswith("_minutes"):
        return ngettext("%(num)d minute", "%(num)d minutes", int(value))
    return day(datetime.fromisoformat(str(value)).date()) if key.endswith("_day") else str(value)


def _cause(key: str, code: str, kind: str) -> str:
    if key == "fell":
        return " ".join(proof_words(code))
    if kind == "link-unwritten":
        return item_problem(code)
    return problem_words(code)[0] if kind.startswith("link-") else site_answer(code)


def _missing() -> dict[str, str]:
    """What an invoice lacks, by the names of `booking.rules.invoicing`."""
    return {
        "seller": gettext("the house's own name and address"),
        "tax-number": gettext("the house's tax number or VAT id"),
        "buyer": gettext("the customer's name and address"),
        "no-exemption-reason": gettext("the reason of exemption from VAT"),
        "below-zero": gettext("a price that is not below zero"),
    }
