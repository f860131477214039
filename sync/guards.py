"""What stops a plan that is right by its rules and wrong all the same (SPEC C9, C10).

Deletions in numbers that no person makes, an empty answer, an item that goes back and forth, a flood of writes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from ical.item import Item
from sync.content import is_over, is_soon
from sync.copying import replace
from sync.values import (
    DeletedBy,
    Hold,
    ItemLink,
    Kind,
    Limits,
    Link,
    LinkState,
    LocalEvidence,
    Operation,
    Reason,
    RemoteEvidence,
    Side,
)

FLAPPING = "goes back and forth"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Deletions that go on, those that wait, the first cause, and the notes that keep what was proven for later."""

    let_go: tuple[Operation, ...] = ()
    held: tuple[Operation, ...] = ()
    hold: Hold | None = None
    notes: tuple[Operation, ...] = ()


def guard_deletions(
    link: Link,
    deletions: Collection[Operation],
    rows: Collection[ItemLink],
    local: LocalEvidence,
    remote: RemoteEvidence,
    now: datetime,
) -> Verdict:
    """Each side by itself: what their evidence ends here, and what ours ends there.

    A deletion that was held stays so until a person lets it go or its item is named again. A deletion that would only
    open a case counts like any other: a hundred cases at once are one question.
    """
    verdict = Verdict()
    for side in Side:
        of_side = [one for one in deletions if one.side is side]
        if of_side:
            is_empty = _is_empty(side, local, remote)
            verdict = _joined(verdict, _guard_side(link, of_side, rows, now, is_empty=is_empty))
    return verdict


def _is_empty(side: Side, local: LocalEvidence, remote: RemoteEvidence) -> bool:
    if side is Side.LOCAL:
        return remote.proves_absence and not remote.there and not remote.others
    return local.is_bare or (local.is_whole and not local.there)


def _guard_side(
    link: Link, deletions: Sequence[Operation], rows: Collection[ItemLink], now: datetime, *, is_empty: bool
) -> Verdict:
    approved = tuple(one for one in deletions if link.approved and one.key in link.approved)
    rest = [one for one in deletions if one not in approved] if approved else list(deletions)
    hold = Hold.EMPTY if is_empty else _excess(rest, _active(link, rows, now), link.limits, now)
    held = tuple(one for one in rest if hold or one.row.held)
    let_go = approved + (() if hold else tuple(one for one in rest if not one.row.held))
    hold = hold or (held[0].row.held if held else None)
    return Verdict(let_go, held, hold, tuple(_kept(one, hold) for one in held if hold and not one.row.held))


def _excess(deletions: Sequence[Operation], active: int, limits: Limits, now: datetime) -> Hold | None:
    if sum(is_soon(_subject(one), now, limits.soon) for one in deletions) > limits.soon_count:
        return Hold.SOON
    return Hold.SHARE if len(deletions) > max(limits.least, limits.share * active) else None


def _subject(deletion: Operation) -> Item | None:
    return deletion.ours or deletion.theirs


def _active(link: Link, rows: Collection[ItemLink], now: datetime) -> int:
    if link.active is not None:
        return link.active
    return sum(row.state is not LinkState.TOMBSTONE and not is_over(row.theirs, now) for row in rows)


def _kept(deletion: Operation, hold: Hold) -> Operation:
    """What was proven once (a deletion named by a delta) is not named again: the row remembers it."""
    row = deletion.row
    after = replace(row, held=hold)
    if deletion.side is Side.LOCAL and deletion.reason is not Reason.CANCELLED_THERE:
        after = replace(after, state=LinkState.MISSING, deleted_by=DeletedBy.REMOTE)
    return Operation(Kind.NOTE, Side.LOCAL, Reason.HELD, row, after)


def _joined(one: Verdict, other: Verdict) -> Verdict:
    let_go, held = one.let_go + other.let_go, one.held + other.held
    return Verdict(let_go, held, one.hold or other.hold, one.notes + other.notes)


def watch_flips(steps: list[Operation], link: Link, now: datetime, *, is_their_change: bool) -> list[Operation]:
    """Count a write that undoes or answers the last one; past the limit the item rests for a while instead.

    Writes that go one way, however many, are somebody's work; a writer against us shows as going back and forth.
    """
    writes = [one for one in steps if one.is_write]
    last = steps[-1].after if steps else None
    if not writes or last is None:
        return steps
    row, side = writes[-1].row, writes[-1].side
    is_fresh = row.flips_since is not None and now - row.flips_since < link.limits.flip_window
    answered = row.last_written not in {None, side} or (side is Side.REMOTE and is_their_change)
    flips = (row.flips if is_fresh else 0) + (answered and row.last_written is not None)
    if flips > link.limits.flips:
        rest = replace(row, state=LinkState.QUARANTINED, next_try=now + link.limits.flip_window, flips=0)
        rest = replace(rest, flips_since=None, problem=FLAPPING)
        return [Operation(Kind.NOTE, Side.LOCAL, Reason.FLAPPING, row, rest)]
    since = row.flips_since if is_fresh else now if flips else None
    if (last.flips, last.flips_since, last.last_written) == (flips, since, side):
        return steps
    return [*steps[:-1], replace(steps[-1], after=replace(last, flips=flips, flips_since=since, last_written=side))]


def within_budget(link: Link, groups: Sequence[list[Operation]]) -> tuple[list[list[Operation]], list[list[Operation]]]:
    """What may be written now, and what waits for the next hour. An item's steps are never torn apart."""
    left = link.limits.writes_per_hour - link.written_last_hour
    now: list[list[Operation]] = []
    later: list[list[Operation]] = []
    for group in groups:
        writes = sum(one.is_write for one in group)
        (later if writes and writes > left else now).append(group)
        left -= writes if writes <= left else 0
    return now, later
