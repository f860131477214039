"""The day of rooms as a picture: what is taken becomes lanes and columns for the templates. Minutes are wall time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.reads.house import House, RoomFacts
from booking.reads.today import Placed
from booking.values.clock import day_bounds
from booking.values.house import Hours
from booking.values.slot import Slot
from booking.values.states import BookingState, OccupancyKind
from web.i18n import gettext, translator

DAY_MINUTES = 24 * 60
OPENS, CLOSES = 8 * 60, 22 * 60
MOST_BESIDE = 4
MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Piece:
    """One time taken as it is drawn on one day: from and to in minutes since the local midnight.

    `at` of `of`: its place where several stand beside each other.
    """

    from_min: int
    to_min: int
    times: str
    title: str
    word: str
    icon: str
    tone: str
    href: str | None
    here: bool = False
    at: int = 1
    of: int = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One room on one day."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """The hours that a picture shows, in minutes, whole hours."""

    opens: int
    closes: int


def window_of(day: date, zone: ZoneInfo) -> Slot:
    return Slot(*day_bounds(day, zone))


def rooms_shown(house: House) -> tuple[RoomFacts, ...]:
    return tuple(room for room in house.rooms.values() if not room.archived)


def rooms_sharing(house: House, room_id: int) -> tuple[RoomFacts, ...]:
    """The room itself first, then those that share a unit with it."""
    own = house.room(room_id)
    beside = [room for room in rooms_shown(house) if room.room_id != room_id and set(room.unit_ids) & set(own.unit_ids)]
    return (own, *beside)


def columns(
    house: House, rooms: Iterable[RoomFacts], placed: Sequence[Placed], day: date, here: UUID | None = None
) -> tuple[Column, ...]:
    """What stands in each room on that local day, by start; what takes a room by its parts is drawn there too."""
    return tuple(
        Column(room.name, _beside([_piece(house, room, one, day, here) for one in placed if _is_in(room, one, day)]))
        for room in rooms
    )


def scale(rooms: Iterable[RoomFacts], day: date, shown: Iterable[Column]) -> Scale:
    """From the first opening or piece of the day to the last, in whole hours."""
    hours = [line for room in rooms for line in room.hours if line.weekday == day.weekday()]
    starts = [_minutes_of(line)[0] for line in hours] + [piece.from_min for one in shown for piece in one.pieces]
    ends = [_minutes_of(line)[1] for line in hours] + [piece.to_min for one in shown for piece in one.pieces]
    opens, closes = min(starts, default=OPENS), max(ends, default=CLOSES)
    return Scale(opens // 60 * 60, min(DAY_MINUTES, -(-closes // 60) * 60))


def as_lanes(shown: Iterable[Column]) -> list[dict[str, Any]]:
    """For the macro `lanes`."""
    return [{"name": column.name, "items": [_as_dict(piece) for piece in column.pieces]} for column in shown]


def _as_dict(piece: Piece) -> dict[str, Any]:
    return {name: getattr(piece, name) for name in Piece.__slots__}


def _minutes_of(hours: Hours) -> tuple[int, int]:
    opens = hours.opens.hour * 60 + hours.opens.minute
    closes = hours.closes.hour * 60 + hours.closes.minute
    return opens, closes if closes > opens else DAY_MINUTES


def _is_in(room: RoomFacts, one: Placed, day: date) -> bool:
    touches = one.room_id == room.room_id or bool(one.unit_ids & set(room.unit_ids))
    return touches and one.slot.overlaps(window_of(day, room.zone))


def _piece(house: House, room: RoomFacts, one: Placed, day: date, here: UUID | None) -> Piece:
    window = window_of(day, room.zone)
    start, end = max(one.slot.start, window.start), min(one.slot.end, window.end)
    from_min = _minute(start, room.zone)
    to_min = DAY_MINUTES if end == window.end else _minute(end, room.zone)
    tone, icon, word = _look(one)
    own = one.room_id == room.room_id or one.kind is not OccupancyKind.BOOKING
    title = one.party or (one.purpose if one.source or one.kind is OccupancyKind.EVENT else "") or _kind_name(one.kind)
    return Piece(
        from_min=from_min,
        to_min=max(to_min, from_min + 15),
        times=translator().times(one.slot, room.zone.key),
        title=title if own else house.room(one.room_id or 0).name,
        word=(f"{word} · {one.source}" if one.source else word) if own else gettext("shares the space"),
        icon=icon if own else "lock",
        tone=tone if own else "quiet",
        href=f"/office/bookings/{one.public_id}" if one.public_id else None,
        here=own and one.public_id is not None and one.public_id == here,
    )


def _minute(instant: datetime, zone: ZoneInfo) -> int:
    local = instant.astimezone(zone)
    return local.hour * 60 + local.minute


def _look(one: Placed) -> tuple[str, str, str]:
    """Tone, icon and word of a piece: never colour alone."""
    if one.kind is OccupancyKind.BOOKING:
        if one.state is BookingState.CONFIRMED:
            return "brand", "check", gettext("Confirmed")
        return ("stop", "now", gettext("Now")) if one.short_notice else ("wait", "wait", gettext("Requested"))
    looks = {
        OccupancyKind.HELD: ("quiet", "pause", gettext("Held")),
        OccupancyKind.CLOSURE: ("quiet", "lock", gettext("Closed")),
        OccupancyKind.EXTERNAL: ("quiet", "calendar", gettext("External")),
        OccupancyKind.EVENT: ("brand", "calendar", gettext("Course")),
    }
    return looks[one.kind]


def _kind_name(kind: OccupancyKind) -> str:
    names = {
        OccupancyKind.BOOKING: gettext("Booking"),
        OccupancyKind.HELD: gettext("Held time"),
        OccupancyKind.CLOSURE: gettext("Closed"),
        OccupancyKind.EXTERNAL: gettext("External calendar"),
        OccupancyKind.EVENT: gettext("Course"),
    }
    return names[kind]


def _beside(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Give pieces that overlap places beside each other, in groups that overlap without a gap."""
    done: list[Piece] = []
    group: list[Piece] = []
    reach = -1
    for piece in sorted(pieces, key=lambda piece: (piece.from_min, -piece.to_min)):
        if group and piece.from_min >= reach:
            done += _placed_beside(group)
            group = []
        group.append(piece)
        reach = max(reach if len(group) > 1 else -1, piece.to_min)
    return (*done, *_placed_beside(group))


def _placed_beside(group: list[Piece]) -> list[Piece]:
    ends: list[int] = []
    places = []
    for piece in group:
        free = next((place for place, end in enumerate(ends) if end <= piece.from_min), len(ends))
        ends[free : free + 1] = [piece.to_min]
        places.append(min(free + 1, MOST_BESIDE))
    of = min(len(ends), MOST_BESIDE)
    return [replace(piece, at=place, of=of) for piece, place in zip(group, places, strict=True)]
