"""Items without a link, on either side: adopt, take over, send out, or know and leave alone (SPEC C10, C11).

The link table is an index: with all of it lost, what lies on both sides is known again by its UID or our mark, and
nothing is written twice. What carries our mark or our UID is never taken for somebody else's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from booking.values.links import LinkPolicy
from ical.item import Item
from sync.cells import Steps, both_there, create_here, create_there, delete_there, missed, note, unreadable
from sync.content import Fingerprint, fingerprint, incoming, is_over, outgoing, same
from sync.copying import replace
from sync.facts import Facts, Here, There
from sync.identity import is_marked_elsewhere, is_ours
from sync.values import (
    DeletedBy,
    ItemLink,
    Kind,
    Link,
    LinkState,
    LocalEvidence,
    LocalItem,
    Operation,
    Reason,
    RemoteEvidence,
    RemoteItem,
    Side,
)

_BY_CONTENT: frozenset[str] = frozenset({Reason.IGNORED_FREE, Reason.AGED, Reason.IGNORED_OWN})


@dataclass(slots=True)
class Index:
    """Who is known, by UID: made once for a plan, and only where something new has to be placed.

    `rows` are those of living items, `tombs` the others; `unlinked` is ours without a row, `taken` what found one.
    """

    link: Link
    now: datetime
    local: LocalEvidence
    remote: RemoteEvidence
    rows: dict[str, ItemLink]
    tombs: Mapping[str, ItemLink]
    unlinked: Mapping[str, LocalItem]
    taken: set[int] = field(default_factory=set)
    _copies: set[Fingerprint] | None = None

    def is_copy(self, item: Item) -> bool:
        """An item that we wrote to another link has come back from there under another name."""
        if self._copies is None:
            found = (one for one in self.local.there.values() if one.written_to - {self.link.id})
            self._copies = {fingerprint(one.item) for one in found}
        return bool(self._copies) and fingerprint(item) in self._copies


def settling(policy: LinkPolicy) -> frozenset[str]:
    """Problems of an item that is only known with which nothing but its own change could make more of it."""
    return _BY_CONTENT if policy.imports else _BY_CONTENT | {Reason.IGNORED_FOREIGN}


def new_there(found: RemoteItem, index: Index) -> Steps:
    """One resource that no row knows."""
    uid = found.item.uid if found.item else ""
    row = ItemLink(None, None, found.href, uid, Side.REMOTE)
    there = There.UNREADABLE if found.problem else There.CHANGED
    facts = Facts(index.link, index.now, row, Here.NONE, there, None, found, index.remote.read_at)
    return known(facts, index)


def known(facts: Facts, index: Index) -> Steps:
    """An item of theirs to which nothing of ours belongs; it may be time that something does."""
    if facts.there is There.UNREAD:
        return []
    if facts.there is There.UNREADABLE:
        return unreadable(facts)
    if facts.there is There.MISSING:
        return missed(facts)
    if facts.there is There.GONE:
        after = replace(facts.row, state=LinkState.TOMBSTONE, deleted_by=DeletedBy.REMOTE)
        return note(facts, Reason.GONE_THERE, after)
    if facts.remote is None and facts.row.theirs is None:
        return []
    return _meet(facts, index)


def _meet(facts: Facts, index: Index) -> Steps:
    theirs, link = facts.theirs, facts.link
    other = index.rows.get(theirs.uid)
    if other is not None and other.href != facts.row.href:
        return _ignore(facts, Reason.IGNORED_DOUBLE)
    if is_marked_elsewhere(link, theirs):
        return _ignore(facts, Reason.IGNORED_OWN)
    twin = index.unlinked.get(theirs.uid)
    if twin is not None and twin.id not in index.taken:
        return _meet_twin(facts, index, twin)
    if is_ours(link, theirs):
        return _own_without_twin(facts, index)
    return _foreign(facts, index)


def _meet_twin(facts: Facts, index: Index, twin: LocalItem) -> Steps:
    link = facts.link
    is_imported = twin.came_from == link.id
    if not link.policy.writes and not is_imported:
        return _ignore(facts, Reason.IGNORED_OWN if is_ours(link, facts.theirs) else Reason.IGNORED_COPY)
    index.taken.add(twin.id)
    row = replace(facts.row, local_id=twin.id, origin=Side.REMOTE if is_imported else Side.LOCAL, base_remote=None)
    met = replace(facts, row=row, local=twin, here=Here.CHANGED, there=There.CHANGED)
    theirs = facts.theirs
    if same(outgoing(link, twin.item, row.origin), theirs) or same(incoming(link, theirs), twin.item):
        return note(met, Reason.ADOPTED, met.agreed(twin.item, theirs))
    if is_imported or is_ours(link, theirs):
        return both_there(met)
    after = met.agreed(twin.item, theirs, LinkState.CONFLICT)
    step = Operation(Kind.PROPOSE, Side.LOCAL, Reason.COLLISION, row, after, theirs, None, twin.revision)
    return [replace(step, ours=twin.item, theirs=theirs)]


def _own_without_twin(facts: Facts, index: Index) -> Steps:
    """Ours by its mark or UID, but nothing of ours is live: removed only where our own records say that it ended."""
    if facts.link.policy.writes and facts.theirs.uid in index.local.ended_uids:
        row = replace(facts.row, origin=Side.LOCAL)
        return [delete_there(replace(facts, row=row), Reason.GONE_HERE)]
    return _ignore(facts, Reason.IGNORED_OWN)


def _foreign(facts: Facts, index: Index) -> Steps:
    if not facts.link.policy.imports:
        return _ignore(facts, Reason.IGNORED_FOREIGN)
    if is_over(facts.theirs, facts.now):
        return _ignore(facts, Reason.AGED)
    if incoming(facts.link, facts.theirs) is None:
        return _ignore(facts, Reason.IGNORED_FREE)
    if index.is_copy(facts.theirs):
        return _ignore(facts, Reason.IGNORED_COPY)
    return create_here(facts, Reason.NEW_THERE)


def _ignore(facts: Facts, reason: Reason) -> Steps:
    theirs = facts.theirs
    after = facts.agreed(None, theirs, uid=theirs.uid, local_id=None, base_revision=None, problem=reason)
    is_known = facts.row.id is not None and replace(after, base_remote=facts.row.base_remote) == facts.row
    return [] if is_known and same(theirs, facts.row.theirs) else note(facts, reason, after)


def new_here(local: LocalItem, index: Index) -> Steps:
    """One item of ours that no row knows and whose UID nothing there bears."""
    link = index.link
    if local.id in index.taken or local.uid in index.rows:
        return []
    row = ItemLink(None, local.id, f"uid:{local.uid}", local.uid, Side.LOCAL)
    facts = Facts(link, index.now, row, Here.CHANGED, There.GONE, local, None, index.remote.read_at)
    if local.came_from == link.id:
        return _orphan(facts, index)
    if not link.policy.writes or is_over(local.item, index.now):
        return []
    tomb = index.tombs.get(local.uid)
    row = replace(tomb, local_id=local.id) if tomb else replace(row, href="")
    return [create_there(replace(facts, row=row), Reason.REVIVED if tomb else Reason.NEW_HERE)]


def is_unwritten(row: ItemLink) -> bool:
    """Of ours, and it does not lie there, since the other side did not take it."""
    return row.state is LinkState.TOMBSTONE and row.error_count > 0


def is_moot(facts: Facts) -> bool:
    """What was not taken there needs not be there any more."""
    if facts.remote is not None:
        return False
    return facts.local is None or not facts.link.policy.writes or is_over(facts.ours, facts.now)


def forget(facts: Facts) -> Steps:
    """No further try of what was not taken there."""
    return note(facts, Reason.BOTH_GONE, replace(facts.row, error_count=0, next_try=None, problem=""))


def as_new(steps: Steps, row: ItemLink) -> Steps:
    """What never lay there is no entry that came back."""
    if row.base is not None or len(steps) != 1 or steps[0].reason is not Reason.REVIVED:
        return steps
    return [replace(steps[0], reason=Reason.NEW_HERE)]


def _orphan(facts: Facts, index: Index) -> Steps:
    """Imported through this link, its row lost, and not there: it counts as missing, never as new."""
    if not index.remote.proves_absence:
        return []
    row = replace(facts.row, origin=Side.REMOTE)
    facts = replace(facts, row=row)
    after = replace(facts.agreed(facts.ours, facts.ours, LinkState.MISSING), miss_count=1, missing_since=facts.read_at)
    return note(facts, Reason.MISSED, after)
