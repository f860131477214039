"""A frozen price as plain JSON, and back: what a booking stores when it is made (SPEC S25)."""

from dataclasses import asdict
from typing import Any

from booking.values.house import Price, PriceLine


def price_to_json(price: Price) -> dict[str, Any]:
    return {"lines": [asdict(line) for line in price.lines], "exemption": price.exemption}


def price_from_json(stored: dict[str, Any]) -> Price:
    return Price(tuple(PriceLine(**line) for line in stored["lines"]), stored["exemption"])
