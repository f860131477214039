"""Prove that what a link writes into a calendar is not offered on a booking site's page any more (SPEC Y8).

Level-triggered, as all of the outbox: the duty says "look at proof X", the row says how far it is. Who is killed in
between leaves it to the next worker; a proof that nobody can end is ended by its last try, and its test time with it.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.calendar_proofs import Asked, fail_proof, move_proof, note_intent, write_test
from booking.actions.outbox import Duty
from booking.reads.house import RoomFacts, read_house
from booking.reads.site_proofs import Proof, running_proof
from booking.rules.calendar_proof import FIRST_DAY, LAST_DAY, PHASE, Evidence, Move, next_move
from booking.tables.site_calendars import SiteCalendar
from booking.values.clock import local_day
from booking.values.proofs import ProofPhase, ProofProblem
from config.faults import fault
from outside.errors import OutsideError, RefusedAddress, SiteDenied, SiteMissing
from outside.ycbm import YcbmClient
from workers.context import Context, clock
from workers.outcome import Done, LostTurnError, Outcome, Waiting
from workers.site_client import client_of

log = structlog.get_logger(__name__)

SOON = timedelta(seconds=1)
LOOK_AGAIN = timedelta(seconds=5)
MOST_ASKED = 5
"""How often a site is asked for an hour; each answer tells about a month."""
A_DAY, A_MONTH = timedelta(days=1), timedelta(days=28)
FINAL = (SiteDenied, SiteMissing, RefusedAddress)


def prove_calendar(context: Context, duty: Duty) -> Outcome:
    """Take a proof one step on, and come back until it is over."""
    with context.database.read() as session:
        proof = running_proof(session, duty.subject_id)
    if proof is None:
        return Done()
    try:
        return _step(context, duty, proof)
    except LostTurnError:
        return Waiting(LOOK_AGAIN)


def bury_proof(session: Session, duty: Duty) -> None:
    """Its workers died over it, again and again: it ends, and its test time is taken back."""
    row = session.get(SiteCalendar, duty.subject_id, with_for_update=True)
    if row is not None and row.phase.runs:
        fail_proof(session, clock(), row, ProofProblem.GAVE_UP)


def _step(context: Context, duty: Duty, proof: Proof) -> Outcome:
    if proof.unfit is not None:
        return _moved(context, proof, Move(ProofPhase.FAILED, proof.unfit))
    with context.database.read() as session:
        room = read_house(session, duty.organisation_id).room(proof.room_id)
        client = client_of(context, session, proof.connection_id, partial(_hold_on, context, duty))
    if proof.phase is ProofPhase.ASKED:
        return _find_hour(context, duty, proof, room, client)
    evidence = _evidence(context, proof, room, client)
    move = next_move(proof.phase, evidence, clock())
    if move is None:
        return Waiting(SOON if proof.phase is ProofPhase.WRITTEN else LOOK_AGAIN)
    return _moved(context, proof, move)


def _moved(context: Context, proof: Proof, move: Move) -> Outcome:
    log.info("proof", page=proof.profile_id, phase=move.phase.value, problem=move.problem, detail=move.detail)
    context.database.write(lambda session: move_proof(session, clock(), proof.row_id, proof.phase, move))
    fault(f"proof.{move.phase.value}")
    return Waiting(SOON) if move.phase.runs else Done()


def _find_hour(context: Context, duty: Duty, proof: Proof, room: RoomFacts, client: YcbmClient) -> Outcome:
    """Ask for what is offered from two weeks on, and write the test time where some of it is free here."""

    def write(asked: Asked) -> bool:
        now = clock()
        mine = duty.organisation_id
        return context.database.write(lambda db: write_test(db, now, mine, proof.row_id, room, asked))

    try:
        intent = client.begin(proof.profile_id)
        found = _try_months(client, intent, local_day(clock() + FIRST_DAY, room.zone), write)
    except OutsideError as error:
        return _not_answered(context, proof, error)
    if not found:
        return _moved(context, proof, Move(ProofPhase.FAILED, ProofProblem.NO_HOUR))
    fault("proof.written")
    return Waiting(SOON)


def _try_months(client: YcbmClient, intent: str, first: date, write: Callable[[Asked], bool]) -> bool:
    last = first + (LAST_DAY - FIRST_DAY)
    for _ in range(MOST_ASKED):
        offered = client.offered(intent, first)
        if offered and write(Asked(intent, offered)):
            return True
        first = max(first + A_MONTH, max(offered).date()) if offered else first + A_MONTH
        if first > last:
            break
    return False


def _not_answered(context: Context, proof: Proof, error: OutsideError) -> Outcome:
    """What a site answers for a moment passes; who waits longer than a phase may take is told."""
    name = type(error).__name__
    if isinstance(error, FINAL) or clock() - proof.phase_at >= PHASE:
        return _moved(context, proof, Move(ProofPhase.FAILED, ProofProblem.SITE_FAILED, name))
    return Waiting(_pause(error), name)


def _evidence(context: Context, proof: Proof, room: RoomFacts, client: YcbmClient) -> Evidence:
    """What is known now; the site is asked only where the answer can matter."""
    if proof.slot is None:
        raise LookupError(f"proof {proof.row_id} has no test time")
    start = proof.slot.start
    offered, failed = None, None
    is_asked = proof.phase is ProofPhase.THERE or (proof.phase is ProofPhase.WITHDRAWN and not proof.in_calendar)
    if is_asked:
        try:
            offered = _offered(context, proof, local_day(start, room.zone) - A_DAY, client)
        except OutsideError as error:
            failed = error
    return Evidence(
        start=start,
        others=proof.others,
        phase_at=proof.phase_at,
        unfit=proof.unfit,
        in_calendar=proof.in_calendar,
        link_problem=proof.link_problem,
        offered=offered,
        site_error=type(failed).__name__ if failed else "",
        is_final=isinstance(failed, FINAL),
        taken=proof.taken,
    )


def _offered(context: Context, proof: Proof, first: date, client: YcbmClient) -> frozenset[datetime]:
    """What the site has forgotten is begun again."""
    try:
        return client.offered(proof.intent, first)
    except SiteMissing:
        intent = client.begin(proof.profile_id)
        context.database.write(lambda session: note_intent(session, proof.row_id, intent))
        return client.offered(intent, first)


def _hold_on(context: Context, duty: Duty) -> None:
    """Before each call there: a worker that was too slow stops instead of doing it twice."""
    if not context.database.write(lambda session: outbox.renew(session, clock(), duty)):
        raise LostTurnError


def _pause(error: OutsideError) -> timedelta:
    wait = getattr(error, "retry_after", None)
    seconds = wait if isinstance(wait, int) else 0
    return min(max(LOOK_AGAIN, timedelta(seconds=seconds)), PHASE)
