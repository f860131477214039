"""Drain the outbox: claim what is due, do it outside of any transaction, mark it (DESIGN rule 3).

One job drains many rows: where many wait, they are begun and marked by the batch (docs/decisions/0002). A duty that
fails costs its own turn only. `Outcome` is what a topic's handler answers.
Booking sites are drained by a worker of their own: one that is slow keeps no mail waiting.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Self

import structlog
from rq.timeouts import JobTimeoutException
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.calendar_proofs import PROOFS, SITE_TOPICS
from booking.actions.messages import TOPIC as MAIL
from booking.actions.outbox import Duty
from booking.actions.rentals import SITES
from booking.actions.reviews import BILL, SETTLE, bill_rental, settle_decision
from booking.reads.house import read_house
from config.faults import fault
from config.jobs import DRAIN_OUTBOX, DRAIN_SITES, clear_nudge, nudge
from workers.context import Context, clock, process_context
from workers.mail import bury_mail, send_mail
from workers.outcome import Done, Failed, GaveUp, Outcome, Waiting
from workers.site_proofs import bury_proof, prove_calendar
from workers.sites import reconcile_sites

log = structlog.get_logger(__name__)

Mark = Callable[[Duty], None]
BATCH = 200
MANY = 50  # from so many on, duties that are new are neither begun nor finished one by one
YOUNG_SECONDS = 5.0  # of a claim, which holds for four times as long
MARK_SECONDS = 1.0
LONGEST_SECONDS = 45.0


def drain() -> None:
    """The RQ job of the quick worker: what this house does by itself, and its mails."""
    context = process_context()
    clear_nudge(context.redis, DRAIN_OUTBOX)
    _drain(context, QUICK_TOPICS, BATCH)
    with context.database.read() as session:
        follows = SITE_TOPICS & outbox.due_topics(session, clock())
    if follows:
        nudge(context.redis, DRAIN_SITES)


def drain_sites() -> None:
    """The RQ job of the sites' worker: calls to booking sites, one duty at a time, since each may take its time."""
    context = process_context()
    clear_nudge(context.redis, DRAIN_SITES)
    _drain(context, tuple(SITE_TOPICS), 1)


def _drain(context: Context, topics: Sequence[str], batch: int) -> None:
    """Until nothing is due, or long enough for others to have their turn."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline and drain_once(context, topics, batch, deadline):
        pass


def drain_once(context: Context, topics: Sequence[str] = (), batch: int = BATCH, deadline: float = inf) -> int:
    """Do one batch of due duties of these topics, or of all; returns how many were claimed.

    What cannot be begun before the deadline, by the monotonic clock, is given back.
    """
    young_until = time.monotonic() + YOUNG_SECONDS
    duties = context.database.write(lambda session: outbox.claim(session, clock(), batch, topics))
    with _Marks(context) as marks:
        for number, duty in enumerate(duties):
            if time.monotonic() >= deadline:
                _give_back(context, duties[number:])
                break
            fault("outbox.claimed")
            if len(duties) >= MANY and duty.is_new and time.monotonic() < young_until:
                tried = outbox.first_try(duty)
                _note(context, tried, _outcome(context, tried), marks.later)
            else:
                _work_off(context, duty, marks.now)
    return len(duties)


def _give_back(context: Context, duties: Sequence[Duty]) -> None:
    context.database.write(lambda session: outbox.give_back(session, duties))


class _Marks:
    """What is done, marked now or some at a time, and before the batch ends."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._done: list[Duty] = []
        self._since = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._done:
            self._mark()

    def later(self, duty: Duty) -> None:
        self._done.append(duty)
        if time.monotonic() - self._since >= MARK_SECONDS:
            self._mark()

    def now(self, duty: Duty) -> None:
        self._done.append(duty)
        self._mark()

    def _mark(self) -> None:
        done, self._done, self._since = self._done, [], time.monotonic()
        self._context.database.write(lambda session: outbox.finish(session, clock(), done))


def _work_off(context: Context, duty: Duty, mark: Mark) -> None:
    if duty.attempts >= outbox.TRIES:
        _note(context, duty, GaveUp("the last try never ended"), mark)
        return
    begun = context.database.write(lambda session: outbox.begin(session, clock(), duty))
    if begun is not None:
        _note(context, begun, _outcome(context, begun), mark)


def _outcome(context: Context, duty: Duty) -> Outcome:
    try:
        return HANDLERS[duty.topic](context, duty)
    except JobTimeoutException:  # the job's time is over; the lease runs out and the duty has another try
        raise
    except Exception as error:
        log.exception("duty failed", topic=duty.topic, subject=duty.subject_id)
        return Failed(type(error).__name__)


def _note(context: Context, duty: Duty, outcome: Outcome, mark: Mark) -> None:
    fault("outbox.done")
    now = clock()
    match outcome:
        case Done():
            mark(duty)
        case Waiting(wait=turn, why=why):
            context.database.write(lambda session: outbox.put_back(session, now, duty, turn, why))
        case Failed(error=error, wait=wait):
            log.warning("duty postponed", topic=duty.topic, subject=duty.subject_id, error=error)
            context.database.write(lambda session: _postpone(session, now, duty, error, wait))
        case GaveUp(error=error):
            log.error("duty is dead", topic=duty.topic, subject=duty.subject_id, error=error)
            context.database.write(lambda session: _kill(session, now, duty, error))


def _postpone(session: Session, now: datetime, duty: Duty, error: str, wait: timedelta | None) -> None:
    if outbox.postpone(session, now, duty, error, wait=wait):
        BURIALS.get(duty.topic, _nothing)(session, duty)


def _kill(session: Session, now: datetime, duty: Duty, error: str) -> None:
    """The office sees it with the same transaction that ends the tries (SPEC X4)."""
    if outbox.kill(session, now, duty, error):
        BURIALS.get(duty.topic, _nothing)(session, duty)


def _nothing(_session: Session, _duty: Duty) -> None:
    """A topic whose dead duties are shown by the list of dead duties alone."""


def _settle(context: Context, duty: Duty) -> Outcome:
    def work(session: Session) -> bool:
        house = read_house(session, duty.organisation_id)
        return settle_decision(session, clock(), house, duty.subject_id)

    context.database.write(work)
    return Done()


def _bill(context: Context, duty: Duty) -> Outcome:
    def work(session: Session) -> bool:
        return bill_rental(session, clock(), read_house(session, duty.organisation_id), duty.subject_id)

    context.database.write(work)
    return Done()


HANDLERS: dict[str, Callable[[Context, Duty], Outcome]] = {
    MAIL: send_mail,
    SETTLE: _settle,
    BILL: _bill,
    SITES: reconcile_sites,
    PROOFS: prove_calendar,
}
QUICK_TOPICS = tuple(topic for topic in HANDLERS if topic not in SITE_TOPICS)
BURIALS: dict[str, Callable[[Session, Duty], None]] = {MAIL: bury_mail, PROOFS: bury_proof}
