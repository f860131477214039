"""Several requests at once: choose, see exactly what will be decided and sent, apply each by itself (SPEC S8)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.codes import CodeLostError, choose
from booking.actions.rentals import load_rental
from booking.actions.reviews import Resting, decide_request, undo_decision
from booking.reads.house import House
from booking.reads.inbox import Line, last_decision, lines_of, waiting
from booking.reads.requests import RequestFacts, request_by
from booking.rules.permissions import Capability
from booking.rules.review import Case, decide
from booking.rules.working_days import review_deadline
from booking.values.refusals import MoveLost, Overlap, Refused
from booking.values.states import Verdict
from web.access import require
from web.context import current
from web.i18n import gettext
from web.office import letters, words
from web.office.frame import act
from web.office.inbox import DECIDED, reason_given, reason_options
from web.office.one_request import fingerprint
from web.request import actor, house, now, organisation_id, read

blueprint = Blueprint("office_several", __name__, url_prefix="/office/requests/several")
MOST = 50


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one of them."""

    line: Line
    text: str
    kind: str
    undo: str | None = None


@blueprint.get("")
@require(Capability.REVIEW)
def choose_page() -> AnyResponse:
    return _choose()


@blueprint.post("/preview")
@require(Capability.REVIEW)
def preview() -> AnyResponse:
    """Each request with the decision, its mail and what stands against it; nothing is decided yet."""
    lines = _chosen(request.form.getlist("booking"))
    verdict = _verdict()
    if not lines:
        return _choose(gettext("Please choose at least one request."))
    if verdict is Verdict.REJECT and not reason_given("en"):
        return _choose(gettext("Please give the reason; the customer reads it."))
    page = render_template(
        "office/several_preview.html",
        rows=[_row(line, verdict) for line in lines],
        verdict=verdict,
        approve=verdict is Verdict.APPROVE,
        preset=request.form.get("preset", ""),
        reason=request.form.get("reason", ""),
    )
    return make_response(page)


@blueprint.post("")
@require(Capability.REVIEW)
def apply() -> AnyResponse:
    """Each in a transaction of its own: one that fails never stops the others."""
    verdict = _verdict()
    given = [value.partition("@") for value in request.form.getlist("booking")[:MOST]]
    seen = {public_id: mark for public_id, _, mark in given}
    lines = _chosen(list(seen))
    results = [_apply(line, verdict, seen[str(line.public_id)]) for line in lines]
    return make_response(render_template("office/several_done.html", results=results, room=house().room))


@blueprint.post("/undo")
@require(Capability.REVIEW)
def undo() -> AnyResponse:
    """Take back all that can still be taken back of what was decided together."""
    results = []
    for line in _chosen(request.form.getlist("booking")):
        no = _undo(line)
        text = words.refusal(no)[0] if no else gettext("Taken back; it waits again.")
        results.append(Result(line, text, "stop" if no else "ok"))
    return make_response(render_template("office/several_done.html", results=results, room=house().room))


def _undo(line: Line) -> Refused | None:
    return act(lambda db, here: undo_decision(db, now(), here, line.booking_id, actor()))


def _choose(error: str | None = None) -> AnyResponse:
    lines = [line for line in waiting(read(), now(), organisation_id()) if line.decision is None]
    page = render_template(
        "office/several.html",
        lines=[
            (
                line,
                words.joined(
                    (words.when_short(line.slot, house().room(line.room_id).zone.key), house().room(line.room_id).name)
                ),
            )
            for line in lines[:MOST]
        ],
        more=max(0, len(lines) - MOST),
        reasons=reason_options(),
        chosen=set(request.form.getlist("booking")),
        preset=request.form.get("preset", ""),
        reason=request.form.get("reason", ""),
        error=error,
        due=words.when_due,
    )
    return make_response(page, 422 if error else 200)


def _verdict() -> Verdict:
    return Verdict.REJECT if request.form.get("verdict") == Verdict.REJECT.value else Verdict.APPROVE


def _chosen(given: list[str]) -> tuple[Line, ...]:
    ids = []
    for text in given[:MOST]:
        try:
            ids.append(UUID(text.partition("@")[0]))
        except ValueError:
            continue
    return lines_of(read(), organisation_id(), ids)


def _row(line: Line, verdict: Verdict) -> dict[str, Any]:
    here, session = house(), read()
    found = request_by(session, here.organisation_id, line.public_id)
    reason = reason_given(found.language)
    rental = load_rental(session, here.organisation_id, line.booking_id)
    body = letters.letter_of(session, now(), here, current().settings.base_url, line.booking_id, verdict, reason)
    return {
        "line": line,
        "room": here.room(line.room_id),
        "value": f"{line.public_id}@{fingerprint(line)}",
        "subject": body.subject,
        "reason": reason,
        "to_pay": letters.amount_due(session, now(), here, rental),
        "against": words.refusal(no) if (no := _against(here, found, verdict, reason)) else [],
        "mail": url_for("office_inbox.mail", request_id=line.public_id, verdict=verdict.value),
    }


def _against(here: House, found: RequestFacts, verdict: Verdict, reason: str) -> Refused | None:
    """What the decision would be refused for if it were made now; it is looked at again when it is."""
    room = here.room(found.room_id)
    deadline = review_deadline(now(), here.office, here.closings, here.public_holidays)
    has_code = None if room.door_id is None else not isinstance(choose(read(), room, found.slot), Refused)
    case = Case(found.state, found.slot, deadline, has_code, is_pending=found.decision is not None)
    verdict_now = decide(case, verdict, reason, now(), here.grace)
    return verdict_now if isinstance(verdict_now, Refused) else None


def _apply(line: Line, verdict: Verdict, seen: str) -> Result:
    if seen != fingerprint(line):
        return Result(line, gettext("Changed since the preview; nothing was decided."), "stop")
    found = request_by(read(), organisation_id(), line.public_id)
    reason = reason_given(found.language)
    try:
        made = act(lambda db, here: decide_request(db, now(), here, line.booking_id, verdict, actor(), reason=reason))
    except (MoveLost, Overlap, CodeLostError):
        return Result(line, gettext("Somebody was faster. Nothing of yours was changed."), "stop")
    if isinstance(made, Refused):
        return Result(line, _why(line, made), "stop")
    return _decided(line, made)


def _decided(line: Line, made: Resting) -> Result:
    said = gettext("Confirmed") if made.verdict is Verdict.APPROVE else gettext("Rejected")
    if made.is_final:
        return Result(line, said, "ok")
    undo_at = url_for("office_inbox.undo", request_id=line.public_id)
    return Result(line, gettext("%(what)s; can be undone for a moment", what=said), "ok", undo_at)


def _why(line: Line, no: Refused) -> str:
    last = last_decision(read(), organisation_id(), line.booking_id) if DECIDED & set(no.codes) else None
    if last is not None and last.staff:
        return gettext("%(who)s was faster. Nothing of yours was changed.", who=last.staff)
    return " ".join(words.refusal(no))
