"""Languages: texts by gettext, dates, times and money by locale (SPEC X1).

The msgids are English source text, so English needs no catalogue. A catalogue is compiled from its `.po` file in memory
when it is first asked for: there is no build step and no `.mo` file to forget.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, get_timezone_name
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent

from booking.values.clock import require_utc
from booking.values.money import BasisPoints, Cents
from booking.values.slot import Slot

DEFAULT_LANGUAGE = "de"
SOURCE_LANGUAGE = "en"
GERMAN_SPEAKING = frozenset({"DE", "AT", "CH", "LI"})
LOCALES = {"de": "de_DE", "en": "en_GB"}
TRANSLATIONS = Path(__file__).parent / "translations"
_DAY = {"de": "ccc, d. MMMM y"}
_DAY_ELSEWHERE = "ccc, d MMMM y"
_EN_DASH = "\u2013"
_MIDNIGHT = "24:00"


@dataclass(frozen=True, slots=True)
class Translator:
    """One language: its texts and its ways to write dates, times and money."""

    language: str
    locale: Locale
    catalogue: NullTranslations = field(repr=False, compare=False)

    def gettext(self, message: str, /, **values: object) -> str:
        """The translation with its `%(name)s` places filled; a literal per cent sign is written `%%`."""
        return self.catalogue.gettext(message) % values

    def ngettext(self, singular: str, plural: str, num: int, /, **values: object) -> str:
        """The plural form for *num*, which fills `%(num)d`."""
        return self.catalogue.ngettext(singular, plural, num) % {"num": num, **values}

    def day(self, day: date) -> str:
        """A local day in words: `Sa, 5. Dezember 2026`."""
        return format_date(day, _DAY.get(self.language, _DAY_ELSEWHERE), locale=self.locale)

    def short_day(self, day: date) -> str:
        """A local day in figures, for tables and letters: `05.12.2026`."""
        return format_date(day, "dd.MM.y" if self.language == "de" else "d MMM y", locale=self.locale)

    def weekday(self, weekday: int) -> str:
        """The short name of a weekday, Monday = 0."""
        return str(self.locale.days["stand-alone"]["abbreviated"][weekday]).rstrip(".")

    def clock(self, instant: datetime, zone: str) -> str:
        """An instant's wall time in the zone, with the zone's name in the hour that the clocks show twice."""
        local = require_utc(instant).astimezone(ZoneInfo(zone))
        text = format_time(local, "HH:mm", locale=self.locale)
        if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
            return text
        return f"{text} {get_timezone_name(local, 'short', locale=self.locale)}"

    def moment(self, instant: datetime, zone: str) -> str:
        """An instant as local day and wall time: `Mo, 23. November 2026, 12:00`."""
        local = require_utc(instant).astimezone(ZoneInfo(zone))
        return f"{self.day(local.date())}, {self.clock(instant, zone)}"

    def times(self, slot: Slot, zone: str) -> str:
        """`18:00-19:30`; the day is named again where the slot ends on another one, midnight is 24:00."""
        start, end = (require_utc(instant).astimezone(ZoneInfo(zone)) for instant in (slot.start, slot.end))
        nights = (end.date() - start.date()).days
        if nights == 0:
            return f"{self.clock(slot.start, zone)}{_EN_DASH}{self.clock(slot.end, zone)}"
        if nights == 1 and format_datetime(end, "HH:mm", locale=self.locale) == "00:00":
            return f"{self.clock(slot.start, zone)}{_EN_DASH}{_MIDNIGHT}"
        return f"{self.clock(slot.start, zone)} {_EN_DASH} {self.moment(slot.end, zone)}"

    def when(self, slot: Slot, zone: str) -> str:
        """A slot in words: `Sa, 5. Dezember 2026, 18:00-19:30`."""
        local = require_utc(slot.start).astimezone(ZoneInfo(zone))
        return f"{self.day(local.date())}, {self.times(slot, zone)}"

    def money(self, cents: Cents, currency: str) -> str:
        """An amount with its currency as the locale writes it: `1.234,50 €`."""
        return format_currency(Decimal(cents).scaleb(-2), currency, locale=self.locale)

    def percent(self, rate: BasisPoints) -> str:
        """A rate in basis points: `19 %`, `7,5 %`."""
        return format_percent(Decimal(rate).scaleb(-4), locale=self.locale, decimal_quantization=False)

    def number(self, number: Decimal) -> str:
        return format_decimal(number, locale=self.locale, decimal_quantization=False)


def country_name(country: str, seen_from: str) -> str:
    """A country (ISO 3166-1) in capitals, as letters from another one write it: in German or else in English."""
    locale = Locale.parse(LOCALES["de" if seen_from in GERMAN_SPEAKING else "en"])
    return str(locale.territories.get(country.upper(), country)).upper()


def supported(language: str) -> str:
    """The language to write in for a tag such as `en-GB`; German where the tag is none of ours."""
    primary = language.replace("_", "-").partition("-")[0].lower()
    return primary if primary in LOCALES else DEFAULT_LANGUAGE


def translations(language: str) -> Translator:
    """The translator for a language tag; see `supported`. Cached for the life of the process."""
    return _translator(supported(language))


@lru_cache
def _translator(language: str) -> Translator:
    return Translator(language, Locale.parse(LOCALES[language]), _catalogue(language))


def _catalogue(language: str) -> NullTranslations:
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    compiled = BytesIO()
    with (TRANSLATIONS / language / "LC_MESSAGES" / "papers.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
