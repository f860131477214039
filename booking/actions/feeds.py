"""Feeds are made, rotated and revoked by whoever owns the calendar (SPEC C1). The caller has checked that it is theirs.

What was once a feed's token goes to `revoked_token` and answers 410 for good, on every node within a second.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.actions.audit import SYSTEM, Actor, note
from booking.actions.calendar_items import insert_for, note_touched
from booking.reads.agenda import Whose
from booking.reads.feeds import FeedInfo, choices_of
from booking.tables.base import Owned
from booking.tables.bookings import Booking
from booking.tables.calendars import Feed, FeedFetch, FeedSubject, RevokedToken
from booking.tables.houses import Room
from booking.tables.people import Customer
from booking.tables.studio import Course, Series
from booking.values.feeds import FeedChoices
from booking.values.identity import new_uuid
from booking.values.refusals import NotFound, Reason, Refused
from booking.values.states import SubjectKind
from booking.values.tokens import hash_token, token_of

LONGEST_NAME = 100
MOST_FEEDS = 50
_TARGETS: dict[SubjectKind, type[Owned]] = {
    SubjectKind.CUSTOMER: Customer,
    SubjectKind.ROOM: Room,
    SubjectKind.BOOKING: Booking,
    SubjectKind.COURSE: Course,
    SubjectKind.SERIES: Series,
}


def make_feed(
    session: Session,
    now: datetime,
    key: bytes,
    *,
    organisation_id: int,
    kind: SubjectKind,
    target_id: int,
    name: str,
    choices: FeedChoices,
    actor: Actor = SYSTEM,
) -> tuple[FeedInfo, str] | Refused:
    """A new feed and its token, which can be derived again at any time.

    For OFFICE and DESK the target is the organisation's own id. Refused: `feed-name` (empty or longer than 100
    characters), `feed-limit` (50 live feeds of one calendar). Raises NotFound where the organisation has no such
    target.
    """
    _require_target(session, organisation_id, kind, target_id)
    subject_id = _subject(session, organisation_id, kind, target_id)
    reasons = _reasons(session, subject_id, name)
    if reasons:
        return Refused(reasons)
    public_id = new_uuid(now)
    token = token_of(key, public_id, 0)
    feed = Feed(
        organisation_id=organisation_id,
        public_id=public_id,
        subject_id=subject_id,
        name=_line(name),
        token_hash=hash_token(token),
        generation=0,
        **asdict(choices),
        made_at=now,
    )
    session.add(feed)
    session.flush()
    facts = {"name": feed.name, "kind": kind.value, "variant": choices.variant.value}
    note(session, now, organisation_id, actor, "feed", feed.id, "feed.made", after=facts)
    return _info(feed, Whose(organisation_id, kind, target_id)), token


def rotate(
    session: Session, now: datetime, key: bytes, *, organisation_id: int, feed_id: int, actor: Actor = SYSTEM
) -> tuple[FeedInfo, str] | Refused:
    """Give the feed a new token; the former is revoked. Refused: `feed-revoked`. Raises NotFound."""
    feed, whose = _locked(session, organisation_id, feed_id)
    if feed.revoked_at is not None:
        return Refused((Reason("feed-revoked"),))
    _retire(session, now, feed)
    feed.generation += 1
    token = token_of(key, feed.public_id, feed.generation)
    feed.token_hash = hash_token(token)
    session.flush()
    note(session, now, organisation_id, actor, "feed", feed.id, "feed.rotated", after={"generation": feed.generation})
    return _info(feed, whose), token


def rename(
    session: Session, now: datetime, *, organisation_id: int, feed_id: int, name: str, actor: Actor = SYSTEM
) -> FeedInfo | Refused:
    """Give the feed another name, which its subscribers see. Refused: `feed-name`, `feed-revoked`. Raises NotFound."""
    feed, whose = _locked(session, organisation_id, feed_id)
    if feed.revoked_at is not None:
        return Refused((Reason("feed-revoked"),))
    reasons = _of_name(name)
    if reasons:
        return Refused(reasons)
    before, feed.name, feed.changed_at = feed.name, _line(name), now
    session.flush()
    note_touched(session, (feed.subject_id,))
    told = {"before": {"name": before}, "after": {"name": feed.name}}
    note(session, now, organisation_id, actor, "feed", feed.id, "feed.renamed", **told)
    return _info(feed, whose)


def lay_out_series(
    session: Session, now: datetime, *, organisation_id: int, feed_id: int, expanded: bool, actor: Actor = SYSTEM
) -> FeedInfo | Refused:
    """Show every occurrence of a series as an event of its own, or each series as one (SPEC C3).

    What it is already writes nothing. Refused: `feed-revoked`. Raises NotFound.
    """
    feed, whose = _locked(session, organisation_id, feed_id)
    if feed.revoked_at is not None:
        return Refused((Reason("feed-revoked"),))
    if feed.series_expanded is not expanded:
        feed.series_expanded, feed.changed_at = expanded, now
        session.flush()
        note_touched(session, (feed.subject_id,))
        told = {"before": {"series_expanded": not expanded}, "after": {"series_expanded": expanded}}
        note(session, now, organisation_id, actor, "feed", feed.id, "feed.changed", **told)
    return _info(feed, whose)


def revoke(session: Session, now: datetime, *, organisation_id: int, feed_id: int, actor: Actor = SYSTEM) -> FeedInfo:
    """Close the feed for good. A second time changes nothing. Raises NotFound."""
    feed, whose = _locked(session, organisation_id, feed_id)
    if feed.revoked_at is None:
        _retire(session, now, feed)
        feed.revoked_at = now
        session.flush()
        note(session, now, organisation_id, actor, "feed", feed.id, "feed.revoked")
    return _info(feed, whose)


def note_fetches(session: Session, fetches: Mapping[tuple[int, str], datetime]) -> None:
    """Keep when a client, by its family name, last fetched a feed: (feed id, client) → instant. Older ones are left."""
    rows = [{"feed_id": feed_id, "client": client, "at": at} for (feed_id, client), at in sorted(fetches.items())]
    if rows:
        added = insert_for(session, FeedFetch).values(rows)
        newer = FeedFetch.at < added.excluded.at
        keys, at = ["feed_id", "client"], {"at": added.excluded.at}
        session.execute(added.on_conflict_do_update(index_elements=keys, set_=at, where=newer))


def _reasons(session: Session, subject_id: int, name: str) -> tuple[Reason, ...]:
    live = select(func.count()).where(Feed.subject_id == subject_id, Feed.revoked_at.is_(None))
    reasons = [*_of_name(name)]
    if (session.scalar(live) or 0) >= MOST_FEEDS:
        reasons.append(Reason("feed-limit", values={"most": MOST_FEEDS}))
    return tuple(reasons)


def _of_name(name: str) -> tuple[Reason, ...]:
    fits = 0 < len(_line(name)) <= LONGEST_NAME
    return () if fits else (Reason("feed-name", at="name", values={"most": LONGEST_NAME}),)


def _line(name: str) -> str:
    """A name is one line, however it was pasted."""
    return " ".join(name.split())


def _require_target(session: Session, organisation_id: int, kind: SubjectKind, target_id: int) -> None:
    table = _TARGETS.get(kind)
    if table is None:
        known = target_id == organisation_id
    else:
        found = select(table.id).where(table.organisation_id == organisation_id, table.id == target_id)
        known = session.scalar(found) is not None
    if not known:
        raise NotFound(kind.value, target_id)


def _subject(session: Session, organisation_id: int, kind: SubjectKind, target_id: int) -> int:
    """The subject's id, its row made where there is none and locked, so that the limit is counted by one at a time."""
    row = {"organisation_id": organisation_id, "kind": kind, "target_id": target_id, "revision": 0}
    keys = ["organisation_id", "kind", "target_id"]
    added = insert_for(session, FeedSubject).values(row)
    statement = added.on_conflict_do_update(index_elements=keys, set_={"revision": FeedSubject.revision})
    return int(session.execute(statement.returning(FeedSubject.id)).scalar_one())


def _locked(session: Session, organisation_id: int, feed_id: int) -> tuple[Feed, Whose]:
    statement = (
        select(Feed, FeedSubject.kind, FeedSubject.target_id)
        .join(FeedSubject, FeedSubject.id == Feed.subject_id)
        .where(Feed.organisation_id == organisation_id, Feed.id == feed_id)
        .with_for_update(of=Feed)
        .execution_options(populate_existing=True)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        raise NotFound("feed", feed_id)
    return row[0], Whose(organisation_id, row.kind, row.target_id)


def _retire(session: Session, now: datetime, feed: Feed) -> None:
    added = insert_for(session, RevokedToken).values(token_hash=feed.token_hash, revoked_at=now)
    session.execute(added.on_conflict_do_nothing(index_elements=["token_hash"]))
    note_touched(session, (feed.subject_id,))


def _info(feed: Feed, whose: Whose) -> FeedInfo:
    return FeedInfo(
        feed_id=feed.id,
        public_id=feed.public_id,
        subject_id=feed.subject_id,
        whose=whose,
        name=feed.name,
        choices=choices_of(feed),
        generation=feed.generation,
        made_at=feed.made_at,
        revoked_at=feed.revoked_at,
    )
