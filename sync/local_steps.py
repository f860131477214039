"""What a plan does on our side: times that come, change and end, and questions to a person (SPEC C6, C7, C13, C14).

No booking is ever changed here. A step that would is a question instead: a person's decision changed the booking with
its own transaction, and what is left to do here is to note that both sides agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from booking.actions import link_bulk, link_cases, link_imports
from booking.reads.link_evidence import LinkFacts
from booking.tables.links import CalendarLink
from booking.values.links import ImportedTime, LinkPolicy
from ical.item import Item
from sync.content import first_of, same
from sync.settle import Done
from sync.store import imported_time, question_of
from sync.values import ItemLink, Kind, LinkState, LocalEvidence, Operation

LINK = "calendar_link"


@dataclass(frozen=True, slots=True)
class Acted:
    """What became known, and the row that the item is to have (None: a further step follows)."""

    done: Done
    after: ItemLink | None


class LocalSteps:
    def __init__(self, facts: LinkFacts, zone: str) -> None:
        self.facts, self.zone = facts, zone

    def _link(self, session: Session) -> CalendarLink:
        """Read once in a transaction: a session forgets rows that nobody holds."""
        link: CalendarLink | None = session.info.get(LINK)
        if link is None:
            link = session.info[LINK] = session.get_one(CalendarLink, self.facts.link_id)
        return link

    def act(self, session: Session, now: datetime, step: Operation, done: Done, local: LocalEvidence) -> Acted | None:
        """Do one step on our side. None where the item is not as the plan saw it."""
        link = self._link(session)
        self.note_conflicts(session, now, step, local)
        ours = local.there.get(step.row.local_id) if step.row.local_id is not None else None
        if step.kind is Kind.PROPOSE:
            link_cases.ask(session, now, link, question_of(step, ours.item if ours else None))
        elif step.is_write and (step.row.local_id or 0) > 0 and step.kind is not Kind.CREATE:
            return self._agree_or_ask(session, now, link, step, done, local)
        elif step.is_write:
            if step.kind is Kind.CREATE and (step.row.local_id or 0) > 0:
                # it ended here while it was changed there: its time stays taken, as a closure, and a person is told
                link_cases.note_conflicts(session, now, link, question_of(step, step.row.base))
            return self._brought(session, now, link, step, done)
        return Acted(done, step.after)

    def note_conflicts(self, session: Session, now: datetime, step: Operation, local: LocalEvidence) -> None:
        """What did not hold is kept for review, on whichever side the step writes; a question shows it anyway."""
        if not step.conflicts or self.facts.policy is not LinkPolicy.TWO_WAY or step.kind is Kind.PROPOSE:
            return
        link = self._link(session)
        ours = local.there.get(step.row.local_id) if step.row.local_id is not None else None
        link_cases.note_conflicts(session, now, link, question_of(step, ours.item if ours else None))

    def _brought(
        self, session: Session, now: datetime, link: CalendarLink, step: Operation, done: Done
    ) -> Acted | None:
        import_id = -(step.row.local_id or 0)
        if step.kind is Kind.DELETE:
            is_done = link_imports.end_import(session, now, link, import_id, step.expected_revision)
            return Acted(done, step.after) if is_done else None
        assert step.payload is not None  # noqa: S101 - creations and changes have one
        given = self.time_of(step.payload, now)
        _, units = link_imports.lock_room(session, link.id)
        if step.kind is Kind.CREATE:
            made, revision = link_imports.add_import(session, now, link, units, given)
            return Acted(replace(done, local_id=-made, revision=revision), lacking(step.after, given))
        if given.problem:  # some of its dates are not known: none that stands here is given up for that (SPEC C9)
            etag = step.after.base_etag if step.after else step.row.base_etag
            kept = replace(step.row, state=LinkState.QUARANTINED, base_etag=etag, problem=given.problem)
            return Acted(done, kept)
        changed = link_imports.change_import(session, now, link, units, import_id, given, step.expected_revision)
        return None if changed is None else Acted(replace(done, revision=changed), step.after)

    def _agree_or_ask(
        self, session: Session, now: datetime, link: CalendarLink, step: Operation, done: Done, local: LocalEvidence
    ) -> Acted | None:
        """A decision was made about the version of then. Where they say the same time as ours by now, both agree, each
        with its own texts; else it is asked about the version of now.
        """
        ours = local.there.get(step.row.local_id or 0)
        if ours is None or step.after is None:
            return None
        theirs = step.after.theirs
        if step.kind is Kind.UPDATE and _same_time(ours.item, step.payload):
            return Acted(done, _standing(step.after, ours.item, ours.revision, theirs, LinkState.ACTIVE))
        link_cases.ask(session, now, link, question_of(replace(step, theirs=step.theirs or theirs), ours.item))
        asked = _standing(step.after, ours.item, ours.revision, theirs, LinkState.CONFLICT)
        return Acted(done, replace(asked, local_id=ours.id))

    def time_of(self, item: Item, now: datetime) -> ImportedTime:
        return imported_time(item, now, self.facts.until, self.zone)

    def bring(self, session: Session, now: datetime, many: Sequence[ImportedTime]) -> list[int]:
        """Many new times at once; raises IntegrityError where one of them is known already."""
        link, units = link_imports.lock_room(session, self.facts.link_id)
        return link_bulk.add_imports(session, now, link, units, many)

    def note_settled(self, session: Session, now: datetime, before: ItemLink, after: ItemLink) -> None:
        """A question that is none any more is closed."""
        if before.state is LinkState.CONFLICT and after.state is not LinkState.CONFLICT:
            link = self._link(session)
            link_cases.settle(session, now, link, before.uid)


def lacking(after: ItemLink | None, given: ImportedTime) -> ItemLink | None:
    """The row says why some of the dates are missing, for a person to see."""
    return replace(after, problem=given.problem) if after is not None and given.problem else after


def _same_time(ours: Item, theirs: Item | None) -> bool:
    if theirs is None or theirs.recurrence is not None:
        return False
    mine, its = first_of(ours), first_of(theirs)
    return (mine.start.instant, mine.end.instant) == (its.start.instant, its.end.instant)


def _standing(after: ItemLink, ours: Item, revision: int, theirs: Item | None, state: LinkState) -> ItemLink:
    """Each side is held against its own version from now on."""
    its = None if same(ours, theirs) else theirs
    return replace(after, base=ours, base_remote=its, base_revision=revision, state=state)
