"""Legal texts with versions: a booking keeps the version that was accepted (SPEC S4, X9)."""

from collections.abc import Mapping
from typing import Any

from flask import abort, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import settings
from booking.reads.settings import newest_terms
from booking.rules.permissions import Capability
from booking.tables.houses import TermsKind
from web import field_readers as read_as
from web.access import require
from web.i18n import LANGUAGES, gettext
from web.office.settings_forms import Field
from web.office.settings_frame import blueprint, form_page, page, save
from web.request import actor, now, organisation_id, read

LONGEST = 20_000


@blueprint.get("/texts")
@require(Capability.SETTINGS)
def texts() -> AnyResponse:
    return page("texts", names=names(), newest=newest_terms(read(), organisation_id()), speaks=LANGUAGES)


@blueprint.get("/texts/<kind>/<language>")
@require(Capability.SETTINGS)
def text_form(kind: str, language: str) -> AnyResponse:
    which = _which(kind, language)
    present = newest_terms(read(), organisation_id()).get(which)
    values = {"text": present.text if present else ""}
    return form_page(_title(which), _fields(), values, lead=_lead(), back=_back(), button=gettext("Publish"))


@blueprint.post("/texts/<kind>/<language>")
@require(Capability.SETTINGS)
def publish(kind: str, language: str) -> AnyResponse:
    which = _which(kind, language)

    def action(session: Session, values: Mapping[str, Any]) -> object:
        return settings.publish_terms(session, now(), organisation_id(), actor(), *which, values["text"])

    return save(_title(which), _fields(), action, lead=_lead(), back=_back(), button=gettext("Publish"))


def names() -> dict[TermsKind, str]:
    return {
        TermsKind.TERMS: gettext("Terms and conditions"),
        TermsKind.HOUSE_RULES: gettext("House rules"),
        TermsKind.PRIVACY: gettext("Privacy"),
        TermsKind.IMPRINT: gettext("Imprint"),
        TermsKind.ACCESSIBILITY: gettext("Accessibility"),
    }


def _which(kind: str, language: str) -> tuple[TermsKind, str]:
    if kind not in set(TermsKind) or language not in dict(LANGUAGES):
        abort(404)
    return TermsKind(kind), language


def _title(which: tuple[TermsKind, str]) -> str:
    return f"{names()[which[0]]} ({dict(LANGUAGES)[which[1]]})"


def _fields() -> tuple[Field, ...]:
    return (Field("text", gettext("Text"), read_as.text(LONGEST), "textarea", width="", more={"rows": "18"}),)


def _lead() -> str:
    return gettext("Publishing makes a new version from now on. Who accepted an earlier one is kept with that version.")


def _back() -> str:
    return url_for("office_settings.texts")
