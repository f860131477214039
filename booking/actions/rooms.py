"""Rooms are made, placed, ordered, archived. How a room is booked: `booking.actions.settings.change_room`.

What a room is made of decides what blocks what, so it changes only while nothing is booked from now on: times that are
taken stand on the units of the moment they were taken.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.actions.occupy import lock_units
from booking.actions.setting_rows import Range, bump, out_of_range, own, plain, require_known, set_fields
from booking.reads.house_parts import count_coming, count_given_ahead, room_units
from booking.rules.parts import NEW, Layout, lay_out
from booking.rules.slugs import is_slug, slug_of
from booking.tables.doors import Door
from booking.tables.houses import Branch, Organisation, PriceList, Room, RoomUnit, Unit
from booking.values.identity import new_uuid
from booking.values.refusals import Reason, Refused

PEOPLE: dict[str, Range] = {"most_people": (1, 100_000)}
MAKING = frozenset({"name", "slug", "description", "branch_id", "price_list_id", "door_id", "most_people", "inside"})
PLACING = frozenset({"name", "slug", "branch_id", "inside"})


def add_room(
    session: Session, now: datetime, organisation_id: int, actor: Actor, wanted: Mapping[str, Any]
) -> UUID | Refused:
    """Make a room; returns its public id. It has no opening hours yet, so nothing can be requested before it has.

    `wanted`: name, branch_id, price_list_id, most_people; optional slug (by default from the name), description,
    door_id, inside (ids of the rooms that lie within it). Refused: name-taken, bad-slug, slug-taken, out-of-range,
    inside-itself, other-branch.
    """
    require_known(wanted, MAKING)
    _alone(session, organisation_id)
    slug = wanted.get("slug") or slug_of(wanted["name"])
    own(session, Branch, organisation_id, wanted["branch_id"])
    own(session, PriceList, organisation_id, wanted["price_list_id"])
    if wanted.get("door_id") is not None:
        own(session, Door, organisation_id, wanted["door_id"])
    inside = wanted.get("inside", ())
    layout = lay_out(None, inside, _units_for(session, organisation_id, inside))
    reasons = _named(session, organisation_id, None, wanted["name"], slug)
    reasons += out_of_range(PEOPLE, wanted) + _elsewhere(session, organisation_id, wanted["branch_id"], inside)
    if reasons or isinstance(layout, Refused):
        return _with(reasons, layout)
    told = {name: value for name, value in wanted.items() if name != "inside"} | {"slug": slug}
    row = Room(organisation_id=organisation_id, public_id=new_uuid(now), rank=_last_rank(session, organisation_id) + 1)
    for name, value in told.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()  # its parts and the audit entry name it
    _write_parts(session, organisation_id, row, layout)
    after = plain(told) | {"parts": _names(session, organisation_id, inside)}
    note(session, now, organisation_id, actor, "room", row.id, "made", after=after)
    bump(session, organisation_id)
    return row.public_id


def place_room(
    session: Session, now: datetime, organisation_id: int, actor: Actor, room_id: int, wanted: Mapping[str, Any]
) -> Refused | None:
    """Set name, slug, branch_id and inside (ids of the rooms that lie within it); what is not given stays.

    Refused at the field: name-taken, bad-slug, slug-taken, inside-itself, other-branch; zone-in-use where the other
    branch has another time zone, and parts-in-use where units would change, while something is booked from now on.
    """
    require_known(wanted, PLACING)
    _alone(session, organisation_id)
    units = _units_for(session, organisation_id, [room_id, *wanted.get("inside", ())])
    row = own(session, Room, organisation_id, room_id)
    branch_id = wanted.get("branch_id", row.branch_id)
    layout = lay_out(room_id, wanted["inside"], units) if "inside" in wanted else Layout({})
    reasons = _named(session, organisation_id, row.id, wanted.get("name", row.name), wanted.get("slug", row.slug))
    reasons += _elsewhere(session, organisation_id, branch_id, wanted.get("inside", ()))
    reasons += _zone_moves(session, now, row, branch_id)
    if isinstance(layout, Layout):
        reasons += _parts_in_use(session, now, organisation_id, layout)
    if reasons or isinstance(layout, Refused):
        return _with(reasons, layout)
    set_fields(session, now, organisation_id, actor, row, "room", {k: v for k, v in wanted.items() if k != "inside"})
    if layout.units:
        _change_parts(session, now, organisation_id, actor, row, layout, units)
    return None


def archive_room(
    session: Session, now: datetime, organisation_id: int, actor: Actor, room_id: int, *, archived: bool
) -> Refused | None:
    """Take a room out of what can be requested, or bring it back.

    Refused(room-in-use) with how many, while something is booked in it from now on: it would be out of sight.
    """
    lock_units(session, organisation_id, [room_id])
    row = own(session, Room, organisation_id, room_id)
    if archived == (row.archived_at is not None):
        return None
    count = count_coming(session, now, organisation_id, [room_id]) if archived else 0
    if count:
        return Refused((Reason("room-in-use", None, {"count": count}),))
    set_fields(session, now, organisation_id, actor, row, "room", {"archived_at": now if archived else None})
    return None


def shift_room(
    session: Session, now: datetime, organisation_id: int, actor: Actor, room_id: int, *, steps: int
) -> None:
    """Move a room up (below zero) or down in all lists; past the first or last it stays there."""
    _alone(session, organisation_id)
    query = select(Room).where(Room.organisation_id == organisation_id).order_by(Room.rank, Room.id)
    rows = list(session.scalars(query.with_for_update()))
    row = own(session, Room, organisation_id, room_id)
    before = rows.index(row)
    after = min(max(before + steps, 0), len(rows) - 1)
    if after == before:
        return
    rows.insert(after, rows.pop(before))
    for rank, one in enumerate(rows):
        one.rank = rank
    told = {"before": {"rank": before + 1}, "after": {"rank": after + 1}}
    note(session, now, organisation_id, actor, "room", row.id, "changed", **told)
    bump(session, organisation_id)


def door_in_use(session: Session, now: datetime, row: Room, door_id: int | None) -> list[Reason]:
    """Why a room cannot get another door now: bookings to come have codes of the one it has."""
    if row.door_id is None or row.door_id == door_id:
        return []
    count = count_given_ahead(session, now, row.id, row.door_id)
    return [Reason("door-in-use", "door_id", {"count": count, "room": row.name})] if count else []


def name_taken(session: Session, organisation_id: int, room_id: int | None, name: str) -> list[Reason]:
    """Whether another room is called so: lists of rooms show nothing but the name."""
    others = Room.organisation_id == organisation_id, Room.id != (room_id or 0)
    taken = session.scalar(select(Room.id).where(*others, Room.name == name).limit(1))
    return [Reason("name-taken", "name")] if taken is not None else []


def _alone(session: Session, organisation_id: int) -> None:
    """One change of the house's plan at a time: what blocks what is read and written as a whole."""
    session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})


def _units_for(session: Session, organisation_id: int, room_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """The units of all rooms, locked before any room is. Raises NotFound for a strange room among `room_ids`."""
    lock_units(session, organisation_id, sorted(room_units(session, organisation_id)))
    for room_id in room_ids:
        own(session, Room, organisation_id, room_id)
    return room_units(session, organisation_id)


def _named(session: Session, organisation_id: int, room_id: int | None, name: str, slug: str) -> list[Reason]:
    reasons = name_taken(session, organisation_id, room_id, name)
    others = Room.organisation_id == organisation_id, Room.id != (room_id or 0)
    if not is_slug(slug):
        reasons.append(Reason("bad-slug", "slug"))
    elif session.scalar(select(Room.id).where(*others, Room.slug == slug)) is not None:
        reasons.append(Reason("slug-taken", "slug"))
    return reasons


def _elsewhere(session: Session, organisation_id: int, branch_id: int, inside: Collection[int]) -> list[Reason]:
    query = select(Room.name).where(
        Room.organisation_id == organisation_id, Room.id.in_(inside), Room.branch_id != branch_id
    )
    names = session.scalars(query.order_by(Room.name)).all()
    return [Reason("other-branch", "inside", {"rooms": ", ".join(names)})] if names else []


def _zone_moves(session: Session, now: datetime, row: Room, branch_id: int) -> list[Reason]:
    old, new = (own(session, Branch, row.organisation_id, one) for one in (row.branch_id, branch_id))
    count = 0 if old.zone == new.zone else count_coming(session, now, row.organisation_id, [row.id])
    return [Reason("zone-in-use", "branch_id", {"count": count})] if count else []


def _parts_in_use(session: Session, now: datetime, organisation_id: int, layout: Layout) -> list[Reason]:
    count = count_coming(session, now, organisation_id, layout.units.keys())
    names = ", ".join(_names(session, organisation_id, layout.units.keys()))
    return [Reason("parts-in-use", "inside", {"count": count, "rooms": names})] if count else []


def _change_parts(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    row: Room,
    layout: Layout,
    before: Mapping[int, frozenset[int]],
) -> None:
    old = _held(session, organisation_id, row.id, before)
    _write_parts(session, organisation_id, row, layout)
    new = _held(session, organisation_id, row.id, room_units(session, organisation_id))
    told = {"before": {"parts": old}, "after": {"parts": new}}
    note(session, now, organisation_id, actor, "room", row.id, "changed", **told)
    bump(session, organisation_id)


def _write_parts(session: Session, organisation_id: int, row: Room, layout: Layout) -> None:
    """`NEW` is one unit, named after the room, in whatever rooms it stands. A unit stays, since times stand on it."""
    mine = {"organisation_id": organisation_id}
    made = Unit(**mine, name=row.name)
    if any(NEW in units for units in layout.units.values()):
        session.add(made)
        session.flush()
    for room, units in layout.units.items():
        room_id = room or row.id
        session.execute(
            delete(RoomUnit).where(RoomUnit.organisation_id == organisation_id, RoomUnit.room_id == room_id)
        )
        session.add_all([RoomUnit(**mine, room_id=room_id, unit_id=unit or made.id) for unit in sorted(units)])
    session.flush()


def _held(session: Session, organisation_id: int, room_id: int, units: Mapping[int, frozenset[int]]) -> list[str]:
    return _names(session, organisation_id, [other for other in units if units[other] < units[room_id]])


def _names(session: Session, organisation_id: int, room_ids: Collection[int]) -> list[str]:
    query = select(Room.name).where(Room.organisation_id == organisation_id, Room.id.in_(room_ids))
    return list(session.scalars(query.order_by(Room.rank, Room.id)))


def _last_rank(session: Session, organisation_id: int) -> int:
    query = select(Room.rank).where(Room.organisation_id == organisation_id).order_by(Room.rank.desc()).limit(1)
    return session.scalar(query) or 0


def _with(reasons: Sequence[Reason], layout: Layout | Refused) -> Refused:
    return Refused((*reasons, *(layout.reasons if isinstance(layout, Refused) else ())))
