"""Calls to a booking site while it is set up: always in a POST, outside of any transaction, within seconds."""

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.connections import note_proof
from booking.actions.leases import hold_lease
from booking.actions.occupy import taken
from booking.actions.site_doors import close_for, closed_for, open_site
from booking.actions.site_proof import drop_test_block, note_test_block, plan_test_block
from booking.reads.connections import ConnectionFacts
from booking.reads.house import House, RoomFacts
from booking.rules.admission import occupied
from booking.rules.opening import open_stretches
from booking.tables.connections import BlockWay, Connection
from booking.values.clock import DAY, local_day
from booking.values.identity import new_uuid
from booking.values.slot import Slot
from outside.errors import (
    PLAIN_NO,
    OutsideError,
    RefusedAddress,
    SiteDenied,
    SiteMissing,
    SiteRefused,
    SiteThrottled,
    SiteUnchanged,
    SiteUnreadable,
    TooSlow,
    Unreachable,
)
from web.context import current
from web.filters import when
from web.i18n import gettext
from web.request import actor, end_read, house, now, organisation_id, read, tools, write

if TYPE_CHECKING:
    from outside.ycbm import YcbmClient

HOUR = timedelta(hours=1)
FIRST_DAY, LAST_DAY = 14, 120
LEASE = timedelta(minutes=2)
TEST_TITLE = "Test"


def client_of(session: Session, public_id: UUID) -> "YcbmClient":
    """A client of the organisation's connection, its key opened at this moment. The pauses that the site asks of the
    workers hold for it, too, and what it is asked for holds for them; a GET writes nothing, and lets them ask.
    """
    from outside.http import Fetcher
    from outside.ycbm import YcbmClient, patient

    row = session.scalars(
        select(Connection).where(Connection.organisation_id == organisation_id(), Connection.public_id == public_id)
    ).one()
    door, database, clock, connection_id = open_site(tools().vault, row), current().database, current().clock, row.id

    def closed() -> int:
        with database.read() as reading:
            return closed_for(reading, clock(), connection_id)

    def close(seconds: int) -> None:
        if request.method not in {"GET", "HEAD"}:
            database.write(lambda writing: close_for(writing, clock(), connection_id, seconds))

    fetch = patient(Fetcher(current().settings.allow_private_hosts).request, closed, close)
    return YcbmClient(door.base_url, door.account_id, door.api_key, fetch)


def prove_way(facts: ConnectionFacts) -> str | None:
    """Prove how times are blocked there with an hour far ahead; None if it is proven, else what stood in the way.

    Polls rest meanwhile, so that none takes the test time for a booking.
    """
    if facts.block_way is not BlockWay.BOOKING:  # calendars are proven by workers: `booking.actions.site_calendars`
        return gettext("There is nothing to prove: times taken here are not blocked there.")
    facts_of_house = house()
    found = next(
        (
            (page, room, slot)
            for page, room_id in sorted(facts.pages.items())
            if (room := facts_of_house.rooms.get(room_id)) and (slot := _free_hour(read(), facts_of_house, room))
        ),
        None,
    )
    if found is None:
        return gettext("No booking page stands for a room with a free hour in the next months. Choose the pages first.")
    hold = partial(hold_lease, name=f"poll-{facts.connection_id}", owner=f"proof-{new_uuid(now())}")
    if write(lambda db: hold(db, now=now(), length=LEASE), nudge=False) is None:
        return gettext("The connection is being read at this moment. Please try again in a minute.")
    try:
        return _try_out(facts, *found)
    finally:
        write(lambda db: hold(db, now=now(), length=timedelta(0)), nudge=False)


def error_text(error: OutsideError) -> str:
    """What went wrong with a call, and what to do."""
    texts: dict[type[OutsideError], str] = {
        SiteDenied: gettext("The site refuses account id or API key. Please check both."),
        SiteMissing: gettext("The site does not know this address or booking page. Please check the address."),
        SiteRefused: gettext("The site refuses. Perhaps the time is taken there, or its form demands an answer."),
        SiteThrottled: gettext("The site was asked too often. Please try again in some minutes."),
        SiteUnreadable: gettext("The site answered, but not as its documentation says."),
        SiteUnchanged: gettext("The site said yes, but nothing changed there."),
        TooSlow: gettext("The site did not answer in time. Please try again."),
        Unreachable: gettext("The site cannot be reached. Please check the address, and try again."),
        RefusedAddress: gettext("This address may not be called from here. Please check it."),
    }
    found = next((text for kind, text in texts.items() if isinstance(error, kind)), None)
    return found or gettext("The call failed. Please try again later.")


def _try_out(facts: ConnectionFacts, page: str, room: RoomFacts, slot: Slot) -> str | None:
    client = client_of(read(), facts.public_id)
    end_read()
    mine = organisation_id()
    test = write(lambda db: plan_test_block(db, now(), tools(), mine, facts.connection_id, page, slot), nudge=False)
    try:
        standing = client.create_block(page, slot, room.zone, TEST_TITLE, test.mark)
    except OutsideError as error:
        if isinstance(error, PLAIN_NO):
            write(lambda db: drop_test_block(db, mine, test.row_id), nudge=False)
        _note(facts, None, removed=False, error=error)
        return _not_held(error, slot, room)
    write(lambda db: note_test_block(db, mine, test.row_id, standing.id), nudge=False)
    try:
        client.remove(standing.id)
        _require_gone(client, standing.id)
    except OutsideError as error:
        _note(facts, test.row_id, removed=False, error=error)
        return gettext("The test time was held, but it could not be removed. Please remove it there by hand.")
    _note(facts, test.row_id, removed=True)
    return None


def _not_held(error: OutsideError, slot: Slot, room: RoomFacts) -> str:
    """After a plain no nothing stands there; after any other failure nobody knows, until the next poll has looked."""
    if isinstance(error, PLAIN_NO):
        return error_text(error)
    where = gettext("Please look there whether a test time is left on %(when)s.", when=when(slot, room.zone.key))
    return f"{error_text(error)} {where}"


def _require_gone(client: "YcbmClient", remote_id: str) -> None:
    """A 2xx is no proof: it is gone, or stands there as cancelled. Raises SiteUnchanged."""
    try:
        standing = client.booking(remote_id)
    except SiteMissing:
        return
    if not standing.cancelled:
        raise SiteUnchanged("", "still stands there")


def _note(facts: ConnectionFacts, test_id: int | None, *, removed: bool, error: OutsideError | None = None) -> None:
    told = type(error).__name__ if error else ""
    write(
        lambda db: note_proof(
            db,
            now(),
            organisation_id(),
            actor(),
            facts.connection_id,
            test_id=test_id,
            removed=removed,
            error=told,
        ),
        nudge=False,
    )


def _free_hour(session: Session, facts: House, room: RoomFacts) -> Slot | None:
    """The first hour that is open and free here, two weeks from now or later."""
    today = local_day(now(), room.zone)
    for offset in range(FIRST_DAY, LAST_DAY):
        for stretch in open_stretches(today + offset * DAY, facts.calendar(room)):
            others = taken(session, room.unit_ids, occupied(stretch, room.terms))
            start: datetime = stretch.start
            while start + HOUR <= stretch.end:
                wish = Slot(start, start + HOUR)
                if not any(occupied(wish, room.terms).overlaps(other) for other in others):
                    return wish
                start += HOUR
    return None
