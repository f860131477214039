"""Test times of a booking site's proof: written here with their mark before anything is written there (SPEC Y8).

So no webhook and no poll, however fast, and no death in between makes a customer's request of one.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from booking.actions.setting_rows import own
from booking.actions.site_rows import unnoted
from booking.actions.tools import Tools
from booking.tables.connections import Connection, RemoteBooking
from booking.values.identity import new_uuid
from booking.values.marks import block_mark
from booking.values.slot import Slot


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """A test time to be written there with `mark`, and the row that knows it as ours."""

    row_id: int
    mark: str


def plan_test_block(
    session: Session,
    now: datetime,
    tools: Tools,
    organisation_id: int,
    connection_id: int,
    profile_id: str,
    slot: Slot,
) -> PlannedBlock:
    """Remember a test time as ours before it is written there."""
    connection = own(session, Connection, organisation_id, connection_id)
    test_id = new_uuid(now)
    row = RemoteBooking(
        organisation_id=organisation_id,
        connection_id=connection_id,
        remote_id=unnoted(test_id),
        ours=True,
        starts_at=slot.start,
        ends_at=slot.end,
        facts={"profile_id": profile_id, "test": True},
        seen_at=now,
    )
    session.add(row)
    session.flush()
    return PlannedBlock(row.id, block_mark(tools.link_key, connection.public_id, profile_id, slot, test_id))


def note_test_block(session: Session, organisation_id: int, row_id: int, remote_id: str) -> None:
    """The site told the id of a test time; a webhook may have told it before."""
    own(session, RemoteBooking, organisation_id, row_id).remote_id = remote_id


def drop_test_block(session: Session, organisation_id: int, row_id: int) -> None:
    """The site said plainly no: nothing stands there."""
    session.delete(own(session, RemoteBooking, organisation_id, row_id))
