"""The inbox: requests left, one request right; confirm, reject with a reason, undo (SPEC S8 to S11, S15)."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.codes import CodeLostError
from booking.actions.group_prices import give_group_price
from booking.actions.reviews import Resting, decide_request, undo_decision
from booking.reads import inbox as reads
from booking.reads.inbox import Line, Urgency, urgency
from booking.reads.requests import RequestFacts, request_by
from booking.rules.permissions import Capability, may
from booking.values.refusals import MoveLost, Overlap, Refused
from booking.values.states import BookingState, Verdict
from web.access import require
from web.context import current
from web.filters import money
from web.i18n import catalogue, gettext
from web.mail_body import framed, masked, with_frames
from web.office import letters, words
from web.office.frame import act, slower
from web.office.one_request import fingerprint, look
from web.request import actor, house, now, organisation_id, read
from web.security import logged_in_staff

blueprint = Blueprint("office_inbox", __name__, url_prefix="/office/requests")
LONGEST_REASON = 1000
DECIDED = frozenset({"decision-pending", "not-requested"})


@blueprint.get("")
@require(Capability.REVIEW)
def index() -> AnyResponse:
    """The list; on a wide screen with the first request beside it."""
    typed = request.args.get("q", "").strip()
    lines = _lines(typed)
    chosen = next((line for line in lines if line.decision is None), lines[0] if lines else None)
    return _page(lines, typed, chosen, is_list=True)


@blueprint.get("/<uuid:request_id>")
@require(Capability.REVIEW)
def show(request_id: UUID) -> AnyResponse:
    """One request. What is decided for good, or ended, has its page among the bookings."""
    found = request_by(read(), organisation_id(), request_id)
    if found.state is not BookingState.REQUESTED:
        return redirect(url_for("office_bookings.show", booking_id=request_id))
    typed = request.args.get("q", "").strip()
    lines = _lines(typed)
    line = next((one for one in lines if one.public_id == request_id), None)
    if line is None:
        lines, typed = _lines(""), ""
        line = next((one for one in lines if one.public_id == request_id), None) or _alone(request_id)
    return _page(lines, typed, line)


@blueprint.get("/<uuid:request_id>/mail/<any(approve, reject):verdict>")
@require(Capability.REVIEW)
def mail(request_id: UUID, verdict: str) -> Response:
    """The mail that the decision sends, for the frame on the request's page."""
    found = request_by(read(), organisation_id(), request_id)
    body = letters.letter_of(read(), now(), house(), current().settings.base_url, found.booking_id, Verdict(verdict))
    return framed(masked(body.html, ()))


@blueprint.post("/<uuid:request_id>/approve")
@require(Capability.REVIEW)
def approve(request_id: UUID) -> AnyResponse:
    return _decide(request_id, Verdict.APPROVE, "")


@blueprint.post("/<uuid:request_id>/reject")
@require(Capability.REVIEW)
def reject(request_id: UUID) -> AnyResponse:
    found = request_by(read(), organisation_id(), request_id)
    return _decide(request_id, Verdict.REJECT, reason_given(found.language))


@blueprint.post("/<uuid:request_id>/group-price")
@require(Capability.REVIEW)
def group(request_id: UUID) -> AnyResponse:
    """Give the lower price of the customer's group, as the page showed it."""
    found = request_by(read(), organisation_id(), request_id)
    if request.form.get("seen") != fingerprint(found):
        return _again(_lines(""), request_id, [gettext("This request was changed since you opened the page.")], 409)
    given = act(lambda db, here: give_group_price(db, now(), here, found.booking_id, actor()))
    if isinstance(given, Refused):
        return _again(_lines(""), request_id, words.refusal(given), 422)
    flash(gettext("The request has the price of the group now: %(price)s.", price=money(given.gross)), "ok")
    return redirect(url_for("office_inbox.show", request_id=request_id))


@blueprint.post("/<uuid:request_id>/undo")
@require(Capability.REVIEW)
def undo(request_id: UUID) -> AnyResponse:
    found = request_by(read(), organisation_id(), request_id)
    no = act(lambda db, here: undo_decision(db, now(), here, found.booking_id, actor()))
    if no is None:
        return redirect(url_for("office_inbox.show", request_id=request_id))
    page = render_template("office/not_undone.html", texts=words.refusal(no), request_id=request_id)
    return make_response(page, 409)


def reason_given(language: str) -> str:
    """What the customer will read: the chosen sentence in their language, and what was typed."""
    chosen = reason_texts().get(request.form.get("preset", ""), "")
    said = catalogue(language).gettext(chosen) if chosen else ""
    typed = request.form.get("reason", "").strip()[:LONGEST_REASON]
    return "\n".join(part for part in (said, typed) if part)


def reason_texts() -> dict[str, str]:
    """Sentences for a rejection by key, in English; translated into the customer's language when they are used."""
    return {
        "twice": _later("This time was requested twice; one request is enough."),
        "contact": _later("We could not reach you under the contact details given."),
        "purpose": _later("The purpose does not fit the room."),
        "people": _later("The room is too small for so many people."),
        "unpaid": _later("Earlier invoices are still unpaid."),
    }


def reason_options() -> list[tuple[str, str]]:
    return [("", gettext("in your own words, below")), *((key, gettext(text)) for key, text in reason_texts().items())]


def _later(text: str) -> str:
    """Marks a text for the catalogue that is translated where it is used."""
    return text


def _decide(request_id: UUID, verdict: Verdict, reason: str) -> AnyResponse:
    found = request_by(read(), organisation_id(), request_id)
    lines = _lines("")
    if request.form.get("seen", fingerprint(found)) != fingerprint(found):
        return _again(lines, request_id, [gettext("This request was changed since you opened the page.")], 409)
    try:
        made = act(lambda db, here: decide_request(db, now(), here, found.booking_id, verdict, actor(), reason=reason))
    except (MoveLost, Overlap, CodeLostError):
        return slower(found.booking_id, request_id, found.contact.company or found.contact.name)
    if isinstance(made, Resting):
        return redirect(_next(lines, request_id))
    if DECIDED & set(made.codes):
        return _second(found, request_id, verdict)
    return _again(lines, request_id, words.refusal(made), 422, _repair(made))


def _repair(no: Refused) -> str:
    """Where this person can put right what stands against it."""
    may_set = may(logged_in_staff().role, Capability.SETTINGS)
    return url_for("office_settings.letterhead") if may_set and "house-incomplete" in no.codes else ""


def _second(found: RequestFacts, request_id: UUID, verdict: Verdict) -> AnyResponse:
    """Decided already: by the same person pressing twice, or by somebody who was faster."""
    mine = found.decision is not None and found.decision.verdict is verdict
    last = reads.last_decision(read(), organisation_id(), found.booking_id)
    if mine and last is not None and last.staff_id == logged_in_staff().staff_id:
        return redirect(_next(_lines(""), request_id))
    return slower(found.booking_id, request_id, found.contact.company or found.contact.name)


def _next(lines: tuple[Line, ...], after: UUID) -> str:
    """The next request that waits, in the order of the list; the list where none is left."""
    order = [line.public_id for line in lines]
    place = order.index(after) if after in order else -1
    rest = [*lines[place + 1 :], *lines[: max(place, 0)]]
    follows = next((line for line in rest if line.decision is None and line.public_id != after), None)
    if follows is None:
        return url_for("office_inbox.index")
    return url_for("office_inbox.show", request_id=follows.public_id)


def _again(lines: tuple[Line, ...], request_id: UUID, errors: list[str], status: int, repair: str = "") -> AnyResponse:
    line = next((one for one in lines if one.public_id == request_id), None) or _alone(request_id)
    answer = _page(lines, "", line, errors=errors, repair=repair)
    answer.status_code = status
    return answer


def _lines(typed: str) -> tuple[Line, ...]:
    lines = reads.waiting(read(), now(), organisation_id())
    return tuple(line for line in lines if reads.matches(line, typed)) if typed else lines


def _alone(request_id: UUID) -> Line:
    """A request beyond the list's end."""
    lines = reads.lines_of(read(), organisation_id(), [request_id])
    return lines[0] if lines else abort(404)


def _page(
    lines: tuple[Line, ...],
    typed: str,
    chosen: Line | None,
    *,
    is_list: bool = False,
    errors: list[str] | None = None,
    repair: str = "",
) -> Response:
    """`repair` is where what stands against it can be put right."""
    shown = [line.booking_id for line in lines]
    others = reads.found(read(), organisation_id(), typed, shown) if typed else ()
    page = render_template(
        "office/inbox.html",
        items=[_item(line, chosen, typed) for line in lines],
        others=[_other(line) for line in others],
        typed=typed,
        lead=_lead(lines),
        is_list=is_list,
        errors=errors or [],
        repair=repair,
        one=look(chosen) if chosen is not None else None,
        reasons=reason_options(),
        said={name: request.form.get(name, "") for name in ("preset", "reason")},
    )
    return with_frames(make_response(page))


def _lead(lines: tuple[Line, ...]) -> str:
    left = [line for line in lines if line.decision is None]
    if not left:
        return gettext("Nothing waits for you.")
    overdue = sum(1 for line in left if urgency(line, now()) is Urgency.OVERDUE)
    parts = [gettext("%(count)s wait", count=len(left))]
    if overdue:
        parts.append(gettext("%(count)s overdue", count=overdue))
    return ", ".join(parts)


def _item(line: Line, chosen: Line | None, typed: str) -> dict[str, Any]:
    here = house()
    room = here.room(line.room_id)
    state = urgency(line, now())
    return {
        "href": url_for("office_inbox.show", request_id=line.public_id, q=typed or None),
        "name": line.party,
        "when": words.joined((words.when_short(line.slot, room.zone.key), room.name)),
        "note": _note(line, state),
        "state": state,
        "verdict": line.decision.verdict if line.decision else None,
        "heaviest": line.heaviest,
        "current": chosen is not None and line.public_id == chosen.public_id,
        "overdue": state is Urgency.OVERDUE,
    }


def _note(line: Line, state: Urgency) -> str:
    if state is Urgency.RESTING and line.decision is not None:
        return gettext("%(who)s decided, can still be undone", who=line.decision.staff or gettext("Somebody"))
    if line.unverified:
        return gettext("Mail address not confirmed yet")
    due = words.when_due(line.review_at)
    return gettext("was due %(when)s", when=due) if state is Urgency.OVERDUE else gettext("due %(when)s", when=due)


def _other(line: Line) -> dict[str, Any]:
    room = house().room(line.room_id)
    waits = line.state is BookingState.REQUESTED
    return {
        "href": url_for("office_inbox.show", request_id=line.public_id)
        if waits
        else url_for("office_bookings.show", booking_id=line.public_id),
        "name": line.party,
        "when": words.joined((words.when_short(line.slot, room.zone.key), room.name)),
        "state": line.state,
    }
