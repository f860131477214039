"""What all pages of the portal share: the links of the shells, rooms by name, secret pages."""

from datetime import datetime
from typing import Any

from flask import Flask, Response, abort, g, make_response, request, url_for

from booking.reads.house import House, RoomFacts
from booking.reads.status import LegalText
from booking.reads.timetable import has_course
from booking.rules.working_days import review_deadline
from booking.tables.houses import TermsKind
from web.i18n import gettext
from web.request import house, organisation_id, read
from web.security import private

FOOT = (TermsKind.IMPRINT, TermsKind.PRIVACY, TermsKind.TERMS, TermsKind.HOUSE_RULES, TermsKind.ACCESSIBILITY)


def set_up(app: Flask) -> None:
    app.context_processor(lambda: {"legal": legal_links()})
    app.context_processor(_navigation)


def _navigation() -> dict[str, Any]:
    """Rooms and courses, on pages of the portal, where the house has a course; nothing elsewhere."""
    if not (request.endpoint or "").startswith("portal_") or g.get("bare") or not has_course(read(), organisation_id()):
        return {}
    places = ((gettext("Rooms"), url_for("portal_rooms.home")), (gettext("Courses"), url_for("portal_courses.show")))
    is_courses = request.path == places[1][1]
    is_rooms = request.path == "/" or request.path.startswith("/rooms/")
    return {
        "nav": [
            {"label": label, "href": href, "current": current}
            for (label, href), current in zip(places, (is_rooms, is_courses), strict=True)
        ]
    }


def kind_name(kind: TermsKind) -> str:
    names = {
        TermsKind.IMPRINT: gettext("Imprint"),
        TermsKind.PRIVACY: gettext("Privacy"),
        TermsKind.TERMS: gettext("Terms and conditions"),
        TermsKind.HOUSE_RULES: gettext("House rules"),
        TermsKind.ACCESSIBILITY: gettext("Accessibility"),
    }
    return names[kind]


def legal_links() -> list[dict[str, str]]:
    """The foot of every page, the same everywhere (SPEC X9). It asks no database, so that errors have it too."""
    return [{"label": kind_name(kind), "href": url_for("portal_legal.page", kind=kind.value)} for kind in FOOT]


def version_link(text: LegalText) -> str:
    return url_for("portal_legal.page", kind=text.kind.value, version=text.version, language=text.language)


def bookable_room(here: House, slug: str) -> RoomFacts:
    """The room with this name in addresses; 404 for one that can no longer be booked."""
    room = here.room_by(slug=slug)
    if room.archived:
        abort(404)
    return room


def deadline_of(now: datetime) -> datetime:
    """By when a request made now is reviewed (SPEC S8)."""
    here = house()
    return review_deadline(now, here.office, here.closings, here.public_holidays)


def secret(page: str | Response, status: int = 200) -> Response:
    """A page behind a secret address: neither found by search engines nor told to other sites."""
    answer = private(make_response(page, status))
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
