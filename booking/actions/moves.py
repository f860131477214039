"""The only way to change a state: allowed by the table of moves, and nobody was faster (compare-and-set)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import update
from sqlalchemy.orm import InstrumentedAttribute, Session

from booking.tables.bookings import Booking, Decision
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Message
from booking.values.refusals import MoveLost
from booking.values.states import (
    BOOKING_MOVES,
    CODE_MOVES,
    DECISION_MOVES,
    MESSAGE_MOVES,
    BookingState,
    CodeState,
    DecisionState,
    MessageState,
)

S = TypeVar("S", bound=StrEnum)


def move_booking(session: Session, booking: Booking, after: BookingState, **values: Any) -> None:
    _move(session, Booking.id, Booking.state, booking.id, booking.state, after, BOOKING_MOVES, values)
    session.refresh(booking)


def move_decision(session: Session, decision: Decision, after: DecisionState, **values: Any) -> None:
    _move(session, Decision.id, Decision.state, decision.id, decision.state, after, DECISION_MOVES, values)
    session.refresh(decision)


def move_code(session: Session, code: DoorCode, after: CodeState, **values: Any) -> None:
    _move(session, DoorCode.id, DoorCode.state, code.id, code.state, after, CODE_MOVES, values)
    session.refresh(code)


def move_message(session: Session, message: Message, after: MessageState, **values: Any) -> None:
    _move(session, Message.id, Message.state, message.id, message.state, after, MESSAGE_MOVES, values)
    session.refresh(message)


def _move(
    session: Session,
    key: InstrumentedAttribute[int],
    state: InstrumentedAttribute[S],
    identity: int,
    before: S,
    after: S,
    moves: Mapping[S, frozenset[S]],
    values: dict[str, Any],
) -> None:
    """Raise ValueError for a move that the table does not know, MoveLost where somebody else was faster."""
    table = key.class_
    if after not in moves[before]:
        raise ValueError(f"{table.__name__}: {before} never becomes {after}")
    statement = update(table).where(key == identity, state == before).values(state=after, **values).returning(key)
    if session.scalar(statement.execution_options(synchronize_session=False)) is None:
        raise MoveLost(table.__tablename__, identity, before, after)
