"""A booking on YouCanBook.me as a calendar object and back, its tag, and the marks of what we wrote there. Pure.

The site keeps times and the answers that a booking was made with, and lets nobody change the latter: so an object
written there comes back with its times, its status and our mark, under the title that the site makes.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.values.marks import block_mark, is_good_mark, named_in
from booking.values.refusals import Refused
from booking.values.slot import Slot
from ical.item import Details, Item, Moment, Status
from ical.item_writer import write_item
from ical.reading import read
from outside.ycbm_values import EPOCH, RemoteBooking, Tentative

HOST = "youcanbook.me"
UUID_LENGTH = 36
STATUSES = {Tentative.UNDECIDED: Status.TENTATIVE, Tentative.REJECTED: Status.CANCELLED}


class UnfitError(ValueError):
    """No single event that takes time: nothing that the site can hold."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an object asks to be held. `zone` is where its wall times are."""

    uid: str
    slot: Slot
    zone: ZoneInfo
    title: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Writes and checks the marks of one connection (`booking.values.marks`).

    A mark is good for one page and one time: what was moved since no longer proves itself. `known` are the ids of
    bookings that the caller knows as ours all the same.
    """

    key: bytes
    connection: UUID
    known: frozenset[str] = frozenset()

    def mark(self, uid: str, page: str, slot: Slot) -> str:
        return block_mark(self.key, self.connection, page, slot, subject_of(uid))

    def is_ours(self, booking: RemoteBooking) -> bool:
        if booking.id in self.known:
            return True
        mark, page = booking.mark, booking.profile_id
        return mark is not None and is_good_mark(self.key, self.connection, page, booking.slot, mark)


def subject_of(uid: str) -> UUID:
    """What a mark names for a UID: itself where it is a UUID, else a digest of it."""
    if len(uid) == UUID_LENGTH:
        try:
            return UUID(uid)
        except ValueError:
            pass
    return UUID(bytes=hashlib.sha256(uid.encode(errors="surrogatepass")).digest()[:16])


def uid_of(booking: RemoteBooking, *, is_ours: bool) -> str:
    """A customer's booking by its id there; ours by what its mark names, the UID that it was written with if that was a
    UUID.
    """
    subject = named_in(booking.mark) if is_ours and booking.mark else None
    return str(subject) if subject is not None else f"{booking.id}@{HOST}"


def item_of(booking: RemoteBooking, *, is_ours: bool) -> Item:
    """Nothing of the booker is in it but what the site puts into the title. `origin` is the mark of what is ours."""
    start, end = (Moment(one.replace(tzinfo=None), "UTC", one) for one in (booking.slot.start, booking.slot.end))
    status = Status.CANCELLED if booking.cancelled else STATUSES.get(booking.tentative, Status.CONFIRMED)
    details = Details(start, end, summary=booking.title, status=status)
    return Item(uid_of(booking, is_ours=is_ours), details, origin=booking.mark if is_ours else None)


def body_of(booking: RemoteBooking, *, is_ours: bool) -> bytes:
    """The calendar object: the same bytes while the site says the same."""
    return write_item(item_of(booking, is_ours=is_ours), booking.updated_at or booking.created_at or EPOCH)


def tag_of(booking: RemoteBooking) -> str:
    """A strong tag of what the site says of a booking. Its own `updatedAt` takes no part: it is told too late at times,
    and what was changed and changed back is the same.
    """
    said = (
        *(booking.id, booking.ref, booking.profile_id, booking.zone, booking.title, booking.tentative.value),
        *(booking.cancelled, booking.cancelled_by and booking.cancelled_by.value, booking.no_show),
        *map(_text, (booking.slot.start, booking.slot.end, booking.cancelled_at)),
        *sorted(booking.answers.items()),
    )
    return f'"{hashlib.blake2b(repr(said).encode(errors="surrogatepass"), digest_size=16).hexdigest()}"'


def block_body(uid: str, slot: Slot, zone: ZoneInfo, title: str, now: datetime) -> bytes:
    """What we ask a site to hold, as a calendar object."""
    start, end = (Moment(one.astimezone(zone).replace(tzinfo=None), zone.key, one) for one in (slot.start, slot.end))
    return write_item(Item(uid, Details(start, end, summary=title)), now)


def wish_of(body: bytes, zone: ZoneInfo) -> Wish:
    """Read what is to be held; `zone` where the object names none, or UTC. Raises UnfitError."""
    reading = read(body, zone.key)
    if isinstance(reading, Refused):
        raise UnfitError(reading.codes[0])
    if len(reading.items) != 1 or reading.lost:
        raise UnfitError("not one event")
    item = reading.items[0]
    details = item.master
    if details is None or item.recurrence is not None or item.overrides:
        raise UnfitError("a series")
    if details.status is Status.CANCELLED or not details.is_busy:
        raise UnfitError("takes no time")
    slot = Slot(details.start.instant.astimezone(UTC), details.end.instant.astimezone(UTC))
    return Wish(
        item.uid, slot, zone if details.start.zone in {"", "UTC"} else ZoneInfo(details.start.zone), details.summary
    )


def standing(bookings: Iterable[RemoteBooking], mark: str, page: str, slot: Slot) -> RemoteBooking | None:
    """The booking with this mark that lives where and when it was meant to; one that was cancelled holds nothing."""
    mine = (mark, page, slot)
    return next((one for one in bookings if not one.cancelled and (one.mark, one.profile_id, one.slot) == mine), None)


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else ""
