"""What every office page shares: the rail with its counts, the toasts to undo with, the answer to who was slower."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, Response, current_app, make_response, render_template, request, url_for
from sqlalchemy.orm import Session

from booking.reads.house import House, read_house
from booking.reads.inbox import Line, last_decision, resting_of
from booking.reads.today import counts
from booking.rules.permissions import Capability, may
from booking.values.states import Verdict
from web.i18n import gettext
from web.request import now, organisation_id, read, write
from web.security import logged_in_staff, staff

T = TypeVar("T")

HERE = "/office/"


@dataclass(frozen=True, slots=True)
class Door:
    """One line of the rail; shown to whoever may, where the page exists."""

    label: str
    href: str
    capability: Capability
    count: int = 0


def set_up(app: Flask) -> None:
    app.context_processor(_shell)


def is_office() -> bool:
    return request.path.startswith(HERE)


def _shell() -> dict[str, Any]:
    """Rail and toasts of pages under /office/; nothing elsewhere, nor for who may not review anything."""
    person = staff() if is_office() else None
    if person is None or not may(person.role, Capability.REVIEW):
        return {}
    resting = resting_of(read(), now(), organisation_id(), person.staff_id)
    return {"nav": _rail(), "toasts": [_toast(line) for line in resting if line.decision is not None]}


def _rail() -> list[dict[str, Any]]:
    person, waiting = logged_in_staff(), counts(read(), now(), organisation_id())
    doors = (
        Door(gettext("Today"), HERE, Capability.REVIEW),
        Door(gettext("Requests"), "/office/requests", Capability.REVIEW, waiting.requests),
        Door(gettext("Calendar"), "/office/calendar", Capability.BOOKINGS),
        Door(gettext("Courses"), "/office/courses", Capability.COURSES),
        Door(gettext("Customers"), "/office/customers", Capability.CUSTOMERS),
        Door(gettext("Cases"), "/office/cases", Capability.CASES, waiting.cases),
        Door(gettext("Mails"), "/office/mails", Capability.MAILS_READ, waiting.dead_mails),
        Door(gettext("Doors"), "/office/doors", Capability.DOORS_READ),
        Door(gettext("Booking sites"), "/office/sites", Capability.YCBM),
        Door(gettext("Calendar links"), "/office/links", Capability.LINKS),
        Door(gettext("Calendar feeds"), "/office/feeds", Capability.FEEDS_OFFICE),
        Door(gettext("Settings"), "/office/settings", Capability.SETTINGS),
    )
    known = {rule.rule.rstrip("/") for rule in current_app.url_map.iter_rules() if rule.rule.startswith(HERE[:-1])}
    shown = [door for door in doors if door.href.rstrip("/") in known and may(person.role, door.capability)]
    return [
        {"label": door.label, "href": door.href, "count": door.count or None, "current": _is_current(door.href)}
        for door in shown
    ]


def _is_current(href: str) -> bool:
    if href == HERE:
        return request.path == HERE
    if href == "/office/calendar" and request.path.startswith("/office/bookings"):
        return True
    return request.path == href or request.path.startswith(f"{href}/")


def _toast(line: Line) -> dict[str, Any]:
    """What was decided a moment ago, with the way back while there is one."""
    assert line.decision is not None  # noqa: S101 - narrows the type; the caller chose such lines
    left = (line.decision.final_at - now()).total_seconds()
    said = gettext("Confirmed: %(who)s") if line.decision.verdict is Verdict.APPROVE else gettext("Rejected: %(who)s")
    return {
        "text": said % {"who": line.party},
        "kind": "ok" if line.decision.verdict is Verdict.APPROVE else "info",
        "action": url_for("office_inbox.undo", request_id=line.public_id),
        "seconds": max(1, ceil(left)),
    }


def act(action: Callable[[Session, House], T]) -> T:
    """One action in one transaction, with the house's settings as they stand inside it."""
    organisation = organisation_id()
    return write(lambda session: action(session, read_house(session, organisation)))


def address(endpoint: str, **values: Any) -> str:
    """`url_for` for a query that was put together from what the page was asked with."""
    return url_for(endpoint, **values)


def slower(booking_id: int, public_id: UUID, party: str) -> Response:
    """409: somebody else decided first. Says who, what and when, and leads to how it stands now."""
    decided = last_decision(read(), organisation_id(), booking_id)
    page = render_template(
        "office/slower.html",
        decided=decided,
        party=party,
        here=url_for("office_inbox.show", request_id=public_id),
        approved=decided is not None and decided.verdict is Verdict.APPROVE,
    )
    return make_response(page, 409)
