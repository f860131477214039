"""The webhook templates to paste into YouCanBook.me, and how the bodies they make are read. Pure (SPEC Y2, Y5).

Their webhooks have no payload of their own: the account owner writes the JSON, and shorthand codes in braces are
replaced. Whether quotes in an answer are escaped is not documented, so these templates hold no code that a customer can
type into. A hint says only which booking to read again; who it is for, and whether it is true, the API tells.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from outside.ycbm_values import read_time

SECRET_HEADER = "X-Platzwart-Secret"  # noqa: S105 - the header's name, not its value
MOST_BYTES = 65_536
SALVAGE = re.compile(r'"(event|ref|start|millis)"\s*:\s*"([^"\\{}]{1,64})"')


class HookEvent(StrEnum):
    MADE = "made"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    NO_SHOW = "no-show"


TRIGGERS = {
    HookEvent.MADE: "Booking made",
    HookEvent.RESCHEDULED: "Booking rescheduled",
    HookEvent.CANCELLED: "Booking cancelled",
    HookEvent.NO_SHOW: "Booking marked as no-show",
}


@dataclass(frozen=True, slots=True)
class HookTemplate:
    """What to enter for one trigger. `trigger` is the site's own English word; the secret goes into `header`."""

    event: HookEvent
    trigger: str
    method: str
    url: str
    header: str
    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class Hint:
    """What a webhook's body lets suppose. Every part may be missing; nothing in it is to be believed."""

    event: HookEvent | None
    ref: str
    start: datetime | None


def webhook_templates(url: str) -> tuple[HookTemplate, ...]:
    """One template for each trigger, all for the same address of a connection; the event is a literal in the body."""
    return tuple(
        HookTemplate(event, trigger, "POST", url, SECRET_HEADER, "application/json", _body(event))
        for event, trigger in TRIGGERS.items()
    )


def _body(event: HookEvent) -> str:
    parts = {"event": event.value, "ref": "{REF}", "start": "{START-ISO-8601}", "millis": "{START-MILLIS}"}
    return json.dumps(parts, indent=1)


def read_hint(body: bytes) -> Hint:
    """Read a body as far as it can be read. Never raises: broken JSON is searched for our own keys, and what is missing
    is left to the poll. A code that the site did not replace counts as missing.
    """
    text = body[:MOST_BYTES].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = dict(SALVAGE.findall(text))
    parts = found if isinstance(found, dict) else {}
    event, ref = _word(parts.get("event")), _word(parts.get("ref"))
    return Hint(
        event=HookEvent(event) if event in set(HookEvent) else None,
        ref=ref,
        start=_time(_word(parts.get("start"))) or _time(_word(parts.get("millis"))),
    )


def _word(value: object) -> str:
    text = str(value) if isinstance(value, str | int) else ""
    return "" if len(text) > 64 or "{" in text else text


def _time(text: str) -> datetime | None:
    try:
        return read_time(text)
    except ValueError:
        return None
