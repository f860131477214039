"""The last runs of a calendar link as a line of bars: what went well, changed something, or failed (SPEC C15)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from booking.reads.link_history import LAST_RUNS
from booking.reads.links import RunLine
from booking.values.links import LinkProblem, RunOutcome
from web.filters import moment
from web.i18n import gettext, ngettext
from web.link_texts import count_words, outcome_words, problem_words

QUIET, MOST = 3.0, 12.0
BROKEN = frozenset({RunOutcome.FAILED, RunOutcome.LOST})
WAITS = frozenset({RunOutcome.PARTIAL, RunOutcome.INCOMPLETE})


@dataclass(frozen=True, slots=True)
class Bar:
    value: float
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class History:
    """`label` says the same in words."""

    bars: tuple[Bar, ...]
    label: str
    most: float = MOST


def history(runs: Sequence[RunLine]) -> History:
    """`runs`: the oldest first. Each has its place, so fewer than 30 leave the left side empty."""
    bars = [_bar(run) for run in runs]
    empty = [Bar(0, "quiet", "")] * (LAST_RUNS - len(bars))
    count, failed = len(runs), sum(_is_failed(run) for run in runs)
    label = ngettext("The last run", "The last %(num)d runs", count)
    told = ngettext("%(num)d failed", "%(num)d failed", failed) if failed else gettext("none failed")
    return History((*empty, *bars), f"{label}: {told}")


def _is_failed(run: RunLine) -> bool:
    """Whole, or in what was to be written there."""
    return run.outcome in BROKEN or run.problem == LinkProblem.UNWRITTEN


def _bar(run: RunLine) -> Bar:
    _, word = outcome_words(run)
    if _is_failed(run):
        why = f": {problem_words(run.problem)[0]}" if run.problem else ""
        return Bar(MOST, "stop", f"{moment(run.started_at)} · {word}{why}")
    told = count_words(run)
    what = ", ".join(f"{count} {name}" for name, count in told) or gettext("nothing to do")
    removed = int(run.counts.get("deletions", 0))  # it is among what changed
    changed = sum(count for _, count in told) - removed if run.outcome is not RunOutcome.PLANNED else 0
    tone = "wait" if run.outcome in WAITS or run.hold else "brand" if changed else "quiet"
    return Bar(min(MOST, QUIET + log2(1 + changed)), tone, f"{moment(run.started_at)} · {word}: {what}")
