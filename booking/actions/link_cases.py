"""What a link asks a person: one open case for each item, with both versions (SPEC C7, C9, C13).

take     a booking that was moved in the calendar follows to the time there
cancel   what was deleted or cancelled there is cancelled here, without a fee
keep     what stands here stands, and is written there again where the link writes

A decision changes the booking with its own transaction, notes for the link what was chosen, and wakes it.
"""

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import audit, endings
from booking.actions.audit import Actor
from booking.actions.cases import close_case, open_case
from booking.actions.link_wakes import wake_link
from booking.actions.rentals import load_rental
from booking.actions.shifting import move_rental
from booking.actions.tools import Tools
from booking.reads.house import House
from booking.reads.link_evidence import booking_of
from booking.rules import moving
from booking.tables.bookings import Booking, CaseFile
from booking.tables.links import CalendarLink, ItemLink
from booking.values.links import Choice, Question
from booking.values.refusals import NotFound, Refused, refused
from booking.values.slot import Slot
from booking.values.states import OCCUPYING

MOVED = "link-moved"
CANCELLED = "link-cancelled"
CONFLICT = "link-conflict"
ASKING = (MOVED, CANCELLED)
WAYS: dict[str, tuple[str, ...]] = {MOVED: ("take", "keep"), CANCELLED: ("cancel", "keep")}


def about(link_id: int, uid: str) -> str:
    """What the case of one item is known by."""
    return f"{link_id}-{hashlib.sha256(uid.encode()).hexdigest()[:24]}"


def ask(session: Session, now: datetime, link: CalendarLink, question: Question) -> None:
    """Open the case of an item, or renew what an open one says. One item never has two."""
    kind, other = (CANCELLED, MOVED) if question.ended else (MOVED, CANCELLED)
    key = about(link.id, question.uid)
    close_case(session, now, link.organisation_id, other, key, resolution="asked anew")
    open_case(
        session, now, link.organisation_id, kind, key, _booking_id(session, link, question), _told(link, question)
    )


def note_conflicts(session: Session, now: datetime, link: CalendarLink, question: Question) -> None:
    """Values that did not hold, kept for review (SPEC C7)."""
    key = about(link.id, question.uid)
    facts = _told(link, question)
    open_case(session, now, link.organisation_id, CONFLICT, key, _booking_id(session, link, question), facts)


def settle(session: Session, now: datetime, link: CalendarLink, uid: str) -> None:
    """Both sides agree again: nothing is left to ask."""
    for kind in ASKING:
        close_case(session, now, link.organisation_id, kind, about(link.id, uid), resolution="agrees again")


def close_all(session: Session, now: datetime, link: CalendarLink) -> None:
    """The link ends: nothing that it asked has an answer any more."""
    for kind in (*ASKING, CONFLICT):
        query = select(CaseFile.dedup_key).where(
            CaseFile.organisation_id == link.organisation_id,
            CaseFile.dedup_key.startswith(f"{kind}-{link.id}-", autoescape=True),
            CaseFile.closed_at.is_(None),
        )
        for key in session.scalars(query).all():
            close_case(session, now, link.organisation_id, kind, key.removeprefix(f"{kind}-"), resolution="unlinked")


def resolve(
    session: Session,
    now: datetime,
    tools: Tools,
    house: House,
    actor: Actor,
    link_id: int,
    uid: str,
    choice: Choice,
) -> Refused | None:
    """Decide the open case of one item. Refused: case-closed, no-such-way, or what moving and cancelling refuse."""
    query = select(CaseFile).where(
        CaseFile.organisation_id == house.organisation_id,
        CaseFile.dedup_key.in_([f"{kind}-{about(link_id, uid)}" for kind in ASKING]),
        CaseFile.closed_at.is_(None),
    )
    case = session.scalar(query.with_for_update())
    if case is None:
        return refused("case-closed")
    part = session.begin_nested()
    key = case.dedup_key.removeprefix(f"{case.kind}-")
    close_case(session, now, house.organisation_id, case.kind, key, resolution=choice.value, actor=actor)
    no = decide(session, now, tools, house, case, choice, actor)
    if no is None:
        part.commit()
    else:
        part.rollback()
    return no


def decide(
    session: Session, now: datetime, tools: Tools, house: House, case: CaseFile, choice: Choice, actor: Actor
) -> Refused | None:
    """Carry out a decision about a case, which the caller closes; its transaction is undone where this refuses."""
    link_id, uid = int(case.facts["link_id"]), str(case.facts["uid"])
    link = session.scalar(
        select(CalendarLink).where(CalendarLink.organisation_id == house.organisation_id, CalendarLink.id == link_id)
    )
    if link is None:
        raise NotFound("calendar link", link_id)
    if choice is Choice.TAKE_THEIRS and case.booking_id is not None:
        no = _follow(session, now, tools, house, case, actor)
        if no is not None:
            return no
    query = select(ItemLink).where(ItemLink.link_id == link_id, ItemLink.uid == uid, ItemLink.state == "CONFLICT")
    for row in session.scalars(query.with_for_update()).all():
        row.decision, row.version = choice.value, row.version + 1
    after = {"link": link.name, "choice": choice.value}
    audit.note(session, now, house.organisation_id, actor, "calendar_link", link_id, "decided", after=after)
    wake_link(session, now, link_id)
    return None


def _follow(
    session: Session, now: datetime, tools: Tools, house: House, case: CaseFile, actor: Actor
) -> Refused | None:
    booking_id = case.booking_id or 0
    if session.get_one(Booking, booking_id).state not in OCCUPYING:
        return None
    if case.kind == CANCELLED:
        done: Any = endings.cancel_rental(session, now, house, booking_id, moving.Actor.OFFICE, actor, waive_fee=True)
    elif not case.facts.get("takes") or "starts_at" not in case.facts:
        return refused("no-such-way")
    else:
        to = Slot(*(datetime.fromisoformat(case.facts[name]) for name in ("starts_at", "ends_at")))
        if load_rental(session, house.organisation_id, booking_id).slot == to:
            return None  # only its state or its texts are others there
        done = move_rental(session, now, tools, house, booking_id, to, moving.Actor.OFFICE, actor)
    return done if isinstance(done, Refused) else None


def _booking_id(session: Session, link: CalendarLink, question: Question) -> int | None:
    if question.local_id is None or question.local_id < 0:
        return None
    found = booking_of(session, link.organisation_id, question.local_id)
    return None if found is None else found[0]


def _told(link: CalendarLink, question: Question) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "site": link.name,
        "link_id": link.id,
        "uid": question.uid,
        "reason": question.reason,
        "takes": question.takes,
        "ours": dict(question.ours),
        "theirs": dict(question.theirs),
        "conflicts": [dict(one) for one in question.conflicts],
    }
    if question.slot is not None:
        facts |= {"starts_at": question.slot.start.isoformat(), "ends_at": question.slot.end.isoformat()}
    return facts
