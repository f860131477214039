"""The audit log by program, whole or of one record (SPEC X5, X3, X12). Inner keys are told by name."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from booking.reads.audit_log import POINTS_TO, AuditLine, AuditPage, audit_page
from booking.reads.customers import customer_by
from booking.reads.requests import request_by
from booking.rules.permissions import Capability
from booking.values.refusals import Reason, Refused
from booking.values.slot import Slot
from web.access import token
from web.api import settings_models as models
from web.api.common_models import PageQuery
from web.api.frame import answer, refusal, responses, slot_of
from web.api.models import BookingPath
from web.api.office_models import CustomerPath
from web.api.part import ApiPart
from web.api.parts import key_of, public_of
from web.request import organisation_id, read

ENTRY = "audit entry"
COUNTED = frozenset({"found", "bookings"})  # lists of inner keys
BY_PAGE = "pages"  # page of a booking site → inner key of a room

audit = ApiPart("api_audit", __name__)


@audit.get("/audit", summary="The whole log, newest first", responses=responses(models.AuditEntries, 200, 404))
@token(Capability.AUDIT_ALL)
def page(query: models.AuditQuery) -> Response:
    span = _span(query)
    if isinstance(span, Refused):
        return refusal(span)
    return _answer(query, actor=query.actor, subject=query.subject, span=span)


@audit.get(
    "/bookings/<uuid:booking_id>/audit",
    summary="The log of one booking, newest first",
    responses=responses(models.AuditEntries, 200, 404),
)
@token(Capability.AUDIT_RECORD)
def of_booking(path: BookingPath, query: PageQuery) -> Response:
    found = request_by(read(), organisation_id(), path.booking_id)
    return _answer(query, subject="booking", subject_id=found.booking_id)


@audit.get(
    "/customers/<uuid:customer_id>/audit",
    summary="The log of one customer, newest first",
    responses=responses(models.AuditEntries, 200, 404),
)
@token(Capability.AUDIT_RECORD)
def of_customer(path: CustomerPath, query: PageQuery) -> Response:
    found = customer_by(read(), organisation_id(), path.customer_id)
    return _answer(query, subject="customer", subject_id=found.customer_id)


def _answer(query: PageQuery, **which: Any) -> Response:
    cursor = key_of(ENTRY, query.cursor) if query.cursor else None
    found = audit_page(read(), organisation_id(), cursor=cursor, limit=query.limit, **which)
    follows = public_of(ENTRY, found.older) if found.older else None
    return answer(models.AuditEntries(entries=[_entry(line, found) for line in found.lines], next=follows))


def _span(query: models.AuditQuery) -> Slot | Refused | None:
    if query.start is None and query.end is None:
        return None
    if query.start is None or query.end is None:
        return Refused((Reason("missing", "from" if query.start is None else "to"),))
    return slot_of(query.start, query.end)


def _entry(line: AuditLine, found: AuditPage) -> models.AuditEntry:
    record = models.AuditRecord(name=line.record.name, id=line.record.public_id) if line.record else None
    return models.AuditEntry(
        at=line.at,
        actor=line.actor,
        origin=line.origin,
        subject=line.subject,
        action=line.action,
        record=record,
        before=_told(line.before, found),
        after=_told(line.after, found),
    )


def _told(side: Mapping[str, Any], found: AuditPage) -> dict[str, Any]:
    return dict(_member(name, value, found) for name, value in side.items())


def _member(name: str, value: Any, found: AuditPage) -> tuple[str, Any]:
    if name in POINTS_TO and isinstance(value, int):
        known = found.names.get((POINTS_TO[name], value))
        return name.removesuffix("_id"), known.name if known else None
    if name in COUNTED and isinstance(value, list):
        return name, len(value)
    if name == BY_PAGE and isinstance(value, dict):
        return name, sorted(value)
    return name, value
