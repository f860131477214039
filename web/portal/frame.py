"""What all pages of the portal share: the links of the shells, rooms by name, secret pages."""

from datetime import datetime

from flask import Flask, Response, abort, make_response, url_for

from booking.reads.house import House, RoomFacts
from booking.reads.status import LegalText
from booking.rules.working_days import review_deadline
from booking.tables.houses import TermsKind
from web.i18n import gettext
from web.request import house
from web.security import private

FOOT = (TermsKind.IMPRINT, TermsKind.PRIVACY, TermsKind.TERMS, TermsKind.HOUSE_RULES, TermsKind.ACCESSIBILITY)


def set_up(app: Flask) -> None:
    app.context_processor(lambda: {"legal": legal_links()})


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
