"""What a run comes to: how it ended, what it counted, and what is to be said of it (SPEC C8, C9, C15). Pure."""

from dataclasses import asdict, replace

from booking.values.links import LinkProblem, RunEnd, RunOutcome
from outside.errors import OutsideError
from sync.applying import Applied
from sync.gathering import Gathered
from sync.problems import problem_of, problem_of_answer
from sync.remotes.opening import Meter
from sync.values import Kind, Plan


class OutOfTimeError(Exception):
    """The run may take no longer; what it read is read again."""


class OwnCalendarError(Exception):
    """The address is one of ours, or what lies there is: linking it would import ourselves (SPEC C10)."""


def planned(made: Plan, applied: Applied, meter: Meter, outcome: RunOutcome = RunOutcome.PLANNED) -> RunEnd:
    """Of a run that shows its plan, and the common part of every run that had one."""
    counts = {name: count for name, count in (asdict(made.counts) | {"failed": applied.failed}).items() if count}
    return RunEnd(
        outcome=outcome,
        counts=counts,
        plan_hash=_shown_hash(made),
        hold=made.hold.value if made.hold else "",
        requests=meter.requests,
        octets=meter.octets,
        writes=applied.here + applied.there,
        identity=made.identity.value,
    )


def done(made: Plan, gathered: Gathered, applied: Applied, meter: Meter) -> RunEnd:
    """Of a run that applied its plan, as far as it came. The cursor moves on only where nothing is left to do."""
    listing = gathered.listing
    is_left = applied.undone > 0 or bool(made.postponed) or not gathered.is_read
    outcome = RunOutcome.PARTIAL if is_left else RunOutcome.DONE
    problem = LinkProblem.UNWRITTEN.value if applied.unwritten else ""
    if not listing.is_whole:
        outcome, problem = RunOutcome.INCOMPLETE, problem_of_answer(listing.not_whole_because)
    return replace(
        planned(made, applied, meter, outcome),
        is_settled=True,
        keeps_cursor=is_left or not listing.is_whole,
        cursor=(listing.cursor.kind.value, listing.cursor.value) if listing.cursor else None,
        was_full=gathered.is_all,
        problem=problem,
        detail=listing.not_whole_because,
    )


def failed(error: Exception, meter: Meter, applied: Applied) -> RunEnd:
    """Of a run that an error ended, with what it had done by then. Only a server that asks for patience is given more
    than the usual pause.
    """
    problem = LinkProblem.OWN_CALENDAR if isinstance(error, OwnCalendarError) else problem_of(error)
    if isinstance(error, OutOfTimeError):
        problem = LinkProblem.TOO_SLOW
    retry = getattr(error, "retry_after", None)
    return RunEnd(
        outcome=RunOutcome.FAILED,
        counts={name: count for name in ("here", "there", "failed") if (count := getattr(applied, name))},
        writes=applied.here + applied.there,
        requests=meter.requests,
        octets=meter.octets,
        problem=problem.value,
        detail=str(error) if isinstance(error, OutsideError) else type(error).__name__,
        retry_after=retry if isinstance(retry, int) and problem is LinkProblem.THROTTLED else None,
    )


def _shown_hash(made: Plan) -> str:
    """Of a plan that has something to show."""
    return made.hash if made.held or any(one.kind is not Kind.NOTE for one in made.operations) else ""
