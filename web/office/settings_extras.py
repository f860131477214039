"""Extras of a price list, and groups of customers (SPEC S25, K26). A change never reprices what was requested."""

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import extras, groups
from booking.reads.settings import PriceLists, price_lists
from booking.rules.extras import MOST
from booking.rules.permissions import Capability
from booking.values.house import Per
from booking.values.refusals import Refused
from web import field_readers as read_as
from web.access import require
from web.i18n import gettext
from web.office.price_names import per_names
from web.office.settings_forms import Field, cents_written
from web.office.settings_frame import blueprint, form_page, save
from web.reasons import message
from web.request import actor, house, now, organisation_id, read, write


@blueprint.get("/prices/<int:list_id>/extras/new")
@require(Capability.PRICES)
def new_extra(list_id: int) -> AnyResponse:
    _list(list_id)
    values = {"per": Per.BOOKING.value, "most": "1", "active": True, "rank": 0}
    return form_page(gettext("New extra"), _extra_fields(), values, lead=_lead(), back=_back())


@blueprint.post("/prices/<int:list_id>/extras/new")
@require(Capability.PRICES)
def make_extra(list_id: int) -> AnyResponse:
    _list(list_id)
    return _save_extra(gettext("New extra"), list_id, None)


@blueprint.get("/prices/<int:list_id>/extras/<int:extra_id>")
@require(Capability.PRICES)
def extra_form(list_id: int, extra_id: int) -> AnyResponse:
    known = _extra(list_id, extra_id)
    rate = known["vat_rate"]
    values = known | {
        "cents": cents_written(known["cents"]),
        "per": known["per"].value,
        "vat_rate": "" if rate is None else f"{rate / 100:g}".replace(".", ","),
    }
    remove = url_for("office_settings.remove_extra", list_id=list_id, extra_id=extra_id)
    return form_page(known["name"], _extra_fields(), values, lead=_lead(), back=_back(), remove=remove)


@blueprint.post("/prices/<int:list_id>/extras/<int:extra_id>")
@require(Capability.PRICES)
def save_extra(list_id: int, extra_id: int) -> AnyResponse:
    return _save_extra(_extra(list_id, extra_id)["name"], list_id, extra_id)


@blueprint.post("/prices/<int:list_id>/extras/<int:extra_id>/remove")
@require(Capability.PRICES)
def remove_extra(list_id: int, extra_id: int) -> AnyResponse:
    _extra(list_id, extra_id)
    write(lambda db: extras.remove_extra(db, now(), organisation_id(), actor(), extra_id), nudge=False)
    flash(gettext("The extra was removed. What is requested already keeps it."), "ok")
    return redirect(_back())


@blueprint.get("/groups/new")
@require(Capability.PRICES)
def new_group() -> AnyResponse:
    return form_page(gettext("New customer group"), _group_fields(), {}, lead=_group_lead(), back=_back())


@blueprint.post("/groups/new")
@require(Capability.PRICES)
def make_group() -> AnyResponse:
    return _save_group(gettext("New customer group"), None)


@blueprint.get("/groups/<int:group_id>")
@require(Capability.PRICES)
def group_form(group_id: int) -> AnyResponse:
    name = _group(group_id)
    remove = url_for("office_settings.remove_group", group_id=group_id)
    return form_page(name, _group_fields(), {"name": name}, lead=_group_lead(), back=_back(), remove=remove)


@blueprint.post("/groups/<int:group_id>")
@require(Capability.PRICES)
def save_group(group_id: int) -> AnyResponse:
    return _save_group(_group(group_id), group_id)


@blueprint.post("/groups/<int:group_id>/remove")
@require(Capability.PRICES)
def remove_group(group_id: int) -> AnyResponse:
    _group(group_id)
    no = write(lambda db: groups.remove_group(db, now(), organisation_id(), actor(), group_id), nudge=False)
    if no:
        flash(" ".join(message(reason) for reason in no.reasons), "stop")
        return redirect(url_for("office_settings.group_form", group_id=group_id))
    flash(gettext("The customer group was removed."), "ok")
    return redirect(_back())


def _save_extra(title: str, list_id: int, extra_id: int | None) -> AnyResponse:
    def action(session: Session, values: Mapping[str, Any]) -> Refused | int:
        return extras.put_extra(session, now(), organisation_id(), actor(), list_id, extra_id, values)

    return save(title, _extra_fields(), action, lead=_lead(), back=_back())


def _save_group(title: str, group_id: int | None) -> AnyResponse:
    def action(session: Session, values: Mapping[str, Any]) -> Refused | int:
        return groups.put_group(session, now(), organisation_id(), actor(), group_id, values)

    return save(title, _group_fields(), action, lead=_group_lead(), back=_back())


def _extra_fields() -> tuple[Field, ...]:
    ways = tuple((per.value, name) for per, name in per_names().items())
    return (
        Field("name", gettext("Name, on the invoice"), read_as.text(80), help=gettext("For example: Floodlight")),
        Field("cents", gettext("Price with VAT"), read_as.euros, suffix=house().currency,
              more={"inputmode": "decimal"}),
        Field("per", gettext("The price is"), read_as.chosen(ways, Per), "select", options=ways),
        Field("most", gettext("At most"), read_as.whole_number(1, MOST), "number", required=False,
              help=gettext("1 is a box to tick; empty means any number.")),
        Field("vat_rate", gettext("VAT rate"), read_as.percent, required=False, suffix="%",
              more={"inputmode": "decimal"}, help=gettext("Empty: that of the price list.")),
        Field("rank", gettext("Place in the list"), read_as.whole_number(-100, 100), "number",
              help=gettext("The smallest comes first.")),
        Field("active", gettext("Customers can book it"), read_as.yes, "checkbox", required=False),
    )  # fmt: skip


def _group_fields() -> tuple[Field, ...]:
    return (Field("name", gettext("Name"), read_as.text(60), help=gettext("For example: Clubs")),)


def _lead() -> str:
    return gettext("Extras come on top of the price of the time. What is requested already keeps them as they were.")


def _group_lead() -> str:
    return gettext("Who is in a group, you say on the customer's page; what it pays, in the price lists.")


def _list(list_id: int) -> PriceLists:
    return next((one for one in price_lists(read(), organisation_id()) if one.list_id == list_id), None) or abort(404)


def _extra(list_id: int, extra_id: int) -> dict[str, Any]:
    return next((one for one in _list(list_id).extras if one["id"] == extra_id), None) or abort(404)


def _group(group_id: int) -> str:
    return house().group_name(group_id) or abort(404)


def _back() -> str:
    return url_for("office_settings.prices")
