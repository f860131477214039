"""What all calls of the API share: JSON out, problems with every reason, one effect per Idempotency-Key."""

import re
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Response, abort, g, json, request
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from booking.actions import idempotency
from booking.actions.codes import CodeLostError
from booking.actions.idempotency import Call, Stored
from booking.reads.house import House, read_house
from booking.values.refusals import Overlap, Reason, Refused, refused
from booking.values.slot import Slot
from web.i18n import gettext
from web.refusals import problem
from web.request import now, organisation_id, read, write

KEY_HEADER = "Idempotency-Key"
# What stands against the present state and may be different later; all else is wrong in the call itself.
CONFLICTS = frozenset(
    {
        "taken",
        "not-requested",
        "decision-pending",
        "started",
        "final",
        "already-undone",
        "not-active",
        "no-code",
        "not-exclusive",
        "not-verified",
        "a-case",
        "contact-limit",
        "address-limit",
        "room-limit",
        "feed-limit",
        "feed-revoked",
        "name-taken",
        "slug-taken",
        "room-in-use",
        "parts-in-use",
        "zone-in-use",
        "door-in-use",
        "codes-given",
        "door-has-rooms",
        "branch-in-use",
        "still-planned",
        "course-archived",
        "not-confirmed",
        "not-started",
        "over",
        "rejecting",
        "rejected",
        "cancelled",
        "expired",
        "retired",
        "codes-changed",
        "preview-changed",
        "not-dead",
        "earlier-day",
        "house-incomplete",
        "case-closed",
        "case-changed",
        "unlinking",
        "plan-not-ready",
        "already-paid",
        "season-in-use",
        "group-in-use",
        "no-group-price",
        "fee-changed",
        "price-changed",
        "email-taken",
        "last-owner",
    }
)
Responses = dict[Any, Any]
_ENUM = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""A member of ours in pydantic's words, which callers know by its value alone."""


def responses(model: type[BaseModel], status: int = 200, *others: int) -> Responses:
    """What an operation answers, for its description."""
    described: Responses = {status: model if status != HTTPStatus.NO_CONTENT else None}
    for other in (401, 403, 413, 422, 503, *others):
        described[other] = {
            "description": HTTPStatus(other).phrase,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return described


def answer(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(model.model_dump_json(by_alias=True), status, headers, mimetype="application/json")


def refusal(no: Refused, **more: object) -> Response:
    """409 where the present state stands against it, else 422; always with all reasons."""
    is_conflict = any(code in CONFLICTS for code in no.codes)
    code = "taken" if "taken" in no.codes else "conflict" if is_conflict else "refused"
    text = gettext("Nothing was changed. The reasons are listed.")
    return problem(409 if is_conflict else 422, code, text, no.reasons, **more)


def invalid(error: ValidationError) -> Response:
    """A call that cannot be read: each member with what is wrong about it."""
    reasons = tuple(
        Reason(
            "invalid", ".".join(str(part) for part in found["loc"]) or None, {"what": _ENUM.sub(r"\1", found["msg"])}
        )
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return problem(422, "invalid", gettext("Some of this cannot be right."), reasons)


def slot_of(start: datetime, end: datetime) -> Slot | Refused:
    return Slot(start, end) if start < end else Refused((Reason("not-a-slot", "end"),))


def replayed() -> Response | None:
    """The answer that this call got before, where it carries a key that was used."""
    call = _call()
    stored = idempotency.answered(read(), call) if call else None
    return _told(stored) if stored else None


def effect(
    work: Callable[[Session, House], BaseModel | Refused],
    status: int = 200,
    *,
    dress: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    refuse: Callable[[Refused], Response] = refusal,
) -> Response:
    """Run one action once for each Idempotency-Key, and answer what it answered.

    `dress` adds to the body what must not be stored. A refusal has no effect and leaves its key free.
    """
    call = _call()

    def act(session: Session) -> Stored | Refused:
        known = idempotency.claim(session, now(), call) if call else None
        if known is not None:
            return known
        made = work(session, read_house(session, organisation_id()))
        if isinstance(made, Refused):
            if call:
                idempotency.let_go(session, call)
            return made
        body = made.model_dump(mode="json")
        if call:
            idempotency.keep(session, call, status, body)
        return Stored(status, body, is_other=False)

    try:
        outcome = write(act)
    except (Overlap, CodeLostError):
        outcome = refused("taken")
    return refuse(outcome) if isinstance(outcome, Refused) else _told(outcome, dress)


def _told(stored: Stored, dress: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> Response:
    if stored.is_other:
        return problem(422, "key-reused", gettext("This Idempotency-Key was used for another call."))
    body = dress(stored.body) if dress else stored.body
    return Response(json.dumps(body), stored.status, mimetype="application/json")


def _call() -> Call | None:
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= idempotency.LONGEST_KEY or not key.isascii() or not key.isprintable():
        abort(problem(422, "key-unusable", gettext("An Idempotency-Key is 1 to 200 printable ASCII characters.")))
    said = b"\0".join((request.method.encode(), request.path.encode(), request.get_data()))
    return idempotency.call_of(organisation_id(), f"token {g.api_token.token_id}", key, said)
