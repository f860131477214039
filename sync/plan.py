"""What is to be done so that both sides agree: pure, level-triggered, and empty once it is done (SPEC C6 to C10).

Nothing is remembered but the rows of the item links: the same evidence gives the same plan, however it came about, so
a step that was interrupted is found again by looking, not by what was meant.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from sync.cells import decide, rests
from sync.facts import Facts, Here, There, look_here, look_there
from sync.guards import Verdict, guard_deletions, watch_flips, within_budget
from sync.identity import relink
from sync.newcomers import Index, as_new, forget, is_moot, is_unwritten, known, new_here, new_there, settling
from sync.remotes.protocol import Listing
from sync.values import (
    Counts,
    ItemLink,
    Kind,
    Link,
    LinkState,
    LocalEvidence,
    LocalItem,
    Operation,
    Plan,
    Reason,
    RemoteEvidence,
    RemoteItem,
    Side,
)

Group = list[Operation]


def plan(
    link: Link,
    item_links: Collection[ItemLink],
    local: LocalEvidence,
    remote: RemoteEvidence,
    now: datetime,
    carried: Iterable[Operation] = (),
) -> Plan:
    """Decide for each item link given, and for all that either side names and no link knows.

    With complete evidence `item_links` are all of the link's. With a delta they may be the touched ones alone: those
    that the listing names, by address and by UID, those whose local revision moved, and those that wait (state other
    than ACTIVE and TOMBSTONE, `held`, `decision`, `next_try`); `Link.active` then says how many there are, and the cost
    grows with what was touched. With a complete listing they may be those that `sync.narrowing` finds, too.

    `carried`: `Plan.carried` of the part before.
    """
    planner = _Planner(link, item_links, local, remote, now)
    planner.groups += [[one] for one in carried]
    return planner.run()


def to_fetch(item_links: Iterable[ItemLink], listing: Listing) -> list[str]:
    """The addresses whose content the plan needs: new, changed, without ETag, or read before and not yet dealt with."""
    etags = {row.href: None if _waits(row) else row.base_etag for row in item_links}
    wanted = [one.href for one in listing.there if one.etag is None or etags.get(one.href) != one.etag]
    if not listing.is_delta:
        return wanted
    named = {one.href for one in listing.there}.union(listing.gone)
    return wanted + [row.href for row in item_links if row.href not in named and _waits(row)]


def _waits(row: ItemLink) -> bool:
    """A listing may have named its change in an earlier run; its cursor has moved on since."""
    return row.held is not None or row.next_try is not None or row.error_count > 0


class _Planner:
    def __init__(
        self, link: Link, rows: Collection[ItemLink], local: LocalEvidence, remote: RemoteEvidence, now: datetime
    ) -> None:
        self.link, self.rows, self.local, self.remote, self.now = link, rows, local, remote, now
        self.groups: list[Group] = []
        self.resting = 0
        self.settling = settling(link.policy)

    def run(self) -> Plan:
        hrefs = {row.href for row in self.rows}
        fresh = [one for href, one in self.remote.there.items() if href not in hrefs and (one.item or one.problem)]
        relinked = relink(self.link, self.rows, self.remote, fresh) if fresh else None
        moved = relinked.rows if relinked else {}
        lone: list[Facts] = []
        for row in self.rows:
            if not moved and self._is_quiet(row):
                continue
            self._linked(moved.get(row.href, row), lone, renamed=row.href in moved)
        found_again = {row.href for row in moved.values()}
        self._newcomers(lone, [one for one in fresh if one.href not in found_again])
        return replace(self._assembled(), identity=relinked.identity if relinked else self.link.identity)

    def _is_quiet(self, row: ItemLink) -> bool:
        """The common case, decided without building anything."""
        if row.state is not LinkState.ACTIVE or row.local_id is None:
            return False
        if row.held is not None or row.decision is not None or row.next_try is not None:
            return False
        ours = self.local.there.get(row.local_id)
        if ours is None or ours.revision != row.base_revision:
            return False
        theirs = self.remote.there.get(row.href)
        if theirs is None:
            return not self.remote.proves_absence and row.href not in self.remote.gone
        return theirs.item is None and theirs.etag == row.base_etag is not None and not theirs.problem

    def _linked(self, row: ItemLink, lone: list[Facts], *, renamed: bool) -> None:
        here, ours = look_here(row, self.local)
        there, theirs = look_there(row, self.remote, self.link.limits)
        facts = Facts(self.link, self.now, row, here, there, ours, theirs, self.remote.read_at, renamed)
        if is_unwritten(row) and is_moot(facts):
            self._add(forget(facts), is_their_change=False)
        elif rests(facts):
            self.resting += 1
        elif here is Here.NONE and row.state is not LinkState.TOMBSTONE:
            if there is not There.SAME or renamed or row.problem not in self.settling:
                lone.append(facts)
        else:
            steps = as_new(decide(facts), row) if is_unwritten(row) else decide(facts)
            self._add(steps, is_their_change=there is There.CHANGED)

    def _newcomers(self, lone: list[Facts], fresh: list[RemoteItem]) -> None:
        linked = {row.local_id for row in self.rows}
        new = [one for id_, one in self.local.there.items() if id_ not in linked]
        if not lone and not fresh and not new:
            return
        index = self._index({one.uid: one for one in new})
        for facts in lone:
            self._add(known(facts, index), is_their_change=False)
        for found in sorted(fresh, key=lambda one: one.href):
            steps = new_there(found, index)
            self._add(steps, is_their_change=False)
            if found.item and steps:
                index.rows.setdefault(found.item.uid, steps[0].row)  # it has its address
        if self.remote.is_read:  # else what was not read yet may be the same
            for one in new:
                self._add(new_here(one, index), is_their_change=False)

    def _index(self, unlinked: dict[str, LocalItem]) -> Index:
        rows: dict[str, ItemLink] = {}
        tombs: dict[str, ItemLink] = {}
        for row in sorted(self.rows, key=_standing):
            (tombs if row.state is LinkState.TOMBSTONE else rows)[row.uid] = row
        return Index(self.link, self.now, self.local, self.remote, rows, tombs, unlinked)

    def _add(self, steps: Group, *, is_their_change: bool) -> None:
        if steps:
            self.groups.append(watch_flips(steps, self.link, self.now, is_their_change=is_their_change))

    def _assembled(self) -> Plan:
        deletions = [one for group in self.groups for one in group if one.deletes]
        carried: tuple[Operation, ...] = ()
        if self.remote.is_part:
            deletions, carried = [], tuple(deletions)
        verdict = Verdict()
        if deletions:
            verdict = guard_deletions(self.link, deletions, self.rows, self.local, self.remote, self.now)
        let_go = set(map(id, verdict.let_go))
        groups = [group for group in self.groups if not group[-1].deletes or id(group[-1]) in let_go]
        groups, later = within_budget(self.link, sorted(groups, key=_frees))
        operations = (*verdict.notes, *(one for group in groups for one in group))
        postponed = tuple(one for group in later for one in group)
        counts = _count(operations, held=len(verdict.held), postponed=len(postponed), rests=self.resting)
        made = Plan(operations, verdict.held, verdict.hold, postponed, counts)
        return replace(made, whole_at=self._whole_at(), carried=carried)

    def _whole_at(self) -> datetime | None:
        since = [row.missing_since for row in self.rows if row.missing_since and row.deleted_by is None]
        return min(since) + self.link.limits.confirm_after if since else None


def _standing(row: ItemLink) -> tuple[bool, bool, str]:
    """Of rows with one UID the last in this order stands for it: one with an item of ours before others."""
    return row.local_id is not None, row.problem != Reason.IGNORED_DOUBLE, row.href


def _frees(group: Group) -> bool:
    return any(one.deletes or one.kind is Kind.DELETE for one in group)


def _count(operations: Collection[Operation], *, held: int, postponed: int, rests: int) -> Counts:
    sides = Counter([one.side for one in operations if one.is_write])
    kinds = Counter([one.kind for one in operations])
    return Counts(
        here=sides[Side.LOCAL],
        there=sides[Side.REMOTE],
        deletions=kinds[Kind.DELETE],
        proposals=kinds[Kind.PROPOSE],
        conflicts=sum([len(one.conflicts) for one in operations if one.conflicts]),
        notes=kinds[Kind.NOTE],
        held=held,
        postponed=postponed,
        rests=rests,
    )
