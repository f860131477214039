"""A house, a stand-in for YouCanBook.me, and the calendar between them: a real Radicale, which both of them read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import time_machine
from sqlalchemy import select

from booking.actions import connections, links
from booking.actions.audit import Actor
from booking.tables.bookings import CaseFile
from booking.tables.calendars import CalendarItem
from booking.tables.connections import BlockWay, Connection, Writer
from booking.tables.links import CalendarLink
from booking.tables.site_calendars import SiteCalendar
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkSettings
from booking.values.refusals import Refused
from booking.values.slot import Slot
from platzwart.peers.ycbm import Page, YcbmPeer
from tests.fixtures.mail import SmtpSink
from tests.sync.remotes.live import LiveServer
from tests.workers.conftest import Works, make_works
from tests.workers.sites import HALL, LEFT, Linked, connect
from workers.context import clock
from workers.links import run_due
from workers.outbox import drain_once

OFFICE = Actor("Frau Owner", None, "test")
QUERY = b"""<?xml version="1.0"?><C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop>
<C:calendar-data/></prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>"""
MOST_STEPS = 400
LAG = 0.2


@dataclass
class Ways:
    """Two pages: the hall's reads the calendar `hall`, that of its left half `left`."""

    linked: Linked
    server: LiveServer
    link_ids: dict[str, int] = field(default_factory=dict)

    @property
    def works(self) -> Works:
        return self.linked.works

    @property
    def peer(self) -> YcbmPeer:
        return self.linked.peer

    @property
    def mine(self) -> int:
        return self.works.ids.organisation_id

    def link(self, name: str, room_id: int, policy: LinkPolicy = LinkPolicy.EXPORT, **more: Any) -> UUID:
        """A calendar link of a room with the collection of that name."""
        wanted = replace(LinkSettings(name, LinkKind.CALDAV, room_id, policy), **more)
        access = LinkAccess(self.server.url(name), "u", "p")
        works = self.works
        made = works.context.database.write(
            lambda db: links.make_link(db, clock(), works.context.tools, self.mine, OFFICE, wanted, access)
        )
        assert isinstance(made, UUID), made
        with works.context.database.read() as session:
            query = select(CalendarLink.id).where(CalendarLink.public_id == made)
            self.link_ids[name] = session.scalars(query).one()
        return made

    def choose(self, way: BlockWay = BlockWay.CALENDAR, **calendars: UUID) -> Refused | None:
        """By the name of a page without its beginning: `hall=…, left=…`."""
        given = {f"prf_{name}": link for name, link in calendars.items()} if calendars else None
        return self.works.context.database.write(
            lambda db: connections.choose_ways(
                db,
                clock(),
                self.mine,
                OFFICE,
                self.linked.connection_id,
                writer=Writer.HERE,
                block_way=way,
                calendars=given,
            )
        )

    def only_hall(self) -> None:
        """The page of the half stands for no room any more."""
        pages = {HALL: self.works.ids.hall}
        self.works.write(
            lambda db: connections.map_pages(db, clock(), self.mine, OFFICE, self.linked.connection_id, pages)
        )

    def ask(self) -> Refused | None:
        return self.works.context.database.write(
            lambda db: connections.ask_proof(db, clock(), self.mine, OFFICE, self.linked.connection_id)
        )

    def turn(self, *, runs: bool = True) -> int:
        """What the workers do within a second; how much there was."""
        done = drain_once(self.works.context)
        for link_id in self.link_ids.values() if runs else ():
            done += len(run_due(self.works.context, link_id))
        return done

    def finish(self, *, runs: bool = True, step: timedelta = timedelta(seconds=10)) -> SiteCalendar:
        """Until the proof of the hall's page is over; the clock goes on meanwhile."""
        for _ in range(MOST_STEPS):
            self.turn(runs=runs)
            row = self.row()
            if not row.phase.runs:
                return row
            self.works.later(step)
        raise AssertionError(f"the proof does not end: {row.phase}")

    def row(self, page: str = HALL) -> SiteCalendar:
        with self.works.context.database.read() as session:
            return session.scalars(select(SiteCalendar).where(SiteCalendar.profile_id == page)).one()

    def connection(self) -> Connection:
        return self.linked.connection()

    def items(self) -> list[CalendarItem]:
        """Test times, whatever became of them."""
        with self.works.context.database.read() as session:
            query = select(CalendarItem).where(CalendarItem.only_link_id.is_not(None)).order_by(CalendarItem.id)
            return list(session.scalars(query))

    def cases(self) -> dict[str, dict[str, Any]]:
        with self.works.context.database.read() as session:
            found = session.scalars(select(CaseFile).where(CaseFile.closed_at.is_(None)).order_by(CaseFile.id))
            return {one.kind: one.facts for one in found}

    def entries(self, name: str) -> list[str]:
        """What stands in a calendar, as another program reads it."""
        import requests

        session = requests.Session()
        session.trust_env = False
        headers = {"Depth": "1", "Content-Type": "application/xml"}
        came = session.request("REPORT", self.server.url(name), data=QUERY, headers=headers, auth=("u", "p"), timeout=9)
        assert came.status_code == 207, came.text
        return [part.partition("END:VEVENT")[0] for part in came.text.split("BEGIN:VEVENT")[1:]]

    def offers(self, start: datetime, page: str = HALL) -> bool:
        """Whether the page offers an hour, by what stands in the calendar at this moment."""
        self.peer.control({"calendar_lag": 0})
        is_free = self.peer.world.free(page, start, start + timedelta(hours=1))
        self.peer.control({"calendar_lag": LAG})
        return is_free


@contextmanager
def ways(url: str, sink: SmtpSink, traveller: time_machine.Traveller, server: LiveServer) -> Iterator[Ways]:
    names = ("hall", "left", "other")
    for name in names:
        server.make(name)
    page = Page("", "", "", opens=10, closes=20, calendar_user="u", calendar_password="p")
    pages = [
        replace(page, id=HALL, title="Halle", subdomain="halle", calendar=server.url("hall")),
        replace(page, id=LEFT, title="Links", subdomain="links", calendar=server.url("left")),
    ]
    try:
        with YcbmPeer(pages) as peer:
            peer.world.clock = lambda: datetime.now(UTC).replace(microsecond=0)
            peer.control({"calendar_lag": LAG})
            allowed = {"ALLOW_PRIVATE_HOSTS": f"{peer.netloc},{server.netloc}"}
            works = make_works(url, sink, traveller, "redis://127.0.0.1:1/0", **allowed)
            found = Ways(Linked(works, peer, connect(works, peer)), server)
            yield found
            works.context.database.close()
    finally:
        for name in names:
            server.ask("DELETE", f"{server.home}{name}/")


def slot_of(row: SiteCalendar) -> Slot:
    assert row.starts_at is not None
    assert row.ends_at is not None
    return Slot(row.starts_at, row.ends_at)
