"""Doors are made, changed, given to rooms and removed. Their codes: `booking.actions.doors`."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.actions.rooms import door_in_use
from booking.actions.setting_rows import bump, own, plain, remove, require_known, set_fields
from booking.reads.doors import lock_format
from booking.reads.house_parts import was_given
from booking.rules.doorcodes import LockFormat
from booking.rules.locks import wrong_with
from booking.tables.doors import Door, DoorCode
from booking.tables.houses import Branch, Organisation, Room
from booking.values.identity import new_uuid
from booking.values.refusals import NotFound, Reason, Refused

LOCK = frozenset(LockFormat.__slots__)
FIELDS = LOCK | {"name", "branch_id", "rooms"}


def add_door(
    session: Session, now: datetime, organisation_id: int, actor: Actor, wanted: Mapping[str, Any]
) -> UUID | Refused:
    """Make a door; returns its public id. `wanted`: name, branch_id, fields of `LockFormat`, rooms (ids) that get it.

    Refused at the field: name-taken, out-of-range, bad-alphabet, bad-prefix, format-too-small, door-in-use.
    """
    require_known(wanted, FIELDS)
    own(session, Branch, organisation_id, wanted["branch_id"])
    lock = lock_format({name: wanted[name] for name in LOCK if name in wanted})
    rooms = _rooms(session, organisation_id, wanted.get("rooms", ()))
    reasons = _wrong(session, organisation_id, None, wanted["name"], lock)
    reasons += _held_rooms(session, now, rooms, None)
    if reasons:
        return Refused(tuple(reasons))
    facts = {"branch_id": wanted["branch_id"], "name": wanted["name"], "lock_format": _stored(lock)}
    row = Door(organisation_id=organisation_id, public_id=new_uuid(now), **facts)
    session.add(row)
    session.flush()  # rooms and the audit entry name the row
    note(session, now, organisation_id, actor, "door", row.id, "made", after=plain(facts))
    bump(session, organisation_id)
    for room in rooms:
        set_fields(session, now, organisation_id, actor, room, "room", {"door_id": row.id})
    return row.public_id


def change_door(
    session: Session, now: datetime, organisation_id: int, actor: Actor, door_id: int, wanted: Mapping[str, Any]
) -> Refused | None:
    """Set some of its fields; codes that it has already stay as they are. `rooms` are all that have it afterwards.

    Refused as `add_door`; door-in-use also for a room that would lose it.
    """
    require_known(wanted, FIELDS)
    row = own(session, Door, organisation_id, door_id)
    if "branch_id" in wanted:
        own(session, Branch, organisation_id, wanted["branch_id"])
    lock = lock_format(row.lock_format | {name: wanted[name] for name in LOCK if name in wanted})
    gained, lost = _moves(session, organisation_id, door_id, wanted.get("rooms"))
    reasons = _wrong(session, organisation_id, door_id, wanted.get("name", row.name), lock)
    reasons += _held_rooms(session, now, gained, door_id) + _held_rooms(session, now, lost, None)
    if reasons:
        return Refused(tuple(reasons))
    facts = {name: wanted[name] for name in ("name", "branch_id") if name in wanted}
    if lock != lock_format(row.lock_format):
        facts["lock_format"] = _stored(lock)
    set_fields(session, now, organisation_id, actor, row, "door", facts)
    for rooms, door in ((gained, door_id), (lost, None)):
        for room in rooms:
            set_fields(session, now, organisation_id, actor, room, "room", {"door_id": door})
    return None


def remove_door(session: Session, now: datetime, organisation_id: int, actor: Actor, door_id: int) -> Refused | None:
    """Remove a door with the codes that nobody ever had. Refused: codes-given with how many, door-has-rooms."""
    row = own(session, Door, organisation_id, door_id)
    given = session.scalar(select(func.count()).where(DoorCode.door_id == door_id, was_given())) or 0
    rooms = session.scalars(select(Room.name).where(Room.door_id == door_id).order_by(Room.rank, Room.id)).all()
    reasons = [Reason("codes-given", None, {"count": given})] if given else []
    reasons += [Reason("door-has-rooms", "rooms", {"rooms": ", ".join(rooms)})] if rooms else []
    if reasons:
        return Refused(tuple(reasons))
    session.execute(delete(DoorCode).where(DoorCode.organisation_id == organisation_id, DoorCode.door_id == row.id))
    remove(session, now, organisation_id, actor, Door, door_id)
    return None


def _wrong(session: Session, organisation_id: int, door_id: int | None, name: str, lock: LockFormat) -> list[Reason]:
    session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})  # two of one name at once
    others = Door.organisation_id == organisation_id, Door.id != (door_id or 0)
    taken = session.scalar(select(Door.id).where(*others, Door.name == name).limit(1))
    return ([Reason("name-taken", "name")] if taken is not None else []) + wrong_with(lock)


def _held_rooms(session: Session, now: datetime, rooms: Collection[Room], door_id: int | None) -> list[Reason]:
    """Rooms whose bookings have codes of the door that they would lose."""
    found = [reason for room in rooms for reason in door_in_use(session, now, room, door_id)]
    return [Reason(reason.code, "rooms", reason.values) for reason in found]


def _moves(
    session: Session, organisation_id: int, door_id: int, wanted: Collection[int] | None
) -> tuple[list[Room], list[Room]]:
    """Rooms that get the door, and rooms that lose it."""
    if wanted is None:
        return [], []
    here = select(Room.id).where(Room.organisation_id == organisation_id, Room.door_id == door_id)
    has = set(session.scalars(here))
    return _rooms(session, organisation_id, set(wanted) - has), _rooms(session, organisation_id, has - set(wanted))


def _rooms(session: Session, organisation_id: int, room_ids: Collection[int]) -> list[Room]:
    """The rows, locked in the order of their ids. Raises NotFound."""
    query = select(Room).where(Room.organisation_id == organisation_id, Room.id.in_(room_ids)).order_by(Room.id)
    rows = list(session.scalars(query.with_for_update()))
    if len(rows) != len(set(room_ids)):
        raise NotFound("room", sorted(set(room_ids) - {row.id for row in rows}))
    return rows


def _stored(lock: LockFormat) -> dict[str, Any]:
    return asdict(lock) | {"forbidden_prefixes": list(lock.forbidden_prefixes)}
