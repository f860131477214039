"""The state of the stand-in for YouCanBook.me: pages, bookings, and what may be done with them.

Written from the same public documentation as the client in `outside.ycbm`, without importing it, so that one checks
the other.
"""

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

HOSTS = ("127.0.0.1", "localhost")
DEFAULT_FIELDS = (
    "id", "title", "accountId", "profileId", "createdAt", "startsAt", "endsAt", "location", "tentative", "timeZone",
    "cancelled", "numberOfSlots",
)  # fmt: skip
BOOKER, OWNER = "BOOKER", "OWNER"
MADE, RESCHEDULED, CANCELLED, NO_SHOW = "made", "rescheduled", "cancelled", "no-show"
SECOND = timedelta(seconds=1)


class UnavailableError(Exception):
    """The time overlaps with another booking of the page."""


class UnreadCalendarError(Exception):
    """The calendar of a page does not answer, or not with a calendar: nobody knows what is free."""


class MissingError(Exception):
    """No such page or booking."""


@dataclass(frozen=True, slots=True)
class Page:
    """A booking page (profile). `opens` and `closes` are whole local hours; `minutes` is the length of one slot.

    `calendar`: a CalDAV collection or an address of an ICS file whose busy times are not offered, or nothing.
    """

    id: str
    title: str
    subdomain: str
    zone: str = "Europe/Berlin"
    minutes: int = 60
    opens: int = 8
    closes: int = 22
    tentative: bool = False
    calendar: str = ""
    calendar_user: str = ""
    calendar_password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.calendar and urlsplit(self.calendar).hostname not in HOSTS:
            raise ValueError("the stand-in calls loopback only")


@dataclass(slots=True)
class Booking:
    id: str
    ref: str
    profile_id: str
    starts: datetime
    ends: datetime
    zone: str
    title: str
    answers: dict[str, str]
    created: datetime
    updated: datetime
    tentative: str
    owner_secret: str
    booker_secret: str
    units: int = 1
    cancelled: bool = False
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    reason: str = ""
    moved_at: datetime | None = None
    moved_by: str | None = None
    moved_from: datetime | None = None
    no_show: bool = False

    @property
    def holds(self) -> bool:
        return not self.cancelled and self.tentative != "REJECTED"


Listener = Callable[[str, Booking], None]
Busy = Callable[[Page, datetime], Iterable[tuple[datetime, datetime]]]
"""The times that a page's calendar takes, told anew each time; it may raise."""


@dataclass
class World:
    """All state behind one lock. `tell` is called for each change, inside the lock, with its event or "".

    `intents`, `keys`: bookings that were begun, and what was asked about free times; see `ycbm_offers`.
    """

    account_id: str
    api_key: str
    email: str
    pages: dict[str, Page]
    tell: Listener = field(default=lambda _event, _booking: None)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC).replace(microsecond=0))
    bookings: dict[str, Booking] = field(default_factory=dict)
    busy: Busy = field(default=lambda _page, _now: (), repr=False)
    intents: dict[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[str, date | None]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def page(self, profile_id: str) -> Page:
        if profile_id not in self.pages:
            raise MissingError(profile_id)
        return self.pages[profile_id]

    def booking(self, identity: str) -> Booking:
        """By id or by ref."""
        with self.lock:
            for booking in self.bookings.values():
                if identity in {booking.id, booking.ref}:
                    return booking
        raise MissingError(identity)

    def free(self, profile_id: str, starts: datetime, ends: datetime, but: str = "") -> bool:
        with self.lock:
            others = (other for other in self.bookings.values() if other.profile_id == profile_id and other.id != but)
            if any(other.holds and other.starts < ends and starts < other.ends for other in others):
                return False
            busy = self.busy(self.page(profile_id), self.clock())
            return not any(since < ends and starts < until for since, until in busy)

    def book(
        self,
        profile_id: str,
        starts: datetime,
        ends: datetime,
        answers: Mapping[str, str],
        *,
        zone: str = "",
        units: int = 1,
    ) -> Booking:
        """Raises UnavailableError, MissingError, ValueError for an empty time."""
        page = self.page(profile_id)
        with self.lock:
            self._require(profile_id, starts, ends)
            now = self.clock()
            name = " ".join(answers[code] for code in ("FNAME", "LNAME") if answers.get(code))
            booking = Booking(
                id=f"bkg_{secrets.token_hex(12)}",
                ref=secrets.token_hex(4).upper(),
                profile_id=profile_id,
                starts=starts,
                ends=ends,
                zone=zone or page.zone,
                title=f"{page.title}: {name}" if name else page.title,
                answers=dict(answers),
                created=now,
                updated=now,
                tentative="UNDECIDED" if page.tentative else "NOT_USED",
                owner_secret=secrets.token_urlsafe(16),
                booker_secret=secrets.token_urlsafe(16),
                units=units,
            )
            self.bookings[booking.id] = booking
            self.tell(MADE, booking)
            return booking

    def move(self, identity: str, starts: datetime, ends: datetime, by: str) -> Booking:
        with self.lock:
            booking = self.booking(identity)
            if (booking.starts, booking.ends) == (starts, ends):
                return booking
            self._require(booking.profile_id, starts, ends, but=booking.id)
            booking.moved_from, booking.moved_at, booking.moved_by = booking.starts, self.clock(), by
            booking.starts, booking.ends = starts, ends
            return self._changed(booking, RESCHEDULED)

    def cancel(self, identity: str, by: str, reason: str = "") -> Booking:
        with self.lock:
            booking = self.booking(identity)
            if booking.cancelled:
                return booking
            booking.cancelled, booking.cancelled_at = True, self.clock()
            booking.cancelled_by, booking.reason = by, reason
            return self._changed(booking, CANCELLED)

    def restore(self, identity: str) -> Booking:
        with self.lock:
            booking = self.booking(identity)
            self._require(booking.profile_id, booking.starts, booking.ends, but=booking.id)
            booking.cancelled, booking.cancelled_at, booking.cancelled_by, booking.reason = False, None, None, ""
            return self._changed(booking, None)

    def miss(self, identity: str, *, no_show: bool = True) -> Booking:
        with self.lock:
            booking = self.booking(identity)
            changed, booking.no_show = booking.no_show != no_show, no_show
            return self._changed(booking, NO_SHOW if changed and no_show else None)

    def decide(self, identity: str, state: str) -> Booking:
        with self.lock:
            booking = self.booking(identity)
            booking.tentative = state
            return self._changed(booking, None)

    def delete(self, identity: str) -> None:
        """Gone without a webhook, as when the calendar's event is deleted."""
        with self.lock:
            booking = self.booking(identity)
            del self.bookings[booking.id]
            self.tell("", booking)

    def in_order(self, profile_ids: Iterable[str] = ()) -> list[Booking]:
        wanted = set(profile_ids)
        with self.lock:
            found = [b for b in self.bookings.values() if not wanted or b.profile_id in wanted]
        return sorted(found, key=lambda booking: (booking.starts, booking.id))

    def _require(self, profile_id: str, starts: datetime, ends: datetime, but: str = "") -> None:
        if starts >= ends:
            raise ValueError("endsAt")
        if not self.free(profile_id, starts, ends, but):
            raise UnavailableError(profile_id)

    def _changed(self, booking: Booking, event: str | None) -> Booking:
        booking.updated = max(self.clock(), booking.updated)
        self.tell(event or "", booking)
        return booking


def zulu(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wall(moment: datetime, zone: str) -> str:
    """As the site writes startsAt: no offset, the zone stands beside it."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S")


def whole(world: World, booking: Booking) -> dict[str, Any]:
    """Every field that the stand-in knows."""
    minutes = int((booking.ends - booking.starts) / timedelta(minutes=1))
    return {
        "id": booking.id,
        "ref": booking.ref,
        "title": booking.title,
        "accountId": world.account_id,
        "profileId": booking.profile_id,
        "createdAt": zulu(booking.created),
        "updatedAt": zulu(booking.updated),
        "startsAt": wall(booking.starts, booking.zone),
        "endsAt": wall(booking.ends, booking.zone),
        "startsAtUTC": zulu(booking.starts),
        "endsAtUTC": zulu(booking.ends),
        "timeZone": booking.zone,
        "durationMinutes": minutes,
        "location": "",
        "tentative": booking.tentative,
        "acceptedAt": zulu(booking.updated) if booking.tentative == "ACCEPTED" else None,
        "rejectedAt": zulu(booking.updated) if booking.tentative == "REJECTED" else None,
        "cancelled": booking.cancelled,
        "cancelledAt": zulu(booking.cancelled_at),
        "cancelledBy": booking.cancelled_by,
        "cancellationReason": booking.reason,
        "cancellable": not booking.cancelled,
        "rescheduledAt": zulu(booking.moved_at),
        "rescheduledBy": booking.moved_by,
        "startRescheduledFrom": zulu(booking.moved_from),
        "noShow": booking.no_show,
        "numberOfSlots": max(1, minutes // world.pages[booking.profile_id].minutes),
        "units": booking.units,
        "answers": [{"code": code, "string": text} for code, text in booking.answers.items()],
        "ip": "192.0.2.1",
        "ownerSecret": booking.owner_secret,
        "bookerSecret": booking.booker_secret,
    }


def shaped(full: Mapping[str, Any], fields: str) -> dict[str, Any]:
    """Only what was asked for. A nested list arrives as empty objects unless its parts are named (`answers.code`)."""
    asked = [name.strip() for name in fields.split(",") if name.strip()] or list(DEFAULT_FIELDS)
    shape = {name: full[name] for name in asked if name in full}
    if "answers" in shape:
        parts = {name.partition(".")[2] for name in asked if name.startswith("answers.")}
        shape["answers"] = [
            {part: text for part, text in answer.items() if part in parts} for answer in full["answers"]
        ]
    return shape


def dump(world: World) -> list[dict[str, Any]]:
    with world.lock:
        rows = [asdict(booking) for booking in world.bookings.values()]
    return [{k: zulu(v) if isinstance(v, datetime) else v for k, v in row.items()} for row in rows]


def load(world: World, rows: Iterable[Mapping[str, Any]]) -> None:
    moments = {"starts", "ends", "created", "updated", "cancelled_at", "moved_at", "moved_from"}
    for row in rows:
        values: dict[str, Any] = {k: datetime.fromisoformat(v) if k in moments and v else v for k, v in row.items()}
        booking = Booking(**values)
        if booking.profile_id in world.pages:
            world.bookings[booking.id] = booking
