"""Courses: what is taught, where and by whom. When: `booking.actions.series`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.actions.setting_rows import own, plain, require_known
from booking.rules.slugs import is_slug, slug_of
from booking.tables.houses import Branch, Organisation
from booking.tables.people import Staff
from booking.tables.studio import Course, Series
from booking.values.identity import new_uuid
from booking.values.refusals import Reason, Refused, refused

FIELDS = frozenset({"name", "slug", "description", "level", "branch_id", "trainer_id"})


def add_course(
    session: Session, now: datetime, organisation_id: int, actor: Actor, wanted: Mapping[str, Any]
) -> UUID | Refused:
    """Make a course; returns its public id. It takes place once it has a series.

    `wanted`: name, branch_id; optional slug (by default from the name), description, level, trainer_id. Refused at the
    field: name-taken, bad-slug, slug-taken.
    """
    require_known(wanted, FIELDS)
    whole = {"description": "", "level": "", "trainer_id": None, **wanted}
    whole["slug"] = whole.get("slug") or slug_of(whole["name"])
    reasons = _wrong(session, organisation_id, None, whole)
    if reasons:
        return Refused(tuple(reasons))
    row = Course(organisation_id=organisation_id, public_id=new_uuid(now), made_at=now, **whole)
    session.add(row)
    session.flush()  # the audit entry names the row
    note(session, now, organisation_id, actor, "course", row.id, "made", after=plain(whole))
    return row.public_id


def change_course(
    session: Session, now: datetime, organisation_id: int, actor: Actor, course_id: int, wanted: Mapping[str, Any]
) -> Refused | None:
    """Set some of its fields. Refused at the field as `add_course`, and branch-in-use once it has a series."""
    require_known(wanted, FIELDS)
    row = own(session, Course, organisation_id, course_id)
    whole = {name: getattr(row, name) for name in FIELDS} | dict(wanted)
    reasons = _wrong(session, organisation_id, course_id, whole)
    if whole["branch_id"] != row.branch_id and _has_series(session, course_id):
        reasons.append(Reason("branch-in-use", "branch_id", {"series": 1}))
    if reasons:
        return Refused(tuple(reasons))
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if changed:
        before = {name: getattr(row, name) for name in changed}
        for name, value in changed.items():
            setattr(row, name, value)
        note(
            session,
            now,
            organisation_id,
            actor,
            "course",
            row.id,
            "changed",
            before=plain(before),
            after=plain(changed),
        )
    return None


def archive_course(
    session: Session, now: datetime, organisation_id: int, actor: Actor, course_id: int, *, archived: bool
) -> Refused | None:
    """Take it out of lists, or bring it back. Refused: still-planned while a series of it goes on."""
    row = own(session, Course, organisation_id, course_id)
    if (row.archived_at is not None) == archived:
        return None
    goes_on = select(Series.id).where(Series.course_id == course_id, Series.ended_at.is_(None)).limit(1)
    if archived and session.scalar(goes_on) is not None:
        return refused("still-planned")
    row.archived_at = now if archived else None
    note(session, now, organisation_id, actor, "course", row.id, "archived" if archived else "restored")
    return None


def _has_series(session: Session, course_id: int) -> bool:
    return session.scalar(select(Series.id).where(Series.course_id == course_id).limit(1)) is not None


def _wrong(session: Session, organisation_id: int, course_id: int | None, wanted: Mapping[str, Any]) -> list[Reason]:
    """Raises NotFound where branch or trainer are not the organisation's."""
    session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})  # two of one name at once
    own(session, Branch, organisation_id, wanted["branch_id"])
    if wanted["trainer_id"] is not None:
        own(session, Staff, organisation_id, wanted["trainer_id"])
    others = Course.organisation_id == organisation_id, Course.id != (course_id or 0)
    reasons = []
    for name, code in (("name", "name-taken"), ("slug", "slug-taken")):
        column = getattr(Course, name)
        if session.scalar(select(Course.id).where(*others, column == wanted[name]).limit(1)) is not None:
            reasons.append(Reason(code, name))
    if not is_slug(wanted["slug"]):
        reasons.append(Reason("bad-slug", "slug"))
    return reasons
