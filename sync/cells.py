"""The decision table for an item that is linked: what is done where both sides stand so (SPEC C6, C7, C9, C13, C14).

Nothing here frees a time on doubt: a deletion is marked as one and passes the guard, and what is confirmed or paid
never ends by a change from outside but by the decision of a person, who is asked by a case.
"""

from collections.abc import Callable

from ical.item import Item
from sync.content import incoming, is_over, outgoing, same, takes_time
from sync.copying import replace
from sync.facts import Facts, Here, There
from sync.merge import Merged, Version, merge
from sync.settle import failed
from sync.values import (
    REFUSED,
    Conflict,
    Decision,
    DeletedBy,
    Field,
    ItemLink,
    Kind,
    LinkState,
    Operation,
    Owner,
    Reason,
    Side,
)

Steps = list[Operation]
HALF = 0.5  # of the jitter: a plan knows no chance


def decide(facts: Facts) -> Steps:
    """The steps for one linked item that does not rest; an empty list where all is well."""
    if facts.there is There.UNREAD:
        return []
    if facts.row.state is LinkState.TOMBSTONE:
        return tombstone(facts)
    if facts.there is There.UNREADABLE:
        return unreadable(facts)
    if facts.row.decision is not None and facts.there is not There.MISSING:
        return decided(facts, facts.row.decision)
    return TABLE[facts.here, facts.there](facts)


def rests(facts: Facts) -> bool:
    """Failed or flapping until `next_try`; unreadable until their version changes or goes."""
    row = facts.row
    if row.next_try is not None:
        return row.next_try > facts.now and row.decision is None
    if row.state is not LinkState.QUARANTINED:
        return False
    is_news = facts.remote is not None and (facts.remote.item is not None or facts.remote.etag != row.base_etag)
    return not is_news and facts.there not in {There.GONE, There.MISSING}


def note(facts: Facts, reason: Reason, after: ItemLink) -> Steps:
    return [Operation(Kind.NOTE, Side.LOCAL, reason, facts.row, after)]


def quiet(facts: Facts) -> Steps:
    """Neither side changed: at most the evidence moved on. A held deletion stays until its item is named again."""
    row = facts.row
    if facts.remote is None:
        after = replace(row, base_revision=facts.revision)
        if row.next_try is not None:
            after = replace(after, state=LinkState.ACTIVE, next_try=None, problem="")
    else:
        is_asked = row.state is LinkState.CONFLICT and row.deleted_by is None
        after = facts.agreed(row.base, row.theirs, LinkState.CONFLICT if is_asked else LinkState.ACTIVE)
        lacks = row.problem if facts.remote.item is None and row.state is LinkState.ACTIVE else facts.remote.lacks
        after = replace(after, base_remote=row.base_remote, problem=lacks)
    if after == row and not facts.renamed:
        return []
    reason = Reason.SEEN_AGAIN if row.missing_since or row.deleted_by else Reason.SAME_CONTENT
    return note(facts, Reason.RENAMED if facts.renamed else reason, after)


def both_there(facts: Facts) -> Steps:
    """Merge what changed; write on each side only what it lacks."""
    link, row = facts.link, facts.row
    merged = merge(Version(row.base, facts.ours), Version(row.theirs, facts.theirs), facts.owner)
    theirs = outgoing(link, merged.theirs, row.origin) if link.policy.writes else facts.theirs
    if not link.policy.imports:
        return _steps(facts, merged, facts.ours, theirs)
    ours = incoming(link, merged.ours)
    if ours is None and takes_time(facts.ours):
        return _cancelled_there(facts, merged)
    return _steps(facts, merged, ours or merged.ours, theirs)


def _steps(facts: Facts, merged: Merged, ours: Item, theirs: Item) -> Steps:
    steps: Steps = []
    stands = ours
    if not same(ours, facts.ours):
        if facts.is_protected:
            stands = facts.ours
            steps.append(_propose(facts, ours))
        else:
            steps.append(_update_here(facts, ours))
    if not same(theirs, facts.theirs):
        steps.append(_update_there(facts, theirs))
    asks = stands is not ours or (facts.row.state is LinkState.CONFLICT and not same(ours, theirs))
    after = facts.agreed(stands, theirs, LinkState.CONFLICT if asks else LinkState.ACTIVE)
    steps = steps or note(facts, Reason.SAME_CONTENT, after)
    return _with_conflicts([*steps[:-1], replace(steps[-1], after=after)], merged.conflicts, facts)


def _with_conflicts(steps: Steps, conflicts: tuple[Conflict, ...], facts: Facts) -> Steps:
    if not conflicts:
        return steps
    reason = Reason.OVERRULED if steps[0].kind is Kind.UPDATE and len(steps) == 1 else steps[0].reason
    first = replace(steps[0], reason=reason, conflicts=conflicts, ours=facts.ours, theirs=facts.theirs)
    return [first, *steps[1:]]


def _reason(facts: Facts, *, by_them: bool) -> Reason:
    if facts.here is Here.CHANGED and facts.there is There.CHANGED:
        return Reason.MERGED
    return Reason.CHANGED_THERE if by_them else Reason.CHANGED_HERE


def _propose(facts: Facts, wanted: Item) -> Operation:
    reason = _reason(facts, by_them=True)
    step = Operation(Kind.PROPOSE, Side.LOCAL, reason, facts.row, None, wanted, None, facts.revision)
    return replace(step, ours=facts.ours, theirs=facts.theirs)


def _update_here(facts: Facts, ours: Item) -> Operation:
    reason = _reason(facts, by_them=True)
    return Operation(Kind.UPDATE, Side.LOCAL, reason, facts.row, None, ours, None, facts.revision)


def _update_there(facts: Facts, theirs: Item) -> Operation:
    reason = _reason(facts, by_them=False)
    return Operation(Kind.UPDATE, Side.REMOTE, reason, facts.row, None, theirs, facts.etag, theirs=facts.theirs)


def _cancelled_there(facts: Facts, merged: Merged) -> Steps:
    """Cancelled in their form: a deletion that leaves the item there, so it stays known."""
    wanted = merged.ours
    if facts.is_protected:
        after = facts.agreed(facts.ours, facts.theirs, LinkState.CONFLICT)
        return [_delete_here(facts, Reason.CANCELLED_THERE, after, wanted)]
    return [_delete_here(facts, Reason.CANCELLED_THERE, _known_only(facts))]


def _known_only(facts: Facts) -> ItemLink:
    """Their item stands and takes no time of ours."""
    after = facts.agreed(None, facts.theirs)
    return replace(after, local_id=None, base_revision=None, problem=Reason.IGNORED_FREE)


def _delete_here(facts: Facts, reason: Reason, after: ItemLink, wanted: Item | None = None) -> Operation:
    """Erase our item, or ask where it is confirmed or paid: its time stays taken (SPEC C9)."""
    kind = Kind.PROPOSE if facts.is_protected else Kind.DELETE
    step = Operation(kind, Side.LOCAL, reason, facts.row, after, wanted, None, facts.revision, deletes=True)
    return replace(step, ours=facts.ours, theirs=facts.theirs)


def delete_there(facts: Facts, reason: Reason) -> Operation:
    row = facts.row
    after = replace(_tomb(facts, DeletedBy.LOCAL), base_remote=facts.theirs)
    step = Operation(Kind.DELETE, Side.REMOTE, reason, row, after, None, facts.etag, deletes=True)
    return replace(step, ours=row.base, theirs=facts.theirs)


def _tomb(facts: Facts, by: DeletedBy) -> ItemLink:
    after = facts.agreed(facts.row.base, facts.row.theirs, LinkState.TOMBSTONE)
    return replace(after, deleted_by=by, base_remote=facts.row.base_remote)


def create_there(facts: Facts, reason: Reason) -> Operation:
    payload = outgoing(facts.link, facts.ours, facts.row.origin)
    after = facts.agreed(facts.ours, payload, base_etag=None, last_written=Side.REMOTE)
    return Operation(Kind.CREATE, Side.REMOTE, reason, facts.row, after, payload)


def create_here(facts: Facts, reason: Reason) -> Steps:
    """Ours from theirs; where that takes no time of ours, it is only known from now on."""
    ours = incoming(facts.link, facts.theirs)
    if ours is None:
        return note(facts, Reason.IGNORED_FREE, _known_only(facts))
    theirs = facts.theirs
    lacks = facts.remote.lacks if facts.remote else ""
    after = facts.agreed(ours, theirs, local_id=None, base_revision=None, last_written=Side.LOCAL, problem=lacks)
    return [Operation(Kind.CREATE, Side.LOCAL, reason, facts.row, after, ours, ours=facts.row.base, theirs=theirs)]


def missed(facts: Facts) -> Steps:
    """Not named by a complete listing: the first time it is noted, and all stays and waits (SPEC C9)."""
    row = facts.row
    if row.missing_since is not None:
        return []
    state = row.state if row.state is LinkState.CONFLICT else LinkState.MISSING
    after = replace(row, state=state, miss_count=row.miss_count + 1, missing_since=facts.read_at, held=None)
    return note(facts, Reason.MISSED, after)


def gone_there(facts: Facts) -> Steps:
    """Deleted there beyond doubt, alive here."""
    if facts.row.state is LinkState.CONFLICT and facts.row.deleted_by is DeletedBy.REMOTE:
        return []  # a person is asked
    if is_over(facts.ours, facts.now):
        return note(facts, Reason.AGED, _tomb(facts, DeletedBy.AGE))
    owner = facts.owner(Field.STATUS)
    if owner is Owner.LOCAL:
        return [create_there(facts, Reason.GONE_THERE)]
    is_torn = facts.here is Here.CHANGED and owner is not Owner.REMOTE
    reason = Reason.CHANGED_AND_GONE if facts.here is Here.CHANGED else Reason.GONE_THERE
    if not is_torn and not facts.is_protected:
        return [_delete_here(facts, reason, _tomb(facts, DeletedBy.REMOTE))]
    # The bases stay: should the item turn up again, what changed here meanwhile is still known as a change.
    asked = replace(facts.row, state=LinkState.CONFLICT, deleted_by=DeletedBy.REMOTE, held=None, decision=None)
    return [replace(_delete_here(facts, reason, asked), kind=Kind.PROPOSE)]


def gone_here(facts: Facts) -> Steps:
    """Ended here, alive there."""
    if is_over(facts.theirs, facts.now):
        return note(facts, Reason.AGED, _tomb(facts, DeletedBy.AGE))
    if not facts.link.policy.writes:
        return create_here(facts, Reason.GONE_HERE)
    owner = facts.link.owner(Field.STATUS)
    if owner is Owner.REMOTE:
        return create_here(facts, Reason.GONE_HERE)
    if facts.there is There.CHANGED and owner is not Owner.LOCAL:
        return create_here(facts, Reason.CHANGED_AND_GONE)
    return [delete_there(facts, Reason.GONE_HERE)]


def both_gone(facts: Facts) -> Steps:
    return note(facts, Reason.BOTH_GONE, _tomb(facts, DeletedBy.LOCAL))


def unreadable(facts: Facts) -> Steps:
    """Their version cannot be read: ours stays as it is, and nothing is written over theirs. What the server does not
    hand out is asked for again, after longer and longer.
    """
    remote = facts.remote
    if remote is None:
        return []
    if remote.problem == REFUSED:
        seen = replace(facts.row, miss_count=0, missing_since=None, held=None)
        return note(facts, Reason.UNREADABLE, failed(seen, facts.now, REFUSED, HALF))
    after = replace(
        facts.row, state=LinkState.QUARANTINED, base_etag=remote.etag, problem=remote.problem or remote.lacks
    )
    after = replace(after, miss_count=0, missing_since=None, held=None, next_try=None)
    return [] if after == facts.row else note(facts, Reason.UNREADABLE, after)


def tombstone(facts: Facts) -> Steps:
    """It ended. It lives again only by a new version there, or by being live here again."""
    if facts.there is There.UNREADABLE:
        return []
    if facts.local is not None:
        return _tombstone_with_ours(facts)
    if facts.remote is None:
        return []
    base = facts.row.theirs
    is_newer = facts.there is There.CHANGED and (base is None or facts.theirs.sequence >= base.sequence)
    if is_newer and facts.link.policy.imports and not is_over(facts.theirs, facts.now):
        return create_here(facts, Reason.REVIVED)
    after = replace(facts.row, base_etag=facts.etag)
    return [] if after == facts.row and not facts.renamed else note(facts, Reason.SAME_CONTENT, after)


def _tombstone_with_ours(facts: Facts) -> Steps:
    if facts.row.deleted_by is DeletedBy.AGE and facts.here is Here.SAME and facts.there is not There.CHANGED:
        return []
    if facts.remote is not None:
        return both_there(facts)
    if facts.link.policy.writes and not is_over(facts.ours, facts.now):
        return [create_there(facts, Reason.REVIVED)]
    return []


def decided(facts: Facts, decision: Decision) -> Steps:
    """What a person chose is done, whatever the policy and whatever is protected."""
    is_there = facts.there is not There.GONE
    if decision is Decision.TAKE_THEIRS:
        return _take_theirs(facts, is_there=is_there)
    if not facts.link.policy.writes:
        ours = facts.local.item if facts.local else None
        state = LinkState.ACTIVE if is_there else LinkState.TOMBSTONE
        after = facts.agreed(ours, facts.row.theirs if not is_there else facts.theirs, state)
        return note(facts, Reason.DECIDED, after if is_there else replace(after, deleted_by=DeletedBy.REMOTE))
    return _keep_ours(facts, is_there=is_there)


def _take_theirs(facts: Facts, *, is_there: bool) -> Steps:
    if not is_there:
        if facts.local is None:
            return note(facts, Reason.DECIDED, _tomb(facts, DeletedBy.REMOTE))
        return [_erase(facts, _tomb(facts, DeletedBy.REMOTE))]
    if facts.local is None:
        return create_here(facts, Reason.DECIDED)
    ours = incoming(facts.link, facts.theirs)
    if ours is None:
        return [_erase(facts, _known_only(facts))]
    after = facts.agreed(ours, facts.theirs)
    if same(ours, facts.ours):
        return note(facts, Reason.DECIDED, after)
    return [replace(_update_here(facts, ours), reason=Reason.DECIDED, after=after)]


def _erase(facts: Facts, after: ItemLink) -> Operation:
    done = _delete_here(facts, Reason.DECIDED, after)
    return replace(done, kind=Kind.DELETE, deletes=False)


def _keep_ours(facts: Facts, *, is_there: bool) -> Steps:
    if facts.local is None:
        if not is_there:
            return note(facts, Reason.DECIDED, _tomb(facts, DeletedBy.LOCAL))
        return [replace(delete_there(facts, Reason.DECIDED), deletes=False)]
    if not is_there:
        return [create_there(facts, Reason.DECIDED)]
    payload = outgoing(facts.link, facts.ours, facts.row.origin)
    after = facts.agreed(facts.ours, payload)
    if same(payload, facts.theirs):
        return note(facts, Reason.DECIDED, after)
    return [replace(_update_there(facts, payload), reason=Reason.DECIDED, after=after)]


_THERE = (There.SAME, There.CHANGED)
TABLE: dict[tuple[Here, There], Callable[[Facts], Steps]] = {
    (Here.SAME, There.SAME): quiet,
    (Here.SAME, There.CHANGED): both_there,
    (Here.CHANGED, There.SAME): both_there,
    (Here.CHANGED, There.CHANGED): both_there,
    **{(here, There.MISSING): missed for here in (Here.SAME, Here.CHANGED, Here.GONE)},
    **{(here, There.GONE): gone_there for here in (Here.SAME, Here.CHANGED)},
    **{(Here.GONE, there): gone_here for there in _THERE},
    (Here.GONE, There.GONE): both_gone,
}
"""Each way in which both sides can stand; `Here.NONE` is decided by `sync.newcomers`."""
