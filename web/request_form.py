"""The request form (SPEC S4, X8): every bad entry gets a message at its field, and what was typed stays."""

import re
import unicodedata
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

from babel import Locale
from flask_babel import LazyString  # type: ignore[import-untyped]
from wtforms import BooleanField, Form, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import StopValidation, ValidationError

from booking.reads.house import RoomFacts
from booking.values.findings import Contact
from booking.values.refusals import Reason
from papers.i18n import LOCALES
from web.i18n import gettext, ngettext
from web.reasons import message

FIRST_COUNTRIES = ("DE", "AT", "CH")
PHONE = re.compile(r"\+?[0-9 ()/.\-\u2010\u2011\u2013]+")
GERMAN_POSTCODE = re.compile(r"[0-9]{5}")
POSTCODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z \-]{1,10}[0-9A-Za-z]")
FEWEST_DIGITS, MOST_DIGITS = 6, 15
MOST_DIGITS_OF_PEOPLE = 5


def lazy_gettext(text: str) -> LazyString:
    """A text that finds its language when it is shown."""
    return LazyString(gettext, text)


def line(text: str | None) -> str:
    """One line of text as it is kept: composed letters, no control characters, single blanks."""
    return " ".join(_printable(text or "").split())


def lines(text: str | None) -> str:
    return "\n".join(part for part in (line(part) for part in (text or "").splitlines()) if part)


class Needed:
    """The field must not be empty."""

    field_flags = {"required": True}  # noqa: RUF012 - read once by WTForms

    def __init__(self, text: LazyString) -> None:
        self.text = text

    def __call__(self, _form: Form, field: Any) -> None:
        if not field.data:
            raise StopValidation(str(self.text))


class Most:
    """At most so many characters."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.field_flags = {"maxlength": most}

    def __call__(self, _form: Form, field: Any) -> None:
        if len(field.data or "") > self.most:
            raise ValidationError(
                ngettext("At most %(num)d character, please.", "At most %(num)d characters, please.", self.most)
            )


def _text(label: LazyString, most: int, needed: LazyString | None = None, kind: Any = StringField) -> Any:
    filters = [lines if kind is TextAreaField else line]
    return kind(label, [*([Needed(needed)] if needed else []), Most(most)], filters=filters)


class RequestForm(Form):  # type: ignore[misc]  # WTForms is untyped
    """Who asks for a time, and what for. `fit` fills what depends on the room."""

    name = _text(lazy_gettext("Your name"), 100, lazy_gettext("Please give your name."))
    company = _text(lazy_gettext("Club or company"), 120)
    email = _text(
        lazy_gettext("E-mail address"), 254, lazy_gettext("Please give your e-mail address: the door code goes there.")
    )
    phone = _text(
        lazy_gettext("Phone"), 40, lazy_gettext("Please give a phone number on which we can reach you with questions.")
    )
    street = _text(
        lazy_gettext("Street and number"), 120, lazy_gettext("Please give your street: the invoice needs an address.")
    )
    postcode = _text(lazy_gettext("Postcode"), 12, lazy_gettext("Please give your postcode."))
    city = _text(lazy_gettext("Town"), 100, lazy_gettext("Please give your town."))
    country = SelectField(lazy_gettext("Country"), validate_choice=False)
    purpose = _text(
        lazy_gettext("Purpose"), 500, lazy_gettext("Please tell us what you need the room for."), TextAreaField
    )
    people = _text(lazy_gettext("Number of people"), 12, lazy_gettext("Please tell us how many people will come."))
    accepted = BooleanField(lazy_gettext("Terms"))
    advertising = BooleanField(lazy_gettext("News"))
    homepage = StringField(lazy_gettext("Please leave this field empty"))
    form_id, time, price_cents, terms_id, rules_id = (HiddenField() for _ in range(5))

    def fit(self, room: RoomFacts, language: str, house_country: str, texts: Collection[object]) -> "RequestForm":
        """Set what the fields depend on, before `validate` and before rendering. `texts` have to be accepted."""
        self.room, self.texts = room, texts
        self.country.choices = countries(language, house_country)
        if not self.country.data:
            self.country.data = house_country
        self.accepted.flags.required = bool(texts)
        self.country.flags.required = True
        return self

    def contact(self) -> Contact:
        return Contact(
            name=self.name.data,
            company=self.company.data,
            email=self.email.data,
            phone=self.phone.data,
            street=self.street.data,
            postcode=self.postcode.data,
            city=self.city.data,
            country=self.country.data,
        )

    def number_of_people(self) -> int:
        """Only of a form that is valid."""
        return int(self.people.data)

    def people_so_far(self) -> int:
        """As many as are typed, 1 where that cannot be read: the price on a form that is not complete yet."""
        text = self.people.data or ""
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS_OF_PEOPLE else 1

    def validate_country(self, field: Any) -> None:
        if field.data not in {choice.value for choice in field.choices}:
            raise ValidationError(gettext("Please choose a country from the list."))

    def validate_postcode(self, field: Any) -> None:
        if self.country.data == "DE" and not GERMAN_POSTCODE.fullmatch(field.data):
            raise ValidationError(gettext("A German postcode has five digits."))
        if not POSTCODE.fullmatch(field.data):
            raise ValidationError(gettext("This postcode cannot be right."))

    def validate_email(self, field: Any) -> None:
        from email_validator import EmailNotValidError, validate_email

        try:
            validate_email(field.data, check_deliverability=False)
        except EmailNotValidError:
            raise ValidationError(
                gettext("This e-mail address cannot be right. It looks like name@example.org.")
            ) from None

    def validate_phone(self, field: Any) -> None:
        digits = sum(sign.isdecimal() for sign in field.data)
        if not PHONE.fullmatch(field.data) or not FEWEST_DIGITS <= digits <= MOST_DIGITS:
            raise ValidationError(gettext("This phone number cannot be right. Please give it with its area code."))

    def validate_people(self, field: Any) -> None:
        text = field.data
        if not (text.isascii() and text.isdecimal()) or len(text) > MOST_DIGITS_OF_PEOPLE:
            raise ValidationError(gettext("Please give a whole number, for example 12."))
        most = self.room.terms.most_people
        if int(text) < 1:
            raise ValidationError(message(Reason("too-few-people")))
        if int(text) > most:
            raise ValidationError(message(Reason("too-many-people", "people", {"most": most})))

    def validate_accepted(self, field: Any) -> None:
        if self.texts and not field.data:
            raise ValidationError(gettext("Without your agreement we cannot take your request."))

    def validate_homepage(self, field: Any) -> None:
        if field.data:
            raise ValidationError(gettext("This field is only there for machines. Please empty it and send again."))


@lru_cache
def countries(language: str, first: str) -> tuple[SelectChoice, ...]:
    """All countries by name in the language, the house's own and its neighbours before the others."""
    locale = Locale.parse(LOCALES[language])
    names = {code: name for code, name in locale.territories.items() if len(code) == 2 and code not in {"ZZ", "EU"}}
    above = list(dict.fromkeys((first, *FIRST_COUNTRIES)))
    others = sorted((code for code in names if code not in above), key=_in_order(names))
    return tuple(SelectChoice(code, names[code]) for code in (*above, *others))


def _in_order(names: dict[str, str]) -> Callable[[str], str]:
    """As a dictionary orders: Österreich beside Oman, not behind Zypern."""
    return lambda code: unicodedata.normalize("NFKD", names[code]).casefold()


def _printable(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} else sign for sign in composed)
