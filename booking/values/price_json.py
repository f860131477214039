"""A frozen price and its extras as plain JSON, and back: what a booking stores when it is made (SPEC S25)."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from booking.values.house import BookedExtra, Per, Price, PriceLine


def price_to_json(price: Price) -> dict[str, Any]:
    return {"lines": [asdict(line) for line in price.lines], "exemption": price.exemption}


def price_from_json(stored: dict[str, Any]) -> Price:
    return Price(tuple(PriceLine(**line) for line in stored["lines"]), stored["exemption"])


def extras_to_json(extras: Iterable[BookedExtra]) -> list[dict[str, Any]]:
    return [asdict(extra) | {"per": extra.per.value} for extra in extras]


def extras_from_json(stored: Iterable[dict[str, Any]]) -> tuple[BookedExtra, ...]:
    return tuple(BookedExtra(**one | {"per": Per(one["per"])}) for one in stored)
