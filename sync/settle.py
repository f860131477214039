"""What the row of an item link is after a step was done, or failed: pure, so that every way to apply agrees.

An applier keeps to this order for each operation: (1) write the intent; (2) act: on our side compare the revision and
store item and row in one transaction; on theirs create, update or delete under the expected ETag, or where the server
guards nothing, read and compare with `Operation.theirs` first; (3) read back what was written; (4) store the row that
`settle` gives. Where a precondition fails nothing is stored: the next plan looks again. After a crash nothing is
resolved by guessing: the plan is made anew from what lies on both sides. The cursor of a listing is kept only where
nothing was postponed and each failure was written to its row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ical.item import Details, Item
from sync.content import same
from sync.copying import replace
from sync.values import ItemLink, LinkState

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
TRIES = 5


@dataclass(frozen=True, slots=True)
class Done:
    """What became known by doing all steps of one item. `read_back`: their item as it was read again afterwards.

    `is_proven`: it is the very version that we wrote, since the server confirmed the ETag of the write.
    """

    href: str | None = None
    etag: str | None = None
    read_back: Item | None = None
    is_proven: bool = False
    local_id: int | None = None
    revision: int | None = None


def settle(after: ItemLink, done: Done) -> ItemLink:
    """`Operation.after` of an item's last step, completed."""
    known = {"href": done.href, "local_id": done.local_id, "base_revision": done.revision}
    told = {name: value for name, value in known.items() if value is not None}
    row = replace(after, **told) if told else after
    if done.read_back is None:
        return row if done.etag is None else replace(row, base_etag=done.etag)
    written = after.theirs
    form = done.read_back if written is None else servers_form(written, done.read_back, is_proven=done.is_proven)
    etag = done.etag if same(form, done.read_back) else None
    return replace(row, base_remote=None if same(form, row.base) else form, base_etag=etag)


def servers_form(written: Item, read_back: Item, *, is_proven: bool) -> Item:
    """What to hold for the agreed version there. A server may keep less than it was given; somebody may have been fast.

    Proven to be our write, its form is adopted whole. Otherwise only texts are taken from it; a time, a rule or a state
    that differs is taken for somebody's change, which the next plan finds.
    """
    if is_proven or same(written, read_back):
        return read_back
    return read_back if same(_without_texts(written), _without_texts(read_back)) else written


def _without_texts(item: Item) -> Item:
    overrides = {key: _bare(one) for key, one in item.overrides.items()}
    return replace(item, master=item.master and _bare(item.master), overrides=overrides)


def _bare(details: Details) -> Details:
    return replace(details, summary="", location="", description="", url="")


def failed(row: ItemLink, now: datetime, problem: str, jitter: float, retry_after: timedelta | None = None) -> ItemLink:
    """The row after a step of its item failed for a reason of its own: it waits, and the others go on (SPEC C10).

    `jitter` in [0, 1] spreads the wait; what the server asked for is waited for at least. After `TRIES` failures in a
    row the item is quarantined and shown, and still tried at the longest distance.
    """
    count = row.error_count + 1
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(count, 12)) * (0.5 + jitter / 2)
    state = LinkState.QUARANTINED if count >= TRIES else row.state
    next_try = now + max(wait, retry_after or timedelta())
    return replace(row, state=state, error_count=count, next_try=next_try, problem=problem)
