"""A mail server that keeps everything and sends nothing on, and a page that shows what came. Loopback only."""

import asyncio
import logging
import re
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from platzwart import mail_pages
from platzwart.mail_store import MailStore

LARGEST_MAIL = 32 * 1024 * 1024
LISTED, LISTED_JSON = 200, 1000
OWN_PAGES = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
MAIL_PATH = re.compile(r"/mail/(?P<mail_id>[0-9-]+)(?:/(?P<view>html|raw|part)(?:/(?P<number>\d+))?)?")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page server sends back."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


class Keeper:
    """What aiosmtpd calls for each mail: it is accepted once it lies on the disk."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content or "").encode()
        try:
            sender, receivers = envelope.mail_from or "", tuple(envelope.rcpt_tos)
            await asyncio.to_thread(self._store.keep, content, sender, receivers)
        except OSError:
            log.exception("mail could not be stored")
            return "451 4.3.0 mail could not be stored"
        return "250 2.0.0 kept"


def answer(store: MailStore, path: str, origin: str) -> Answer:
    """The page at `path`; `origin` is how the browser calls this server, so that sandboxed pages may load images."""
    fixed: dict[str, Callable[[], Answer]] = {
        "/": lambda: Answer(mail_pages.list_page(store.mails(LISTED), len(store.ids()))),
        "/mails.json": lambda: Answer(mail_pages.mails_json(store.mails(LISTED_JSON)), "application/json"),
        "/style.css": lambda: Answer(mail_pages.STYLE.encode(), "text/css; charset=utf-8"),
    }
    if path in fixed:
        return fixed[path]()
    found = MAIL_PATH.fullmatch(path)
    shown = _mail_answer(store, found, origin) if found else None
    return shown or Answer(mail_pages.missing_page(), status=HTTPStatus.NOT_FOUND)


def _mail_answer(store: MailStore, found: re.Match[str], origin: str) -> Answer | None:
    mail = store.mail(found["mail_id"])
    if mail is None:
        return None
    if found["view"] == "raw":
        return Answer(store.raw(mail.mail_id) or b"", "text/plain; charset=utf-8")
    if found["view"] == "html":
        policy = f"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: {origin}"
        return Answer(mail_pages.sandboxed_html(mail), headers={"Content-Security-Policy": policy})
    if found["view"] == "part":
        part = next((part for part in mail.parts if str(part.number) == found["number"]), None)
        if part is None:
            return None
        kind = "inline" if part.content_type.startswith("image/") else "attachment"
        disposition = f"{kind}; filename*=UTF-8''{quote(part.name)}"
        headers = {"Content-Disposition": disposition, "Content-Security-Policy": "sandbox; default-src 'none'"}
        return Answer(part.content, part.content_type, headers=headers)
    return Answer(mail_pages.mail_page(mail))


def page_server(store: MailStore, listener: socket.socket) -> ThreadingHTTPServer:
    """A server on a socket that listens already; call `serve_forever`."""

    class Pages(BaseHTTPRequestHandler):
        server_version, sys_version = "Platzwart", ""
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            host = self.headers.get("Host", "")
            if urlsplit(f"//{host}").hostname in LOCAL_NAMES:
                self._send(answer(store, urlsplit(self.path).path, f"http://{host}"))
            else:  # a foreign name that points to this machine would let a foreign page read the mails
                self._send(Answer(b"", status=HTTPStatus.MISDIRECTED_REQUEST))

        do_HEAD = do_GET  # noqa: N815  # the name that http.server looks for

        def _send(self, given: Answer) -> None:
            headers = {
                "Content-Security-Policy": OWN_PAGES,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-store",
                **given.headers,
                "Content-Type": given.content_type,
                "Content-Length": str(len(given.body)),
            }
            self.send_response(given.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(given.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that it overrides
            log.debug(format, *args)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    return server


async def serve_mail(store: MailStore, listener: socket.socket, stop: asyncio.Event) -> None:
    """Take mails on a socket that listens already, until `stop` is set."""

    def connection() -> SMTP:
        return SMTP(Keeper(store), data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, hostname="localhost")

    server = await asyncio.get_running_loop().create_server(connection, sock=listener)
    await stop.wait()
    server.close()


def run(smtp: socket.socket, page: socket.socket, folder: Path) -> None:
    """Serve both until SIGTERM or SIGINT. Call it from the main thread."""
    store = MailStore(folder)
    pages = page_server(store, page)
    threading.Thread(target=pages.serve_forever, name="mail-pages", daemon=True).start()
    asyncio.run(_until_stopped(store, smtp))


async def _until_stopped(store: MailStore, smtp: socket.socket) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve_mail(store, smtp, stop)
