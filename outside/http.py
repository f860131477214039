"""The one HTTP session for everything that leaves the house (DESIGN rule 8). Errors: the tree in `outside.errors`.

Each request, and each redirect on its way, passes the same gate: https only, ports 443 and 8443, the name resolved
once, every address public, the connection made to that very address with Host, SNI and certificate check on the name.
Hosts in `allow_private` (`host:port`) may be private and may be called by http. Environment, proxies, netrc and cookies
play no part. Bodies arrive whole: decoded bytes are capped, and a total deadline by the clock covers resolving,
connecting, redirects, sending and reading, so that a drip of one byte a second ends on time, too. Each request has its
own connection, unless a session is made to keep them.
"""

import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.hooks import default_hooks
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPResponse

from outside.addresses import DEFAULT_PORTS, PORTS, Target, judge_addresses, target_of
from outside.errors import EndlessRedirect, RefusedRedirect, UnfitAddress, UnfitRedirect, Unreachable
from outside.kept import Kept, place_of
from outside.wire import Deadline, exchange, exchange_again

if TYPE_CHECKING:
    from collections.abc import Iterator

Resolver = Callable[[str, int], list[str]]

USER_AGENT = "Platzwart"
# What may travel on to another origin after a redirect. Anything else may be a credential under some name.
HARMLESS = frozenset(
    {"accept", "accept-encoding", "accept-language", "content-type", "content-length", "depth", "user-agent"}
)
ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}|[0-9a-f:.]*:[0-9a-f:.]*")  # as `target_of` lets pass
READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})


@dataclass(frozen=True, slots=True)
class Limits:
    """`body` in decoded bytes, `seconds` by the clock for the whole request; one that is given more may go on, at most
    for `longest`, as long as `pace` bytes have come for each second. `ports` bind hosts that are not listed.
    """

    body: int = 5_000_000
    seconds: float = 10.0
    longest: float = 0.0
    pace: float = 20_000.0
    redirects: int = 3
    ports: frozenset[int] = PORTS


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status, headers without regard to case, the decoded body, the address that answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = field(repr=False)


def system_resolver(host: str, port: int) -> list[str]:
    """All addresses of a name, by the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Fetcher:
    """`request` returns an Answer, whatever its status, or raises an OutsideError. Threads may share it."""

    def __init__(
        self,
        allow_private: frozenset[str] = frozenset(),
        limits: Limits | None = None,
        *,
        resolver: Resolver = system_resolver,
        authorities: str | None = None,
    ) -> None:
        self.session = guarded_session(allow_private, limits, resolver=resolver, authorities=authorities)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        auth: tuple[str, str] | None = None,
        follow: bool = True,
    ) -> Answer:
        """Call an address. With `follow=False` a redirect is returned as it came, as outgoing webhooks want it."""
        came = self.session.request(method, url, headers=headers, data=body, auth=auth, allow_redirects=follow)
        return Answer(came.status_code, came.headers, came.content, came.url)


def guarded_session(
    allow_private: frozenset[str],
    limits: Limits | None = None,
    *,
    resolver: Resolver = system_resolver,
    authorities: str | None = None,
    keep: bool = False,
) -> "GuardedSession":
    """A `requests.Session` whose every request passes the gate. `authorities` is a file of certificates to trust
    instead of the bundled ones. A `timeout` given to a call is its whole time, bounded by the limits; `verify=False`,
    client certificates and proxies are refused with ValueError. With `keep` connections are used again until `close`.
    """
    gate = _Gate(allow_private, limits or Limits(), resolver, authorities or DEFAULT_CA_BUNDLE_PATH)
    gate.kept = Kept() if keep else None
    return GuardedSession(gate)


class GuardedSession(requests.Session):
    def __init__(self, gate: "_Gate") -> None:
        super().__init__()
        self.trust_env = False
        self.limits = gate.limits
        self.max_redirects = gate.limits.redirects
        self.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"})
        self.headers["Connection"] = "keep-alive" if gate.kept else "close"
        self.adapters.clear()
        self.mount("", gate)
        self._gate = gate

    def judge(self, url: str) -> Target:
        """The target that an address would be called as, without calling it. Raises UnfitAddress."""
        return target_of(url, self._gate.allow_private, self._gate.limits.ports)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """As `requests` documents it; raises only OutsideError, and ValueError for what is refused on principle."""
        try:
            return super().request(method, url, *args, **kwargs)
        except requests.TooManyRedirects:
            raise EndlessRedirect(_origin(url), "too many redirects") from None
        except requests.RequestException as error:
            # the message may hold the address with all its secrets
            raise UnfitAddress("address", f"cannot be called ({type(error).__name__})") from None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        with self._gate.one_deadline(kwargs.get("timeout")):
            return super().send(request, **kwargs)

    def lasting(self, seconds: float) -> AbstractContextManager[None]:
        """All that this thread asks meanwhile is one request to the limits, which is given these seconds. Where it is
        within another such time already, that one holds.
        """
        return self._gate.one_deadline(max(seconds, self.limits.seconds))

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Called for each redirect before it is sent: nothing that could be a credential goes to another origin, and
        neither do hooks, by which digest authentication would answer a stranger's 401.
        """
        before, after = _origin(response.request.url or ""), _origin(prepared_request.url or "")
        try:
            self.judge(prepared_request.url or "")
        except UnfitAddress as error:
            raise UnfitRedirect(before, f"leads to what may not be called: {error.reason}") from None
        if before == after:
            return
        if prepared_request.method not in READING:
            raise RefusedRedirect(before, "a change must not move to another origin")
        for name in [name for name in prepared_request.headers if name.lower() not in HARMLESS]:
            del prepared_request.headers[name]
        prepared_request.headers["Connection"] = "close"
        prepared_request.hooks = default_hooks()


class _Gate(HTTPAdapter):
    """The adapter for every scheme; what it does not know it refuses."""

    def __init__(self, allow_private: frozenset[str], limits: Limits, resolver: Resolver, authorities: str) -> None:
        super().__init__()
        self.allow_private, self.limits, self.resolver, self.authorities = allow_private, limits, resolver, authorities
        self.kept: Kept | None = None
        self._here = threading.local()

    @contextmanager
    def one_deadline(self, timeout: object) -> "Iterator[None]":
        """The outermost call starts the clock; redirects and digest's second try inside it share what is left."""
        if getattr(self._here, "deadline", None) is not None:
            yield
            return
        seconds = longest = self.limits.seconds
        if isinstance(timeout, int | float):
            seconds, longest = min(timeout, seconds), min(timeout, self.limits.longest)
        self._here.deadline = Deadline(time.monotonic(), seconds, longest, self.limits.pace)
        try:
            yield
        finally:
            self._here.deadline = None

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the answer is whole before it is returned
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        if verify is False or cert or proxies:
            raise ValueError("certificates are always checked, and neither client certificates nor proxies are used")
        with self.one_deadline(timeout):
            deadline: Deadline = self._here.deadline
            target = target_of(request.url or "", self.allow_private, self.limits.ports)
            authorities = verify if isinstance(verify, str) else self.authorities
            raw, body = self._again(request, target, authorities, deadline) or exchange(
                request,
                target,
                judge_addresses(target, self._resolve(target.host, target.port, target.origin, deadline)),
                authorities,
                deadline,
                self.limits.body,
                self.kept,
            )
        response = self.build_response(request, raw)
        response.raw = _Whole(body)
        return response

    def close(self) -> None:
        super().close()
        if self.kept is not None:
            self.kept.close()

    def _again(
        self, request: requests.PreparedRequest, target: Target, authorities: str, deadline: Deadline
    ) -> tuple[HTTPResponse, bytes] | None:
        """Over a kept connection, or None. One that was closed meanwhile is no answer: what only reads asks anew, while
        a change may have been made, so its Unreachable is the caller's to resolve by reading.
        """
        if self.kept is None:
            return None
        try:
            return exchange_again(request, target, authorities, deadline, self.limits.body, self.kept)
        except Unreachable:
            self.kept.distrust(place_of(target, authorities))
            if request.method not in READING:
                raise
            return None

    def _resolve(self, host: str, port: int, origin: str, deadline: Deadline) -> list[str]:
        """Resolve in a thread of its own: the system's resolver cannot be told a deadline. An address needs none."""
        if ADDRESS.fullmatch(host):
            return [host]
        found: list[list[str]] = []

        def look_up() -> None:
            try:
                found.append(self.resolver(host, port))
            except (OSError, UnicodeError):
                found.append([])

        thread = threading.Thread(target=look_up, daemon=True, name="resolve")
        thread.start()
        thread.join(deadline.left(origin))
        if not found:
            raise deadline.passed(origin)
        if not found[0]:
            raise Unreachable(origin, "dns")
        return found[0]


class _Whole(BytesIO):
    """A body as `requests` asks its source for it; not in pieces of ten kilobytes, since all of it has come."""

    def stream(self, _amount: int, decode_content: bool = False) -> "Iterator[bytes]":  # noqa: ARG002 - as urllib3 has it
        yield self.read()


def _origin(url: str) -> str:
    """Scheme, host and port alone, for comparing and for messages; text that cannot be read is an origin of its own."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return "address"
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"
