"""What the calls about kept feeds say and are answered (SPEC C1)."""

from uuid import UUID

from booking.values.states import SubjectKind, Variant
from web.api.models import Instant, Model, Needed


class FeedName(Model):
    name: Needed


class Feed(Model):
    """`room`: whose calendar it is where `kind` is room. A booking's is not listed; it has its own address."""

    id: UUID
    kind: SubjectKind
    room: UUID | None
    name: str
    variant: Variant
    language: str
    cancelled_shown: bool
    months_back: int
    months_ahead: int | None
    alarm_minutes: int | None
    made_at: Instant
    revoked_at: Instant | None
    last_fetched_at: Instant | None


class Feeds(Model):
    feeds: list[Feed]


class FeedWithUrl(Feed):
    """`url` is the secret address; null once the feed was revoked."""

    url: str | None
