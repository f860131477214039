"""The extras of a room on a form: ticked or counted, each with its price; what was typed stays (SPEC S25, X8)."""

from collections.abc import Mapping
from dataclasses import dataclass

from booking.reads.house import House, RoomFacts
from booking.rules.extras import MOST, book_extras, field_of
from booking.values.house import BookedExtra, Extra, ExtraWish, Per
from booking.values.refusals import Refused
from web.i18n import gettext
from web.price_words import money
from web.reasons import messages

PREFIX = field_of(0).removesuffix("0")
MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class ExtraField:
    """One extra. `most` 1 is a tick, more a number; `is_gone`: it was wanted, and is no longer offered."""

    name: str
    label: str
    price: str
    most: int
    typed: str
    errors: tuple[str, ...] = ()
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class ExtrasForm:
    """`booked` is what the price counts: all that can be read and had. `wishes` are what was asked for."""

    fields: tuple[ExtraField, ...] = ()
    wishes: tuple[ExtraWish, ...] = ()
    booked: tuple[BookedExtra, ...] = ()

    @property
    def is_valid(self) -> bool:
        return not any(field.errors for field in self.fields)

    @property
    def summary(self) -> list[tuple[str, str, str]]:
        """For the macro `error_summary`."""
        return [(field.name, field.label, text) for field in self.fields for text in field.errors]


def extras_form(given: Mapping[str, str], house: House, room: RoomFacts) -> ExtrasForm:
    """The form as it was sent, or empty; a wish for what is not offered is an error at its own field."""
    names = [field_of(extra.extra_id) for extra in room.prices.offered]
    typed = {name: given.get(name, "").strip()[:MOST_DIGITS] for name in (*names, *_strange(given, names))}
    read = {name: _count(text) for name, text in typed.items()}
    wishes = tuple(ExtraWish(_extra_id(name), count) for name, count in read.items() if isinstance(count, int))
    made = book_extras(wishes, room.prices)
    refused = messages(made) if isinstance(made, Refused) else {}
    unread = {name: [said] for name, said in read.items() if isinstance(said, str)}
    wrong = {str(name): texts for name, texts in (refused | unread).items()}
    well = tuple(wish for wish in wishes if field_of(wish.extra_id) not in wrong)
    booked = book_extras(well, room.prices)
    fields = [_field(extra, typed[field_of(extra.extra_id)], wrong, house) for extra in room.prices.offered]
    fields += [_gone(name, room, wrong[name]) for name in typed if name not in names and name in wrong]
    return ExtrasForm(tuple(fields), wishes, () if isinstance(booked, Refused) else booked)


def extra_price(extra: Extra, house: House) -> str:
    """`4,00 € per hour`."""
    per = {
        Per.BOOKING: gettext("per booking"),
        Per.HOUR: gettext("per hour"),
        Per.PERSON: gettext("per person"),
    }
    each = gettext("each") if extra.per is Per.BOOKING and extra.most != 1 else per[extra.per]
    return f"{money(extra.cents, house)} {each}"


def _strange(given: Mapping[str, str], names: list[str]) -> list[str]:
    return [name for name in given if name not in names and _is_name(name)]


def _is_name(name: str) -> bool:
    number = name.removeprefix(PREFIX)
    return name.startswith(PREFIX) and number.isascii() and number.isdecimal() and len(number) < 19


def _extra_id(name: str) -> int:
    return int(name.removeprefix(PREFIX))


def _count(text: str) -> int | str:
    """How many, or what is wrong with the text."""
    if text in {"", "yes"}:
        return 1 if text else 0
    if not (text.isascii() and text.isdecimal()):
        return gettext("Please give a whole number, for example 12.")
    return int(text)


def _field(extra: Extra, typed: str, wrong: Mapping[str, list[str]], house: House) -> ExtraField:
    name = field_of(extra.extra_id)
    errors = tuple(wrong.get(name, ()))
    return ExtraField(name, extra.name, extra_price(extra, house), extra.most or MOST, typed, errors)


def _gone(name: str, room: RoomFacts, errors: list[str]) -> ExtraField:
    known = next((extra.name for extra in room.prices.extras if field_of(extra.extra_id) == name), "")
    return ExtraField(name, known or gettext("An extra"), "", 1, "", tuple(errors), is_gone=True)
