"""Customers: a table to filter, search and sort; a customer's page with bookings and the standing discount (S19)."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.groups import assign_group
from booking.actions.office import keep_discount
from booking.reads.booking_file import history_of_customer
from booking.reads.customers import (
    FILTERS,
    PAGE,
    SORTS,
    CustomerLine,
    StandingDiscount,
    Wanted,
    customer_by,
    customers_page,
)
from booking.reads.inbox import of_contact
from booking.rules.permissions import Capability, may
from booking.values.clock import within_reach
from booking.values.refusals import NotFound, Reason, Refused
from web.access import require
from web.filters import moment, money
from web.i18n import gettext, ngettext, translator
from web.office import words
from web.office.frame import act, address
from web.request import actor, house, now, organisation_id, read
from web.security import logged_in_staff

blueprint = Blueprint("office_customers", __name__, url_prefix="/office/customers")
MOST_FILES = 1_000_000
MOST_BOOKINGS = 100
HUNDRED = Decimal(100)
LONGEST_NOTE = 200


@blueprint.get("")
@require(Capability.CUSTOMERS)
def index() -> str:
    wanted, first = _wanted(), min(max(0, request.args.get("from", 0, type=int)), MOST_FILES)
    page = customers_page(read(), organisation_id(), wanted, first)
    return render_template(
        "office/customers.html",
        columns=_columns(wanted),
        rows=[_row(line) for line in page.lines],
        count=page.count,
        count_words=ngettext("customer", "customers", page.count),
        typed=wanted.typed,
        filtered=bool(wanted.typed or any(wanted.filters.values())),
        hidden=_hidden(wanted),
        range=gettext(
            "%(first)s to %(last)s of %(count)s",
            first=min(first + 1, page.count),
            last=first + len(page.lines),
            count=page.count,
        ),
        previous=_at(max(0, first - PAGE)) if first else None,
        next=_at(first + PAGE) if first + PAGE < page.count else None,
    )


@blueprint.get("/<uuid:customer_id>")
@require(Capability.CUSTOMERS)
def show(customer_id: UUID) -> AnyResponse:
    return _page(customer_by(read(), organisation_id(), customer_id))


@blueprint.post("/<uuid:customer_id>/discount")
@require(Capability.DISCOUNTS)
def discount(customer_id: UUID) -> AnyResponse:
    """Keep the standing discount; it holds for invoices from now on."""
    line = customer_by(read(), organisation_id(), customer_id)
    wanted = _discount()
    no = wanted if isinstance(wanted, Refused) else None
    if isinstance(wanted, StandingDiscount):
        no = act(lambda db, here: keep_discount(db, now(), here, customer_id, wanted, actor()))
    if no is not None:
        return _page(line, no)
    flash(gettext("Kept. It holds for invoices from now on."), "ok")
    return redirect(url_for(".show", customer_id=customer_id))


@blueprint.post("/<uuid:customer_id>/group")
@require(Capability.DISCOUNTS)
def group(customer_id: UUID) -> AnyResponse:
    """Put the customer into a group, or into none; its prices hold for what is asked from now on."""
    line = customer_by(read(), organisation_id(), customer_id)
    typed = request.form.get("group", "")
    known = {str(one.group_id): one.group_id for one in house().groups} | {"": None}
    if typed not in known:
        return _page(line, Refused((Reason("no-such-group", "group"),)))
    try:
        act(lambda db, here: assign_group(db, now(), here, customer_id, known[typed], actor()))
    except NotFound:
        return _page(line, Refused((Reason("no-such-group", "group"),)))
    flash(gettext("Kept. It holds for what is asked for from now on."), "ok")
    return redirect(url_for(".show", customer_id=customer_id))


def _wanted() -> Wanted:
    given = request.args
    sort = given.get("sort", "name")
    return Wanted(
        typed=given.get("q", "").strip(),
        filters={key: given.get(key, "").strip() for key in (*FILTERS, "group", "discount")},
        sort=sort.lstrip("-") if sort.lstrip("-") in SORTS else "name",
        descending=sort.startswith("-"),
    )


def _at(first: int) -> str:
    return address(".index", **{**request.args, "from": first})


def _hidden(wanted: Wanted) -> dict[str, str]:
    sort = f"-{wanted.sort}" if wanted.descending else wanted.sort
    return {key: value for key, value in (("q", wanted.typed), ("sort", sort)) if value}


def _columns(wanted: Wanted) -> list[dict[str, Any]]:
    names = [
        ("name", gettext("Name"), "text", "text"),
        ("company", gettext("Club or company"), "text", "text"),
        ("email", gettext("E-mail"), "text", "text"),
        ("phone", gettext("Telephone"), "text", "text"),
        ("city", gettext("Town"), "text", "text"),
        ("group", gettext("Group"), "text", "select"),
        ("bookings", gettext("Bookings"), "num", None),
        ("last_at", gettext("Latest"), "time", None),
        ("unpaid", gettext("Unpaid"), "money", None),
        ("discount", gettext("Discount"), "text", "select"),
    ]
    return [
        {
            "key": key,
            "label": label,
            "kind": kind,
            "filter": how,
            "value": wanted.filters.get(key, ""),
            "options": _options(key),
            "sort_href": _sorted_by(key, wanted) if key in SORTS else None,
            "sorted": ("descending" if wanted.descending else "ascending") if wanted.sort == key else None,
        }
        for key, label, kind, how in names
    ]


def _options(key: str) -> list[tuple[str, str]]:
    if key == "group":
        return [(str(one.group_id), one.name) for one in house().groups]
    return [("yes", gettext("with discount"))] if key == "discount" else []


def _sorted_by(key: str, wanted: Wanted) -> str:
    down = wanted.sort == key and not wanted.descending
    given = {name: value for name, value in request.args.items() if name not in {"sort", "from"} and value}
    return address(".index", **given, sort=f"-{key}" if down else key)


def _row(line: CustomerLine) -> dict[str, Any]:
    contact = line.contact
    return {
        "href": url_for(".show", customer_id=line.public_id),
        "values": {},
        "cells": {
            "name": contact.name or contact.company,
            "company": contact.company,
            "email": contact.email,
            "phone": contact.phone,
            "city": contact.city,
            "group": house().group_name(line.group_id),
            "bookings": line.bookings,
            "last_at": translator().short_day(line.last_at.astimezone(house().zone).date()) if line.last_at else "",
            "unpaid": money(line.unpaid_cents) if line.unpaid_cents else "",
            "discount": _discount_words(line.discount),
        },
    }


def _discount_words(kept: StandingDiscount) -> str:
    if not kept.is_set:
        return ""
    return money(kept.cents) if kept.cents else gettext("%(percent)s %%", percent=kept.percent)


def _page(line: CustomerLine, no: Refused | None = None) -> AnyResponse:
    session, organisation = read(), organisation_id()
    page = render_template(
        "office/customer.html",
        line=line,
        bookings=of_contact(session, organisation, [line.customer_id], MOST_BOOKINGS),
        room=house().room,
        when_short=words.when_short,
        values=_values(line, no),
        errors=_errors(no),
        labels=_labels(),
        discount_words=_discount_words(line.discount),
        groups=[("", gettext("none")), *((str(one.group_id), one.name) for one in house().groups)],
        group_name=house().group_name(line.group_id),
        may_discount=may(logged_in_staff().role, Capability.DISCOUNTS),
        steps=_steps(organisation, line),
    )
    return make_response(page, 422 if no else 200)


def _steps(organisation: int, line: CustomerLine) -> list[dict[str, Any]]:
    return [
        {
            "title": words.action_name(entry),
            "when": moment(entry.at),
            "who": words.joined((words.actor_name(entry.actor), entry.origin)),
            "changes": words.changes(entry),
            "state": "done",
        }
        for entry in history_of_customer(read(), organisation, line.customer_id)
    ]


def _errors(no: Refused | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reason in no.reasons if no else ():
        found.setdefault(reason.at or "", []).append(words.reason_text(reason))
    return found


def _labels() -> dict[str, str]:
    return {
        "group": gettext("Group"),
        "percent": gettext("Percent"),
        "amount": gettext("Amount for each booking"),
        "note": gettext("Reason"),
        "from": gettext("First day"),
        "until": gettext("Last day"),
    }


def _values(line: CustomerLine, no: Refused | None) -> dict[str, str]:
    """What was typed into the form that was refused, else what is kept: the page has two."""
    kept = _kept(line)
    if no is None or "group" in request.form:
        return kept
    return {key: request.form.get(key, "") for key in _labels()} | {"group": kept["group"]}


def _kept(line: CustomerLine) -> dict[str, str]:
    kept = line.discount
    return {
        "group": str(line.group_id or ""),
        "percent": str(kept.percent or ""),
        "amount": f"{Decimal(kept.cents) / HUNDRED:.2f}".replace(".", ",") if kept.cents else "",
        "note": kept.note,
        "from": kept.first_day.isoformat() if kept.first_day else "",
        "until": kept.last_day.isoformat() if kept.last_day else "",
    }


def _discount() -> StandingDiscount | Refused:
    percent, cents = _number("percent"), _number("amount")
    first, last = _date("from"), _date("until")
    reasons = [one for one in (first, last) if isinstance(one, Reason)]
    if percent is None or percent != percent.to_integral_value():
        reasons.append(Reason("not-a-number", "percent"))
    if cents is None:
        reasons.append(Reason("not-a-number", "amount"))
    if reasons or percent is None or cents is None or isinstance(first, Reason) or isinstance(last, Reason):
        return Refused(tuple(reasons))
    note = request.form.get("note", "").strip()[:LONGEST_NOTE]
    return StandingDiscount(int(percent), int((cents * HUNDRED).to_integral_value()), note, first, last)


def _number(name: str) -> Decimal | None:
    """As people write it: `12,50`, `1.250,00`; empty is nothing."""
    text = request.form.get(name, "").replace("€", "").replace("%", "").strip()
    if "," in text:
        text = text.replace(".", "").replace(",", ".")
    try:
        number = Decimal(text or "0")
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10**7) else None


def _date(name: str) -> date | Reason | None:
    text = request.form.get(name, "").strip()
    try:
        return within_reach(date.fromisoformat(text)) if text else None
    except ValueError:
        return Reason("not-a-date", name)
