"""One search, one answer, one code (SPEC S3, S14, S16 to S18). A search is a POST: what was typed stays out of logs.

Answers to a POST are shown at once and never by a redirect: neither a name nor a code ever stands in an address.
"""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, make_response, render_template, request, url_for

from booking.actions import desk
from booking.actions.desk import Hit, Named
from booking.actions.doors import ShownCode, reveal_codes
from booking.reads.desk import id_within
from booking.reads.doors import CodeLine, Reach, code_lines, days_of, desk_reach, rooms_of, tolerance
from booking.rules.permissions import Capability, may
from booking.rules.working_days import mail_moment
from booking.values.clock import local_day
from booking.values.refusals import Refused
from web.access import require
from web.desk_words import judgement, refusal_texts
from web.finding_words import finding_line
from web.i18n import gettext, language
from web.request import actor, house, now, read, tools, write
from web.security import logged_in_staff

blueprint = Blueprint("desk", __name__, url_prefix="/desk")
LONGEST_QUERY = 120
TOO_OFTEN = "too-many-tries"


@blueprint.get("/")
@require(Capability.DESK_FIND)
def home() -> str:
    held = [line for line in code_lines(read(), house(), reach()) if line.booking_id is not None]
    return _page("desk/home.html", days=_by_day(held))


@blueprint.post("/search")
@require(Capability.DESK_FIND)
def search() -> Response:
    """What was found, each with its findings; nothing is found beyond the desk's doors and days (SPEC S3)."""
    typed = request.form.get("q", "")[:LONGEST_QUERY]
    facts, near = house(), reach()
    found = write(lambda db: desk.search(db, now(), facts, near, typed, actor()), nudge=False)
    if isinstance(found, Refused):
        page = _page("desk/home.html", days=(), typed=typed, errors=refusal_texts(found))
        return make_response(page, _status(found))
    return make_response(_page("desk/results.html", typed=typed, hits=[_shown(hit) for hit in found]))


@blueprint.post("/issue/<uuid:public_id>")
@require(Capability.DESK_ISSUE)
def issue(public_id: UUID) -> Response:
    """Confirm, record, and show the code; the second time shows the same code (SPEC S17)."""
    named = Named(*(request.form.get(part) == "yes" for part in ("booking_code", "name", "phone")))
    facts, near = house(), reach()
    booking_id = _within(near, public_id)
    issued = write(lambda db: desk.issue_code(db, now(), tools(), facts, near, booking_id, named, actor()))
    if isinstance(issued, Refused):
        return _refused(issued, near, booking_id, named)
    mail_at = mail_moment(now(), facts.office, facts.closings, facts.public_holidays)
    page = _page("desk/issued.html", issued=issued, by=logged_in_staff().name, at=now(), mail_at=mail_at)
    return make_response(page)


@blueprint.get("/codes")
@require(Capability.DOORS_READ)
def codes() -> str:
    return _page("desk/codes.html", days=_by_day(code_lines(read(), house(), reach())), texts=None)


@blueprint.post("/codes")
@require(Capability.DOORS_READ)
def reveal() -> str:
    """The list with its codes, to print. That it was shown is in the audit log."""
    facts, near = house(), reach()
    shown = write(lambda db: reveal_codes(db, now(), tools(), facts, near, None, actor()), nudge=False)
    return _page("desk/codes.html", days=_by_day([one.line for one in shown]), texts=_texts(shown))


def reach() -> Reach:
    """The desk's doors and days, for whoever sits there; the office sees no more of the season here than the desk."""
    return desk_reach(house(), local_day(now(), house().zone))


def _within(near: Reach, public_id: UUID) -> int:
    """The booking's id; 0, which no booking has, beyond the reach: the try is counted and logged all the same."""
    return id_within(read(), house(), near, public_id) or 0


def _refused(no: Refused, near: Reach, booking_id: int, named: Named) -> Response:
    texts = refusal_texts(no)
    hit = desk.look_at(read(), now(), house(), near, booking_id) if TOO_OFTEN not in no.codes else None
    if hit is None:
        return make_response(_page("desk/home.html", days=(), errors=texts), _status(no))
    shown = _shown(hit) | {"named": named, "errors": texts}
    return make_response(_page("desk/results.html", typed="", hits=[shown]), _status(no))


def _status(no: Refused) -> int:
    if TOO_OFTEN in no.codes:
        return 429
    return 404 if "not-found" in no.codes else 422


def _shown(hit: Hit) -> dict[str, Any]:
    return {
        "entry": hit.entry,
        "judgement": judgement(hit),
        "findings": [finding_line(finding) for finding in hit.findings],
        "named": Named(),
        "errors": [],
    }


def _texts(shown: Sequence[ShownCode]) -> dict[int, str]:
    return {one.line.code_id: one.text for one in shown}


def _by_day(lines: Sequence[CodeLine]) -> list[tuple[date, list[CodeLine]]]:
    """The lines by the local day on which their use begins."""
    facts = house()

    def day_of(line: CodeLine) -> date:
        rooms = rooms_of(facts, line.door_id)
        zone = rooms[0].zone if rooms else facts.zone
        return days_of(line.window, zone, *tolerance(rooms))[0]

    ordered = sorted(lines, key=lambda line: (day_of(line), line.window.start, line.door, line.code_id))
    return [(day, list(some)) for day, some in groupby(ordered, key=day_of)]


def _page(template: str, **values: Any) -> str:
    here = request.endpoint
    nav = [
        {"label": gettext("Give out a code"), "href": url_for("desk.home"), "current": here != "desk.codes"},
        {"label": gettext("Codes of the next days"), "href": url_for("desk.codes"), "current": here == "desk.codes"},
    ]
    if may(logged_in_staff().role, Capability.REVIEW):
        nav.append({"label": gettext("Office"), "href": "/office/", "current": False})
    return render_template(template, nav=nav, days_seen=house().desk_days, spell=language(), **values)
