"""Feeds: whom a token belongs to, in one indexed query; and the lists on their owners' pages (SPEC C1)."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Row, bindparam, select
from sqlalchemy.orm import Session

from booking.reads.agenda import Whose
from booking.tables.bookings import AuditEntry
from booking.tables.calendars import Feed, FeedFetch, FeedSubject, RevokedToken
from booking.tables.houses import Organisation
from booking.values.feeds import FeedChoices
from booking.values.identity import host_id
from booking.values.refusals import NotFound
from booking.values.states import SubjectKind

BY_CUSTOMER = "customer"  # who acts, in the audit log
_NAMES = tuple(field.name for field in fields(FeedChoices))
_CHOICES = tuple(getattr(Feed, name) for name in _NAMES)
_WANTED = select(bindparam("token_hash", type_=LargeBinary).label("token_hash")).subquery("wanted")
_LOOK_UP = (
    select(
        RevokedToken.revoked_at.label("was_revoked"),
        Feed.id.label("feed_id"),
        Feed.organisation_id,
        Feed.name,
        *_CHOICES,
        Feed.made_at,
        Feed.changed_at,
        Feed.revoked_at,
        FeedSubject.id.label("subject_id"),
        FeedSubject.kind,
        FeedSubject.target_id,
        FeedSubject.revision,
        Organisation.public_id.label("organisation_public_id"),
        Organisation.epoch,
        Organisation.name.label("house"),
        Organisation.zone,
        Organisation.brand,
        Organisation.changed_at.label("house_changed_at"),
    )
    .select_from(_WANTED)
    .outerjoin(RevokedToken, RevokedToken.token_hash == _WANTED.c.token_hash)
    .outerjoin(Feed, Feed.token_hash == _WANTED.c.token_hash)
    .outerjoin(FeedSubject, FeedSubject.id == Feed.subject_id)
    .outerjoin(Organisation, Organisation.id == Feed.organisation_id)
)
# What the house itself makes feeds of: all but customers' own and those of one booking.
HOUSE_KINDS = frozenset(
    {SubjectKind.OFFICE, SubjectKind.DESK, SubjectKind.ROOM, SubjectKind.COURSE, SubjectKind.SERIES}
)


@dataclass(frozen=True, slots=True)
class Gone:
    """The token was once a feed's and never will be again."""


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """All that an answer depends on besides the items. `house` is the organisation's name, `zone` its Olson zone.

    `changed_at`: since when the feed itself is as it is, its name and the settings of its house.
    """

    feed_id: int
    subject_id: int
    whose: Whose
    revision: int
    epoch: int
    name: str
    choices: FeedChoices
    changed_at: datetime
    house: str
    zone: str
    colour: str
    host_id: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """A client that fetched a feed, and about when last."""

    client: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """A feed as its owner sees it. Its token is `booking.values.tokens.token_of(key, public_id, generation)`."""

    feed_id: int
    public_id: UUID
    subject_id: int
    whose: Whose
    name: str
    choices: FeedChoices
    generation: int
    made_at: datetime
    revoked_at: datetime | None
    fetches: tuple[Fetch, ...] = ()


def choices_of(feed: Any) -> FeedChoices:
    """Of a row that has the columns of `feed`."""
    return FeedChoices(*(getattr(feed, name) for name in _NAMES))


def find_feed(session: Session, token_hash: bytes) -> FoundFeed | Gone | None:
    """Whom the token with this SHA-256 belongs to; None where nobody ever had it. One query by two unique keys."""
    row = session.execute(_LOOK_UP, {"token_hash": token_hash}).one()
    if row.was_revoked is not None or row.revoked_at is not None:
        return Gone()
    if row.feed_id is None:
        return None
    return FoundFeed(
        feed_id=row.feed_id,
        subject_id=row.subject_id,
        whose=Whose(row.organisation_id, row.kind, row.target_id),
        revision=row.revision,
        epoch=row.epoch,
        name=row.name,
        choices=choices_of(row),
        changed_at=max(filter(None, (row.made_at, row.changed_at, row.house_changed_at))),
        house=row.house,
        zone=row.zone,
        colour=row.brand,
        host_id=host_id(row.organisation_public_id),
    )


def feeds_of(session: Session, whose: Whose) -> tuple[FeedInfo, ...]:
    """The feeds of one calendar, newest first, revoked ones too, each with who fetched it lately."""
    rows = session.execute(
        _listed(whose.organisation_id)
        .where(FeedSubject.kind == whose.kind, FeedSubject.target_id == whose.target_id)
        .order_by(Feed.made_at.desc(), Feed.id.desc())
    ).all()
    fetches = _fetches(session, [row.id for row in rows])
    return tuple(_info(row, fetches.get(row.id, ())) for row in rows)


def house_feeds(session: Session, organisation_id: int) -> tuple[FeedInfo, ...]:
    """The feeds of `HOUSE_KINDS`, newest first, revoked ones too. Two queries, however many they are."""
    query = _listed(organisation_id).where(FeedSubject.kind.in_(HOUSE_KINDS))
    rows = session.execute(query.order_by(Feed.made_at.desc(), Feed.id.desc())).all()
    fetches = _fetches(session, [row.id for row in rows])
    return tuple(_info(row, fetches.get(row.id, ())) for row in rows)


def feed_of(session: Session, organisation_id: int, public_id: UUID) -> FeedInfo:
    """One feed of the organisation with its fetches. Raises NotFound."""
    row = session.execute(_listed(organisation_id).where(Feed.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound("feed", public_id)
    return _info(row, _fetches(session, [row.id]).get(row.id, ()))


def is_made_by_customer(session: Session, feed: FeedInfo) -> bool:
    """Whether it is a customer's own: made on the page of a booking, as the audit log says."""
    query = select(AuditEntry.actor).where(
        AuditEntry.organisation_id == feed.whose.organisation_id,
        AuditEntry.subject == "feed",
        AuditEntry.subject_id == feed.feed_id,
        AuditEntry.action == "feed.made",
    )
    return session.scalar(query) == BY_CUSTOMER


def _listed(organisation_id: int) -> Any:
    return (
        select(
            Feed.id,
            Feed.public_id,
            Feed.subject_id,
            Feed.organisation_id,
            FeedSubject.kind,
            FeedSubject.target_id,
            Feed.name,
            *_CHOICES,
            Feed.generation,
            Feed.made_at,
            Feed.revoked_at,
        )
        .join(FeedSubject, FeedSubject.id == Feed.subject_id)
        .where(Feed.organisation_id == organisation_id)
    )


def _info(row: Row[Any], fetches: tuple[Fetch, ...]) -> FeedInfo:
    return FeedInfo(
        feed_id=row.id,
        public_id=row.public_id,
        subject_id=row.subject_id,
        whose=Whose(row.organisation_id, row.kind, row.target_id),
        name=row.name,
        choices=choices_of(row),
        generation=row.generation,
        made_at=row.made_at,
        revoked_at=row.revoked_at,
        fetches=fetches,
    )


def _fetches(session: Session, feed_ids: Iterable[int]) -> dict[int, tuple[Fetch, ...]]:
    rows = session.execute(
        select(FeedFetch.feed_id, FeedFetch.client, FeedFetch.at)
        .where(FeedFetch.feed_id.in_(list(feed_ids)))
        .order_by(FeedFetch.at.desc())
    )
    found: dict[int, tuple[Fetch, ...]] = {}
    for feed_id, client, at in rows:
        found[feed_id] = (*found.get(feed_id, ()), Fetch(client, at))
    return found
