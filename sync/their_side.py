"""What a plan does there: written side by side, each under its condition, and read back together (SPEC C10)."""

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from booking.values.links import StepState
from ical.item_writer import write_item
from outside.errors import OutsideError, SiteThrottled, Unreachable
from sync.content import same
from sync.gathering import Gathered, Gatherer
from sync.groups import Group
from sync.problems import problem_of
from sync.remotes.protocol import Quirks, Remote, Resource, WriteOutcome, Written
from sync.settle import settle
from sync.values import Kind, Operation

log = structlog.get_logger(__name__)

MOST_FAILURES = 5
"""In a row: then it is the server that fails, not one item."""
CLASHED, COVERED, UNFIT = "clashed", "covered", "unfit"
"""Why an item is not written, where no error says so: its condition fails though it holds; what others added to it is
not handed out, and would be lost; it cannot be put down.
"""
MARGIN = timedelta(seconds=12)
"""Longer than one call may take: no call is begun that could outlast the lease."""


class TheirSide:
    """`link_id` is for the log."""

    def __init__(
        self,
        link_id: int,
        clock: Callable[[], datetime],
        point: Callable[[str], None],
        gatherer: Gatherer,
        quirks: Quirks,
    ) -> None:
        self.link_id, self.clock, self.point = link_id, clock, point
        self.gatherer, self.quirks = gatherer, quirks
        self.remote: Remote = gatherer.remote
        self.until = clock()
        self.failures = 0

    def write(self, groups: Sequence[Group], gathered: Gathered, until: datetime) -> OutsideError | None:
        """Write, read back, settle, while the lease holds. Returns what stopped it: what was done is stored first."""
        stopped: list[OutsideError] = []
        self.until = until
        groups = _in_any_order(groups)
        previous = self._previous(groups, gathered)

        def work(group: Group) -> Written | None:
            return self._write(group, previous, stopped)

        if self.remote.parallel > 1 and len(groups) > 1:
            with ThreadPoolExecutor(self.remote.parallel) as pool:
                written = list(pool.map(work, groups))
        else:
            written = [work(group) for group in groups]
        self._read_back([(group, one) for group, one in zip(groups, written, strict=True) if one is not None])
        return stopped[0] if stopped else None

    def _previous(self, groups: Sequence[Group], gathered: Gathered) -> Mapping[str, bytes]:
        """What lies at the addresses that are written over: what others had added to it stays."""
        updates = [step.row.href for group in groups if (step := group.remote_step) and step.kind is Kind.UPDATE]
        missing = [href for href in updates if href not in gathered.bodies]
        fetched = self.remote.fetch(missing) if missing else ()
        known = {href: gathered.bodies[href] for href in updates if href in gathered.bodies}
        return known | {one.href: one.body for one in fetched}

    def _write(self, group: Group, previous: Mapping[str, bytes], stopped: list[OutsideError]) -> Written | None:
        """None where it was not done."""
        if stopped or not self._has_margin():
            group.skip()
            return None
        step = group.steps[-1][1]
        if step.kind is Kind.UPDATE and previous.get(step.row.href) == b"":
            self._fail(group, COVERED)
            return None
        try:
            written = self._call(group, previous)
        except (SiteThrottled, Unreachable) as error:
            stopped.append(error)
            group.skip()
            return None
        except OutsideError as error:
            self._note_failure(group, error, stopped)
            return None
        except (ValueError, LookupError) as error:  # what cannot be written down
            log.warning("an item could not be put down", link=self.link_id, error=type(error).__name__)
            self._fail(group, UNFIT)
            return None
        self.failures = 0
        if written is None and not group.is_unwritten:
            group.skip()
        self.point("sync.wrote")
        return written

    def _note_failure(self, group: Group, error: OutsideError, stopped: list[OutsideError]) -> None:
        log.warning("an item could not be written", link=self.link_id, error=type(error).__name__)
        wait = timedelta(seconds=error.retry_after) if error.retry_after else None
        self._fail(group, problem_of(error).value, wait)
        self.failures += 1
        if self.failures >= MOST_FAILURES:
            stopped.append(error)

    def _fail(self, group: Group, reason: str, wait: timedelta | None = None) -> None:
        group.fail_there(self.clock(), reason, self._href(group.steps[-1][1]), wait)

    def _href(self, step: Operation) -> str:
        return step.row.href or self.remote.href_for(step.row.uid)

    def _call(self, group: Group, previous: Mapping[str, bytes]) -> Written | None:
        """None where somebody was faster: nothing is stored, and the next plan looks again. Where nobody was, the
        server takes no such write at all, and the item fails.
        """
        step = group.steps[-1][1]
        href = self._href(step)
        if not self._is_guarded(step) and not (self._stands(step, href) and self._has_margin()):
            return None
        if step.kind is Kind.DELETE:
            written = self.remote.delete(href, step.expected_etag)
            return written if written.outcome is not WriteOutcome.CLASHED else self._clashed(group, written, href)
        assert step.payload is not None  # noqa: S101 - creations and changes have one
        payload, uid = step.payload, step.row.uid
        item = payload if payload.uid == uid else replace(payload, uid=uid)
        if step.kind is Kind.CREATE:
            written = self.remote.create(href, write_item(item, self.clock()))
        else:
            body = write_item(item, self.clock(), previous.get(href))
            written = self.remote.update(href, body, step.expected_etag)
        return written if written.outcome is WriteOutcome.DONE else self._clashed(group, written, href)

    def _clashed(self, group: Group, written: Written, href: str) -> Written | None:
        """None: it was not done. That is no race where what the condition asked for holds after it, too."""
        step = group.steps[-1][1]
        if written.outcome is not WriteOutcome.CLASHED or written.href is not None or not self._has_margin():
            return None
        found = self.remote.fetch([href])
        is_as_expected = [one.etag for one in found] == ([] if step.kind is Kind.CREATE else [step.expected_etag])
        if is_as_expected:
            log.warning("a server takes no write of an item", link=self.link_id)
            self._fail(group, CLASHED)
        return None

    def _has_margin(self) -> bool:
        return self.clock() + MARGIN <= self.until

    def _is_guarded(self, step: Operation) -> bool:
        if step.kind is Kind.CREATE:
            return self.quirks.creates_guarded
        etag = step.expected_etag
        return self.quirks.updates_guarded and etag is not None and not etag.startswith("W/")

    def _stands(self, step: Operation, href: str) -> bool:
        """Where the server guards nothing: does it still hold what the plan saw? A stated race."""
        found = self.remote.fetch([href])
        if step.kind is Kind.CREATE or not found:
            return not found if step.kind is Kind.CREATE else step.kind is Kind.DELETE
        (read,) = self.gatherer.read(found) or (None,)
        return read is not None and step.theirs is not None and same(read.item, step.theirs)

    def _read_back(self, written: Sequence[tuple[Group, Written]]) -> None:
        wanted: dict[str, tuple[Group, Written]] = {}
        for group, one in written:
            step = group.steps[-1][1]
            href = one.href or self._href(step)
            group.done = replace(group.done, href=href)
            if step.kind is Kind.DELETE:
                self._settle(group, step)
            elif one.etag is not None and self.quirks.etag_on_write and not self.quirks.rewrites:
                group.done = replace(group.done, etag=one.etag)
                self._settle(group, step)
            else:
                wanted[href] = (group, one)
        found = {one.href: one for one in self._fetch_again(list(wanted))} if wanted else {}
        items = {one.href: one for one in self.gatherer.read(list(found.values()))}
        self.point("sync.read-back")
        for href, (group, one) in wanted.items():
            read = items.get(href)
            if read is None or read.item is None:
                group.skip()
                continue
            is_proven = one.etag is not None and one.etag == read.etag
            group.done = replace(group.done, etag=read.etag, read_back=read.item, is_proven=is_proven)
            self._settle(group, group.steps[-1][1])

    def _fetch_again(self, hrefs: list[str]) -> Sequence[Resource]:
        try:
            return self.remote.fetch(hrefs)
        except OutsideError as error:
            log.warning("what was written could not be read", link=self.link_id, error=type(error).__name__)
            return ()

    @staticmethod
    def _settle(group: Group, step: Operation) -> None:
        assert step.after is not None  # noqa: S101 - the last step of an item has one
        group.row = settle(step.after, group.done)
        group.states[group.steps[-1][0]] = (StepState.DONE, "")


def _in_any_order(groups: Sequence[Group]) -> list[Group]:
    """Deletions last, and else another order in each run: some that the server never takes, and of which no row can
    tell, would stop those behind them each time.
    """
    mixed = random.sample(groups, len(groups))
    return sorted(mixed, key=lambda group: group.steps[-1][1].kind is Kind.DELETE)
