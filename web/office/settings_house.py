"""Hours and phones, review and codes, limits, letterhead: the organisation's own settings (SPEC S8, S14, S22, S26)."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from zoneinfo import available_timezones

from flask import url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import settings
from booking.reads.settings import house_values
from booking.rules.feed_codes import LEAST_HOURS, MOST_HOURS
from booking.rules.permissions import Capability
from booking.tables.houses import HoursKind
from booking.values.house import Hours
from booking.values.refusals import Refused
from web import field_readers as read_as
from web.access import require
from web.i18n import LANGUAGES, gettext, translator
from web.office.settings_forms import Field, hours_written
from web.office.settings_frame import blueprint, form_page, save
from web.request import actor, house, now, organisation_id, read

COUNTRIES = (("DE", "Deutschland"), ("AT", "Österreich"), ("CH", "Schweiz"))
CURRENCIES = (("EUR", "EUR"), ("CHF", "CHF"))
STATES = ("BW", "BY", "BE", "BB", "HB", "HH", "HE", "MV", "NI", "NW", "RP", "SL", "SN", "ST", "SH", "TH")


@blueprint.get("/hours")
@require(Capability.SETTINGS)
def hours() -> AnyResponse:
    office = house().office
    values: dict[str, Any] = {"office_phone": office.office_phone, "desk_phone": office.desk_phone}
    for kind, lines in ((HoursKind.OFFICE, office.hours), (HoursKind.DESK, office.desk_hours)):
        values |= {f"{kind.value}-{day}": hours_written(lines, day) for day in range(7)}
    return form_page(_title(hours), _hours_fields(), values, lead=_hours_lead(), back=_back())


@blueprint.post("/hours")
@require(Capability.SETTINGS)
def save_hours() -> AnyResponse:
    here = url_for("office_settings.hours")
    return save(_title(hours), _hours_fields(), _save_hours, lead=_hours_lead(), back=_back(), then=here)


@blueprint.get("/review")
@require(Capability.SETTINGS)
def review() -> AnyResponse:
    return _columns(_title(review), _review_fields())


@blueprint.post("/review")
@require(Capability.SETTINGS)
def save_review() -> AnyResponse:
    return save(_title(review), _review_fields(), _save_columns, back=_back())


@blueprint.get("/limits")
@require(Capability.SETTINGS)
def limits() -> AnyResponse:
    return _columns(_title(limits), _limit_fields())


@blueprint.post("/limits")
@require(Capability.SETTINGS)
def save_limits() -> AnyResponse:
    return save(_title(limits), _limit_fields(), _save_columns, back=_back())


@blueprint.get("/house")
@require(Capability.SETTINGS)
def letterhead() -> AnyResponse:
    return _columns(_title(letterhead), house_fields())


@blueprint.post("/house")
@require(Capability.SETTINGS)
def save_letterhead() -> AnyResponse:
    return save(_title(letterhead), house_fields(), _save_columns, back=_back())


def _columns(title: str, fields: tuple[Field, ...]) -> AnyResponse:
    return form_page(title, fields, house_values(read(), organisation_id()), back=_back())


def _save_columns(session: Session, values: Mapping[str, Any]) -> Refused | None:
    return settings.change_house(session, now(), organisation_id(), actor(), values)


def _save_hours(session: Session, values: Mapping[str, Any]) -> Refused | None:
    """Phones and both tables of hours, all or nothing."""
    part = session.begin_nested()
    phones = {name: values[name] for name in ("office_phone", "desk_phone")}
    put = partial(settings.set_work_hours, session, now(), organisation_id(), actor())
    no = settings.change_house(session, now(), organisation_id(), actor(), phones)
    for kind in HoursKind:
        lines: list[Hours] = [line for day in range(7) for line in values[f"{kind.value}-{day}"]]
        no = no or put(kind, lines)
    if no:
        part.rollback()
    else:
        part.commit()
    return no


def _hours_fields() -> tuple[Field, ...]:
    days = [translator().weekday(day) for day in range(7)]
    return (
        Field(
            "office_phone",
            gettext("Phone of the office"),
            read_as.phone,
            "tel",
            required=False,
            help=gettext("Shown on pages and mails only while the office answers it."),
        ),
        Field(
            "desk_phone",
            gettext("Phone outside office hours"),
            read_as.phone,
            "tel",
            required=False,
            help=gettext("Gives out door codes on short notice; shown only while it answers."),
        ),
        *(
            Field(
                f"{kind}-{day}",
                f"{days[day]}: {label}",
                read_as.hours_of(day),
                "hours",
                required=False,
                more={"placeholder": gettext("closed")},
            )
            for day in range(7)
            for kind, label in (("office", gettext("Office")), ("desk", gettext("phone outside office hours")))
        ),
    )


def _review_fields() -> tuple[Field, ...]:
    number = read_as.whole_number
    return (
        Field(
            "review_by",
            gettext("Requests are reviewed by"),
            read_as.clock_time,
            "time",
            help=gettext("On the next working day. What begins before then counts as short notice."),
        ),
        Field(
            "grace_seconds",
            gettext("A decision can be undone for"),
            number(0, 600),
            "number",
            suffix=gettext("seconds"),
            help=gettext("The customer's mail waits as long. 0 sends it at once."),
        ),
        Field(
            "mail_at",
            gettext("Mails after a call at the desk go out at"),
            read_as.clock_time,
            "time",
            help=gettext("On the next working day, with invoice and payment data."),
        ),
        Field(
            "desk_days",
            gettext("The desk sees codes for"),
            number(1, 14),
            "number",
            suffix=gettext("days"),
            help=gettext("Today counts as the first."),
        ),
        Field("digest_at", gettext("The desk's daily mail goes out at"), read_as.clock_time, "time"),
        Field(
            "code_hours_before",
            gettext("Send the code only shortly before"),
            number(1, 720),
            "number",
            required=False,
            suffix=gettext("hours before"),
            help=gettext("Empty: with the confirmation."),
        ),
        Field(
            "code_after_payment",
            gettext("Send the code only once the invoice is paid"),
            read_as.yes,
            "checkbox",
            required=False,
            width="",
        ),
        Field(
            "feed_code_hours",
            gettext("Show the code in customers' own calendars"),
            number(LEAST_HOURS, MOST_HOURS),
            "number",
            required=False,
            suffix=gettext("hours before"),
            help=gettext(
                "Empty: never. Only in the calendar that a customer opened by the link of a mail, only when a mail "
                "could bring the code too, and only until the time is over. Whoever has its address reads it."
            ),
        ),
        Field(
            "approve_after_kept",
            gettext("Confirm trusted customers by itself after"),
            number(1, 1000),
            "number",
            required=False,
            suffix=gettext("kept bookings"),
            help=gettext(
                "Empty: never. Only with nothing unpaid, no finding above a note, and a proven mail address: by the "
                "mail check below, or because they came by the link of a mail."
            ),
        ),
    )


def _limit_fields() -> tuple[Field, ...]:
    number, wait = read_as.whole_number, gettext("requests")
    return (
        Field("open_per_contact", gettext("Waiting at once, of one contact"), number(1, 1000), "number", suffix=wait),
        Field(
            "open_per_address", gettext("Waiting at once, of one connection"), number(1, 10_000), "number", suffix=wait
        ),
        Field("open_per_room", gettext("Waiting at once, for one room"), number(1, 100_000), "number", suffix=wait),
        Field(
            "mail_check",
            gettext("Customers confirm their mail address; else the time is free again after 30 minutes"),
            read_as.yes,
            "checkbox",
            required=False,
            width="",
        ),
    )


def house_fields() -> tuple[Field, ...]:
    """In the order of a letter: who we are, where, how to reach us, taxes, bank."""
    text, states = read_as.text(), (("", gettext("none")), *((code, code) for code in STATES))
    zones = tuple((zone, zone) for zone in sorted(available_timezones()) if zone.startswith("Europe/"))
    return (
        Field("name", gettext("Name, as customers know it"), text),
        Field("legal_name", gettext("Legal name, on invoices"), text),
        Field("street", gettext("Street and number"), text, width=""),
        Field("postcode", gettext("Postcode"), read_as.text(12), width="third"),
        Field("city", gettext("City"), text, width="two-thirds"),
        _select("country", gettext("Country"), COUNTRIES),
        _select("subdivision", gettext("State, for its public holidays"), states, required=False),
        Field("email", gettext("Mail address of the office"), read_as.email, "email"),
        Field(
            "desk_email",
            gettext("Mail address of the desk"),
            read_as.email,
            "email",
            required=False,
            help=gettext("Gets requests and the codes of the day. Empty: no mail to the desk."),
        ),
        Field("tax_number", gettext("Tax number"), read_as.text(40), required=False),
        Field("vat_id", gettext("VAT id"), read_as.text(40), required=False),
        Field("payee", gettext("Account holder"), read_as.text(70)),
        Field("iban", gettext("IBAN"), read_as.iban),
        Field("bic", gettext("BIC"), read_as.text(11), required=False),
        Field(
            "payment_days", gettext("To be paid within"), read_as.whole_number(0, 90), "number", suffix=gettext("days")
        ),
        _select("currency", gettext("Currency"), CURRENCIES),
        _select("language", gettext("Language of mails to the office"), LANGUAGES),
        _select("zone", gettext("Time zone"), zones),
        Field(
            "holidays_close_rooms",
            gettext("Rooms are closed on public holidays"),
            read_as.yes,
            "checkbox",
            required=False,
            width="",
        ),
    )


def _select(name: str, label: str, options: tuple[tuple[str, str], ...], *, required: bool = True) -> Field:
    return Field(name, label, read_as.chosen(options), "select", options=options, required=required)


def _title(view: Any) -> str:
    titles = {
        hours: gettext("Hours and phones"),
        review: gettext("Review and codes"),
        limits: gettext("Limits"),
        letterhead: gettext("Organisation and letterhead"),
    }
    return titles[view]


def _hours_lead() -> str:
    return gettext("For example 09:00-12:00, 13:00-17:00. An empty day is closed. On public holidays the office rests.")


def _back() -> str:
    return url_for("office_settings.index")
