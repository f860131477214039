"""Every text in German and English, and dates, times and money as each of them writes it."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import papers
from booking.values.house import Hours
from booking.values.money import BasisPoints, Cents
from booking.values.slot import Slot
from papers.i18n import supported, translations
from papers.letters import Phone
from papers.phrases import phone_hours, phone_line

ROOM = Path(papers.__file__).parent
BERLIN = "Europe/Berlin"
PLACE = re.compile(r"%\((\w+)\)[sd]")
NO_BREAK = "\u00a0"
DASH = "\u2013"


def _used() -> dict[str, tuple[str, ...]]:
    found = extract_from_dir(
        ROOM, [("**.py", "python"), ("**.html", "jinja2")], {}, {"gettext": None, "ngettext": (1, 2)}
    )
    messages = (message if isinstance(message, tuple) else (message,) for _, _, message, _, _ in found)
    return {message[0]: message for message in messages}


def _german() -> Catalog:
    with (ROOM / "translations/de/LC_MESSAGES/papers.po").open("rb") as source:
        return read_po(source, locale="de")


def _strings(entry: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (entry,) if isinstance(entry, str) else tuple(entry)


@pytest.mark.rule("X1")
def test_every_text_in_use_is_translated_into_german_and_nothing_else_is() -> None:
    used = _used()
    catalogue = {_strings(message.id)[0]: message for message in _german() if message.id}
    assert len(used) > 100
    assert used.keys() == catalogue.keys()
    for msgid, message in catalogue.items():
        assert not message.fuzzy, msgid
        assert _strings(message.id) == used[msgid], msgid
        translated = _strings(message.string)
        assert len(translated) == len(used[msgid]), msgid
        assert all(translated), msgid


@pytest.mark.rule("X1")
def test_a_translation_fills_the_same_places_as_its_source() -> None:
    for message in _german():
        for source, target in zip(_strings(message.id), _strings(message.string), strict=True):
            if source:
                assert set(PLACE.findall(source)) == set(PLACE.findall(target)), source
                assert PLACE.sub("", target).count("%") % 2 == 0, target


def test_the_german_catalogue_is_german() -> None:
    same = {_strings(message.id)[0] for message in _german() if message.id and message.id == message.string}
    assert same <= {"Codes", "Name"}


@pytest.mark.rule("X1")
@pytest.mark.parametrize(
    ("tag", "language"),
    [("de", "de"), ("de-AT", "de"), ("en_US", "en"), ("EN", "en"), ("xx", "de"), ("", "de"), ("../../etc", "de")],
)
def test_what_is_none_of_our_languages_is_german(tag: str, language: str) -> None:
    assert supported(tag) == language
    assert translations(tag).language == language


@pytest.mark.parametrize(
    ("language", "text"), [("de", "Sa, 5. Dezember 2026"), ("en", "Sat, 5 December 2026")], ids=["de", "en"]
)
def test_a_day_is_written_in_words(language: str, text: str) -> None:
    assert translations(language).day(date(2026, 12, 5)) == text


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-12-05T17:00", "2026-12-05T18:30", f"18:00{DASH}19:30"),
        ("2026-07-05T17:00", "2026-07-05T18:30", f"19:00{DASH}20:30"),
        ("2026-12-05T21:00", "2026-12-05T23:00", f"22:00{DASH}24:00"),
        ("2026-12-05T21:00", "2026-12-06T00:00", f"22:00 {DASH} So, 6. Dezember 2026, 01:00"),
        ("2026-12-05T21:00", "2026-12-06T23:00", f"22:00 {DASH} Mo, 7. Dezember 2026, 00:00"),
        ("2026-10-25T00:30", "2026-10-25T01:30", f"02:30 MESZ{DASH}02:30 MEZ"),
    ],
    ids=["winter", "summer", "until midnight", "past midnight", "two nights", "clocks go back"],
)
def test_times_are_those_of_the_zone(start: str, end: str, text: str) -> None:
    slot = Slot(datetime.fromisoformat(start).replace(tzinfo=UTC), datetime.fromisoformat(end).replace(tzinfo=UTC))
    assert translations("de").times(slot, BERLIN) == text


def test_money_and_numbers_follow_the_language() -> None:
    german, english = translations("de"), translations("en")
    assert german.money(Cents(123450), "EUR") == f"1.234,50{NO_BREAK}€"
    assert english.money(Cents(123450), "EUR") == "€1,234.50"
    assert german.money(Cents(5), "CHF") == f"0,05{NO_BREAK}CHF"
    assert german.percent(BasisPoints(750)) == f"7,5{NO_BREAK}%"
    assert english.number(Decimal("1.25")) == "1.25"


def test_a_literal_per_cent_sign_in_a_value_is_only_a_value() -> None:
    assert translations("de").gettext("Hello %(name)s,", name="50 % (s) %(x)s") == "Guten Tag 50 % (s) %(x)s,"


def test_days_with_the_same_hours_stand_together() -> None:
    weekdays = [Hours(day, time(9), time(17)) for day in range(4)]
    friday = [Hours(4, time(9), time(12)), Hours(4, time(14), time(0))]
    hours = [*friday, *weekdays, Hours(6, time(9), time(17))]
    expected = f"Mo{DASH}Do 09:00{DASH}17:00, Fr 09:00{DASH}12:00 + 14:00{DASH}24:00, So 09:00{DASH}17:00"
    assert phone_hours(hours, translations("de")) == expected


@pytest.mark.rule("S14")
@pytest.mark.parametrize("phone", [None, Phone("", (Hours(0, time(9), time(17)),)), Phone(" ", ()), Phone("06171", ())])
def test_a_number_that_nobody_answers_has_no_words(phone: Phone | None) -> None:
    assert phone_line(phone, translations("de")) == ""
