"""Forms of the settings: what was typed becomes values, or a message at the field; nothing typed is lost (SPEC X8).

A reader takes the text of a field, stripped, and returns its value or raises BadInput with the message.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from email_validator import EmailNotValidError, validate_email

from booking.values.house import Hours
from booking.values.refusals import Refused
from web.i18n import gettext
from web.reasons import message

Reader = Callable[[str], Any]
LINE = re.compile(
    r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|\u2013|bis|to)\s*(\d{1,2})(?:[:.](\d{2}))?(?:\s*(?:uhr|h))?", re.IGNORECASE
)
CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?::\d{2})?")
PHONE = re.compile(r"\+?[\d\s()/.\-]{3,40}")
MOST_CENTS = Decimal(100_000)


class BadInput(ValueError):  # noqa: N818 - what it is, in the reader's words
    """What was typed cannot be read; the text says what is wanted."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `kind` and `options` are those of the macro `input`; `more` are attributes of the control."""

    name: str
    label: str
    read: Reader
    kind: str = "text"
    required: bool = True
    help: str = ""
    suffix: str = ""
    width: str = "half"
    options: tuple[tuple[str, str], ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """Fields with what stands in them, and what is wrong with it by field; "" holds what belongs to none."""

    fields: tuple[Field, ...]
    typed: Mapping[str, str]
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def summary(self) -> list[tuple[str | None, str, str]]:
        """For the macro `error_summary`."""
        labels = {one.name: one.label for one in self.fields}
        return [
            (name if name in labels else None, labels.get(name, ""), " ".join(texts))
            for name, texts in self.errors.items()
        ]

    def refused(self, no: Refused) -> "Form":
        """The form again with what the action said."""
        found: dict[str, list[str]] = {}
        for reason in no.reasons:
            found.setdefault(reason.at or "", []).append(message(reason))
        return Form(self.fields, self.typed, self.values, found)


def shown(fields: Sequence[Field], values: Mapping[str, Any]) -> Form:
    """A form that shows what is set now."""
    return Form(tuple(fields), {one.name: written(values.get(one.name)) for one in fields})


def filled(fields: Sequence[Field], given: Mapping[str, str]) -> Form:
    """A form as it was sent; `values` holds what could be read."""
    typed = {one.name: _sent(one, given)[:20_000] for one in fields}
    values: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for one in fields:
        text = typed[one.name].strip()
        try:
            if not text and one.kind != "checkbox":
                values[one.name] = _empty(one)
            else:
                values[one.name] = one.read(text)
        except BadInput as error:
            errors[one.name] = [str(error)]
    return Form(tuple(fields), typed, values, errors)


def _sent(one: Field, given: Mapping[str, str]) -> str:
    """What a field sent; the ticked ones of several choices, with commas between."""
    several = getattr(given, "getlist", None)
    return ",".join(several(one.name)) if one.kind == "choices" and several else given.get(one.name, "")


def written(value: Any) -> str:
    """A value as a field shows it."""
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, tuple):
        return ",".join(str(one) for one in value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


def hours_written(hours: Sequence[Hours], weekday: int) -> str:
    """`09:00-12:00, 13:00-17:00`."""
    lines = sorted((one for one in hours if one.weekday == weekday), key=lambda one: one.opens)
    return ", ".join(f"{one.opens:%H:%M}\u2013{_end_written(one.closes)}" for one in lines)


def text(most: int = 200) -> Reader:
    def read(typed: str) -> str:
        if len(typed) > most:
            raise BadInput(gettext("Please write at most %(most)s characters.", most=most))
        return typed

    return read


def whole_number(least: int, most: int) -> Reader:
    def read(typed: str) -> int:
        if not re.fullmatch(r"-?\d{1,9}", typed, re.ASCII) or not least <= int(typed) <= most:
            raise BadInput(gettext("Please enter a whole number from %(least)s to %(most)s.", least=least, most=most))
        return int(typed)

    return read


def yes(typed: str) -> bool:
    return typed == "yes"


def chosen(options: Sequence[tuple[str, str]], convert: Callable[[str], Any] = str) -> Reader:
    def read(typed: str) -> Any:
        if typed not in dict(options):
            raise BadInput(gettext("Please choose one of the list."))
        return convert(typed)

    return read


def several_of(options: Sequence[tuple[str, str]], convert: Callable[[str], Any] = str) -> Reader:
    """The ticked choices as a tuple."""
    read_one = chosen(options, convert)

    def read(typed: str) -> tuple[Any, ...]:
        return tuple(read_one(part) for part in typed.split(","))

    return read


def clock_time(typed: str) -> time:
    match = CLOCK.fullmatch(typed)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise BadInput(gettext("Please enter a time such as 09:30."))
    return time(int(match[1]), int(match[2]))


def local_date(typed: str) -> date:
    try:
        found = date.fromisoformat(typed)
    except ValueError:
        raise BadInput(gettext("Please enter a date.")) from None
    if not 2000 <= found.year < 2100:
        raise BadInput(gettext("Please enter a date of this century."))
    return found


def phone(typed: str) -> str:
    if not PHONE.fullmatch(typed) or sum(sign.isdigit() for sign in typed) < 3:
        raise BadInput(gettext("Please enter a phone number, for example +49 221 1234567."))
    return typed


def email(typed: str) -> str:
    try:
        return validate_email(typed, check_deliverability=False).normalized
    except EmailNotValidError:
        raise BadInput(gettext("Please enter a mail address, for example office@example.org.")) from None


def iban(typed: str) -> str:
    plain = re.sub(r"\s", "", typed).upper()
    digits = (
        "".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4]) if plain.isascii() and plain.isalnum() else "0"
    )
    if not 15 <= len(plain) <= 34 or int(digits) % 97 != 1:
        raise BadInput(gettext("This IBAN has a typing error: its check digits do not fit."))
    return plain


def euros(typed: str) -> int:
    """Cents of an amount, with comma or point."""
    try:
        amount = Decimal(re.sub(r"[\s€]", "", typed).replace(",", "."))
    except InvalidOperation:
        raise BadInput(gettext("Please enter an amount such as 45,00.")) from None
    if not amount.is_finite() or not 0 <= amount <= MOST_CENTS or amount != round(amount, 2):
        raise BadInput(gettext("Please enter an amount such as 45,00."))
    return int(amount * 100)


def cents_written(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"


def percent(typed: str) -> int:
    """Basis points of a rate such as 19 or 7,5."""
    try:
        rate = Decimal(typed.replace("%", "").replace(",", ".").strip())
    except InvalidOperation:
        raise BadInput(gettext("Please enter a rate such as 19 or 7,5.")) from None
    if not rate.is_finite() or not 0 <= rate <= 100 or rate * 100 != int(rate * 100):
        raise BadInput(gettext("Please enter a rate such as 19 or 7,5."))
    return int(rate * 100)


def hours_of(weekday: int) -> Reader:
    """`9-12, 13:30-17` as lines of hours; 24 and 0 at the end mean midnight."""

    def read(typed: str) -> list[Hours]:
        return [_hours(weekday, part.strip()) for part in re.split(r"[,;\n]", typed) if part.strip()]

    return read


def _empty(one: Field) -> Any:
    if one.required:
        raise BadInput(gettext("This is needed here."))
    return one.more.get("data-empty") if one.kind != "hours" else []


def _hours(weekday: int, part: str) -> Hours:
    match = LINE.fullmatch(part)
    if match is None:
        raise BadInput(gettext("Please enter times such as 09:00-12:00, 13:00-17:00."))
    opens, closes = (int(match[1]), int(match[2] or 0)), (int(match[3]), int(match[4] or 0))
    if closes == (24, 0):
        closes = (0, 0)
    if max(opens[0], closes[0]) > 23 or max(opens[1], closes[1]) > 59 or opens == closes:
        raise BadInput(gettext("Please enter times such as 09:00-12:00, 13:00-17:00."))
    return Hours(weekday, time(*opens), time(*closes))


def _end_written(closes: time) -> str:
    return "24:00" if closes == time(0) else f"{closes:%H:%M}"
