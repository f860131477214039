"""What the proof of a calendar that a booking site reads does next (SPEC Y8). Pure.

The site has to offer the test hour, no longer offer it while it stands in the calendar, and offer it again afterwards.
That it offers something else meanwhile rules out an answer that is empty for another reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.values.links import LinkPolicy, LinkStatus
from booking.values.proofs import ProofPhase, ProofProblem
from booking.values.slot import Slot

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FIRST_DAY, LAST_DAY = 14 * DAY, 120 * DAY
PHASE = timedelta(minutes=5)
"""How long one phase may take."""
MOST_OTHERS = 40
APART = timedelta(hours=3)
"""Buffers on the page may take its neighbours along; what lies further off shows that the site answers at all."""


@dataclass(frozen=True, slots=True)
class Through:
    """The link by which a page is to be blocked, and the room that the page stands for."""

    link_room_id: int
    policy: LinkPolicy
    state: LinkStatus
    requested: bool
    months_ahead: int
    room_id: int
    horizon: timedelta


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a test time in phase WRITTEN, THERE or WITHDRAWN.

    `others`: later starts that were offered beside it. `unfit`: why the link cannot be the way any more, or None.
    `in_calendar`: whether the link wrote the time there, and did not remove it since. `link_problem`: of a run that
    ended in this phase. `offered`: None where the site was not asked or did not answer; `site_error` names why, and
    `is_final` says that asking again cannot help. `taken`: the time is somebody's here.
    """

    start: datetime
    others: frozenset[datetime]
    phase_at: datetime
    unfit: ProofProblem | None
    in_calendar: bool
    link_problem: str = ""
    offered: frozenset[datetime] | None = None
    site_error: str = ""
    is_final: bool = False
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """To another phase; `problem` where that is FAILED, with its detail."""

    phase: ProofPhase
    problem: ProofProblem | None = None
    detail: str = ""


def unfit(through: Through) -> ProofProblem | None:
    """Why a link cannot be the way for a room's page; None if it can."""
    ends = through.state is LinkStatus.UNLINKING
    checks = (
        (through.link_room_id != through.room_id, ProofProblem.LINK_OTHER_ROOM),
        (not through.policy.writes, ProofProblem.LINK_ONLY_READS),
        (ends, ProofProblem.LINK_ENDS),
        (through.state is LinkStatus.PAUSED, ProofProblem.LINK_RESTS),
        (not through.requested, ProofProblem.LINK_WITHOUT_REQUESTS),
        (through.months_ahead * 31 * DAY < through.horizon, ProofProblem.LINK_TOO_SHORT),
    )
    return next((problem for is_so, problem in checks if is_so), None)


def choose_hour(
    offered: Iterable[datetime], taken: Sequence[Slot], now: datetime, months_ahead: int
) -> tuple[Slot, frozenset[datetime]] | None:
    """The first offered hour far ahead that nothing here overlaps, and later starts that are offered; None without.

    `months_ahead`: how far the link writes.
    """
    last = now + min(LAST_DAY, months_ahead * 31 * DAY - DAY)
    starts = sorted(start for start in offered if now + FIRST_DAY <= start <= last)
    for start in starts:
        slot = Slot(start, start + HOUR)
        others = [other for other in starts if other - start >= APART]
        if others and not any(slot.overlaps(one) for one in taken):
            return slot, frozenset(others[:MOST_OTHERS])
    return None


def next_move(phase: ProofPhase, seen: Evidence, now: datetime) -> Move | None:
    """The move that follows from the evidence; None to look again later."""
    is_late = now - seen.phase_at >= PHASE
    if seen.unfit is not None:
        return Move(ProofPhase.FAILED, seen.unfit)
    match phase:
        case ProofPhase.WRITTEN:
            return _written(seen, is_late=is_late)
        case ProofPhase.THERE:
            return _there(seen, is_late=is_late)
        case ProofPhase.WITHDRAWN:
            return _withdrawn(seen, is_late=is_late)
    return None


def _written(seen: Evidence, *, is_late: bool) -> Move | None:
    if seen.in_calendar:
        return Move(ProofPhase.THERE)
    return _of_link(seen, is_late=is_late)


def _there(seen: Evidence, *, is_late: bool) -> Move | None:
    if seen.offered is None:
        return _of_site(seen, is_late=is_late)
    answers = bool(seen.offered & seen.others)
    if answers and seen.start not in seen.offered:
        return Move(ProofPhase.WITHDRAWN)
    if not is_late:
        return None
    problem = ProofProblem.STILL_OFFERED if seen.start in seen.offered else ProofProblem.NOTHING_OFFERED
    return Move(ProofPhase.FAILED, problem)


def _withdrawn(seen: Evidence, *, is_late: bool) -> Move | None:
    if seen.in_calendar:
        return _of_link(seen, is_late=is_late)
    if seen.offered is None:
        return _of_site(seen, is_late=is_late)
    if seen.start in seen.offered:
        return Move(ProofPhase.PROVEN)
    if seen.taken:
        return Move(ProofPhase.FAILED, ProofProblem.DISTURBED)
    return Move(ProofPhase.FAILED, ProofProblem.NOT_OFFERED_AGAIN) if is_late else None


def _of_link(seen: Evidence, *, is_late: bool) -> Move | None:
    if seen.link_problem:
        return Move(ProofPhase.FAILED, ProofProblem.LINK_FAILED, seen.link_problem)
    return Move(ProofPhase.FAILED, ProofProblem.LINK_SLOW) if is_late else None


def _of_site(seen: Evidence, *, is_late: bool) -> Move | None:
    if seen.site_error and (seen.is_final or is_late):
        return Move(ProofPhase.FAILED, ProofProblem.SITE_FAILED, seen.site_error)
    return None
