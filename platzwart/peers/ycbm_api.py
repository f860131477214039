"""The stand-in's API: a request in, a reply out. No sockets here."""

import hashlib
import json
import math
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from platzwart.peers.ycbm_offers import begin, make_key, offered
from platzwart.peers.ycbm_world import (
    OWNER,
    Booking,
    MissingError,
    UnavailableError,
    UnreadCalendarError,
    World,
    shaped,
    whole,
)

LIST_PAGE = 10
QUERY_PAGES = (10, 500)
TENTATIVE = frozenset({"NOT_USED", "UNDECIDED", "REJECTED", "ACCEPTED"})


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Faults:
    """What goes wrong on purpose: `failing` requests answer `fail_status`; more than `rate` = (n, seconds) get 429."""

    failing: int = 0
    fail_status: int = 503
    rate: tuple[int, float] | None = None
    _times: list[float] = field(default_factory=list, repr=False)

    def strike(self, at: float) -> Reply | None:
        if self.failing > 0:
            self.failing -= 1
            return problem(self.fail_status, "FAILED")
        if self.rate is None:
            return None
        most, seconds = self.rate
        self._times = [moment for moment in self._times if moment > at - seconds]
        if len(self._times) >= most:
            wait = math.ceil(self._times[0] + seconds - at)
            return problem(429, "TOO_MANY_REQUESTS", {"Retry-After": str(max(wait, 1))})
        self._times.append(at)
        return None


def problem(status: int, code: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps({"code": code, "errors": [{"code": code}]}).encode(), headers=headers or {})


def calendar(text: str, known: str | None) -> Reply:
    """An iCalendar file, or 304 to whoever knows its ETag."""
    body = text.replace("\n", "\r\n").encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if known == etag:
        return Reply(304, headers={"ETag": etag})
    return Reply(200, body, "text/calendar; charset=utf-8", {"ETag": etag})


def data(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode())


def answer_api(world: World, faults: Faults, request: Request) -> Reply:
    """The path without /v1. Faults come first, then credentials, then the route."""
    with world.lock:
        if (struck := faults.strike(request.at)) is not None:
            return struck
        if not _is_known(world, request.headers.get("Authorization", "")):
            return problem(401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="YouCanBook.me"'})
        for method, pattern, handle in ROUTES:
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                return _guarded(handle, world, request, found.groupdict())
    return problem(404, "NOT_FOUND")


def _guarded(
    handle: Callable[[World, Request, str], Reply], world: World, request: Request, found: Mapping[str, str]
) -> Reply:
    if found.get("account", world.account_id) != world.account_id:
        return problem(403, "FORBIDDEN")
    try:
        return handle(world, request, found.get("id", ""))
    except MissingError:
        return problem(404, "NOT_FOUND")
    except UnavailableError:
        return problem(409, "SLOT_UNAVAILABLE")
    except UnreadCalendarError:
        return problem(503, "CALENDAR_UNAVAILABLE")
    except (ValueError, KeyError, TypeError, AttributeError):
        return problem(400, "VALIDATION")


def _is_known(world: World, header: str) -> bool:
    scheme, _, token = header.partition(" ")
    try:
        user, _, key = b64decode(token, validate=True).decode().partition(":")
    except (Base64Error, ValueError):
        return False
    return scheme == "Basic" and user in {world.account_id, world.email} and key == world.api_key


def _one(world: World, request: Request, identity: str) -> Reply:
    return data(shaped(whole(world, world.booking(identity)), request.query.get("fields", "")))


def _list(world: World, request: Request, _identity: str) -> Reply:
    return _page(world, request, LIST_PAGE)


def _query(world: World, request: Request, _identity: str) -> Reply:
    low, high = QUERY_PAGES
    return _page(world, request, min(max(int(request.query.get("pageSize", low)), low), high))


def _page(world: World, request: Request, size: int) -> Reply:
    query = request.query
    found = world.in_order(name for name in query.get("profileIds", "").split(",") if name)
    if search := query.get("search", "").lower():
        found = [booking for booking in found if search in f"{booking.title} {booking.ref}".lower()]
    if query.get("direction", "").upper().startswith("BACK"):
        found.reverse()
    found = [booking for booking in found if _is_past_boundary(booking, query)]
    return data([shaped(whole(world, booking), query.get("fields", "")) for booking in found[:size]])


def _is_past_boundary(booking: Booking, query: Mapping[str, str]) -> bool:
    """The trap: a boundary leaves out every booking of its very second, unless its id is given, too."""
    text = query.get("from") or query.get("boundaryStartsAt")
    if not text:
        return True
    boundary = moment_of(text, "UTC")
    if query.get("direction", "").upper().startswith("BACK"):
        return booking.starts < boundary
    if identity := query.get("boundaryId"):
        return (booking.starts, booking.id) > (boundary, identity)
    return booking.starts > boundary


def _create(world: World, request: Request, _identity: str) -> Reply:
    wish = json.loads(request.body)
    zone = wish.get("timeZone") or world.page(wish["profileId"]).zone
    booking = world.book(
        wish["profileId"],
        moment_of(wish["startsAt"], zone),
        moment_of(wish["endsAt"], zone),
        {str(answer["code"]): str(answer.get("string", "")) for answer in wish.get("answers", [])},
        zone=zone,
        units=int(wish.get("units", 1)),
    )
    return data(shaped(whole(world, booking), ""), 201)


def _patch(world: World, request: Request, identity: str) -> Reply:
    wish: dict[str, Any] = json.loads(request.body)
    booking = world.booking(identity)
    if "startsAt" in wish:
        zone = wish.get("timeZone") or booking.zone
        starts = moment_of(wish["startsAt"], zone)
        ends = moment_of(wish["endsAt"], zone) if "endsAt" in wish else starts + (booking.ends - booking.starts)
        world.move(identity, starts, ends, OWNER)
    if wish.get("cancelled") is True:
        world.cancel(identity, OWNER, str(wish.get("cancellationReason", "")))
    elif wish.get("cancelled") is False and booking.cancelled:
        world.restore(identity)
    if "noShow" in wish:
        world.miss(identity, no_show=bool(wish["noShow"]))
    if wish.get("tentative") in TENTATIVE:
        world.decide(identity, wish["tentative"])
    return _one(world, request, identity)


def _delete(world: World, _request: Request, identity: str) -> Reply:
    world.delete(identity)
    return Reply(204)


def _profiles(world: World, _request: Request, _identity: str) -> Reply:
    return data(
        [
            {
                "id": page.id,
                "accountId": world.account_id,
                "title": page.title,
                "subdomain": page.subdomain,
                "timeZone": page.zone,
                "status": "ONLINE",
            }
            for page in world.pages.values()
        ]
    )


def _begin(world: World, request: Request, _identity: str) -> Reply:
    return data(begin(world, request.body), 201)


def _key(world: World, request: Request, identity: str) -> Reply:
    return data(make_key(world, identity, request.query))


def _slots(world: World, _request: Request, identity: str) -> Reply:
    return data(offered(world, identity))


ROUTES = tuple(
    (method, re.compile(pattern), handle)
    for method, pattern, handle in (
        ("GET", r"/accounts/(?P<account>[^/]+)/bookings/query", _query),
        ("GET", r"/bookings/(?P<id>[^/]+)", _one),
        ("PATCH", r"/bookings/(?P<id>[^/]+)", _patch),
        ("DELETE", r"/bookings/(?P<id>[^/]+)", _delete),
        ("POST", r"/bookings", _create),
        ("POST", r"/intents", _begin),
        ("GET", r"/intents/(?P<id>[^/]+)/availabilitykey", _key),
        ("GET", r"/availabilities/(?P<id>[^/]+)", _slots),
        ("GET", r"/profiles", _profiles),
        ("GET", r"/(?P<account>[^/]+)/profiles", _profiles),
        ("GET", r"/(?P<account>[^/]+)/profiles/[^/]+/bookings/(?P<id>[^/]+)", _one),
        ("GET", r"/(?P<account>[^/]+)/bookings", _list),
    )
)


def moment_of(text: str, zone: str) -> datetime:
    """An instant from any of the forms that clients send. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC) - timedelta(microseconds=moment.microsecond)
