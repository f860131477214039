"""By which calendar link each page of a booking site is blocked: chosen, held against the link, proven (SPEC Y8).

A link fits a page where it writes the calendar of the very room that the page stands for, with requests, and as far
ahead as the room can be booked.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.actions.calendar_proofs import UNPROVEN, begin_proof, end_calendars, fail_proof, fall, settle_connection
from booking.actions.cases import close_case
from booking.rules.calendar_proof import Through, unfit
from booking.tables.connections import BlockWay, Connection, ConnectionRoom
from booking.tables.houses import Room
from booking.tables.links import CalendarLink
from booking.tables.site_calendars import SiteCalendar
from booking.values.proofs import ProofPhase, ProofProblem
from booking.values.refusals import Reason, Refused

AT = "calendars"


def choose_calendars(
    session: Session, now: datetime, actor: Actor, connection: Connection, wanted: Mapping[str, UUID]
) -> Refused | None:
    """Page → public id of the link that writes the calendar which the page reads; all pages of the connection.

    What stays as it was stays proven. Refused, at `calendars`: no-pages, no-writing-link, link-missing, no-such-link,
    and what `booking.rules.calendar_proof.unfit` says; nothing changes then.
    """
    pages = _pages(session, connection.id)
    if not pages:
        return _refused("no-pages")
    links: dict[str, CalendarLink] = {}
    reasons: list[Reason] = []
    for page, room in sorted(pages.items()):
        found = _link_for(session, connection, room, wanted.get(page))
        if isinstance(found, Reason):
            reasons.append(found)
        else:
            links[page] = found
    if reasons:
        return Refused(tuple(reasons))
    _keep(session, now, actor, connection, links)
    return None


def leave_calendars(session: Session, now: datetime, connection: Connection) -> None:
    """The connection blocks in another way from now on."""
    end_calendars(session, now, _rows(session, connection.id).values())
    close_case(session, now, connection.organisation_id, UNPROVEN, str(connection.id), resolution="another way")


def ask_proofs(session: Session, now: datetime, actor: Actor, connection: Connection) -> Refused | None:
    """Have workers prove the calendars of all pages of a connection that blocks so; what is being proven goes on.

    Refused: no-pages, link-missing, site-rests, and what `unfit` says.
    """
    pages, rows = _pages(session, connection.id), _rows(session, connection.id)
    if connection.paused_at is not None:
        return _refused(ProofProblem.SITE_RESTS)
    if not pages:
        return _refused("no-pages")
    if pages.keys() - rows.keys():
        return _refused("link-missing")
    for page, row in rows.items():
        problem = unfit(through(session.get_one(CalendarLink, row.link_id), pages[page]))
        if problem is not None:
            return _refused(problem)
    for row in rows.values():
        begin_proof(session, now, row)
    note(session, now, connection.organisation_id, actor, "connection", connection.id, "proof-asked")
    return None


def follow_pages(session: Session, now: datetime, actor: Actor, connection: Connection) -> None:
    """Pages stand for other rooms by now: a calendar of another room is no page's any more."""
    if connection.block_way is not BlockWay.CALENDAR:
        return
    session.flush()
    pages = _pages(session, connection.id)
    for page, row in _rows(session, connection.id).items():
        link = session.get_one(CalendarLink, row.link_id)
        if page not in pages or pages[page].id != link.room_id:
            end_calendars(session, now, [row])
    settle_connection(session, now, connection.id, actor=actor)


def forget_proofs(session: Session, now: datetime, connection: Connection, problem: ProofProblem) -> None:
    """What was proven was so of another account, or for another time."""
    for row in _rows(session, connection.id).values():
        if row.phase is not ProofPhase.NONE:
            fail_proof(session, now, row, problem)


def follow_link(session: Session, now: datetime, link: CalendarLink, *, policy_changed: bool) -> None:
    """A link's settings are others by now: what it proved falls where it no longer fits, or writes in another way."""
    query = select(SiteCalendar.profile_id, ConnectionRoom.room_id).join(
        ConnectionRoom,
        (ConnectionRoom.connection_id == SiteCalendar.connection_id)
        & (ConnectionRoom.profile_id == SiteCalendar.profile_id),
    )
    room_ids = {room_id for _, room_id in session.execute(query.where(SiteCalendar.link_id == link.id))}
    for room_id in room_ids:
        problem = unfit(through(link, session.get_one(Room, room_id)))
        if problem is not None or policy_changed:
            fall(session, now, link.id, problem or ProofProblem.LINK_CHANGED)
            return


def follow_room(session: Session, now: datetime, room: Room) -> None:
    """A room can be booked further ahead by now: a link that does not write as far proves nothing any more."""
    used = select(SiteCalendar.link_id).where(SiteCalendar.organisation_id == room.organisation_id)
    query = select(CalendarLink).where(CalendarLink.room_id == room.id, CalendarLink.id.in_(used))
    for link in session.scalars(query.order_by(CalendarLink.id)).all():
        follow_link(session, now, link, policy_changed=False)


def through(link: CalendarLink, room: Room) -> Through:
    """A link as the way for the page of a room."""
    return Through(
        link_room_id=link.room_id,
        policy=link.policy,
        state=link.state,
        requested=link.requested,
        months_ahead=link.months_ahead,
        room_id=room.id,
        horizon=timedelta(days=room.horizon_days),
    )


def _link_for(session: Session, connection: Connection, room: Room, public_id: UUID | None) -> CalendarLink | Reason:
    mine = CalendarLink.organisation_id == connection.organisation_id
    if public_id is None:
        known = session.scalars(select(CalendarLink).where(mine, CalendarLink.room_id == room.id))
        fits = any(link.policy.writes for link in known)
        return Reason("link-missing" if fits else "no-writing-link", AT, {"room": room.name})
    link = session.scalar(select(CalendarLink).where(mine, CalendarLink.public_id == public_id))
    if link is None:
        return Reason("no-such-link", AT)
    problem = unfit(through(link, room))
    return link if problem is None else Reason(problem.value, AT, {"room": room.name, "link": link.name})


def _keep(
    session: Session, now: datetime, actor: Actor, connection: Connection, links: Mapping[str, CalendarLink]
) -> None:
    rows = _rows(session, connection.id)
    before = {page: row.link_id for page, row in rows.items()}
    after = {page: link.id for page, link in links.items()}
    end_calendars(session, now, [row for page, row in rows.items() if after.get(page) != row.link_id])
    for page, link in links.items():
        if before.get(page) != link.id:
            mine = connection.organisation_id
            session.add(
                SiteCalendar(organisation_id=mine, connection_id=connection.id, profile_id=page, link_id=link.id)
            )
    if before != after:
        told = {"before": {"calendars": before}, "after": {"calendars": after}}
        note(session, now, connection.organisation_id, actor, "connection", connection.id, "calendars-chosen", **told)
    settle_connection(session, now, connection.id, actor=actor)


def _pages(session: Session, connection_id: int) -> dict[str, Room]:
    query = (
        select(ConnectionRoom.profile_id, Room)
        .join(Room, Room.id == ConnectionRoom.room_id)
        .where(ConnectionRoom.connection_id == connection_id)
    )
    return {page: room for page, room in session.execute(query)}  # noqa: C416 - rows are no pairs


def _rows(session: Session, connection_id: int) -> dict[str, SiteCalendar]:
    query = select(SiteCalendar).where(SiteCalendar.connection_id == connection_id).with_for_update()
    return {row.profile_id: row for row in session.scalars(query.order_by(SiteCalendar.id))}


def _refused(code: str) -> Refused:
    return Refused((Reason(code, AT),))
