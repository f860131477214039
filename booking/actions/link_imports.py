"""Times that a link brings here: they take the room, never exclusively, and clashes are shown (SPEC C6, C13, C14)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from booking.actions.cases import close_case, open_case
from booking.actions.occupy import LONGEST_PIECE, free, lock_units, occupy
from booking.reads.link_dates import BROUGHT, FULL, dates_kept
from booking.rules.link_dates import FEW, MOST_DATES, MOST_ROWS, at_first, coming, soonest
from booking.tables.bookings import CaseFile, Occupancy
from booking.tables.calendars import CalendarItem
from booking.tables.links import CalendarLink, ItemLink
from booking.tables.links import ImportedTime as Row
from booking.tables.prepared import Prepared, insert_in
from booking.tables.repeated import Repeated
from booking.tables.rows import write_row
from booking.values.links import ImportedTime, LinkPolicy
from booking.values.slot import Slot
from booking.values.states import OccupancyKind

CLASH = "link-clash"
KINDS = BROUGHT
TAKES = (OccupancyKind.BOOKING, OccupancyKind.HELD, OccupancyKind.EVENT)
SHOWN = 200
UNITS = "units_of_links"
_TIMES = Occupancy.metadata.tables["occupancy"].c
_TAKEN = Prepared(
    select(_TIMES.source_id, _TIMES.kind, _TIMES.starts_at, _TIMES.ends_at)
    .where(
        _TIMES.unit_id.in_(bindparam("units", expanding=True)),
        _TIMES.kind.in_(bindparam("kinds", expanding=True)),
        _TIMES.starts_at > bindparam("earliest"),
        _TIMES.starts_at < bindparam("end"),
        _TIMES.ends_at > bindparam("start"),
    )
    .order_by(_TIMES.starts_at)
)
_OWN_DATES = Prepared(
    select(func.count())
    .select_from(Occupancy)
    .where(
        Occupancy.source_id == bindparam("row_id"),
        Occupancy.kind.in_(bindparam("kinds", expanding=True)),
        Occupancy.unit_id == bindparam("unit_id"),
        Occupancy.ends_at > bindparam("now"),
    )
)
_KNOWN = select(Row.id).where(Row.link_id == bindparam("link_id"), Row.uid == bindparam("uid"), Row.ended_at.is_(None))


def _show(dialect: str) -> Repeated:
    """As `cases.open_case`, for many: a large calendar may meet many bookings."""
    names = ("organisation_id", "kind", "dedup_key", "booking_id", "facts", "opened_at", "closed_at", "resolution")
    columns = CaseFile.__table__.c
    wanted = insert_in(dialect, CaseFile).values({name: bindparam(name, type_=columns[name].type) for name in names})
    renewed = {name: wanted.excluded[name] for name in ("facts", "booking_id", "closed_at", "resolution")}
    known = ["organisation_id", "dedup_key"]
    return Repeated(wanted.on_conflict_do_update(index_elements=known, set_=renewed), names)


_SHOW = {dialect: _show(dialect) for dialect in ("sqlite", "postgresql")}


def kind_of(policy: LinkPolicy) -> OccupancyKind:
    """What is entered in the office's own calendar closes the room; what another calendar says is busy elsewhere."""
    return OccupancyKind.CLOSURE if policy is LinkPolicy.TWO_WAY else OccupancyKind.EXTERNAL


def lock_room(session: Session, link_id: int) -> tuple[CalendarLink, tuple[int, ...]]:
    """The link, and the units of its room, locked: before anything that takes or frees time. Once in a transaction."""
    link = session.get_one(CalendarLink, link_id)
    known = session.info.setdefault(UNITS, {})
    if link_id not in known:
        known[link_id] = lock_units(session, link.organisation_id, [link.room_id])[link.room_id]
    return link, known[link_id]


def add_import(
    session: Session, now: datetime, link: CalendarLink, units: tuple[int, ...], given: ImportedTime
) -> tuple[int, int]:
    """A new time; its id and revision. One with the same UID that its link knows already is changed instead."""
    known = session.scalar(_KNOWN, {"link_id": link.id, "uid": given.uid})
    if known is not None:
        return known, _set(session, now, link, units, session.get_one(Row, known), given)
    given = _fitting(session, now, link, units, given, 0)
    own = {"organisation_id": link.organisation_id, "link_id": link.id, "room_id": link.room_id, "revision": 1}
    row = write_row(session, Row, {**own, **columns_of(given)})
    _take(session, now, link, units, row.id, given)
    return row.id, 1


def change_import(
    session: Session,
    now: datetime,
    link: CalendarLink,
    units: tuple[int, ...],
    import_id: int,
    given: ImportedTime,
    revision: int | None,
) -> int | None:
    """The new revision; None where the time is gone or is not at this revision any more."""
    row = _own(session, link, import_id, revision)
    return None if row is None else _set(session, now, link, units, row, given)


def end_import(session: Session, now: datetime, link: CalendarLink, import_id: int, revision: int | None) -> bool:
    """It ended there: its times are free. False where somebody was faster; True where it is gone already."""
    live = session.get(Row, import_id)
    if live is None or live.ended_at is not None:
        return True
    row = _own(session, link, import_id, revision)
    if row is None:
        return False
    _free(session, link, import_id)
    _settle_clashes(session, now, link, import_id, keep=())
    row.ended_at = now
    return True


def widen_import(
    session: Session, now: datetime, link: CalendarLink, units: tuple[int, ...], import_id: int, given: ImportedTime
) -> None:
    """The dates of a series as they are known now; its revision stays, since nobody changed it."""
    row = _own(session, link, import_id, None)
    if row is not None and row.content == given.content:
        revision = row.revision
        _set(session, now, link, units, row, given)
        row.revision = revision


def tell_full(session: Session, now: datetime, link_id: int, *, is_full: bool) -> None:
    """Show the office that the calendar holds more dates than may be kept, or that all of them are (SPEC C9, C14)."""
    link = session.get_one(CalendarLink, link_id)
    if is_full:
        facts = {"site": link.name, "link_id": link.id, "most": MOST_DATES}
        open_case(session, now, link.organisation_id, FULL, str(link.id), None, facts)
    else:
        close_case(session, now, link.organisation_id, FULL, str(link.id), resolution="all are kept")


def _own(session: Session, link: CalendarLink, import_id: int, revision: int | None) -> Row | None:
    query = select(Row).where(Row.link_id == link.id, Row.id == import_id, Row.ended_at.is_(None))
    row = session.scalar(query.with_for_update())
    return row if row is not None and revision in {None, row.revision} else None


def _set(
    session: Session, now: datetime, link: CalendarLink, units: tuple[int, ...], row: Row, given: ImportedTime
) -> int:
    given = _fitting(session, now, link, units, given, row.id)
    for name, value in columns_of(given).items():
        setattr(row, name, value)
    row.revision += 1
    session.flush()
    _free(session, link, row.id)
    _settle_clashes(session, now, link, row.id, keep=_take(session, now, link, units, row.id, given))
    return row.revision


def _fitting(
    session: Session, now: datetime, link: CalendarLink, units: tuple[int, ...], given: ImportedTime, row_id: int
) -> ImportedTime:
    """With as many of its dates as may be kept; `row_id`: the time that it replaces, or 0."""
    wanted = {"row_id": row_id, "kinds": KINDS, "unit_id": units[0] if units else 0, "now": now}
    own = _OWN_DATES.scalar(session, wanted) if row_id else 0
    most = max(own, FEW)
    if coming(given.slots, now) > most:
        kept, _ = dates_kept(session, link.id, now)
        most = at_first(kept, own)
    return soonest(given, now, most)


def columns_of(given: ImportedTime) -> dict[str, Any]:
    """What is stored of a time that was brought."""
    return {
        "uid": given.uid,
        "content": given.content,
        "summary": given.summary[:SHOWN],
        "first_at": min((slot.start for slot in given.slots), default=None),
        "until": given.until,
        "problem": given.problem,
    }


def _take(
    session: Session, now: datetime, link: CalendarLink, units: tuple[int, ...], row_id: int, given: ImportedTime
) -> Collection[int]:
    """Take its times; the bookings that have one of them."""
    kind = kind_of(link.policy)
    for slot in given.slots:
        occupy(session, link.organisation_id, units, slot, kind, row_id, exclusive=False)
    return _find_clashes(session, now, link, units, row_id, given)


def _free(session: Session, link: CalendarLink, import_id: int) -> None:
    for kind in KINDS:
        free(session, link.organisation_id, kind, import_id)


def _find_clashes(
    session: Session, now: datetime, link: CalendarLink, units: tuple[int, ...], row_id: int, given: ImportedTime
) -> Collection[int]:
    """A booking of ours in the same time keeps it, and the office is shown both (SPEC C14)."""
    coming = [slot for slot in given.slots if slot.end > now]
    if not coming:
        return ()
    around = Slot(min(coming).start, max(slot.end for slot in coming))
    found: dict[int, Slot] = {}
    for booking_id, ours in bookings_within(session, units, around):
        theirs = next((slot for slot in coming if slot.overlaps(ours)), None)
        if theirs is not None:
            found.setdefault(booking_id, theirs)
    show_clashes(session, now, link, row_id, given, found)
    return found


def bookings_within(session: Session, units: Sequence[int], around: Slot) -> list[tuple[int, Slot]]:
    """Our bookings, and the events of courses by their ids below zero, with each time that they take, by its start."""
    given = {"units": list(units), "kinds": TAKES, "start": around.start, "end": around.end}
    rows = _TAKEN.all(session, given | {"earliest": around.start - LONGEST_PIECE})
    return [
        (-source_id if kind is OccupancyKind.EVENT else source_id, Slot(start, end))
        for source_id, kind, start, end in rows
    ]


def show_clashes(
    session: Session, now: datetime, link: CalendarLink, row_id: int, given: ImportedTime, found: Mapping[int, Slot]
) -> None:
    """`found`: what has a time of theirs, as `bookings_within` says it."""
    rows = []
    courses = _events(session, [-one for one in found if one < 0])
    for source_id, theirs in sorted(found.items()):
        facts = {
            "site": link.name,
            "link_id": link.id,
            "summary": given.summary[:SHOWN],
            "starts_at": theirs.start.isoformat(),
            "ends_at": theirs.end.isoformat(),
        }
        if source_id < 0:
            facts["ours"] = courses.get(-source_id, {})
        key, booking_id = f"{CLASH}-{row_id}-{source_id}", source_id if source_id > 0 else None
        rows.append((link.organisation_id, CLASH, key, booking_id, facts, now, None, ""))
    _SHOW[session.get_bind().dialect.name].run(session, rows)


def _events(session: Session, event_ids: Sequence[int]) -> dict[int | None, dict[str, str]]:
    """What is to be said of events of courses."""
    columns = (CalendarItem.event_id, CalendarItem.title, CalendarItem.starts_at, CalendarItem.ends_at)
    found = session.execute(select(*columns).where(CalendarItem.event_id.in_(event_ids))) if event_ids else ()
    return {
        event_id: {"summary": title, "starts_at": start.isoformat(), "ends_at": end.isoformat()}
        for event_id, title, start, end in found
    }


def _settle_clashes(session: Session, now: datetime, link: CalendarLink, import_id: int, keep: Collection[int]) -> None:
    of = f"{CLASH}-{import_id}-"
    query = select(CaseFile.dedup_key).where(
        CaseFile.organisation_id == link.organisation_id,
        CaseFile.kind == CLASH,
        CaseFile.dedup_key.startswith(of, autoescape=True),
        CaseFile.closed_at.is_(None),
    )
    for key in session.scalars(query).all():
        if int(key.removeprefix(of)) not in keep:
            about = key.removeprefix(f"{CLASH}-")
            close_case(session, now, link.organisation_id, CLASH, about, resolution="no clash any more")


def close_clashes(session: Session, now: datetime, link: CalendarLink, most: int) -> int:
    """Close open clashes with times of a link that ends, so many at most; how many they were."""
    query = select(CaseFile.dedup_key).where(
        CaseFile.organisation_id == link.organisation_id, CaseFile.kind == CLASH, CaseFile.closed_at.is_(None)
    )
    its = CaseFile.facts["link_id"].as_integer() == link.id
    found = session.scalars(query.where(its).order_by(CaseFile.id).limit(most)).all()
    for key in found:
        about = key.removeprefix(f"{CLASH}-")
        close_case(session, now, link.organisation_id, CLASH, about, resolution="no clash any more")
    return len(found)


def forget_ended(session: Session, before: datetime) -> None:
    """Drop times that ended long ago, some at a time, but never the newest of all: a database may hand out its id
    again.
    """
    newest = select(func.max(Row.id)).scalar_subquery()
    old = select(Row.id).where(Row.ended_at < before, Row.id < newest).limit(MOST_ROWS)
    session.execute(delete(Row).where(Row.id.in_(session.scalars(old).all())))


def forget_rows(session: Session, link_id: int) -> None:
    """Drop the index of a link: it is rebuilt from what lies on both sides (SPEC C11)."""
    session.execute(delete(ItemLink).where(ItemLink.link_id == link_id))
