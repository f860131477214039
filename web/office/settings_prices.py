"""Price lists and their lines (SPEC S25). A change never reprices what was requested."""

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import settings
from booking.reads.settings import PriceLists, price_lists
from booking.rules.permissions import Capability
from booking.values.refusals import Refused
from web import field_readers as read_as
from web.access import require
from web.i18n import gettext, translator
from web.office.price_names import per_names
from web.office.settings_forms import Field, cents_written
from web.office.settings_frame import blueprint, form_page, page, save
from web.request import actor, house, now, organisation_id, read, write


@blueprint.get("/prices")
@require(Capability.PRICES)
def prices() -> AnyResponse:
    return page(
        "prices",
        lists=price_lists(read(), organisation_id()),
        weekday=translator().weekday,
        seasons={one.season_id: one.name for one in house().seasons},
        groups=house().groups,
        per=per_names(),
    )


@blueprint.get("/prices/new")
@require(Capability.PRICES)
def new_list() -> AnyResponse:
    values = {"vat_rate": "19", "minimum": "0,00"}
    return form_page(gettext("New price list"), _list_fields(), values, back=_back())


@blueprint.post("/prices/new")
@require(Capability.PRICES)
def make_list() -> AnyResponse:
    return _save_list(gettext("New price list"), None)


@blueprint.get("/prices/<int:list_id>")
@require(Capability.PRICES)
def list_form(list_id: int) -> AnyResponse:
    found = _list(list_id)
    values = found.values | {
        "vat_rate": f"{found.values['vat_rate'] / 100:g}".replace(".", ","),
        "minimum": cents_written(found.values["minimum"]),
    }
    return form_page(found.values["name"], _list_fields(), values, back=_back())


@blueprint.post("/prices/<int:list_id>")
@require(Capability.PRICES)
def save_list(list_id: int) -> AnyResponse:
    return _save_list(_list(list_id).values["name"], list_id)


@blueprint.get("/prices/<int:list_id>/lines/new")
@require(Capability.PRICES)
def new_rule(list_id: int) -> AnyResponse:
    _list(list_id)
    values = {"per_hour": "yes", "from_time": "00:00", "to_time": "00:00", "rank": 0}
    return form_page(gettext("New price"), _rule_fields(), values, lead=_rule_lead(), back=_back())


@blueprint.post("/prices/<int:list_id>/lines/new")
@require(Capability.PRICES)
def make_rule(list_id: int) -> AnyResponse:
    return _save_rule(gettext("New price"), list_id, None)


@blueprint.get("/prices/<int:list_id>/lines/<int:rule_id>")
@require(Capability.PRICES)
def rule_form(list_id: int, rule_id: int) -> AnyResponse:
    rule = _rule(list_id, rule_id)
    values = rule | {"cents": cents_written(rule["cents"]), "per_hour": "yes" if rule["per_hour"] else "no"}
    values |= {f"on-{day}": day in rule["weekdays"] for day in range(7)}
    remove = url_for("office_settings.remove_rule", list_id=list_id, rule_id=rule_id)
    return form_page(rule["name"], _rule_fields(), values, lead=_rule_lead(), back=_back(), remove=remove)


@blueprint.post("/prices/<int:list_id>/lines/<int:rule_id>")
@require(Capability.PRICES)
def save_rule(list_id: int, rule_id: int) -> AnyResponse:
    return _save_rule(_rule(list_id, rule_id)["name"], list_id, rule_id)


@blueprint.post("/prices/<int:list_id>/lines/<int:rule_id>/remove")
@require(Capability.PRICES)
def remove_rule(list_id: int, rule_id: int) -> AnyResponse:
    _rule(list_id, rule_id)
    write(lambda db: settings.remove_price_rule(db, now(), organisation_id(), actor(), rule_id), nudge=False)
    flash(gettext("The price was removed. What is requested already keeps it."), "ok")
    return redirect(_back())


def _save_list(title: str, list_id: int | None) -> AnyResponse:
    def action(session: Session, values: Mapping[str, Any]) -> Refused | int:
        return settings.put_price_list(session, now(), organisation_id(), actor(), list_id, values)

    return save(title, _list_fields(), action, back=_back())


def _save_rule(title: str, list_id: int, rule_id: int | None) -> AnyResponse:
    def action(session: Session, values: Mapping[str, Any]) -> Refused | int:
        wanted = {name: value for name, value in values.items() if not name.startswith("on-")}
        wanted["weekdays"] = [day for day in range(7) if values[f"on-{day}"]]
        return settings.put_price_rule(session, now(), organisation_id(), actor(), list_id, rule_id, wanted)

    _list(list_id)
    return save(title, _rule_fields(), action, lead=_rule_lead(), back=_back())


def _list_fields() -> tuple[Field, ...]:
    return (
        Field("name", gettext("Name"), read_as.text(80)),
        Field("vat_rate", gettext("VAT rate"), read_as.percent, suffix="%", more={"inputmode": "decimal"}),
        Field(
            "exemption",
            gettext("Reason of exemption"),
            read_as.text(300),
            required=False,
            width="",
            help=gettext("Needed where the rate is 0; it stands on the invoice."),
        ),
        Field("minimum", gettext("At least, for a booking"), read_as.euros, suffix=house().currency,
              more={"inputmode": "decimal"}),
    )  # fmt: skip


def _rule_fields() -> tuple[Field, ...]:
    seasons = tuple((str(one.season_id), one.name) for one in house().seasons)
    groups = tuple((str(one.group_id), one.name) for one in house().groups)
    ways = (("yes", gettext("for an hour")), ("no", gettext("for a slot")))
    return (
        Field("name", gettext("Name, on the invoice"), read_as.text(80), help=gettext("For example: Evening rate")),
        Field("cents", gettext("Price with VAT"), read_as.euros, suffix=house().currency,
              more={"inputmode": "decimal"}),
        Field("per_hour", gettext("The price is"), read_as.chosen(ways, lambda typed: typed == "yes"), "select",
              options=ways),
        Field("season_id", gettext("Season"), read_as.chosen(seasons, int), "select", required=False,
              options=(("", gettext("all year")), *seasons)),
        Field("group_id", gettext("For whom"), read_as.chosen(groups, int), "select", required=False,
              options=(("", gettext("everybody")), *groups)),
        Field("from_time", gettext("From"), read_as.clock_time, "time"),
        Field("to_time", gettext("Until"), read_as.clock_time, "time", help=gettext("00:00 means midnight.")),
        Field("rank", gettext("Rank, where several fit equally well"), read_as.whole_number(-100, 100), "number",
              help=gettext("The highest wins.")),
        *(
            Field(f"on-{day}", translator().weekday(day), read_as.yes, "checkbox", required=False, width="third")
            for day in range(7)
        ),
    )  # fmt: skip


def _rule_lead() -> str:
    return gettext(
        "No weekday ticked means every day. The price that says most about a time wins; for customers of a group, "
        "their group's prices come first."
    )


def _list(list_id: int) -> PriceLists:
    found = next((one for one in price_lists(read(), organisation_id()) if one.list_id == list_id), None)
    if found is None:
        abort(404)
    return found


def _rule(list_id: int, rule_id: int) -> dict[str, Any]:
    found = next((rule for rule in _list(list_id).rules if rule["id"] == rule_id), None)
    if found is None:
        abort(404)
    return found


def _back() -> str:
    return url_for("office_settings.prices")
