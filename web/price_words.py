"""Prices in words: line by line before the request (SPEC S25), and the list of a room."""

from dataclasses import dataclass
from datetime import time, timedelta

from booking.reads.house import House, RoomFacts
from booking.rules.pricing import MINIMUM
from booking.values.house import Price, PriceLine, PriceRule
from booking.values.money import Cents, split_gross
from web.i18n import gettext, ngettext, translator

MINUTE, HOUR = timedelta(minutes=1), 60


@dataclass(frozen=True, slots=True)
class Row:
    """One line as it is shown: what, how much of it, what it comes to."""

    text: str
    quantity: str
    amount: str


@dataclass(frozen=True, slots=True)
class Sum:
    """A price as it is shown. `tax` names the VAT contained in it, or the reason why there is none."""

    rows: tuple[Row, ...]
    total: str
    tax: str


def price_words(price: Price, house: House) -> Sum:
    rows = tuple(_row(line, house) for line in price.lines)
    return Sum(rows, money(price.gross, house), _tax(price, house))


def money(cents: int, house: House) -> str:
    return translator().money(Cents(cents), house.currency)


def length_words(minutes: int) -> str:
    """`1 hr 30 min` as people say it."""
    hours, rest = divmod(minutes, HOUR)
    parts = [
        ngettext("%(num)d hour", "%(num)d hours", hours) if hours else "",
        ngettext("%(num)d minute", "%(num)d minutes", rest) if rest else "",
    ]
    return " ".join(part for part in parts if part)


def rule_words(rule: PriceRule, house: House, room: RoomFacts) -> Row:
    """A line of the room's list: when it applies, and what it costs per hour or per slot."""
    slot = room.terms.slot // MINUTE
    per = gettext("per hour") if rule.per_hour else gettext("per %(length)s", length=length_words(slot))
    return Row(rule.name, _when(rule, house), f"{money(rule.cents, house)} {per}")


def _row(line: PriceLine, house: House) -> Row:
    text = gettext("Minimum charge") if line.text == MINIMUM else line.text
    return Row(text, _quantity(line, money(line.unit_cents, house)), money(line.gross, house))


def _quantity(line: PriceLine, unit: str) -> str:
    if line.pieces:
        return f"{line.pieces} \u00d7 {unit}" if line.pieces > 1 else ""
    return f"{length_words(line.quantity_minutes)} · {unit}" if line.quantity_minutes else ""


def _tax(price: Price, house: House) -> str:
    rates = sorted({line.rate for line in price.lines})
    parts = [price.exemption] if price.exemption and (0 in rates or not rates) else []
    for rate in (rate for rate in rates if rate or not price.exemption):
        gross = Cents(sum(line.gross for line in price.lines if line.rate == rate))
        vat = money(split_gross(gross, rate).vat, house)
        parts.append(gettext("%(rate)s VAT included: %(vat)s", rate=translator().percent(rate), vat=vat))
    return ", ".join(parts)


def _when(rule: PriceRule, house: House) -> str:
    season = next((season.name for season in house.seasons if season.season_id == rule.season_id), "")
    days = _weekdays(rule.weekdays)
    times = "" if rule.from_time == rule.to_time else f"{_clock(rule.from_time)}\u2013{_until(rule.to_time)}"
    return ", ".join(part for part in (season, days, times) if part)


def _weekdays(weekdays: frozenset[int]) -> str:
    """From the first to the last where they follow each other, else each by name; nothing for every day."""
    days = sorted(weekdays)
    if not days or len(days) == 7:
        return ""
    names = [translator().weekday(day) for day in days]
    follows = days == list(range(days[0], days[-1] + 1))
    return f"{names[0]}\u2013{names[-1]}" if follows and len(days) > 2 else ", ".join(names)


def _clock(wall: time) -> str:
    return wall.strftime("%H:%M")


def _until(wall: time) -> str:
    return "24:00" if wall == time(0) else _clock(wall)
