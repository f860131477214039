"""What every template may use: dates, times and money in the page's language, and what the shells need."""

from datetime import date, datetime
from typing import Any

from flask import Flask, g, has_request_context

from booking.values.codes import spoken
from booking.values.money import Cents
from booking.values.slot import Slot
from booking.values.states import Role
from web.i18n import LANGUAGES, gettext, language, translator
from web.request import house
from web.security import staff


def day(value: date | datetime, zone: str | None = None) -> str:
    """`Sa, 5. Dezember 2026`; an instant is taken to its local day in the house's zone, or the one given."""
    if isinstance(value, datetime):
        return translator().moment(value, zone or house().zone.key).rpartition(", ")[0]
    return translator().day(value)


def moment(value: datetime, zone: str | None = None) -> str:
    """`Sa, 5. Dezember 2026, 18:00`."""
    return translator().moment(value, zone or house().zone.key)


def clock(value: datetime, zone: str | None = None) -> str:
    return translator().clock(value, zone or house().zone.key)


def times(value: Slot, zone: str | None = None) -> str:
    """`18:00-19:30`, with an en dash."""
    return translator().times(value, zone or house().zone.key)


def when(value: Slot, zone: str | None = None) -> str:
    """`Sa, 5. Dezember 2026, 18:00-19:30`."""
    return translator().when(value, zone or house().zone.key)


def money(value: int, currency: str | None = None) -> str:
    """Cents as `1.234,50 €`."""
    return translator().money(Cents(value), currency or house().currency)


def mail_failure(error: str) -> str:
    """Why a mail did not go out, where the office can do something about it; else what the server said."""
    from booking.actions import messages as mails  # late: first pages do without

    names = {
        mails.NO_ADDRESS: gettext("There is no mail address. Please tell the customer by phone."),
        mails.BAD_ADDRESS: gettext("No mail can go to this address. Please ask the customer for another one."),
        mails.BAD_SENDER: gettext("No mail can come from the house's own address. Please change it in the settings."),
    }
    if error.startswith(mails.INVOICE_LACKS):
        return gettext("It waits for its invoice: the settings of the house lack something that the law asks for.")
    return names.get(error, error)


def role_name(role: Role) -> str:
    names = {
        Role.OWNER: gettext("Owner"),
        Role.ADMIN: gettext("Administration"),
        Role.OFFICE: gettext("Office"),
        Role.DESK: gettext("Desk"),
    }
    return names[role]


def set_up(app: Flask) -> None:
    for filter_ in (day, moment, clock, times, when, money, spoken, role_name, mail_failure):
        app.jinja_env.filters[filter_.__name__] = filter_
    app.jinja_env.filters["percent"] = lambda rate: translator().percent(rate)
    app.context_processor(_shell)


def _shell() -> dict[str, Any]:
    """What the shells show on every page (web/templates/shells/_base.html). Pages may put their own over it."""
    if not has_request_context():
        return {"organisation": {"name": "Platzwart"}, "language": "de"}
    if g.get("bare"):
        return {"organisation": {"name": "Platzwart"}, "language": language()}
    return {
        "organisation": {"name": house().name, "home": "/", "brand_css": None},
        "language": language(),
        "languages": LANGUAGES,
        "user": _user(),
    }


def _user() -> dict[str, str] | None:
    person = staff()
    if person is None:
        return None
    return {"name": person.name, "role": role_name(person.role), "logout": "/logout", "account": "/sessions"}
