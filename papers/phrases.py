"""Turns of phrase that several papers share; and the one place where foreign text is made harmless before it is set."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import time
from itertools import groupby
from typing import Any, TypeVar, cast

from booking.values.house import Hours, Price, PriceLine
from papers.content import Paragraph, Table
from papers.i18n import Translator
from papers.letters import House, Phone

_EN_DASH = "\u2013"
_KEPT_FORMAT = "\u200c\u200d"  # joiners, which some scripts need within a word

Value = TypeVar("Value")


def one_line(text: str) -> str:
    """The text in one line without control characters and without marks that turn the direction of what follows."""
    spaced = "".join(" " if character.isspace() else character for character in text if _is_visible(character))
    return " ".join(spaced.split())


def lines(text: str) -> tuple[str, ...]:
    """The text's lines, each as `one_line`, without the empty ones."""
    return tuple(line for line in map(one_line, text.splitlines()) if line)


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return character.isspace() or character in _KEPT_FORMAT or category not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def tidy(value: Value) -> Value:
    """The same value, each text in it tidied however deep: as `one_line`, or line by line where the field says so."""
    if type(value) is str:
        return cast("Value", one_line(str(value)))
    if isinstance(value, tuple):
        return cast("Value", tuple(tidy(item) for item in value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes = {item.name: _tidy_field(getattr(value, item.name), item.metadata) for item in fields(value) if item.init}
    return cast("Value", replace(cast("Any", value), **changes))


def _tidy_field(value: Any, metadata: Any) -> Any:
    return "\n".join(lines(value)) if metadata.get("lines") else tidy(value)


def phone_hours(hours: Sequence[Hours], t: Translator) -> str:
    """Opening hours in words, days with the same hours together: `Mo-Fr 09:00-17:00, Sa 10:00-12:00`."""
    ordered = sorted({(hour.weekday, hour.opens, hour.closes) for hour in hours})
    by_day = [
        (day, tuple((opens, closes) for _, opens, closes in group))
        for day, group in groupby(ordered, key=lambda entry: entry[0])
    ]
    runs: list[tuple[int, int, tuple[tuple[time, time], ...]]] = []
    for day, spans in by_day:
        if runs and runs[-1][1] == day - 1 and runs[-1][2] == spans:
            runs[-1] = (runs[-1][0], day, spans)
        else:
            runs.append((day, day, spans))
    return ", ".join(f"{_days(first, last, t)} {_spans(spans)}" for first, last, spans in runs)


def _days(first: int, last: int, t: Translator) -> str:
    return t.weekday(first) if first == last else f"{t.weekday(first)}{_EN_DASH}{t.weekday(last)}"


def _spans(spans: Iterable[tuple[time, time]]) -> str:
    return " + ".join(f"{opens:%H:%M}{_EN_DASH}{_closing(closes)}" for opens, closes in spans)


def _closing(closes: time) -> str:
    return "24:00" if closes == time(0) else f"{closes:%H:%M}"


def phone_line(phone: Phone | None, t: Translator) -> str:
    """`06172 12345 (Mo-Fr 09:00-17:00)`, or empty where nobody answers (SPEC S14)."""
    if phone is None or not phone.answered:
        return ""
    return f"{phone.number} ({phone_hours(phone.hours, t)})"


def footer(house: House, t: Translator) -> tuple[str, ...]:
    """Who writes, where they are, and when the office answers; never a number without hours (SPEC S14)."""
    office = phone_line(house.office, t)
    return (
        ", ".join((house.name, *house.address)),
        *((t.gettext("Office: %(phone)s", phone=office),) if office else ()),
        *((house.website,) if house.website else ()),
        t.gettext("This message was written automatically."),
    )


def price_table(price: Price, currency: str, t: Translator) -> Table:
    """The price line by line with what it contains of VAT, or why it contains none (SPEC S25)."""
    return Table(
        title=t.gettext("Price"),
        columns=(t.gettext("Item"), t.gettext("Amount")),
        rows=tuple((_item(line), t.money(line.gross, currency)) for line in price.lines),
        total=(t.gettext("Total"), t.money(price.gross, currency)),
        figures=frozenset({1}),
        note=_vat_note(price, t),
    )


def _item(line: PriceLine) -> str:
    """What is counted, and how often: `3 × Balls`."""
    return f"{line.pieces}\u00a0\u00d7 {line.text}" if line.pieces > 1 else line.text


def _vat_note(price: Price, t: Translator) -> str:
    """Where only extras are taxed, or only extras are not, both are said."""
    rates = sorted({line.rate for line in price.lines if line.rate}, reverse=True)
    if not rates:
        return price.exemption or ""
    taxed = t.gettext("VAT of %(rates)s included", rates=" + ".join(t.percent(rate) for rate in rates))
    untaxed = price.exemption if any(line.rate == 0 for line in price.lines) else None
    return "; ".join(part for part in (taxed, untaxed) if part)


def paragraphs(*texts: str) -> tuple[Paragraph, ...]:
    return tuple(Paragraph(text) for text in texts if text)


def iban_groups(iban: str) -> str:
    """An IBAN in groups of four, as it is read."""
    bare = "".join(iban.split())
    return " ".join(bare[start : start + 4] for start in range(0, len(bare), 4))
