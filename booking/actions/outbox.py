"""Duties that leave the house: put with their cause, claimed by lease, finished or postponed (DESIGN rule 3).

At least once: a worker that dies between the effect and `finish` leaves a claim that runs out; the effect is repeated.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from booking.tables.outgoing import Outbox
from booking.tables.prepared import Prepared, PreparedRows

LEASE = timedelta(seconds=20)
BACKOFF = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800))
TRIES = len(BACKOFF)
_WRITTEN = (
    "organisation_id",
    "topic",
    "subject_id",
    "dedup_key",
    "created_at",
    "due_at",
    "claim",
    "attempts",
    "last_error",
)
_PUT = PreparedRows(
    Outbox.__table__, _WRITTEN, lambda insert: insert.on_conflict_do_nothing(index_elements=["dedup_key"]).inline()
)
_HELD = (
    Outbox.id.in_(bindparam("ids", expanding=True)),
    Outbox.claim == bindparam("held"),
    Outbox.done_at.is_(None),
)
_FINISH = Prepared(
    update(Outbox)
    .where(*_HELD)
    .values(done_at=bindparam("now"), attempts=bindparam("tried"), claimed_until=None, last_error="")
    .returning(Outbox.id)
)
_GIVE_BACK = Prepared(update(Outbox).where(*_HELD).values(claimed_until=None))
KEPT = timedelta(days=90)  # longer than any cause of a duty can come up again under its key


@dataclass(frozen=True, slots=True)
class Duty:
    """A claimed row. `claim` is its fence: a worker whose lease ran out can neither finish nor postpone.

    `attempts`: how many tries were begun. At `TRIES` a claimed duty is over: its last try never came to an end.
    `is_new`: no try was begun, and no claim of it ran out, so that nobody can have died of it.
    """

    outbox_id: int
    organisation_id: int
    topic: str
    subject_id: int
    attempts: int
    claim: int
    is_new: bool = False


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
    _PUT.insert(session, rows)


def claim(session: Session, now: datetime, limit: int, topics: Sequence[str] = ()) -> list[Duty]:
    """Take up to `limit` due duties for `LEASE`, the oldest; others pass over them meanwhile.

    In the order of their tries: one that takes its worker down is worked on when the others are done. To be taken is
    no try; see `begin`.
    """
    due = (
        select(Outbox.id, Outbox.claimed_until, Outbox.attempts)
        .where(_is_due(now))
        .order_by(Outbox.due_at, Outbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if topics:
        due = due.where(Outbox.topic.in_(topics))
    found = session.execute(due).all()
    new = {outbox_id for outbox_id, claimed_until, attempts in found if claimed_until is None and not attempts}
    rows = session.execute(
        update(Outbox)
        .where(Outbox.id.in_([outbox_id for outbox_id, *_ in found]))
        .values(claimed_until=now + LEASE, claim=Outbox.claim + 1)
        .returning(Outbox.id, Outbox.organisation_id, Outbox.topic, Outbox.subject_id, Outbox.attempts, Outbox.claim),
        execution_options={"synchronize_session": False},
    )
    duties = [Duty(*row, is_new=row.id in new) for row in rows]
    return sorted(duties, key=lambda duty: (duty.attempts, duty.outbox_id))


def due_topics(session: Session, now: datetime) -> frozenset[str]:
    """What there is to claim."""
    return frozenset(session.scalars(select(Outbox.topic).where(_is_due(now)).distinct()))


def begin(session: Session, now: datetime, duty: Duty) -> Duty | None:
    """Count a try and hold the duty for a lease. None: somebody else has it now; leave it.

    A try that never ends, since it took its worker down, is followed by the pause of one that failed.
    """
    tried = replace(duty, attempts=duty.attempts + 1)
    due_at = now + BACKOFF[duty.attempts]
    held = _write(session, duty, attempts=tried.attempts, due_at=due_at, claimed_until=now + LEASE)
    return tried if held else None


def renew(session: Session, now: datetime, duty: Duty) -> bool:
    """Hold on to a duty for another lease. False: somebody else has it now; stop."""
    return _write(session, duty, claimed_until=now + LEASE)


def first_try(duty: Duty) -> Duty:
    """A new duty's first try without a word to the database, while its claim is young: `begin` for many at once.

    Should its worker die, nobody knows of which: none of them has had a try then, and each is begun by itself.
    """
    return replace(duty, attempts=1)


def finish(session: Session, now: datetime, duties: Sequence[Duty]) -> int:
    """They are done. Returns how many of them still belonged to who did them."""
    done = 0
    for (held, tried), ids in _alike(duties).items():
        done += len(_FINISH.all(session, {"now": now, "tried": tried, "held": held, "ids": ids}))
    return done


def give_back(session: Session, duties: Sequence[Duty]) -> None:
    """Claimed and not begun: others may have them at once."""
    for (held, _), ids in _alike(duties).items():
        _GIVE_BACK.all(session, {"held": held, "ids": ids})


def _alike(duties: Sequence[Duty]) -> dict[tuple[int, int], list[int]]:
    """(claim, attempts) → ids: most of a batch are alike in both."""
    found: dict[tuple[int, int], list[int]] = {}
    for duty in duties:
        found.setdefault((duty.claim, duty.attempts), []).append(duty.outbox_id)
    return found


def postpone(session: Session, now: datetime, duty: Duty, error: str, *, wait: timedelta | None = None) -> bool:
    """Try again later, with growing pauses, never before `wait`; after the last try the duty is dead.

    Returns whether the duty is dead now.
    """
    if duty.attempts >= TRIES:
        return kill(session, now, duty, error)
    pause = BACKOFF[duty.attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - jitter, no secret
    due_at = now + max(pause, wait or pause)
    _write(session, duty, due_at=due_at, claimed_until=None, last_error=error, attempts=duty.attempts)
    return False


def put_back(session: Session, now: datetime, duty: Duty, wait: timedelta, why: str = "") -> bool:
    """It was not its turn: claimed again after `wait`, and this try does not count. `why` is shown meanwhile."""
    told = {"last_error": why} if why else {}
    return _write(session, duty, due_at=now + wait, claimed_until=None, attempts=duty.attempts - 1, **told)


def kill(session: Session, now: datetime, duty: Duty, error: str) -> bool:
    """Give up at once: trying again cannot help."""
    return _write(session, duty, dead_at=now, claimed_until=None, last_error=error, attempts=duty.attempts)


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


def waits(session: Session, topic: str, subject_id: int) -> bool:
    """Whether a duty of a subject is still to be done."""
    query = select(Outbox.id).where(
        Outbox.topic == topic, Outbox.subject_id == subject_id, Outbox.done_at.is_(None), Outbox.dead_at.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


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


def forget(session: Session, before: datetime) -> None:
    """Delete duties that were done before a moment. What is dead stays until somebody looks at it."""
    session.execute(delete(Outbox).where(Outbox.done_at < before).execution_options(synchronize_session=False))


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(
        Outbox.done_at.is_(None),
        Outbox.dead_at.is_(None),
        Outbox.due_at <= now,
        or_(Outbox.claimed_until.is_(None), Outbox.claimed_until < now),
    )


def _write(session: Session, duty: Duty, **values: datetime | str | int | None) -> bool:
    statement = (
        update(Outbox)
        .where(Outbox.id == duty.outbox_id, Outbox.claim == duty.claim, Outbox.done_at.is_(None))
        .values(**values)
        .returning(Outbox.id)
    )
    return session.scalar(statement.execution_options(synchronize_session=False)) is not None
