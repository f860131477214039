"""What was typed into a field, as a value or as a message that says what is wanted: for pages and API alike (SPEC X8).

A reader takes the text of a field, stripped, and returns its value or raises BadInput with the message.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from booking.values.house import Hours
from web.i18n import gettext

Reader = Callable[[str], Any]
LINE = re.compile(
    r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|\u2013|bis|to)\s*(\d{1,2})(?:[:.](\d{2}))?(?:\s*(?:uhr|h))?", re.IGNORECASE
)
CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?::\d{2})?")
PHONE = re.compile(r"\+?[\d\s()/.\-]{3,40}")
MOST_CENTS = Decimal(100_000)


class BadInput(ValueError):  # noqa: N818 - what it is, in the reader's words
    """What was typed cannot be read; the text says what is wanted."""


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
    from email_validator import EmailNotValidError, validate_email

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
