"""The test time that proves the calendar which a page of a booking site reads: asked for, written, taken back (Y8).

The time is a calendar item of the link under test alone, which writes it as it writes a request; feeds leave it out.
Whatever becomes of a proof, its item is cancelled with the move that ends it; the link removes it when it next runs.
A worker makes the moves, each with a transaction of its own; who comes too late changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.audit import SYSTEM, Actor, note
from booking.actions.cases import close_case, open_case
from booking.actions.link_wakes import wake_link
from booking.actions.occupy import lock_units, taken
from booking.actions.rentals import SITES
from booking.reads.house import RoomFacts
from booking.rules.calendar_proof import FIRST_DAY, HOUR, LAST_DAY, Move, choose_hour
from booking.tables.calendars import CalendarItem
from booking.tables.connections import BlockWay, Connection, ConnectionRoom
from booking.tables.links import CalendarLink
from booking.tables.site_calendars import SiteCalendar
from booking.values.agenda import modified_by
from booking.values.identity import new_uuid
from booking.values.proofs import PROOF_MOVES, RUNNING, ProofPhase, ProofProblem
from booking.values.slot import Slot
from booking.values.states import ItemStatus

PROOFS = "site-proofs"
SITE_TOPICS = frozenset({SITES, PROOFS})
"""What calls booking sites: a worker of its own does it."""
UNPROVEN = "site-unproven"
TITLE = "Test"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the site offered when it was asked: by which begun booking, and from when to when it told."""

    intent: str
    offered: frozenset[datetime]


def begin_proof(session: Session, now: datetime, row: SiteCalendar) -> None:
    """Have a worker prove a page's calendar. One that is being proven goes on as it is."""
    if row.phase.runs:
        return
    row.item_id = row.starts_at = row.ends_at = None
    row.evidence = {}
    _enter(now, row, ProofPhase.ASKED)
    outbox.put(session, now, row.organisation_id, PROOFS, row.id, f"proof-{new_uuid(now)}", now)


def write_test(
    session: Session, now: datetime, organisation_id: int, row_id: int, room: RoomFacts, asked: Asked
) -> bool:
    """Choose the hour and write its item; the link is woken. False: no such hour, or somebody ended the proof."""
    lock_units(session, organisation_id, [room.room_id])
    row = _locked(session, row_id, ProofPhase.ASKED)
    if row is None:
        return False
    months_ahead = session.get_one(CalendarLink, row.link_id).months_ahead
    chosen = choose_hour(asked.offered, _not_free(session, now, row, room), now, months_ahead)
    if chosen is None:
        return False
    slot, others = chosen
    item = _item(row, room, slot, now)
    session.add(item)
    session.flush()  # the row names it
    row.item_id, row.starts_at, row.ends_at = item.id, slot.start, slot.end
    row.evidence = {"intent": asked.intent, "others": sorted(other.isoformat() for other in others)}
    _enter(now, row, ProofPhase.WRITTEN)
    wake_link(session, now, row.link_id)
    return True


def move_proof(session: Session, now: datetime, row_id: int, was: ProofPhase, move: Move) -> bool:
    """Make a move that the rule found. False: the proof is in another phase by now."""
    row = _locked(session, row_id, was)
    if row is None:
        return False
    if move.phase is ProofPhase.FAILED:
        fail_proof(session, now, row, move.problem or ProofProblem.GAVE_UP, move.detail)
        return True
    if move.phase is ProofPhase.WITHDRAWN:
        _take_back(session, now, row)
    _enter(now, row, move.phase)
    if move.phase is ProofPhase.PROVEN:
        row.proven_at = now
        settle_connection(session, now, row.connection_id)
    return True


def note_intent(session: Session, row_id: int, intent: str) -> None:
    """The site forgot what was begun; this is begun in its place."""
    row = session.get(SiteCalendar, row_id, with_for_update=True)
    if row is not None:
        row.evidence = row.evidence | {"intent": intent}


def fail_proof(
    session: Session, now: datetime, row: SiteCalendar, problem: ProofProblem, detail: str = "", *, tells: bool = False
) -> None:
    """The way is not proven, or is so no more; a test time that stands is taken back.

    `tells`: the office did not ask for it just now, so that it gets a case where the connection was proven.
    """
    if row.phase.runs:
        _take_back(session, now, row)
    _enter(now, row, ProofPhase.FAILED)
    row.problem, row.detail, row.proven_at = problem.value, detail[:200], None
    settle_connection(session, now, row.connection_id, told=row if tells else None)


def end_calendars(session: Session, now: datetime, rows: Iterable[SiteCalendar]) -> None:
    """These pages are blocked through these calendars no more; their test times are taken back."""
    for row in rows:
        if row.phase.runs:
            _take_back(session, now, row)
        outbox.withdraw(session, now, PROOFS, row.id)
        session.delete(row)
    session.flush()


def settle_connection(
    session: Session, now: datetime, connection_id: int, told: SiteCalendar | None = None, actor: Actor = SYSTEM
) -> None:
    """A connection that blocks through calendars is proven while those of all its pages are.

    `told`: why it is so no more, for the case that the office gets.
    """
    session.flush()
    connection = session.get_one(Connection, connection_id, with_for_update=True)
    if connection.block_way is not BlockWay.CALENDAR:
        return
    pages = set(session.scalars(select(ConnectionRoom.profile_id).where(ConnectionRoom.connection_id == connection_id)))
    of_connection = select(SiteCalendar).where(SiteCalendar.connection_id == connection_id)
    proven = {row.profile_id for row in session.scalars(of_connection) if row.proven_at is not None}
    is_proven, was_proven = bool(pages) and pages <= proven, connection.proven_at is not None
    about, mine = str(connection_id), connection.organisation_id
    if is_proven:
        connection.proven_at = connection.proven_at or now
        close_case(session, now, mine, UNPROVEN, about, resolution="proven again")
    else:
        connection.proven_at = None
        if was_proven and told is not None:
            _open_case(session, now, connection, told)
    if is_proven != was_proven:
        after = {"proven": is_proven} | ({"error": told.problem} if told is not None else {})
        note(session, now, mine, actor, "connection", connection_id, "proof", after=after)


def fall(session: Session, now: datetime, link_id: int, problem: ProofProblem) -> None:
    """What was proven with a link holds no more: the link rests, ends, or is another by now. The office is told."""
    for row in session.scalars(_of_link(link_id)).all():
        fail_proof(session, now, row, problem, tells=True)


def drop_calendars(session: Session, now: datetime, link_id: int) -> None:
    """A link is no more, and with it the way of the pages that it stood for."""
    rows = session.scalars(_of_link(link_id)).all()
    fall(session, now, link_id, ProofProblem.LINK_GONE)
    end_calendars(session, now, rows)


def _of_link(link_id: int) -> Select[SiteCalendar]:
    return select(SiteCalendar).where(SiteCalendar.link_id == link_id).order_by(SiteCalendar.id).with_for_update()


def _open_case(session: Session, now: datetime, connection: Connection, told: SiteCalendar) -> None:
    link = session.get(CalendarLink, told.link_id)
    facts = {"site": connection.name, "link": link.name if link else "", "fell": told.problem}
    open_case(session, now, connection.organisation_id, UNPROVEN, str(connection.id), None, facts)


def _locked(session: Session, row_id: int, was: ProofPhase) -> SiteCalendar | None:
    row = session.get(SiteCalendar, row_id, with_for_update=True, populate_existing=True)
    return row if row is not None and row.phase is was else None


def _enter(now: datetime, row: SiteCalendar, phase: ProofPhase) -> None:
    if phase not in PROOF_MOVES[row.phase]:
        raise ValueError(f"a proof does not go from {row.phase} to {phase}")
    row.phase, row.phase_at = phase, now
    row.problem = row.detail = ""


def _take_back(session: Session, now: datetime, row: SiteCalendar) -> None:
    item = None if row.item_id is None else session.get_one(CalendarItem, row.item_id, with_for_update=True)
    if item is None or item.status is ItemStatus.CANCELLED:
        return
    item.status, item.ended_at = ItemStatus.CANCELLED, now
    item.sequence += 1
    item.last_modified = modified_by(item.last_modified, now)
    session.flush()
    wake_link(session, now, row.link_id)


def _not_free(session: Session, now: datetime, row: SiteCalendar, room: RoomFacts) -> list[Slot]:
    """What is taken here, and the test times of other pages."""
    around = Slot(now + FIRST_DAY, now + LAST_DAY + HOUR)
    tests = session.execute(
        select(SiteCalendar.starts_at, SiteCalendar.ends_at).where(
            SiteCalendar.organisation_id == row.organisation_id,
            SiteCalendar.phase.in_(RUNNING),
            SiteCalendar.starts_at.is_not(None),
        )
    )
    found = list(taken(session, room.unit_ids, around))
    return found + [Slot(start, end) for start, end in tests if start is not None and end is not None]


def _item(row: SiteCalendar, room: RoomFacts, slot: Slot, now: datetime) -> CalendarItem:
    """As weak as what it stands for can be: a request, which calendars show as tentative."""
    moment = now.replace(microsecond=0)
    zone: ZoneInfo = room.zone
    return CalendarItem(
        organisation_id=row.organisation_id,
        booking_id=None,
        customer_id=None,
        uid=new_uuid(now),
        sequence=0,
        created_at=moment,
        last_modified=moment,
        room_id=room.room_id,
        starts_at=slot.start,
        ends_at=slot.end,
        zone=zone.key,
        status=ItemStatus.TENTATIVE,
        title=TITLE,
        party="",
        room=room.name,
        location=room.location,
        details="",
        ended_at=None,
        only_link_id=row.link_id,
    )
