"""The organisation's whole audit log: by person, kind, days and record, newest first (SPEC X5)."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.reads.api_tokens import token_lines
from booking.reads.audit_log import audit_page, booking_id_of
from booking.reads.settings import staff_lines
from booking.rules.permissions import Capability
from booking.values.clock import day_bounds
from booking.values.slot import Slot
from web.access import require
from web.i18n import gettext
from web.office import audit_words, words
from web.office.settings_frame import blueprint, page
from web.request import house, organisation_id, read

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


@blueprint.get("/audit")
@require(Capability.AUDIT_ALL)
def audit() -> AnyResponse:
    given = {name: value.strip() for name, value in request.args.items() if value.strip() and name != "before"}
    errors = _errors(given)
    subject, subject_id = _record(given)
    found = audit_page(
        read(),
        organisation_id(),
        actor=given.get("actor", ""),
        subject=subject,
        subject_id=subject_id,
        span=_span(given),
        cursor=_number(request.args.get("before", "")),
    )
    return page(
        "audit",
        lines=found.lines,
        given=given,
        errors=errors,
        actors=_actors(),
        kinds=sorted(audit_words.kind_names().items(), key=lambda pair: pair[1]),
        names=audit_words.kind_names(),
        told=audit_words.action_name,
        changes=lambda line: audit_words.changes(line, found),
        href=audit_words.address_of,
        who=words.actor_name,
        only=lambda line: url_for("office_settings.audit", kind=line.subject, record=line.subject_id),
        older=_at(given, found.older) if found.older else None,
        newest=_at(given, None) if request.args.get("before") else None,
    )


def _record(given: Mapping[str, str]) -> tuple[str, int | None]:
    """Which kind, and which of it: by the link of an entry, or by a booking's code."""
    if given.get("code"):
        return "booking", booking_id_of(read(), organisation_id(), given["code"]) or 0
    return given.get("kind", ""), _number(given.get("record", ""))


def _errors(given: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Filters that say nothing: field, its name, what is wrong."""
    found = [
        (f"filter-{name}", label, gettext("Please enter a date."))
        for name, label in (("from", gettext("From day")), ("until", gettext("Until day")))
        if given.get(name) and _day(given[name]) is None
    ]
    if given.get("code") and booking_id_of(read(), organisation_id(), given["code"]) is None:
        found.append(("filter-code", gettext("Booking code"), gettext("No booking has this code.")))
    return found


def _span(given: Mapping[str, str]) -> Slot | None:
    """Both days inclusive, in the house's zone."""
    first, last = _day(given.get("from", "")), _day(given.get("until", ""))
    if first is None and last is None:
        return None
    zone = house().zone
    start, _ = day_bounds(first or FIRST_DAY, zone)
    _, end = day_bounds(last or LAST_DAY, zone)
    return Slot(start, max(end, start + timedelta(microseconds=1)))


def _actors() -> list[tuple[str, str]]:
    """Whoever can stand in the log: everybody of the staff, every program, and what acts by itself."""
    people = [one.name for one in staff_lines(read(), organisation_id())]
    programs = [f"api:{one.name}" for one in token_lines(read(), organisation_id())]
    others = ["customer", "system", "automatic", "site"]
    return [
        ("", gettext("all")),
        *((name, words.actor_name(name)) for name in dict.fromkeys(people + programs + others)),
    ]


def _at(given: Mapping[str, str], before: int | None) -> str:
    values: dict[str, Any] = {**given, "before": before}
    return url_for("office_settings.audit", **values)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_DAY <= found <= LAST_DAY else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
