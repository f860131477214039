"""Cases decided by one click (SPEC S10, Y6, Y8): each way is one transaction with its audit entry.

take     a rental that was moved on the site follows to the time there
keep     what stands here stands; where the site can follow, it is asked to
cancel   what was cancelled there is cancelled here, without a fee
again    the site is asked once more; an invoice that could not be written is written now
free     a stuck time is free here; nothing more is tried there
let-go   held deletions of a calendar link are meant; they go, exactly as they were shown
settled  it was put in order by hand
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import audit, endings, link_cases, links
from booking.actions.audit import Actor
from booking.actions.billing import bill_again
from booking.actions.cases import close_case
from booking.actions.occupy import free, lock_units
from booking.actions.rentals import announce, load_rental, lock_rental
from booking.actions.shifting import move_rental
from booking.actions.tools import Tools
from booking.reads.cases import mark_of
from booking.reads.house import House
from booking.rules import moving
from booking.tables.bookings import CaseFile
from booking.tables.connections import RemoteBooking
from booking.values.links import Choice
from booking.values.refusals import NotFound, Refused, refused
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, OccupancyKind


class Way(StrEnum):
    TAKE = "take"
    KEEP = "keep"
    CANCEL = "cancel"
    AGAIN = "again"
    FREE = "free"
    LET_GO = "let-go"
    SETTLED = "settled"


WAYS: dict[str, tuple[Way, ...]] = {
    "site-moved": (Way.TAKE, Way.KEEP),
    "site-cancelled": (Way.CANCEL, Way.KEEP),
    "site-vanished": (Way.CANCEL, Way.KEEP),
    "site-block-gone": (Way.AGAIN, Way.SETTLED),
    "site-clash": (Way.AGAIN, Way.SETTLED),
    "site-double": (Way.SETTLED,),
    "cancel-stuck": (Way.AGAIN, Way.FREE),
    "invoice-differs": (Way.SETTLED,),
    "invoice-waived": (Way.SETTLED,),
    "invoice-cancelled": (Way.SETTLED,),
    "invoice-incomplete": (Way.AGAIN, Way.SETTLED),
    "late-move": (Way.SETTLED,),
    "not-reviewed": (Way.SETTLED,),
    "approval-clash": (Way.SETTLED,),
    "codes-low": (Way.SETTLED,),
    "site-silent": (Way.SETTLED,),
    "site-unproven": (Way.SETTLED,),
    **{kind: tuple(Way(way) for way in ways) for kind, ways in link_cases.WAYS.items()},
    "link-clash": (Way.SETTLED,),
    "link-conflict": (Way.SETTLED,),
    "link-held": (Way.KEEP, Way.LET_GO),
    "link-silent": (Way.SETTLED,),
    "link-full": (Way.SETTLED,),
    "link-unwritten": (Way.SETTLED,),
}
STAYS_OPEN = frozenset({("cancel-stuck", Way.AGAIN)})  # the site's answer closes it


def ways_of(kind: str) -> tuple[Way, ...]:
    """What can be decided about a kind of case; a kind without a table entry can only be settled by hand."""
    return WAYS.get(kind, (Way.SETTLED,))


@dataclass(slots=True)
class _At:
    """What one decision works with. `row` is what stands on the site, None for a case about no site."""

    session: Session
    now: datetime
    tools: Tools
    house: House
    case: CaseFile
    row: RemoteBooking | None
    actor: Actor

    @property
    def booking_id(self) -> int:
        return self.case.booking_id or 0


def decide_case(
    session: Session,
    now: datetime,
    tools: Tools,
    house: House,
    case_id: int,
    way: Way,
    actor: Actor,
    *,
    shown: str | None = None,
) -> Refused | None:
    """Decide an open case; all or nothing. Raises NotFound where the organisation has no such case.

    `shown`: the mark of the facts that the person saw. Refused: case-closed (somebody was faster), case-changed (the
    facts are others by now), no-such-way, or what moving, cancelling and letting go refuse.
    """
    case = session.scalar(
        select(CaseFile)
        .where(CaseFile.organisation_id == house.organisation_id, CaseFile.id == case_id)
        .with_for_update()
    )
    if case is None:
        raise NotFound("case", case_id)
    if case.closed_at is not None:
        return refused("case-closed")
    if shown is not None and shown != mark_of(case.facts):
        return refused("case-changed")
    if way not in ways_of(case.kind):
        return refused("no-such-way")
    at = _At(session, now, tools, house, case, _row(session, case), actor)
    part = session.begin_nested()
    _close(at, way)  # first, so that an ending finds nothing to close in its own way
    no = _DECISIONS.get((case.kind, way), _nothing)(at)
    if no is not None:
        part.rollback()
        return no
    part.commit()
    return None


def _close(at: _At, way: Way) -> None:
    case, about = at.case, at.case.dedup_key.removeprefix(f"{at.case.kind}-")
    if (case.kind, way) not in STAYS_OPEN:
        close_case(at.session, at.now, at.house.organisation_id, case.kind, about, resolution=way.value, actor=at.actor)
    if case.booking_id is not None:
        audit.note(
            at.session,
            at.now,
            at.house.organisation_id,
            at.actor,
            "booking",
            case.booking_id,
            "case-decided",
            after={"case": case.kind, "way": way.value},
        )


def _row(session: Session, case: CaseFile) -> RemoteBooking | None:
    about = case.facts.get("remote_booking_id") or case.dedup_key.removeprefix(f"{case.kind}-")
    if not str(about).isdecimal() or not case.kind.startswith(("site-", "cancel-stuck")):
        return None
    query = select(RemoteBooking).where(
        RemoteBooking.organisation_id == case.organisation_id, RemoteBooking.id == int(about)
    )
    return session.scalars(query).one_or_none()


def _there(at: _At) -> Slot:
    return Slot(datetime.fromisoformat(at.case.facts["starts_at"]), datetime.fromisoformat(at.case.facts["ends_at"]))


def _take_new_time(at: _At) -> Refused | None:
    """Both times were held for the rental; the new one becomes its own, the old one is free."""
    to = _there(at)
    free(at.session, at.house.organisation_id, OccupancyKind.HELD, at.booking_id)
    made = move_rental(at.session, at.now, at.tools, at.house, at.booking_id, to, moving.Actor.OFFICE, at.actor)
    if isinstance(made, Refused):
        return made
    _remember_there(at, to)
    return None


def _keep_ours(at: _At) -> Refused | None:
    """The time held beside ours is free, and the site is asked to move back: what stands there is known now."""
    free(at.session, at.house.organisation_id, OccupancyKind.HELD, at.booking_id)
    _remember_there(at, _there(at))
    return _ask_site(at)


def _remember_there(at: _At, slot: Slot) -> None:
    if at.row is not None:
        at.row.starts_at, at.row.ends_at, at.row.seen_at = slot.start, slot.end, at.now


def _cancel_here(at: _At) -> Refused | None:
    if at.row is not None and at.row.ours:
        return refused("no-such-way")  # our block says nothing about the customer's booking
    if at.row is not None:
        at.row.cancelled, at.row.seen_at = True, at.now  # nothing is left to cancel there, so the time is free at once
        at.session.flush()
    rental = load_rental(at.session, at.house.organisation_id, at.booking_id)
    if rental.booking.state not in OCCUPYING:
        return None
    ended = endings.cancel_rental(
        at.session,
        at.now,
        at.house,
        at.booking_id,
        moving.Actor.OFFICE,
        at.actor,
        waive_fee=True,
    )
    return ended if isinstance(ended, Refused) else None


def _keep_without_site(at: _At) -> Refused | None:
    """It stays here although nothing stands there any more; where times are blocked there, a block is written."""
    if at.row is not None:
        at.row.cancelled, at.row.seen_at = True, at.now
    return _ask_site(at)


def _block_again(at: _At) -> Refused | None:
    """What was removed there no longer counts as ours, so that a new block is written."""
    if at.row is not None and at.row.cancelled:
        at.row.booking_id = None
        at.session.flush()
    return _ask_site(at)


def _ask_site(at: _At) -> Refused | None:
    rental = load_rental(at.session, at.house.organisation_id, at.booking_id)
    announce(at.session, at.now, at.house.organisation_id, at.booking_id, rental.event.room_id)
    return None


def _bill_again(at: _At) -> Refused | None:
    """What was missing is entered now: the invoice is issued, and the mail goes out with it."""
    return bill_again(at.session, at.now, at.house, lock_rental(at.session, at.house.organisation_id, at.booking_id))


def _free_anyway(at: _At) -> Refused | None:
    rental = load_rental(at.session, at.house.organisation_id, at.booking_id)
    lock_units(at.session, at.house.organisation_id, [rental.event.room_id])
    if at.row is not None:
        at.row.cancelled, at.row.stuck_since, at.row.given_up_at = True, None, at.now
    endings.let_go(at.session, at.now, at.house, at.booking_id)
    return None


def _nothing(_at: _At) -> Refused | None:
    """Put in order by hand: nothing but the record changes."""
    return None


def _decide_link(at: _At, choice: Choice) -> Refused | None:
    """The booking follows at once; the link is told, and woken."""
    return link_cases.decide(at.session, at.now, at.tools, at.house, at.case, choice, at.actor)


def _decide_held(at: _At, decide: Callable[..., Refused | None]) -> Refused | None:
    """Bound to the plan that the case tells of: where that is another by now, nothing is decided (SPEC C9)."""
    mine, facts = at.house.organisation_id, at.case.facts
    return decide(at.session, at.now, mine, at.actor, int(facts["link_id"]), str(facts["plan"]))


_DECISIONS: dict[tuple[str, Way], Callable[[_At], Refused | None]] = {
    ("site-moved", Way.TAKE): _take_new_time,
    ("site-moved", Way.KEEP): _keep_ours,
    ("site-cancelled", Way.CANCEL): _cancel_here,
    ("site-cancelled", Way.KEEP): _keep_without_site,
    ("site-vanished", Way.CANCEL): _cancel_here,
    ("site-vanished", Way.KEEP): _keep_without_site,
    ("site-block-gone", Way.AGAIN): _block_again,
    ("site-clash", Way.AGAIN): _ask_site,
    ("cancel-stuck", Way.AGAIN): _ask_site,
    ("cancel-stuck", Way.FREE): _free_anyway,
    ("invoice-incomplete", Way.AGAIN): _bill_again,
    ("link-moved", Way.TAKE): partial(_decide_link, choice=Choice.TAKE_THEIRS),
    ("link-moved", Way.KEEP): partial(_decide_link, choice=Choice.KEEP_OURS),
    ("link-cancelled", Way.CANCEL): partial(_decide_link, choice=Choice.TAKE_THEIRS),
    ("link-cancelled", Way.KEEP): partial(_decide_link, choice=Choice.KEEP_OURS),
    ("link-held", Way.KEEP): partial(_decide_held, decide=links.restore_held),
    ("link-held", Way.LET_GO): partial(_decide_held, decide=links.approve_held),
}
