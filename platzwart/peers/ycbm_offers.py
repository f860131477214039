"""What the stand-in offers: the slots of a page, and the three calls of the API by which a page learns of them.

`POST /intents` begins a booking, `GET /intents/{id}/availabilitykey?startSearchAt=` makes a key from a day on, and
`GET /availabilities/{key}` tells the slots of the following month in milliseconds: as public client code uses them.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from platzwart.peers.ycbm_world import MissingError, Page, World

DAYS_TOLD = 31
MOST_KEPT = 1_000


def begin(world: World, body: bytes) -> dict[str, Any]:
    """A booking is begun. Raises MissingError where no page has this subdomain."""
    wish = json.loads(body)
    subdomain = str(wish["subdomain"])
    page = next((page for page in world.pages.values() if page.subdomain == subdomain), None)
    if page is None:
        raise MissingError(subdomain)
    identity = f"itt_{secrets.token_hex(16)}"
    _keep(world.intents, identity, page.id)
    return {"id": identity, "subdomain": subdomain, "selections": dict(wish.get("selections") or {})}


def make_key(world: World, intent: str, query: Mapping[str, str]) -> dict[str, str]:
    """A key for the slots from a day on."""
    if intent not in world.intents:
        raise MissingError(intent)
    first = date.fromisoformat(query["startSearchAt"]) if query.get("startSearchAt") else None
    key = f"avl_{secrets.token_hex(16)}"
    _keep(world.keys, key, (world.intents[intent], first))
    return {"key": key}


def offered(world: World, key: str) -> dict[str, Any]:
    """The free slots that the key opens."""
    if key not in world.keys:
        raise MissingError(key)
    profile_id, first = world.keys[key]
    page = world.page(profile_id)
    step = timedelta(minutes=page.minutes)
    free = [start for start in starts(world.clock(), page, first, DAYS_TOLD) if is_free(world, page, start, step)]
    return {"slots": [{"startsAt": f"{round(start.timestamp() * 1000)}", "freeUnits": 1} for start in free]}


def is_free(world: World, page: Page, start: datetime, step: timedelta) -> bool:
    return world.free(page.id, start, start + step)


def starts(now: datetime, page: Page, first: date | None, days: int) -> Iterator[datetime]:
    """When slots of a page begin that have not begun yet, free or not."""
    zone = ZoneInfo(page.zone)
    today = max(now.astimezone(zone).date(), first or date.min)
    for offset in range(days):
        day = today + timedelta(days=offset)
        for minute in range(page.opens * 60, page.closes * 60, page.minutes):
            start = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
            if start > now:
                yield start


def _keep(known: dict[str, Any], name: str, value: object) -> None:
    known[name] = value
    while len(known) > MOST_KEPT:
        del known[next(iter(known))]
