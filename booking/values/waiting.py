"""Who waits for a place, in which order, and how long an offer is held (SPEC V16 to V18, F20)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from booking.values.refusals import Reason


class WaitState(StrEnum):
    """WAITING and OFFERED are in line; the others have left it. EXPIRED: the event began or was cancelled."""

    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    DECLINED = "declined"
    LAPSED = "lapsed"
    LEFT = "left"
    EXPIRED = "expired"


WAIT_MOVES: dict[WaitState, frozenset[WaitState]] = {
    WaitState.WAITING: frozenset({WaitState.OFFERED, WaitState.BOOKED, WaitState.LEFT, WaitState.EXPIRED}),
    WaitState.OFFERED: frozenset(WaitState) - {WaitState.OFFERED},
    WaitState.BOOKED: frozenset(),
    WaitState.DECLINED: frozenset(),
    WaitState.LAPSED: frozenset(),
    WaitState.LEFT: frozenset(),
    WaitState.EXPIRED: frozenset(),
}

IN_LINE = frozenset({WaitState.WAITING, WaitState.OFFERED})


@dataclass(frozen=True, slots=True)
class Waiter:
    """One in line for one event. `since`: when they joined, or for a series' replacement when its order was made.

    `until`: the last instant of their offer. `told_at`: when they were last told that a place is free to all.
    `obstacles`: what keeps them from being booked without being asked; asked for BOOK and for replacements alone.
    """

    entry_id: int
    participant_id: int
    since: datetime
    state: WaitState = WaitState.WAITING
    is_replacement: bool = False
    until: datetime | None = None
    told_at: datetime | None = None
    obstacles: tuple[Reason, ...] = ()

    @property
    def turn(self) -> tuple[bool, datetime, int]:
        """The order of the line: people first, then replacements by age of their order (SPEC V18, F20)."""
        return self.is_replacement, self.since, self.entry_id


@dataclass(frozen=True, slots=True)
class Pace:
    """How long an offer is held: at most `longest`, at most one `share`-th of what is left, at least `shortest`.

    In the last `quiet` before the start no place is held and nobody is booked unasked. Raises ValueError where an
    offer could reach the start or be empty.
    """

    longest: timedelta = timedelta(hours=24)
    share: int = 3
    shortest: timedelta = timedelta(minutes=15)
    quiet: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        if not timedelta(minutes=1) <= self.shortest <= min(self.longest, self.quiet) or self.share < 2:
            raise ValueError(
                "offers need a minute or more, no longer than the quiet time, and half of the rest at most"
            )


class StepKind(StrEnum):
    """OFFER holds a place until an instant; BOOK gives it at once; TELL says that it is free to all.

    LAPSE ends an offer that ran out; WITHDRAW takes one back for which there is no place any more, and they wait on;
    CLOSE ends the line.
    """

    OFFER = "offer"
    BOOK = "book"
    TELL = "tell"
    LAPSE = "lapse"
    WITHDRAW = "withdraw"
    CLOSE = "close"


STATE_AFTER: dict[StepKind, WaitState] = {
    StepKind.OFFER: WaitState.OFFERED,
    StepKind.BOOK: WaitState.BOOKED,
    StepKind.TELL: WaitState.WAITING,
    StepKind.LAPSE: WaitState.LAPSED,
    StepKind.WITHDRAW: WaitState.WAITING,
    StepKind.CLOSE: WaitState.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do for one entry; whoever it is for is told of it. `until` belongs to OFFER."""

    kind: StepKind
    entry_id: int
    until: datetime | None = None
