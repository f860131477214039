"""How heavily each finding weighs, and what it is measured against (SPEC S8)."""

from collections.abc import Mapping
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import settings
from booking.rules.findings_table import KINDS
from booking.rules.permissions import Capability
from booking.values.findings import Threshold
from booking.values.refusals import Refused
from booking.values.states import Weight
from web import field_readers as read_as
from web.access import require
from web.finding_words import finding_names
from web.i18n import gettext
from web.office.settings_forms import Field
from web.office.settings_frame import blueprint, form_page, save
from web.request import actor, house, now, organisation_id

OFF = "off"


@blueprint.get("/findings")
@require(Capability.SETTINGS)
def findings() -> AnyResponse:
    values: dict[str, Any] = {}
    for code, kind in KINDS.items():
        one = house().thresholds.get(code, kind.threshold)
        values |= {f"weight-{code}": one.weight.value if one.weight else OFF, f"number-{code}": one.number}
    return form_page(gettext("Plausibility"), _fields(), values, lead=_lead(), back=_back())


@blueprint.post("/findings")
@require(Capability.SETTINGS)
def save_findings() -> AnyResponse:
    return save(gettext("Plausibility"), _fields(), _save, lead=_lead(), back=_back())


def _save(session: Session, values: Mapping[str, Any]) -> Refused | None:
    wanted = {code: Threshold(values[f"weight-{code}"], values.get(f"number-{code}")) for code in KINDS}
    return settings.set_thresholds(session, now(), organisation_id(), actor(), wanted)


def _fields() -> tuple[Field, ...]:
    weights = (
        ("stop", gettext("Serious")),
        ("warn", gettext("Attention")),
        ("info", gettext("Note")),
        (OFF, gettext("off")),
    )
    names, measures = finding_names(), _measures()
    fields: list[Field] = []
    for code, kind in KINDS.items():
        weight = read_as.chosen(weights, lambda typed: None if typed == OFF else Weight(typed))
        fields.append(Field(f"weight-{code}", names[code], weight, "select", options=weights, width="two-thirds"))
        if kind.measure is not None:
            number = read_as.whole_number(0, 100_000)
            fields.append(Field(f"number-{code}", measures[code], number, "number", width="third"))
    return tuple(fields)


def _measures() -> dict[str, str]:
    return {
        "overlapping": gettext("from how many"),
        "repeated": gettext("from how many"),
        "too-many-open": gettext("from how many"),
        "link": gettext("from how many"),
        "spam": gettext("from how many words"),
        "unpaid-invoices": gettext("from how many"),
        "no-shows": gettext("from how many"),
        "unusual-length": gettext("above how many minutes"),
        "early": gettext("before what hour"),
        "late": gettext("after what hour"),
    }


def _lead() -> str:
    return gettext("Findings advise; a person decides. Only automatic confirmation of trusted customers acts on them.")


def _back() -> str:
    return url_for("office_settings.index")
