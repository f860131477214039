"""The remote of a link, opened for one run, with what it costs counted and bounded."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from requests import Response

from booking.values.links import LinkAccess, LinkKind
from outside.errors import TooLarge
from outside.http import GuardedSession, Limits
from sync.remotes import dav, ics
from sync.remotes.caldav import DEFAULT_QUIRKS, CalDavRemote
from sync.remotes.credentials import Credentials, Login, Token
from sync.remotes.dav import dav_session
from sync.remotes.ics import IcsRemote, ics_session
from sync.remotes.protocol import ListingTime, Quirks, Remote, as_long_as_may_be

MOST_OCTETS = 100_000_000


@dataclass(slots=True)
class Meter:
    """Requests and bytes of answers so far. Threads count together; being off by one does not matter."""

    requests: int = 0
    octets: int = 0

    def count(self, answer: Response, **_options: Any) -> None:
        self.requests += 1
        self.octets += len(answer.content) + sum(len(name) + len(value) + 4 for name, value in answer.headers.items())
        if self.octets > MOST_OCTETS:
            raise TooLarge("calendar", MOST_OCTETS)


@dataclass(frozen=True, slots=True)
class Place:
    """What opens a remote. `writes` False: the link only reads. `listing_time` is asked before each listing."""

    kind: LinkKind
    access: LinkAccess
    quirks: Quirks | None
    writes: bool
    allow_private: frozenset[str]
    listing_time: ListingTime = as_long_as_may_be


Opener = Callable[[Place, Meter], AbstractContextManager[Remote]]


@contextmanager
def open_remote(place: Place, meter: Meter, limits: Limits | None = None) -> Iterator[Remote]:
    """`limits` instead of those of its kind. Raises RefusedAddress where the address may not be called."""
    access = place.access
    credentials: Credentials = None
    if access.token:
        credentials = Token(access.token)
    elif access.user or access.password:
        credentials = Login(access.user, access.password)
    session: GuardedSession
    if place.kind is LinkKind.ICS:
        with ics_session(place.allow_private, limits or ics.LIMITS) as session:
            session.hooks["response"].append(meter.count)
            yield IcsRemote(access.url, credentials, session=session, listing_time=place.listing_time)
        return
    with dav_session(place.allow_private, limits or dav.LIMITS) as session:
        session.hooks["response"].append(meter.count)
        yield CalDavRemote(
            access.url,
            credentials,
            session=session,
            quirks=place.quirks or DEFAULT_QUIRKS,
            writes=place.writes,
            listing_time=place.listing_time,
        )
