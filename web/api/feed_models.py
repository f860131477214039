"""What the calls about kept feeds say and are answered (SPEC C1)."""

from uuid import UUID

from pydantic import StrictBool

from booking.values.states import SubjectKind, Variant
from web.api.models import Instant, Model, Needed


class FeedChange(Model):
    """What is not named stays. `series_expanded`: as where feeds are made."""

    name: Needed | None = None
    series_expanded: StrictBool | None = None


class Feed(Model):
    """`room`, `course`, `series`: whose calendar it is where `kind` says so. A booking's is not listed."""

    id: UUID
    kind: SubjectKind
    room: UUID | None
    course: UUID | None
    series: UUID | None
    name: str
    variant: Variant
    language: str
    cancelled_shown: bool
    months_back: int
    months_ahead: int | None
    alarm_minutes: int | None
    series_expanded: bool
    made_at: Instant
    revoked_at: Instant | None
    last_fetched_at: Instant | None


class Feeds(Model):
    feeds: list[Feed]


class FeedWithUrl(Feed):
    """`url` is the secret address; null once the feed was revoked."""

    url: str | None
