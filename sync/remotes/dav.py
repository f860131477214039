"""Talking to one WebDAV server as one user, through python-caldav's client with the guarded session in its place.

The library gets to see a well-formed 207 and nothing else: it would log bodies that it cannot read, sleep on
Retry-After, guess at credentials, and follow a PUT's redirect as a GET. Any other answer comes back as it came.
"""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from caldav.davclient import DAVClient
from caldav.lib.python_utilities import WireBytes

from outside.errors import EndlessRedirect, RefusedRedirect, SiteUnreadable
from outside.http import READING, GuardedSession, Limits, guarded_session
from sync.remotes.credentials import Credentials, auth_of, digest_of
from sync.remotes.dav_xml import Multistatus, Unreadable, read, screen
from sync.remotes.statuses import refusal

LIMITS = Limits(body=10_000_000, seconds=10.0, longest=60.0)
"""`longest` matters to listings, since a large one may take a slow server its time; no other call may."""
ONE_CALL = 0.0
"""For `Dav.lasting`: no more than what one request may take."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3
XML = "application/xml; charset=utf-8"

# it writes each tree into a string for a debug message, whether or not that is wanted
logging.getLogger("caldav.response").setLevel(logging.WARNING)


def dav_session(allow_private: frozenset[str], limits: Limits = LIMITS) -> GuardedSession:
    """A guarded session that keeps its connections; the caller closes it."""
    return guarded_session(allow_private, limits, keep=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, of any status. `url` is where it came from in the end; it may be secret."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    tree: Any = field(default=None, repr=False)


class Dav:
    """One server, one user. Threads may share it. Raises the errors of `outside.errors`; RefusedAddress already when it
    is made. `where` and `path` are those of the address as the gate reads it.
    """

    def __init__(self, url: str, credentials: Credentials, session: GuardedSession) -> None:
        target = session.judge(url)
        self.where = target.origin
        self.path = target.path.partition("?")[0]
        self._door = _Door(session, credentials)
        self._client = DAVClient(url=self.where + self.path, enable_rfc6764=False)
        self._client.session = self._door

    def ask(self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One request. `url` is whole; `body` goes out byte by byte. Raises SiteUnreadable for a 207 that is no XML."""
        try:
            sent: Any = WireBytes(body)  # the library takes them, its annotation says str
            came = self._client.request(url, method, sent, {"Accept": "*/*", **(headers or {})})
        except _NotForTheLibrary as told:
            return told.answer
        except (SyntaxError, ValueError):
            raise SiteUnreadable(where_of(url), "not well-formed XML") from None
        return Answer(came.status, came.headers, b"", url, came.tree)

    def lasting(self, seconds: float) -> AbstractContextManager[None]:
        """All that this thread asks meanwhile may take so many seconds together: at least what one request may, at most
        `longest` of the session's limits.
        """
        return self._door.lasting(seconds)

    def ask_for_rows(self, method: str, url: str, body: bytes, depth: int | None) -> Multistatus:
        """PROPFIND and REPORT: a whole multistatus, or an error. SiteUnreadable says what was wrong with a 2xx."""
        return self.rows_of(self.ask_xml(method, url, body, depth))

    def ask_xml(self, method: str, url: str, body: bytes, depth: int | None) -> Answer:
        headers = {"Content-Type": XML} | ({} if depth is None else {"Depth": str(depth)})
        return self.ask(method, url, body, headers)

    def rows_of(self, answer: Answer) -> Multistatus:
        where = where_of(answer.url)
        if not 200 <= answer.status < 300:
            raise refusal(where, answer.status, answer.headers, answer.body)
        if answer.status != 207:
            raise SiteUnreadable(where, f"status {answer.status} where a listing was asked for")
        try:
            return read(answer.tree)
        except Unreadable as error:
            raise SiteUnreadable(where, str(error)) from None


class _NotForTheLibrary(Exception):  # noqa: N818 - carries an answer past the library, is no error
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class _Door:
    """Stands where the library expects its session."""

    def __init__(self, session: GuardedSession, credentials: Credentials) -> None:
        self._session, self._credentials = session, credentials
        self._auth = auth_of(credentials)

    def lasting(self, seconds: float) -> AbstractContextManager[None]:
        return self._session.lasting(seconds)

    def close(self) -> None:
        """The session belongs to whoever made it."""

    def request(
        self, method: str, url: str, *, data: bytes, headers: Mapping[str, str], **_options: object
    ) -> requests.Response:
        """What the library calls; its own options for proxies, certificates and time are not heard."""
        with self.lasting(ONE_CALL):
            came = self._followed(method, url, data, headers)
        if came.status_code != 207:
            raise _NotForTheLibrary(Answer(came.status_code, came.headers, came.content, came.url))
        try:
            screen(came.content)
        except Unreadable as error:
            raise SiteUnreadable(where_of(url), str(error)) from None
        return came

    def _followed(self, method: str, url: str, data: bytes, headers: Mapping[str, str]) -> requests.Response:
        """Redirects on one origin, for what only reads, with the method kept. Elsewhere neither the credentials nor the
        question may go: whoever set up the link is told to enter the other address.
        """
        for _ in range(MOST_REDIRECTS + 1):
            came = self._sent(method, url, data, headers)
            if came.status_code not in REDIRECTS or method not in READING:
                return came
            target = urljoin(url, came.headers.get("Location", ""))
            if where_of(target) != where_of(url):
                raise RefusedRedirect(where_of(url), "leads to another host")
            url = target
        raise EndlessRedirect(where_of(url), "too many redirects")

    def _sent(self, method: str, url: str, data: bytes, headers: Mapping[str, str]) -> requests.Response:
        def send() -> requests.Response:
            return self._session.request(
                method, url, data=data, headers=headers, auth=self._auth, allow_redirects=False
            )

        came = send()
        if came.status_code == 401:
            digest = digest_of(self._credentials, came.headers.get("WWW-Authenticate", ""))
            if digest is not None and type(digest) is not type(self._auth):
                self._auth = digest
                came = send()
        return came


def where_of(url: str) -> str:
    """Scheme, host and port alone, for errors and for comparing."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "address"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    plain = port is None or (parts.scheme, port) in {("https", 443), ("http", 80)}
    return f"{parts.scheme}://{host}" + ("" if plain else f":{port}")
