"""What the calls about linked booking sites say and are answered (SPEC Y2, Y8, Y9). No key, no body of a webhook."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from booking.tables.connections import BlockWay, Writer
from booking.values.proofs import ProofPhase
from outside.ycbm_values import BASE_URL
from web.api.models import Instant, Model, Needed, plain_text

Key = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(plain_text)]
Profile = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(plain_text)
]


class SitePath(Model):
    site_id: UUID


class SiteBody(Model):
    """How the account there is reached. The key is sealed and never comes back."""

    name: Needed
    account_id: Needed
    api_key: Annotated[Key, Field(min_length=1)]
    base_url: Needed = BASE_URL


class SiteChange(Model):
    """What is not named stays. Another account, key, address or way of blocking has to be proven again; for another
    account or address the key has to be given, too. `calendars` goes with `block_way` "calendar": booking page there →
    calendar link that writes what the page reads, all of them.
    """

    name: Needed | None = None
    account_id: Needed | None = None
    api_key: Key = ""
    base_url: Needed | None = None
    writer: Writer | None = None
    block_way: BlockWay | None = None
    calendars: Annotated[dict[Profile, UUID], Field(max_length=100)] | None = None


class PagesBody(Model):
    """Booking page there → room here, all of them; a page that is not named is left out."""

    pages: Annotated[dict[Profile, UUID], Field(max_length=100)]


class SiteCalendar(Model):
    """How a page is blocked through a calendar. `phase`: of its proof; `until`: when that is over at the latest, while
    it runs; `test_starts_at`: the test time. `problem`: why it is not proven, as a code, with its `detail`.
    """

    link: UUID
    phase: ProofPhase
    until: Instant | None
    test_starts_at: Instant | None
    problem: str
    detail: str
    proven_at: Instant | None


class Site(Model):
    """`failures`: looks in a row that failed. `stuck`: bookings whose cancelling there fails. `calendars`: by page."""

    id: UUID
    name: str
    account_id: str
    base_url: str
    hook_url: str
    writer: Writer
    block_way: BlockWay
    proven_at: Instant | None
    polled_at: Instant | None
    next_poll_at: Instant
    paused_at: Instant | None
    failures: int
    last_error: str
    stuck: int
    pages: dict[str, UUID]
    calendars: dict[str, SiteCalendar]


class Sites(Model):
    sites: list[Site]


class Delivery(Model):
    """A webhook that came. `outcome`: a code for what became of it, empty while it waits."""

    received_at: Instant
    event: str
    size: int
    read_at: Instant | None
    outcome: str


class WholeSite(Site):
    deliveries: list[Delivery]


class SiteSecret(Model):
    """`secret` belongs into `header` of its webhooks. It is told now and never again; null for a repeated call."""

    id: UUID
    hook_url: str
    header: str
    secret: str | None


class RemotePage(Model):
    id: str
    title: str
    subdomain: str


class RemotePages(Model):
    pages: list[RemotePage]
