"""The index of a link in a few plain columns, to hold a complete listing against without loading it (SPEC C9)."""

from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, case, exists, or_, select
from sqlalchemy.orm import Session

from booking.reads.link_evidence import LinkFacts, live_given, live_items, waits
from booking.tables.calendars import CalendarItem
from booking.tables.links import ImportedTime, ItemLink
from booking.tables.prepared import Prepared

_LINK: BindParameter[int] = bindparam("link_id")
_IS_ENDED = ItemLink.state == "TOMBSTONE"
_BROUGHT = Prepared(
    select(ImportedTime.id, ImportedTime.revision).where(ImportedTime.link_id == _LINK, ImportedTime.ended_at.is_(None))
)
_REVIVED = Prepared(
    select(ItemLink.local_id)
    .join(CalendarItem, CalendarItem.id == ItemLink.local_id)
    .where(ItemLink.link_id == _LINK, _IS_ENDED, *live_items())
)
_IS_BROUGHT = exists().where(ImportedTime.link_id == _LINK, ImportedTime.ended_at.is_(None))
_HAS_BROUGHT = Prepared(select(_IS_BROUGHT))
_COVERS = Prepared(select(or_(_IS_BROUGHT, exists().where(*live_items()))))


class Mark(NamedTuple):
    """What a row says of itself. `waits`: it is to be looked at whatever a listing says; `lives`: it has not ended;
    `is_theirs`: it lives and began there. The three are 1 or 0.
    """

    href: str
    etag: str | None
    local_id: int | None
    revision: int | None
    waits: int
    lives: int
    is_theirs: int


_mark = partial(tuple.__new__, Mark)  # less than half the time of `Mark._make`


@dataclass(frozen=True, slots=True)
class Marks:
    """All rows of a link. `astray`: imported times that no living row stands for, and those that one misses."""

    rows: list[Mark]
    astray: frozenset[int]


def marks_of(session: Session, link_id: int, settled: frozenset[str]) -> Marks:
    """`settled`: the problems with which an item that is only known needs no further look."""
    given = {"link_id": link_id}
    rows = list(map(_mark, _marks(settled).all(session, given)))
    named = {
        (-local_id, revision)
        for _, _, local_id, revision, _, lives, _ in rows
        if lives and local_id is not None and local_id < 0
    }
    return Marks(rows, frozenset(import_id for import_id, _ in named ^ set(_BROUGHT.all(session, given))))


def revived(session: Session, facts: LinkFacts) -> set[int]:
    """Live bookings whose row says that they ended."""
    return set(_REVIVED.scalars(session, live_given(facts)))


def has_brought(session: Session, link_id: int) -> bool:
    """Whether any time stands here that the link brought."""
    return bool(_HAS_BROUGHT.scalar(session, {"link_id": link_id}))


def is_bare(session: Session, facts: LinkFacts) -> bool:
    """Whether the link covers nothing of ours: no live booking, no time that it brought."""
    return not _COVERS.scalar(session, live_given(facts))


@cache
def _marks(settled: frozenset[str]) -> Prepared:
    is_open = and_(ItemLink.local_id.is_(None), ItemLink.problem.not_in(sorted(settled)), ~_IS_ENDED)
    columns = (ItemLink.href, ItemLink.base_etag, ItemLink.local_id, ItemLink.base_revision)
    flags = (or_(waits(), is_open), ~_IS_ENDED, and_(ItemLink.origin == "REMOTE", ~_IS_ENDED))
    # as numbers, which need no reading
    numbers = [case((flag, 1), else_=0) for flag in flags]
    return Prepared(select(*columns, *numbers).where(ItemLink.link_id == _LINK))
