"""Between the planner's values and the rows of the database: pure, both ways (SPEC C7, C11).

Items lie in the database as canonical JSON (`ical.canon`), which equal items share.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from booking.reads.link_evidence import LinkFacts
from booking.values.links import Imported, ImportedTime, LocalBooking, Question, Step, StepState, StoredItem
from booking.values.slot import Slot
from booking.values.states import Variant
from ical.canon import canon, item_of
from ical.expansion import CAPS, expand
from ical.identity import uid_text
from ical.item import Details, Item, Status
from ical.moments import in_zone
from sync.content import ends_at, first_of, takes_time
from sync.remotes.protocol import CursorKind, Quirks
from sync.values import (
    Conflict,
    Decision,
    DeletedBy,
    Field,
    Hold,
    Identity,
    ItemLink,
    Kind,
    Limits,
    Link,
    LinkState,
    LocalItem,
    Operation,
    Owner,
    Side,
)

ALL_FIELDS = frozenset(Field)
OF_A_BOOKING = ALL_FIELDS - {Field.TIME, Field.STATUS}
"""Made from our own data: nobody changes them from outside."""
LOOK_BACK = timedelta(days=1)
_PLAIN = frozenset({"href", "uid", "miss_count", "missing_since", "flips", "flips_since", "error_count", "next_try"})
_SAME = sorted(_PLAIN | {"id", "local_id", "base_revision", "base_etag", "problem"})
_read_same = attrgetter(*_SAME)


def link_of(facts: LinkFacts, instance: str, busy_text: str) -> Link:
    return Link(
        id=facts.link_id,
        instance=instance,
        policy=facts.policy,
        owners={Field(name): Owner(owner) for name, owner in facts.owners.items()},
        identity=Identity(facts.identity),
        limits=replace(Limits(), **facts.limits),
        written_last_hour=facts.written_last_hour,
        approved=facts.approved,
        active=facts.active,
        busy_text=busy_text,
    )


def item_link_of(row: StoredItem) -> ItemLink:
    return ItemLink(
        **dict(zip(_SAME, _read_same(row), strict=True)),
        origin=Side(row.origin),
        base=item_of(row.base) if row.base is not None else None,
        base_remote=item_of(row.base_remote) if row.base_remote is not None else None,
        state=LinkState(row.state),
        deleted_by=DeletedBy(row.deleted_by) if row.deleted_by is not None else None,
        held=Hold(row.held) if row.held is not None else None,
        decision=Decision(row.decision) if row.decision is not None else None,
        last_written=Side(row.last_written) if row.last_written is not None else None,
    )


def stored_of(row: ItemLink, version: int) -> StoredItem:
    """`version` is that of the row as it was read; 0 for a new one."""
    theirs = row.theirs
    return StoredItem(
        row.id,
        version,
        row.local_id,
        row.href,
        row.uid,
        row.origin.value,
        canon(row.base) if row.base is not None else None,
        canon(row.base_remote) if row.base_remote is not None else None,
        row.base_revision,
        row.base_etag,
        row.state.value,
        row.miss_count,
        row.missing_since,
        row.deleted_by and row.deleted_by.value,
        row.held and row.held.value,
        row.decision and row.decision.value,
        row.flips,
        row.flips_since,
        row.last_written and row.last_written.value,
        row.error_count,
        row.next_try,
        row.problem,
        ends_at(theirs) if theirs is not None else None,
    )


def booking_item(
    facts: LinkFacts, one: LocalBooking, instance: str, busy_text: str, written_to: Collection[int] = ()
) -> LocalItem:
    """A booking as an item. Nothing from outside changes one without a person, and its texts never.

    What stands beside, and the event of a course, are changed here alone: the timetable is the office's.
    """
    uid = uid_text(one.uid, instance)
    times = (in_zone(one.slot.start, one.zone), in_zone(one.slot.end, one.zone))
    details = replace(Details(*times, status=Status(one.status.value)), **_texts(facts, one, busy_text))
    return LocalItem(
        one.item_id,
        uid,
        one.revision,
        Item(uid, details, sequence=one.revision),
        is_protected=True,
        fixed=ALL_FIELDS if one.is_beside or one.is_event else OF_A_BOOKING,
        written_to=frozenset(written_to),
    )


def _texts(facts: LinkFacts, one: LocalBooking, busy_text: str) -> dict[str, Any]:
    if one.is_beside or facts.variant is Variant.BUSY:
        return {"summary": busy_text}
    shown = {"summary": one.title, "location": one.location}
    if facts.variant is Variant.FULL:
        shown |= {"summary": f"{one.title} · {one.party}" if one.party else one.title, "description": one.details}
    return shown


def import_item(one: Imported, link_id: int) -> LocalItem:
    return LocalItem(-one.id, one.uid, one.revision, item_of(one.content), came_from=link_id)


def imported_time(item: Item, now: datetime, until: datetime, zone: str) -> ImportedTime:
    """What is to be stored of an item: of a series the dates to come up to `until`, of anything else all."""
    if item.recurrence is None:
        parts = [item.master] if item.master else list(item.overrides.values())
        slots = [slot for one in parts if (slot := _taken(one, one.start.instant, one.end.instant))]
        return ImportedTime(item.uid, canon(item), _summary(item), tuple(slots), None)
    start = now - LOOK_BACK
    last = min(until, start + CAPS.window)
    found = expand(item, Slot(start, last), zone)
    dates = tuple(slot for one in found.occurrences if (slot := _taken(one.details, one.start, one.end)))
    problem = found.refusal.codes[0] if found.refusal else ""
    return ImportedTime(item.uid, canon(item), _summary(item), dates, last, problem)


def _taken(details: Details, start: datetime, end: datetime) -> Slot | None:
    takes = details.is_busy and details.status is not Status.CANCELLED and start < end
    return Slot(start, end) if takes else None


def _summary(item: Item) -> str:
    return first_of(item).summary


def words(item: Item | None) -> Mapping[str, Any]:
    """A version of an item for people."""
    if item is None:
        return {}
    first = first_of(item)
    told: dict[str, Any] = {
        "summary": first.summary,
        "starts_at": first.start.instant.isoformat(),
        "ends_at": first.end.instant.isoformat(),
        "status": first.status.value if takes_time(item) else Status.CANCELLED.value,
    }
    told |= {name: text for name in ("location", "description") if (text := getattr(first, name))}
    return told | ({"rule": item.recurrence.rule} if item.recurrence else {})


def step_of(one: Operation, state: StepState = StepState.PLANNED) -> Step:
    row = one.row
    ours, theirs = one.ours, one.theirs
    if one.kind in {Kind.CREATE, Kind.UPDATE} and one.payload is not None:
        ours, theirs = (one.payload, theirs) if one.side is Side.REMOTE else (ours or row.base, one.payload)
    return Step(
        one.kind.value,
        one.side.value,
        one.reason.value,
        one.key,
        row.uid,
        row.href,
        row.local_id,
        row.id,
        state,
        ours=words(ours),
        theirs=words(theirs),
        conflicts=_told(one.conflicts) if one.conflicts else (),
    )


def question_of(one: Operation, ours: Item | None) -> Question:
    """`ours`: our item as it stands, where the step does not say."""
    wanted = one.payload
    is_ended = one.deletes
    # what is cancelled there has no time of its own to move to
    is_single = wanted is not None and wanted.recurrence is None and wanted.master is not None
    slot = _slot(wanted or one.theirs)
    return Question(
        uid=one.row.uid,
        local_id=one.row.local_id,
        reason=one.reason.value,
        ended=is_ended,
        takes=is_single and slot is not None and not is_ended,
        slot=slot,
        ours=words(one.ours or ours),
        theirs=words(one.theirs),
        conflicts=_told(one.conflicts),
    )


def _slot(item: Item | None) -> Slot | None:
    if item is None:
        return None
    first = first_of(item)
    return Slot(first.start.instant, first.end.instant) if first.start.instant < first.end.instant else None


def _told(conflicts: tuple[Conflict, ...]) -> tuple[Mapping[str, str], ...]:
    return tuple(
        {
            "field": one.field.value,
            "occurrence": one.occurrence,
            "ours": one.ours,
            "theirs": one.theirs,
            "winner": one.winner.value,
        }
        for one in conflicts
    )


def own_uuid(uid: str, instance: str) -> UUID | None:
    """The UUID of a UID that we made."""
    name, _, host = uid.partition("@")
    if host != instance:
        return None
    try:
        return UUID(name)
    except ValueError:
        return None


def quirks_of(stored: Mapping[str, Any]) -> Quirks | None:
    """None where the server was not probed yet."""
    if not stored:
        return None
    known = {field.name for field in fields(Quirks)}
    given = {name: value for name, value in stored.items() if name in known}
    return replace(Quirks(**given), cursor_kind=CursorKind(stored["cursor_kind"]))


def quirks_stored(quirks: Quirks) -> dict[str, Any]:
    return asdict(quirks) | {"cursor_kind": quirks.cursor_kind.value}
