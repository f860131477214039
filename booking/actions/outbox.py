"""Duties that leave the house: put with their cause, claimed by lease, finished or postponed (DESIGN rule 3).

At least once: a worker that dies between the effect and `finish` leaves a claim that runs out; the effect is repeated.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Executable, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from booking.tables.outgoing import Outbox

LEASE = timedelta(seconds=20)
BACKOFF = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800))
TRIES = len(BACKOFF)


@dataclass(frozen=True, slots=True)
class Duty:
    """A claimed row. `claim` is its fence: a worker whose lease ran out can neither finish nor postpone."""

    outbox_id: int
    organisation_id: int
    topic: str
    subject_id: int
    attempts: int
    claim: int


def put(
    session: Session, now: datetime, organisation_id: int, topic: str, subject_id: int, dedup_key: str, due_at: datetime
) -> None:
    """Write a duty unless one with this key was ever written."""
    put_all(session, now, organisation_id, topic, [(subject_id, dedup_key, due_at)])


def put_all(
    session: Session, now: datetime, organisation_id: int, topic: str, duties: Sequence[tuple[int, str, datetime]]
) -> None:
    """As `put` for several subjects: (subject id, key, when due)."""
    rows = [
        {
            "organisation_id": organisation_id,
            "topic": topic,
            "subject_id": subject_id,
            "dedup_key": dedup_key,
            "created_at": now,
            "due_at": due_at,
            "claim": 0,
            "attempts": 0,
            "last_error": "",
        }
        for subject_id, dedup_key, due_at in duties
    ]
    if rows:
        session.connection().execute(_put(session.get_bind().dialect.name), rows)


@cache
def _put(dialect: str) -> Executable:
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    return insert(Outbox.metadata.tables["outbox"]).on_conflict_do_nothing(index_elements=["dedup_key"])


def claim(session: Session, now: datetime, limit: int, topics: Sequence[str] = ()) -> list[Duty]:
    """Take up to `limit` due duties for `LEASE`, oldest first; others pass over them meanwhile."""
    due = (
        select(Outbox.id)
        .where(
            Outbox.done_at.is_(None),
            Outbox.dead_at.is_(None),
            Outbox.due_at <= now,
            or_(Outbox.claimed_until.is_(None), Outbox.claimed_until < now),
        )
        .order_by(Outbox.due_at, Outbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if topics:
        due = due.where(Outbox.topic.in_(topics))
    ids = session.scalars(due).all()
    rows = session.execute(
        update(Outbox)
        .where(Outbox.id.in_(ids))
        .values(claimed_until=now + LEASE, claim=Outbox.claim + 1, attempts=Outbox.attempts + 1)
        .returning(Outbox.id, Outbox.organisation_id, Outbox.topic, Outbox.subject_id, Outbox.attempts, Outbox.claim),
        execution_options={"synchronize_session": False},
    )
    return sorted((Duty(*row) for row in rows), key=lambda duty: duty.outbox_id)


def renew(session: Session, now: datetime, duty: Duty) -> bool:
    """Hold on to a duty for another lease. False: somebody else has it now; stop."""
    return _write(session, duty, claimed_until=now + LEASE)


def finish(session: Session, now: datetime, duty: Duty) -> bool:
    return _write(session, duty, done_at=now, claimed_until=None, last_error="")


def postpone(session: Session, now: datetime, duty: Duty, error: str, *, wait: timedelta | None = None) -> bool:
    """Try again later, with growing pauses, never before `wait`; after the last try the duty is dead.

    Returns whether the duty is dead now.
    """
    if duty.attempts >= TRIES:
        return kill(session, now, duty, error)
    pause = BACKOFF[duty.attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - jitter, no secret
    _write(session, duty, due_at=now + max(pause, wait or pause), claimed_until=None, last_error=error)
    return False


def put_back(session: Session, now: datetime, duty: Duty, wait: timedelta) -> bool:
    """It was not its turn: claimed again after `wait`, and this try does not count."""
    return _write(session, duty, due_at=now + wait, claimed_until=None, attempts=duty.attempts - 1)


def kill(session: Session, now: datetime, duty: Duty, error: str) -> bool:
    """Give up at once: trying again cannot help."""
    return _write(session, duty, dead_at=now, claimed_until=None, last_error=error)


def withdraw(session: Session, now: datetime, topic: str, subject_id: int) -> None:
    """End all duties of a subject that are not done: their cause is gone."""
    withdraw_all(session, now, topic, [subject_id])


def withdraw_all(session: Session, now: datetime, topic: str, subject_ids: Sequence[int]) -> None:
    """As `withdraw` for several subjects."""
    session.execute(
        update(Outbox)
        .where(Outbox.topic == topic, Outbox.subject_id.in_(subject_ids), Outbox.done_at.is_(None))
        .values(done_at=now, last_error="withdrawn", claim=Outbox.claim + 1)
        .execution_options(synchronize_session=False)
    )


def revive(session: Session, now: datetime, topic: str, subject_id: int) -> bool:
    """Let dead duties of a subject run again from the first try. Returns whether there was one."""
    statement = (
        update(Outbox)
        .where(Outbox.topic == topic, Outbox.subject_id == subject_id, Outbox.dead_at.is_not(None))
        .values(dead_at=None, due_at=now, attempts=0, claimed_until=None)
        .returning(Outbox.id)
    )
    return bool(session.scalars(statement.execution_options(synchronize_session=False)).all())


def hasten(session: Session, now: datetime, organisation_id: int, topic: str) -> None:
    """What stood in the way is gone: all duties of a topic that wait or are dead are due now, from the first try."""
    session.execute(
        update(Outbox)
        .where(
            Outbox.organisation_id == organisation_id,
            Outbox.topic == topic,
            Outbox.done_at.is_(None),
            Outbox.claimed_until.is_(None),
        )
        .values(dead_at=None, due_at=now, attempts=0)
        .execution_options(synchronize_session=False)
    )


def _write(session: Session, duty: Duty, **values: datetime | str | int | None) -> bool:
    statement = (
        update(Outbox)
        .where(Outbox.id == duty.outbox_id, Outbox.claim == duty.claim, Outbox.done_at.is_(None))
        .values(**values)
        .returning(Outbox.id)
    )
    return session.scalar(statement.execution_options(synchronize_session=False)) is not None
