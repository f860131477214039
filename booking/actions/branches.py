"""Branches: the places where rooms and doors are."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.actions.setting_rows import bump, own, plain, remove, require_known, set_fields
from booking.reads.house_parts import count_coming
from booking.tables.doors import Door
from booking.tables.houses import Branch, Organisation, Room
from booking.tables.studio import Course
from booking.values.identity import new_uuid
from booking.values.refusals import Reason, Refused, refused

FIELDS = frozenset({"name", "street", "postcode", "city", "zone"})


def add_branch(
    session: Session, now: datetime, organisation_id: int, actor: Actor, wanted: Mapping[str, str]
) -> UUID | Refused:
    """Make a branch of name, street, postcode, city and zone; returns its public id. Refused: name-taken, no-zone."""
    require_known(wanted, FIELDS)
    reasons = _wrong(session, organisation_id, None, wanted)
    if reasons:
        return Refused(tuple(reasons))
    row = Branch(organisation_id=organisation_id, public_id=new_uuid(now), **wanted)
    session.add(row)
    session.flush()  # the audit entry names the row
    note(session, now, organisation_id, actor, "branch", row.id, "made", after=plain(wanted))
    bump(session, organisation_id)
    return row.public_id


def change_branch(
    session: Session, now: datetime, organisation_id: int, actor: Actor, branch_id: int, wanted: Mapping[str, Any]
) -> Refused | None:
    """Set some of its fields. Another zone would move the opening hours under what is booked.

    Refused at the field: name-taken, no-zone, zone-in-use with how many bookings are not over.
    """
    require_known(wanted, FIELDS)
    row = own(session, Branch, organisation_id, branch_id)
    reasons = _wrong(session, organisation_id, branch_id, wanted)
    if wanted.get("zone", row.zone) != row.zone:
        rooms = session.scalars(
            select(Room.id).where(Room.organisation_id == organisation_id, Room.branch_id == branch_id)
        ).all()
        count = count_coming(session, now, organisation_id, rooms)
        reasons += [Reason("zone-in-use", "zone", {"count": count})] if count else []
    if reasons:
        return Refused(tuple(reasons))
    set_fields(session, now, organisation_id, actor, row, "branch", wanted)
    return None


def remove_branch(
    session: Session, now: datetime, organisation_id: int, actor: Actor, branch_id: int
) -> Refused | None:
    """Refused(branch-in-use) while rooms, doors or courses are in it."""
    own(session, Branch, organisation_id, branch_id)
    for table in (Room, Door, Course):
        used = select(table.id).where(table.organisation_id == organisation_id, table.branch_id == branch_id).limit(1)
        if session.scalar(used) is not None:
            return refused("branch-in-use")
    remove(session, now, organisation_id, actor, Branch, branch_id)
    return None


def _wrong(session: Session, organisation_id: int, branch_id: int | None, wanted: Mapping[str, str]) -> list[Reason]:
    session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})  # two of one name at once
    others = Branch.organisation_id == organisation_id, Branch.id != (branch_id or 0)
    taken = session.scalar(select(Branch.id).where(*others, Branch.name == wanted.get("name")).limit(1))
    reasons = [Reason("name-taken", "name")] if taken is not None else []
    if "zone" in wanted and wanted["zone"] not in available_timezones():
        reasons.append(Reason("no-zone", "zone"))
    return reasons
