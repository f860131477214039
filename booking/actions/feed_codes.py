"""Door codes in customers' own feeds are counted as changes (SPEC C2, C4): by hand where an action changes what is
shown, by the tick where the clock does.

`organisation.feed_codes_seen` is the instant up to which appearing is counted; a feed shows no code that is not. Who
moves it locks the organisation's row, and who compares before and after keeps it from being moved meanwhile.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.calendar_items import touch_all
from booking.reads.feed_codes import feed_terms, given_codes, standing, turning
from booking.rules.feed_codes import FeedTerms, counted
from booking.tables.calendars import CalendarItem
from booking.tables.houses import Organisation
from booking.values.slot import Slot

TERMS = frozenset({"feed_code_hours", "code_hours_before", "code_after_payment"})
SEEN_FRESH = timedelta(minutes=1)


@contextmanager
def codes_recounted(
    session: Session, now: datetime, organisation_id: int, booking_ids: Collection[int] | None = None
) -> Iterator[None]:
    """Whatever is done within may change which codes the feeds of these bookings (None: of all) show.

    Items whose codes are others afterwards are touched, unless what was done counted them already. Use it late in a
    transaction: it locks items and revisions.
    """
    held = select(Organisation.id).where(Organisation.id == organisation_id)
    session.execute(held.with_for_update(read=True, key_share=True))
    before = standing(session, now, organisation_id, booking_ids)
    sequences = _sequences(session, booking_ids)
    yield
    session.flush()
    counted_already = dict(_sequences(session, booking_ids).items() - sequences.items())
    _touch_others(session, now, organisation_id, before, booking_ids, counted_already)


@contextmanager
def terms_changed(session: Session, now: datetime, row: Organisation, wanted: Mapping[str, Any]) -> Iterator[None]:
    """As `codes_recounted`, where the operator's choice itself may change within. The caller has locked the row."""
    if all(getattr(row, name) == wanted.get(name, getattr(row, name)) for name in TERMS):
        yield
        return
    terms = feed_terms(session, row.id)
    if terms is not None:
        touch_all(session, row.id, _due(session, now, row.id, terms, begins=False))
    before = standing(session, now, row.id)
    yield
    _see(session, now, row.id)
    _touch_others(session, now, row.id, before)


def count_turned(session: Session, now: datetime, organisation_id: int) -> int:
    """Count the codes whose moment came and those whose time is over. Returns how many bookings that concerns.

    Costs a few narrow index ranges where nothing is due; writes once a minute then, so that they stay narrow.
    """
    terms = feed_terms(session, organisation_id)
    if terms is None or now <= terms.seen:
        return 0
    if not _due(session, now, organisation_id, terms) and now - terms.seen < SEEN_FRESH:
        return 0
    session.get_one(Organisation, organisation_id, with_for_update=True, populate_existing=True)
    return _count(session, now, organisation_id)


def _count(session: Session, now: datetime, organisation_id: int) -> int:
    terms = feed_terms(session, organisation_id)
    if terms is None or now <= terms.seen:
        return 0
    due = _due(session, now, organisation_id, terms)
    touch_all(session, organisation_id, due)
    _see(session, now, organisation_id)
    return len(due)


def _due(
    session: Session, now: datetime, organisation_id: int, terms: FeedTerms, *, begins: bool = True
) -> dict[int, tuple[datetime, ...]]:
    """Booking id → the instants at which its codes changed. What began begins with the count, never before.

    Without `begins`: only what ended; what would begin now is not to be shown by these terms any more.
    """
    stretches: defaultdict[int, list[Slot]] = defaultdict(list)
    for one in given_codes(session, organisation_id, terms, turning(session, now, organisation_id, terms)):
        stretches[one.booking_id].append(one.shown)
    found = {}
    for booking_id, shown in stretches.items():
        change = counted(shown, terms.seen, now)
        instants = (*change.ended, now) if begins and change.has_begun else change.ended
        if instants:
            found[booking_id] = instants
    return found


def _sequences(session: Session, booking_ids: Collection[int] | None) -> dict[int, int]:
    """Booking id → its item's SEQUENCE; nothing where all bookings are meant: who changes all of them records none."""
    query = select(CalendarItem.booking_id, CalendarItem.sequence).where(CalendarItem.booking_id.in_(booking_ids or ()))
    rows = session.execute(query) if booking_ids else ()
    return {booking_id: sequence for booking_id, sequence in rows if booking_id is not None}


def _see(session: Session, now: datetime, organisation_id: int) -> None:
    """Never back: what is counted stays counted, whatever another machine's clock says."""
    row = session.get_one(Organisation, organisation_id)
    row.feed_codes_seen = max(now, row.feed_codes_seen or now)
    session.flush()


def _touch_others(
    session: Session,
    now: datetime,
    organisation_id: int,
    before: dict[int, frozenset[int]],
    booking_ids: Collection[int] | None = None,
    but: Collection[int] = (),
) -> None:
    session.flush()
    after = standing(session, now, organisation_id, booking_ids)
    changed = [one for one in before.keys() | after.keys() if before.get(one) != after.get(one) and one not in but]
    touch_all(session, organisation_id, dict.fromkeys(changed, (now,)))
