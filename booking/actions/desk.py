"""The partner desk at the telephone: find, issue a code, record (SPEC S16 to S18). Tries are limited and logged."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import update
from sqlalchemy.orm import Session

from booking.actions import audit, codes
from booking.actions.accounts import count_attempt
from booking.actions.audit import Actor
from booking.actions.charging import charge, waive
from booking.actions.occupy import lock_units
from booking.actions.renewing import judge_again
from booking.actions.rentals import Rental, load_rental, pending_decision
from booking.actions.reviews import decide_request, settle_decision, undo_decision
from booking.actions.tools import Tools
from booking.reads.code_texts import CodeText, codes_for_mail
from booking.reads.desk import DeskEntry, entries_in, find, read_query
from booking.reads.doors import Reach, desk_reach
from booking.reads.house import House
from booking.tables.bookings import Booking, Decision
from booking.tables.doors import DoorCode
from booking.values.clock import local_day
from booking.values.findings import Finding
from booking.values.refusals import Refused, refused
from booking.values.states import BookingState, CodeState, Verdict

WINDOW = timedelta(minutes=15)
SEARCHES = 100
ISSUES = 30
NO_GRACE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Named:
    """What the caller named, as the desk ticked it."""

    booking_code: bool = False
    name: bool = False
    phone: bool = False

    @property
    def is_enough(self) -> bool:
        return self.booking_code or (self.name and self.phone)

    @property
    def parts(self) -> list[str]:
        return [part for part in ("booking_code", "name", "phone") if getattr(self, part)]


@dataclass(frozen=True, slots=True)
class Hit:
    """A booking that was found, with the findings of a request as they are now (SPEC S8, S16)."""

    entry: DeskEntry
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Issued:
    """The codes to read out, in their order. `again` tells that they had been given out before."""

    entry: DeskEntry
    codes: tuple[CodeText, ...]
    again: bool


class Afterwards(StrEnum):
    """All that can be done about a rental once it has begun (SPEC S18)."""

    WAIVE = "waive"
    CHARGE = "charge"
    FOLLOW_UP = "follow-up"


def search(
    session: Session, now: datetime, house: House, reach: Reach, typed: str, actor: Actor
) -> tuple[Hit, ...] | Refused:
    """Find bookings by name, phone number, time of day, booking code or the code of an external site.

    Who may see the whole season (the office) still finds the desk's days here.
    Refused: too-short, too-many-tries (100 in 15 minutes for each person).
    """
    if _is_over(session, now, "desk-search", actor, SEARCHES):
        return refused("too-many-tries")
    query = read_query(typed)
    if query is None:
        return refused("too-short")
    near = reach if reach.span else desk_reach(house, local_day(now, house.zone))
    hits = tuple(Hit(entry, _findings(session, now, house, entry)) for entry in find(session, house, near, query))
    told = {"by": query.kind, "found": [hit.entry.booking_id for hit in hits]}
    audit.note(session, now, house.organisation_id, actor, "desk", actor.staff_id or 0, "searched", after=told)
    return hits


def look_at(session: Session, now: datetime, house: House, reach: Reach, booking_id: int) -> Hit | None:
    """One booking within the reach as a search shows it; None beyond it. Nothing is counted or written."""
    found = entries_in(session, house, reach, booking_id)
    return Hit(found[0], _findings(session, now, house, found[0])) if found else None


def issue_code(
    session: Session,
    now: datetime,
    tools: Tools,
    house: House,
    reach: Reach,
    booking_id: int,
    named: Named,
    actor: Actor,
) -> Issued | Refused:
    """Confirm the booking by the desk at once and hand out its codes; a booking that has them gets the same again.

    Refused: too-many-tries (30 in 15 minutes for each person), not-found (or beyond the reach), not-named, over,
    rejecting (the office is just rejecting it), no-door, the state of a booking that has ended (rejected, cancelled,
    expired), or what `booking.rules.review.decide` says.
    """
    if _is_over(session, now, "desk-issue", actor, ISSUES):
        _log(session, now, house, actor, booking_id, "code-refused", named, ("too-many-tries",))
        return refused("too-many-tries")
    found = entries_in(session, house, reach, booking_id)
    if not found:
        _log(session, now, house, actor, booking_id, "code-refused", named, ("not-found",))
        return refused("not-found")
    verdict = _issue(session, now, tools, house, found[0], named, actor)
    if isinstance(verdict, Refused):
        _log(session, now, house, actor, booking_id, "code-refused", named, verdict.codes)
        return verdict
    _log(session, now, house, actor, booking_id, "code-told", named, ("again",) if verdict.again else ())
    return verdict


def mark_afterwards(
    session: Session,
    now: datetime,
    house: House,
    booking_id: int,
    what: Afterwards,
    text: str,
    actor: Actor,
    *,
    cents: int | None = None,
) -> Refused | None:
    """Waive, charge or mark a confirmed rental that has begun (SPEC S18). `cents`: how much is charged, see `charge`.

    A waived rental is not billed until it is charged after all; where the invoice is out already the office gets a case
    to correct it.
    Refused: not-confirmed, not-started (until the start it can be cancelled), no-reason, and what `charge` says.
    """
    rental = load_rental(session, house.organisation_id, booking_id)
    lock_units(session, house.organisation_id, [rental.event.room_id])
    session.refresh(rental.booking)
    if rental.booking.state is not BookingState.CONFIRMED:
        return refused("not-confirmed")
    if now < rental.slot.start:
        return refused("not-started")
    if not text.strip():
        return refused("no-reason")
    before = _told_afterwards(rental.booking, what)
    if what is Afterwards.CHARGE:
        no = charge(session, now, house, rental, cents, text, actor)
        if no:
            return no
    elif what is Afterwards.WAIVE:
        waive(session, now, house, rental)
    rental.booking.follow_up = text.strip() if what is Afterwards.FOLLOW_UP else f"{what.value}: {text.strip()}"
    audit.note(
        session,
        now,
        house.organisation_id,
        actor,
        "booking",
        booking_id,
        what.value,
        before=before,
        after=_told_afterwards(rental.booking, what),
    )
    return None


def _told_afterwards(booking: Booking, what: Afterwards) -> dict[str, str | int]:
    told: dict[str, str | int] = {"follow_up": booking.follow_up}
    return told | {"price_cents": booking.price_cents} if what is Afterwards.CHARGE else told


def mark_follow_up(
    session: Session, now: datetime, house: House, booking_id: int, text: str, actor: Actor
) -> Refused | None:
    """`mark_afterwards` with FOLLOW_UP."""
    return mark_afterwards(session, now, house, booking_id, Afterwards.FOLLOW_UP, text, actor)


def _issue(
    session: Session, now: datetime, tools: Tools, house: House, entry: DeskEntry, named: Named, actor: Actor
) -> Issued | Refused:
    if not named.is_enough:
        return refused("not-named")
    rental = load_rental(session, house.organisation_id, entry.booking_id)
    room = house.room(rental.event.room_id)
    if room.door_id is None:
        return refused("no-door")
    lock_units(session, house.organisation_id, [room.room_id])
    codes.lock_door(session, room.door_id)  # so that the code chosen is not gone when it is taken
    session.refresh(rental.booking)
    no = _confirm(session, now, house, rental, actor)
    if no:
        return no
    if now >= rental.slot.end + room.terms.tolerance_after:
        return refused("over")
    again = _tell(session, now, rental, actor)
    texts = tuple(code for code in codes_for_mail(session, tools.vault, entry.booking_id) if now < code.window.end)
    given = replace(entry, state=rental.booking.state, code_given=True)
    return Issued(given, texts, again) if texts else refused("no-code")


def _confirm(session: Session, now: datetime, house: House, rental: Rental, actor: Actor) -> Refused | None:
    """Make the booking confirmed now, whatever the office has resting; None if it is."""
    pending = pending_decision(session, rental.booking.id)
    if pending is not None:
        no = _take_over(session, now, house, pending, actor)
        if no:
            return no
        session.refresh(rental.booking)
    state = rental.booking.state
    if state is BookingState.CONFIRMED:
        return None
    if state is not BookingState.REQUESTED:
        return refused(state.value)
    at_once = replace(house, grace=NO_GRACE)  # the caller waits for the code: there is nothing to undo
    made = decide_request(session, now, at_once, rental.booking.id, Verdict.APPROVE, actor, by_desk=True)
    return made if isinstance(made, Refused) else None


def _take_over(session: Session, now: datetime, house: House, pending: Decision, actor: Actor) -> Refused | None:
    """The office decided a moment ago: its rejection stands, its approval becomes the desk's so that it is recorded."""
    if pending.verdict is Verdict.REJECT:
        return refused("rejecting")
    if isinstance(undo_decision(session, now, house, pending.booking_id, actor), Refused):
        settle_decision(session, now, house, pending.id)
    return None


def _tell(session: Session, now: datetime, rental: Rental, actor: Actor) -> bool:
    """Record that the codes are read out; the first telling stays. Returns whether they were told or sent before."""
    held = [code for code in codes.codes_of(session, rental.booking.id) if code.state is CodeState.ISSUED]
    again = any(code.issued_at != now or code.issued_by != actor.staff_id for code in held)
    session.execute(
        update(DoorCode)
        .where(DoorCode.id.in_([code.id for code in held]), DoorCode.told_by_phone.is_(False))
        .values(told_by_phone=True)
        .execution_options(synchronize_session=False)
    )
    return again


def _findings(session: Session, now: datetime, house: House, entry: DeskEntry) -> tuple[Finding, ...]:
    if entry.state is not BookingState.REQUESTED:
        return ()
    rental = load_rental(session, house.organisation_id, entry.booking_id)
    found, _ = judge_again(session, now, house, rental)
    return found


def _is_over(session: Session, now: datetime, kind: str, actor: Actor, limit: int) -> bool:
    key = hashlib.sha256(f"staff:{actor.staff_id}:{actor.name}".encode()).digest()
    return count_attempt(session, now, kind, key, WINDOW) > limit


def _log(
    session: Session,
    now: datetime,
    house: House,
    actor: Actor,
    booking_id: int,
    action: str,
    named: Named,
    why: tuple[str, ...],
) -> None:
    """Who told a code to whom, when, and what the caller had named (SPEC S17); never the code."""
    told = {"named": named.parts} | ({"why": list(why)} if why else {})
    audit.note(session, now, house.organisation_id, actor, "booking", booking_id, action, after=told)
