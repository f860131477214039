"""Members that calls of the office share: days, times of day, pages."""

import re
from datetime import date, time
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from web.api.models import Model

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def read_day(value: object) -> date:
    """A local day as RFC 3339 writes it, of the years 2000 to 2099. Raises ValueError."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or _DAY.fullmatch(value) is None or not value.startswith("20"):
        raise ValueError("must be a day such as 2026-12-05")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("is no day that exists") from None


def read_clock(value: object) -> time:
    """A time of day on the wall, to the minute. Raises ValueError."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or _CLOCK.fullmatch(value) is None:
        raise ValueError("must be a time of day such as 18:30")
    return time.fromisoformat(value)


Day = Annotated[date, BeforeValidator(read_day), WithJsonSchema({"type": "string", "format": "date"})]
Clock = Annotated[
    time,
    BeforeValidator(read_clock),
    PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"}),
]
Limit = Annotated[int, Field(ge=1, le=200)]


class PageQuery(Model):
    cursor: UUID | None = Field(default=None, description="`next` of the page before")
    limit: Limit = 50
