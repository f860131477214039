"""A stand-in for YouCanBook.me on loopback, for the demonstration and the tests.

    python -m platzwart.peers.ycbm --port 8124 --config FILE.json [--state FILE.json] [--host 127.0.0.1]

It speaks the documented API under `/v1`, pushes user-written webhooks, and has a public page per profile at
`/SUBDOMAIN`. FILE.json: `{"account_id", "api_key", "email", "rate": [n, seconds], "profiles": [{"id", "title",
"subdomain", "zone", "minutes", "opens", "closes", "tentative", "calendar", "calendar_user", "calendar_password"}],
"webhooks": [{"event", "url", "body", "method", "headers"}], "calendars": {path: text}}`; all but the first two may be
left out. `calendar` is a CalDAV collection or an ICS address on loopback; `calendars` are served as they are, as some
neighbour's. `GET /_control` shows bookings and deliveries; `POST /_control` takes
JSON: `drop`, `copies`, `delay` (webhooks), `failing`, `fail_status`, `rate`, `webhooks`, `calendar_lag` (for
how many seconds what was read of the pages' calendars counts).
"""

import argparse
import json
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from platzwart.peers.ycbm_api import Faults, Reply, Request, answer_api, calendar, data
from platzwart.peers.ycbm_hooks import Delivery, Hook, Pusher, codes_of
from platzwart.peers.ycbm_pages import answer_page
from platzwart.peers.ycbm_world import BOOKER, HOSTS, OWNER, Booking, Page, World, dump, load, whole

if TYPE_CHECKING:
    from platzwart.peers.ycbm_calendar import LinkedCalendar

MOST_BYTES = 1_000_000
FIRST_PAGE = Page("prf_hall", "Halle", "halle")
FAULTS = ("failing", "fail_status", "rate")
PUSHES = ("drop", "copies", "delay")


class YcbmPeer:
    """The stand-in on threads of this process; a context manager. `control` sets faults and webhooks at any time.

    What is done by `book`, `reschedule`, `cancel` counts as done by the booker on the public page unless `by` is OWNER.
    """

    def __init__(
        self,
        pages: Iterable[Page] = (FIRST_PAGE,),
        hooks: Iterable[Hook] = (),
        *,
        account_id: str = "acc-stand-in",
        api_key: str = "ak_stand-in-key",
        email: str = "owner@example.org",
        host: str = "127.0.0.1",
        port: int = 0,
        state: Path | None = None,
    ) -> None:
        if host not in HOSTS:
            raise ValueError("the stand-in listens on loopback only")
        self.world = World(account_id, api_key, email, {page.id: page for page in pages}, self._happened)
        self.pusher, self.faults = Pusher(list(hooks)), Faults()
        self.world.busy = self._busy
        self.calendar_lag: float | None = None
        self.calendars: dict[str, str] = {}
        self._calendars: dict[tuple[str, str, str], LinkedCalendar] = {}
        self.requests: list[tuple[str, str]] = []
        self._state = state
        if state is not None and state.exists():
            load(self.world, json.loads(state.read_text(encoding="utf-8")))
        self._server = _Server((host, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="ycbm-peer")

    @property
    def url(self) -> str:
        """Where the public pages are."""
        return f"http://{self.netloc}"

    @property
    def netloc(self) -> str:
        """As PLATZWART_ALLOW_PRIVATE_HOSTS wants it."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return f"{self.url}/v1"

    @property
    def account_id(self) -> str:
        return self.world.account_id

    @property
    def api_key(self) -> str:
        return self.world.api_key

    @property
    def bookings(self) -> list[dict[str, Any]]:
        """All bookings, every field, by start."""
        return [whole(self.world, booking) for booking in self.world.in_order()]

    @property
    def deliveries(self) -> list[Delivery]:
        return self.pusher.deliveries

    def start(self) -> Self:
        self.pusher.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
        self.pusher.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def book(
        self, starts: datetime, ends: datetime, profile_id: str = "", *, zone: str = "", **answers: str
    ) -> dict[str, Any]:
        """Book as a person would, `peer.book(start, end, FNAME="Ada", EMAIL="ada@example.org")`; all fields return."""
        page = profile_id or next(iter(self.world.pages))
        return whole(self.world, self.world.book(page, starts, ends, answers, zone=zone))

    def reschedule(self, identity: str, starts: datetime, ends: datetime, by: str = BOOKER) -> dict[str, Any]:
        return whole(self.world, self.world.move(identity, starts, ends, by))

    def cancel(self, identity: str, by: str = BOOKER, reason: str = "") -> dict[str, Any]:
        return whole(self.world, self.world.cancel(identity, by, reason))

    def mark_no_show(self, identity: str) -> dict[str, Any]:
        return whole(self.world, self.world.miss(identity))

    def vanish(self, identity: str) -> None:
        """As when the calendar's event is deleted there: gone, without a webhook."""
        self.world.delete(identity)

    def wait(self) -> None:
        """Until all webhooks are delivered or given up."""
        self.pusher.wait()

    def answer(self, request: Request) -> Reply:
        if request.path == "/_control":
            return self._control(request)
        if request.path.startswith("/v1/"):
            self.requests.append((request.method, request.path))
            return answer_api(self.world, self.faults, _below(request, "/v1"))
        if request.method == "GET" and request.path in self.calendars:
            return calendar(self.calendars[request.path], request.headers.get("If-None-Match"))
        return answer_page(self.world, request)

    def _control(self, request: Request) -> Reply:
        if request.method == "POST":
            # a form on some web page cannot send this type without asking first
            if request.headers.get("Content-Type") != "application/json":
                return Reply(415)
            self.control(json.loads(request.body))
        pushed = [{"event": d.event, "status": d.status, "body": d.body} for d in list(self.deliveries)]
        return data({"bookings": self.bookings, "deliveries": pushed})

    def control(self, wish: Mapping[str, Any]) -> None:
        """Set faults and webhooks by name, as `POST /_control` does."""
        for name, value in wish.items():
            if name in FAULTS:
                setattr(self.faults, name, tuple(value) if isinstance(value, list) else value)
            elif name in PUSHES:
                setattr(self.pusher, name, value)
            elif name == "calendar_lag":
                self.calendar_lag = float(value)
            elif name == "webhooks":
                self.pusher.hooks = [Hook(**hook) for hook in value]

    def _busy(self, page: Page, now: datetime) -> list[tuple[datetime, datetime]]:
        if not page.calendar:
            return []
        from platzwart.peers.ycbm_calendar import LinkedCalendar  # the codec is needed by few

        place = (page.calendar, page.calendar_user, page.calendar_password)
        known = self._calendars.setdefault(place, LinkedCalendar(*place))
        if self.calendar_lag is not None:
            known.lag = self.calendar_lag
        return known.busy(now, page.zone)

    def _happened(self, event: str, booking: Booking) -> None:
        if event:
            self.pusher.push(event, codes_of(self.world, booking, self.url))
        self._keep()

    def _keep(self) -> None:
        if self._state is None:
            return
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps(dump(self.world)), encoding="utf-8")
        fresh.replace(self._state)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], peer: YcbmPeer) -> None:
        super().__init__(address, _Handler)
        self.peer = peer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.title(): value for name, value in self.headers.items()},
            self.rfile.read(min(length, MOST_BYTES)),
            time.monotonic(),
        )
        reply = self.server.peer.answer(request)
        with suppress(ConnectionError):
            self.send_response(reply.status)
            for name, value in {"Content-Type": reply.content_type, **reply.headers}.items():
                self.send_header(name, value)
            if reply.status not in {204, 304}:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - names that the base class calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: addresses here hold secrets of bookers."""


def _below(request: Request, prefix: str) -> Request:
    path = request.path.removeprefix(prefix)
    return Request(request.method, path, request.query, request.headers, request.body, request.at)


def peer_from(config: Mapping[str, Any], host: str, port: int, state: Path | None) -> YcbmPeer:
    """A stand-in as a configuration file describes it. Raises KeyError, TypeError, ValueError for what is wrong."""
    pages = [Page(**page) for page in config.get("profiles", [])] or [FIRST_PAGE]
    peer = YcbmPeer(
        pages,
        account_id=config["account_id"],
        api_key=config["api_key"],
        email=config.get("email", "owner@example.org"),
        host=host,
        port=port,
        state=state,
    )
    peer.calendars = dict(config.get("calendars", {}))
    peer.control({name: config[name] for name in ("rate", "webhooks") if name in config})
    return peer


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Stand-in for YouCanBook.me on loopback")
    parser.add_argument("--host", default="127.0.0.1", choices=HOSTS)
    parser.add_argument("--port", type=int, default=8124)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--state", type=Path)
    given = parser.parse_args(arguments)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    config = json.loads(given.config.read_text(encoding="utf-8"))
    with peer_from(config, given.host, given.port, given.state) as peer:
        print(f"YouCanBook.me stand-in: {peer.url} (API {peer.base_url})", flush=True)
        stop.wait()
    return 0


__all__ = ["BOOKER", "OWNER", "Delivery", "Hook", "Page", "YcbmPeer", "main", "peer_from"]

if __name__ == "__main__":
    raise SystemExit(main())
