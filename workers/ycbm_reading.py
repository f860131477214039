"""A booking there is read and applied here; an answer older than what is known is asked for again (SPEC Y3, Y5)."""

from datetime import datetime

from sqlalchemy.orm import Session

from booking.actions.sites import apply_read
from booking.reads.house import read_house
from booking.rules.sites import CancelledBy, Read, Seen, Step
from booking.tables.connections import Connection
from booking.values.findings import Contact
from outside.ycbm_values import Party
from outside.ycbm_values import RemoteBooking as Standing
from sync.remotes.ycbm import YcbmRemote
from workers.context import Context, clock

TRIES = 3
CANCELLERS = {Party.BOOKER: CancelledBy.BOOKER, Party.OWNER: CancelledBy.OWNER}


def read_of(standing: Standing, region: str, read_at: datetime) -> Read:
    """What the site says, as our rule takes it. A cancel by nobody known counts as the owner's: it proves nothing."""
    by = CANCELLERS.get(standing.cancelled_by, CancelledBy.UNKNOWN) if standing.cancelled_by else CancelledBy.UNKNOWN
    answers = standing.answers
    return Read(
        remote_id=standing.id,
        ref=standing.ref,
        profile_id=standing.profile_id,
        seen=Seen(standing.slot, by if standing.cancelled else None, standing.no_show, has_room=True),
        contact=Contact(
            name=standing.name,
            company=answers.get("COMPANY", ""),
            email=standing.email,
            phone=standing.phone,
            street=answers.get("STREET", answers.get("ADDRESS", "")),
            postcode=answers.get("POSTCODE", answers.get("ZIP", "")),
            city=answers.get("CITY", ""),
            country=region,
        ),
        purpose=answers.get("PURPOSE", "") or standing.title,
        people=_number(answers.get("PEOPLE", "")),
        tentative=standing.tentative.value,
        read_at=read_at,
        updated_at=standing.updated_at,
        cancelled_at=standing.cancelled_at,
        mark=standing.mark,
        facts={"profile_id": standing.profile_id, "title": standing.title},
    )


def apply(context: Context, connection_id: int, standing: Standing, read_at: datetime, *, is_own: bool = False) -> Step:
    """Apply what was asked for at `read_at`, in one transaction. See `apply_read` for `is_own` and STALE."""
    now = clock()

    def work(session: Session) -> Step:
        connection = session.get_one(Connection, connection_id)
        house = read_house(session, connection.organisation_id)
        read = read_of(standing, house.country, read_at)
        return apply_read(session, now, context.tools, house, connection_id, read, is_own=is_own)

    return context.database.write(work)


def read_one(context: Context, remote: YcbmRemote, connection_id: int, remote_id: str) -> Step:
    """Read a booking by its own address and apply it. STALE where it changed here each time; the next poll finds it.

    Raises what the remote raises, SiteMissing above all.
    """
    step = Step.STALE
    for _ in range(TRIES):
        began = clock()
        step = apply(context, connection_id, remote.booking(remote_id), began, is_own=True)
        if step is not Step.STALE:
            break
    return step


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 1
