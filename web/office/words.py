"""What the office reads: refusals, kinds of mail, and the history of a record, in the page's language."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date

from booking.reads.booking_file import Entry
from booking.values.clock import local_day
from booking.values.refusals import Reason, Refused
from booking.values.slot import Slot
from booking.values.states import Source
from web import reasons
from web.case_words import case_title
from web.filters import moment, money
from web.i18n import gettext, translator
from web.request import house, now


def refusal(no: Refused) -> list[str]:
    return [reason_text(reason) for reason in no.reasons]


def reason_text(reason: Reason) -> str:
    return _refusals().get(reason.code) or reasons.message(reason)


def _refusals() -> dict[str, str]:
    return {
        "changed": gettext("This request was changed since you opened the page. Please look at it again."),
        "already-paid": gettext("This invoice was noted as paid already."),
        "not-confirmed": gettext("This is possible for confirmed bookings only."),
        "not-started": gettext("This is possible once the time has begun; until then it can be cancelled."),
        "below-zero": gettext("An amount cannot be below zero."),
        "not-a-number": gettext("Please give a number."),
        "nothing-chosen": gettext("Please choose at least one request."),
    }


def source_name(source: Source) -> str:
    names = {
        Source.PORTAL: gettext("Website"),
        Source.YCBM: gettext("YouCanBook.me"),
        Source.OFFICE: gettext("Office"),
        Source.API: gettext("Program interface"),
    }
    return names[source]


def mail_name(kind: str) -> str:
    return mail_names().get(kind, kind)


def mail_names() -> dict[str, str]:
    return {
        "acknowledgement": gettext("Acknowledgement of the request"),
        "mail-check": gettext("Check of the mail address"),
        "notice-office": gettext("Notice to the office"),
        "notice-desk": gettext("Notice to the desk"),
        "confirmation": gettext("Confirmation with code and invoice"),
        "code-later": gettext("Door code"),
        "code-replaced": gettext("Replaced door code"),
        "rejection": gettext("Rejection"),
        "cancellation": gettext("Cancellation"),
        "moved": gettext("New time"),
        "expired": gettext("Request ended without review"),
        "desk-digest": gettext("The desk's codes of the day"),
        "codes-low": gettext("Codes run out"),
        "cancel-stuck": gettext("Cancelling on the site fails"),
        "site-silent": gettext("A booking site is not reached"),
    }


def action_name(entry: Entry) -> str:
    """What was done, as the head of a step in the history."""
    if entry.action == "decided":
        approved = entry.after.get("verdict") == "approve"
        return gettext("Decided: confirm") if approved else gettext("Decided: reject")
    names = {
        "requested": gettext("Requested"),
        "decision-undone": gettext("Decision taken back"),
        "cancelled": gettext("Cancelled"),
        "expired": gettext("Expired without review"),
        "freed": gettext("Time freed"),
        "moved": gettext("Moved"),
        "no-show": gettext("Did not come"),
        "came": gettext("Came after all"),
        "waive": gettext("Waived"),
        "charge": gettext("To be charged"),
        "follow-up": gettext("Marked for follow-up"),
        "code-told": gettext("Code given out by telephone"),
        "code-refused": gettext("Code refused by telephone"),
        "code-shown": gettext("Code looked at"),
        "codes-replaced": gettext("Code replaced"),
        "paid": gettext("Payment noted"),
        "mail-again": gettext("Mail sent again"),
        "case-decided": gettext("Case decided"),
        "discount": gettext("Standing discount changed"),
        "group": gettext("Put into a group"),
        "group-price": gettext("Price of the customer's group given"),
        "verified": gettext("Mail address confirmed"),
    }
    return names.get(entry.action, entry.action)


def actor_name(name: str) -> str:
    names = {
        "customer": gettext("Customer"),
        "system": gettext("by itself"),
        "automatic": gettext("automatic approval"),
        "site": gettext("booking site"),
    }
    return names.get(name, name)


def changes(entry: Entry) -> list[tuple[str, str, str]]:
    """Field, before, after of an entry, in words; what did not change is left out."""
    keys = [key for key in (*entry.before, *entry.after) if key not in _SILENT]
    rows = [
        (_field(key), _value(key, entry.before.get(key)), _value(key, entry.after.get(key)))
        for key in dict.fromkeys(keys)
    ]
    return [(name, before, after) for name, before, after in rows if before != after]


_SILENT = frozenset({"room_id", "verdict"})


def _field(key: str) -> str:
    names = {
        "starts_at": gettext("Begin"),
        "ends_at": gettext("End"),
        "final_at": gettext("Final"),
        "reason": gettext("Reason"),
        "price_cents": gettext("Price"),
        "fee_cents": gettext("Fee"),
        "source": gettext("Came by"),
        "who": gettext("By"),
        "follow_up": gettext("Note"),
        "no_show": gettext("Did not come"),
        "number": gettext("Invoice"),
        "percent": gettext("Percent"),
        "cents": gettext("Amount"),
        "note": gettext("Reason"),
        "first_day": gettext("From"),
        "last_day": gettext("Until"),
        "named": gettext("The caller named"),
        "mail": gettext("Mail"),
        "kind": gettext("Mail"),
        "case": gettext("Case"),
        "way": gettext("Decision"),
        "group": gettext("Customer group"),
    }
    return names.get(key, key)


def _value(key: str, value: Any) -> str:
    if value is None or value in ("", []):
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return next((read(value) for ending, read in _READERS if key.endswith(ending)), str(value))


def _moment(value: str) -> str:
    instant = datetime.fromisoformat(value)
    return moment(instant) if instant.tzinfo else translator().day(instant.date())


def _source(value: Any) -> str:
    return source_name(Source(value)) if value in set(Source) else str(value)


def _amount(value: Any) -> str:
    return money(int(value)) if value else ""


_READERS: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("cents", _amount),
    ("source", _source),
    ("mail", mail_name),
    ("kind", mail_name),
    ("case", case_title),
    ("_at", _moment),
    ("_day", _moment),
)


def short_day(day: date) -> str:
    """`Sa, 5. Dez.`; the year only where it is another one than now."""
    speech = translator()
    year = "" if day.year == local_day(now(), house().zone).year else " y"
    pattern = f"ccc, d. MMM{year}" if speech.language == "de" else f"ccc, d MMM{year}"
    return format_date(day, pattern, locale=speech.locale)


def when_short(slot: Slot, zone: str) -> str:
    """`Sa, 5. Dez., 18:00-19:30`, for lists."""
    return f"{short_day(local_day(slot.start, ZoneInfo(zone)))}, {translator().times(slot, zone)}"


def when_due(instant: datetime) -> str:
    """`Mo, 23. Nov., 12:00` in the house's zone."""
    zone = house().zone
    return f"{short_day(local_day(instant, zone))}, {translator().clock(instant, zone.key)}"


def joined(parts: Iterable[str]) -> str:
    """What is known of it, with a middle dot between."""
    return " · ".join(part for part in parts if part)
