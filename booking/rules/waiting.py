"""The waiting list: first come, first served (SPEC V16 to V18). Pure step lists; the caller applies them.

One function says what is to be done so that the line is as it should be now, whatever happened: a place freed, an offer
ran out, was declined or taken, somebody joined, the start came near. Once its steps are applied, it has no more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from booking.values.refusals import Refused, refused
from booking.values.timetable import CourseEvent, WaitingPolicy
from booking.values.waiting import IN_LINE, STATE_AFTER, WAIT_MOVES, Pace, Step, StepKind, Waiter, WaitState

MINUTE = timedelta(minutes=1)
USUAL = Pace()


@dataclass(frozen=True, slots=True)
class Line:
    """`taken`: places booked. `freed_at`: when a place last became free, by a cancelling or by a higher capacity."""

    event: CourseEvent
    taken: int
    waiters: tuple[Waiter, ...]
    freed_at: datetime | None = None

    @property
    def in_order(self) -> tuple[Waiter, ...]:
        """All who are in line, first the first. Their positions are counted from 1."""
        return tuple(sorted((one for one in self.waiters if one.state in IN_LINE), key=lambda one: one.turn))

    @property
    def held(self) -> int:
        """Places held by offers, so that nobody else can book them."""
        return sum(one.state is WaitState.OFFERED for one in self.waiters)


def offer_until(now: datetime, start: datetime, pace: Pace = USUAL) -> datetime | None:
    """The last instant of an offer made now, or None in the last `quiet` before the start (that instant included).

    A third of what is left, in whole minutes, but 24 hours at most and 15 minutes at least: three days and more before
    the start a day, at noon for the evening at six two hours, in the last hour nothing.
    """
    left = start - now
    if left <= pace.quiet:
        return None
    hold = left / pace.share
    return now + max(pace.shortest, min(pace.longest, hold - hold % MINUTE))


def next_steps(now: datetime, line: Line, pace: Pace = USUAL) -> tuple[Step, ...]:
    """All that is to be done now, in the order in which it is to be done; nothing once it has been.

    LAPSE      an offer whose last instant is over; then the next has their turn
    WITHDRAW   offers beyond the capacity, the last in line first: it was lowered, or staff booked over it
    OFFER      to the first people who wait, one for each free place
    BOOK       the first at once under BOOK; replacements under any policy, as their order wants it, in what is left
    TELL       once for each time that a place becomes free: to all people under TELL_ALL, and in the quiet time
    CLOSE      everybody when the event has begun or was cancelled

    Under BOOK, and among replacements, who cannot be booked (`obstacles`) keeps their turn and is passed over.
    """
    event = line.event
    if event.is_cancelled or now >= event.slot.start:
        return tuple(Step(StepKind.CLOSE, one.entry_id) for one in line.in_order)
    lapsed = [one for one in line.in_order if one.until is not None and now > one.until]
    offered = [one for one in line.in_order if one.state is WaitState.OFFERED and one not in lapsed]
    free = event.terms.capacity - line.taken - len(offered)
    withdrawn = offered[free:] if free < 0 else []  # the last of them in line
    waiting = [one for one in line.in_order if one.state is WaitState.WAITING]
    return (
        *(Step(StepKind.LAPSE, one.entry_id) for one in lapsed),
        *(Step(StepKind.WITHDRAW, one.entry_id) for one in withdrawn),
        *(_for_free(now, line, waiting, free, pace) if free > 0 else ()),
    )


def may_take(now: datetime, line: Line, entry_id: int) -> Refused | None:
    """None if this entry's offer can be taken now; its last instant still counts. The place itself is `admit_place`'s.

    no-such-offer     there is none for it, or it was withdrawn      offer-over   declined, taken, or its time ran out
    event-cancelled   the operator cancelled it                      event-begun  now is its start or after it
    """
    found = next((one for one in line.waiters if one.entry_id == entry_id), None)
    if line.event.is_cancelled:
        return refused("event-cancelled")
    if now >= line.event.slot.start:
        return refused("event-begun")
    if found is None or found.state is WaitState.WAITING:
        return refused("no-such-offer")
    is_live = found.state is WaitState.OFFERED and found.until is not None and now <= found.until
    return None if is_live else refused("offer-over")


def answered(waiter: Waiter, after: WaitState) -> Waiter:
    """The entry once its person took the offer (BOOKED), declined it (DECLINED) or left the line (LEFT).

    Raises ValueError where the table of moves does not have it.
    """
    if after not in WAIT_MOVES[waiter.state]:
        raise ValueError(f"{waiter.state} never becomes {after}")
    return replace(waiter, state=after, until=None)


def applied(now: datetime, line: Line, steps: Sequence[Step]) -> Line:
    """The line as it is after the steps: what the caller writes. BOOK takes a place."""
    by_entry = {step.entry_id: step for step in steps}
    waiters = tuple(
        _after(now, one, by_entry[one.entry_id]) if one.entry_id in by_entry else one for one in line.waiters
    )
    booked = sum(step.kind is StepKind.BOOK for step in steps)
    return replace(line, waiters=waiters, taken=line.taken + booked)


def _after(now: datetime, waiter: Waiter, step: Step) -> Waiter:
    told_at = now if step.kind is StepKind.TELL else waiter.told_at
    return replace(waiter, state=STATE_AFTER[step.kind], until=step.until, told_at=told_at)


def _for_free(now: datetime, line: Line, waiting: Sequence[Waiter], free: int, pace: Pace) -> Iterator[Step]:
    """Free places go to people by the policy; replacements have what no person wants."""
    people = [one for one in waiting if not one.is_replacement]
    until = offer_until(now, line.event.slot.start, pace)
    policy = line.event.terms.waiting
    if policy is WaitingPolicy.NONE:
        return
    if policy is WaitingPolicy.TELL_ALL or until is None:
        yield from _tell(line, people)
        given = len(people)  # any of them may want it
    elif policy is WaitingPolicy.BOOK:
        ready = [one for one in people if not one.obstacles][:free]
        yield from (Step(StepKind.BOOK, one.entry_id) for one in ready)
        given = len(ready)
    else:
        yield from (Step(StepKind.OFFER, one.entry_id, until) for one in people[:free])
        given = len(people[:free])
    if until is not None:
        ready = [one for one in waiting if one.is_replacement and not one.obstacles]
        yield from (Step(StepKind.BOOK, one.entry_id) for one in ready[: max(0, free - given)])


def _tell(line: Line, people: Sequence[Waiter]) -> Iterator[Step]:
    freed_at = line.freed_at
    for one in people:
        if one.told_at is None or (freed_at is not None and one.told_at < freed_at):
            yield Step(StepKind.TELL, one.entry_id)
