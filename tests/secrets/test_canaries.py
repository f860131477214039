"""Known secrets are sent on every way through a whole installation; then they are looked for where none may lie."""

import http.client
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.actions import settings
from booking.actions.audit import SYSTEM
from booking.actions.feeds import make_feed
from booking.actions.messages import MailKind
from booking.tables.bookings import Booking
from booking.tables.connections import BlockWay, Connection, ConnectionRoom
from booking.tables.outgoing import Message
from booking.tables.people import Staff
from booking.values.feeds import FeedChoices
from booking.values.identity import new_uuid
from booking.values.states import SubjectKind, Variant
from booking.values.tokens import hash_token
from outside.ycbm_templates import SECRET_HEADER
from tests.builders import add_code
from tests.fixtures.servers import wait_until
from tests.kill.conftest import QUARTER, Running
from tests.workers.test_outbox import packed, text_of
from web.passwords import hash_password

CODE, PASSWORD = "KANARI90817", "Kanarien singen morgens um 5"
API_KEY, HOOK_SECRET = "ak_canary_5f3c9a77be", "hook-canary-secret-0190-77be"
TYPED_WRONG = "Kanarien singen abends um 6"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
OFFICE_EMAIL = "office@kirche.example"


@dataclass
class Tour:
    """What was sent and what came back. `secrets` name → text; `errors` are the bodies of all refusals."""

    running: Running
    secrets: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def send(
        self, method: str, path: str, body: str | bytes | None = None, **headers: str
    ) -> tuple[int, str, http.client.HTTPMessage]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.running.installation.port, timeout=15)) as line:
            line.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = line.getresponse()
            text = answer.read().decode(errors="replace")
        if answer.status >= 400:
            self.errors.append(text + str(answer.headers))
        return answer.status, text, answer.headers

    def form(self, path: str, fields: dict[str, str], cookie: str = "") -> tuple[int, http.client.HTTPMessage]:
        """Send the form of a page with its token."""
        _, page, headers = self.send("GET", path, Cookie=cookie)
        found = CSRF.search(page)
        assert found is not None, page
        cookie = cookie or headers.get("Set-Cookie", "").partition(";")[0]
        kind = "application/x-www-form-urlencoded"
        status, _, answered = self.send(
            "POST", path, urlencode({"csrf_token": found[1], **fields}), Cookie=cookie, Content_Type=kind
        )
        return status, answered


def set_up(running: Running) -> str:
    """The office's password, a door code, and a site whose key and secret we know; the site's hook address."""
    now, hashed = datetime.now(UTC), hash_password(PASSWORD)
    tools, ids = running.context.tools, running.ids
    slot = next(iter(running.codes))

    def work(session: Session) -> str:
        session.execute(update(Staff).where(Staff.email == OFFICE_EMAIL).values(password_hash=hashed))
        session.connection().exec_driver_sql("DELETE FROM door_code")
        add_code(session, now, tools, ids, CODE, slot.widened(QUARTER, QUARTER))
        assert settings.change_house(session, now, ids.organisation_id, SYSTEM, {"feed_code_hours": 168}) is None
        public_id, mine = new_uuid(now), {"organisation_id": ids.organisation_id}
        sealed = tools.vault.seal(API_KEY.encode(), f"connection:{public_id}")
        connection = Connection(
            **mine,
            public_id=public_id,
            name="YouCanBook.me",
            base_url="https://127.0.0.1:1/v1",
            account_id="acc",
            api_key_cipher=sealed.cipher,
            api_key_id=sealed.key_id,
            hook_secret_hash=hash_token(HOOK_SECRET),
            block_way=BlockWay.BOOKING,
            proven_at=now,
            next_poll_at=now,
        )
        session.add(connection)
        session.flush()
        session.add(ConnectionRoom(**mine, connection_id=connection.id, profile_id="p", room_id=ids.left))
        return f"/hooks/ycbm/{public_id}"

    return running.database.write(work)


def travel(tour: Tour, hook: str) -> None:
    """Every way that a secret takes, each with a refusal beside it."""
    running, slot = tour.running, next(iter(tour.running.codes))
    bearer = {"Authorization": f"Bearer {running.token}", "Content_Type": "application/json"}
    tour.secrets |= {"door code": CODE, "password": PASSWORD, "wrong password": TYPED_WRONG, "API token": running.token}
    tour.secrets |= {"API key": API_KEY, "hook secret": HOOK_SECRET, "server key": running.settings.secret_key}

    assert tour.form("/login", {"email": OFFICE_EMAIL, "password": TYPED_WRONG})[0] in {401, 422, 200}
    status, headers = tour.form("/login", {"email": OFFICE_EMAIL, "password": PASSWORD})
    assert status == 302
    session_cookie = headers["Set-Cookie"].partition(";")[0]
    tour.secrets["session"] = session_cookie.partition("=")[2]
    tour.send("GET", "/nowhere", Cookie=session_cookie)

    status, text, _ = tour.send("POST", "/api/v1/feeds", json.dumps({"kind": "office", "name": "Büro"}), **bearer)
    assert status == 201, text
    feed = urlsplit(json.loads(text)["url"]).path
    tour.secrets["feed token"] = feed.rpartition("/")[2].removesuffix(".ics")
    assert tour.send("GET", feed)[0] == 200
    for wrong in (feed + "x", feed.replace("/feeds/", "/feed/"), feed + "/more", feed[:-6] + ".ics"):
        tour.send("GET", wrong)
    tour.send("POST", feed)
    tour.send("GET", "/api/v1/requests", Authorization=f"Bearer {running.token}x")
    tour.send("POST", "/api/v1/requests", "{" + running.token, **bearer)

    tour.send("POST", hook, b'{"ref": "X"}', **{SECRET_HEADER: HOOK_SECRET})
    tour.send("POST", hook, b'{"ref": "X"}', **{SECRET_HEADER: HOOK_SECRET + "x"})

    status, made = running.ask(slot, "Anna Müller")
    assert status == 201, made
    assert running.post(f"/requests/{made['id']}/approve", {})[0] == 200
    running.sink.refusals, running.sink.refuse_with = 1, f"451 4.3.0 later {CODE}"
    mail = _mail_with_the_code(running)
    link = re.search(r"/b/([A-Za-z0-9_-]{16,})", text_of(mail))
    assert link is not None
    tour.secrets["status link"] = link[1]
    tour.send("GET", f"/b/{link[1]}")
    tour.send("GET", f"/b/{link[1]}x")
    tour.send("POST", f"/b/{link[1]}/nothing")
    fetch_own_feed(tour)


def fetch_own_feed(tour: Tour) -> None:
    """The customer's own feed shows the code, as the operator chose (SPEC C4): what is rendered is kept nowhere."""
    running, now = tour.running, datetime.now(UTC)

    def make(session: Session) -> str:
        customer_id = session.scalars(select(Booking.customer_id)).one()
        made = make_feed(
            session,
            now,
            running.context.tools.link_key,
            organisation_id=running.ids.organisation_id,
            kind=SubjectKind.CUSTOMER,
            target_id=customer_id,
            name="Anna",
            choices=FeedChoices(Variant.FULL),
        )
        assert isinstance(made, tuple)
        return made[1]

    token = tour.secrets["customer's feed token"] = running.database.write(make)
    for headers in ({}, {"Accept_Encoding": "gzip"}, {}):
        assert tour.send("GET", f"/feeds/{token}.ics", **headers)[0] == 200
    assert CODE in tour.send("GET", f"/feeds/{token}.ics")[1]


def _mail_with_the_code(running: Running) -> EmailMessage:
    """The customer's, with the way to their page; the desk's list of the day names the code, too."""
    found: list[EmailMessage] = []

    def has_come() -> bool:
        mails = [mail.message for mail in list(running.sink.received)]
        found[:] = [mail for mail in mails if packed(CODE) in packed(text_of(mail)) and "/b/" in text_of(mail)]
        return bool(found)

    wait_until(has_come, 60, "the mail with the door code")
    return found[0]


def redis_texts(running: Running) -> Iterator[tuple[str, bytes]]:
    """All keys with all that is in them, whatever their type."""
    with running.redis() as client:
        for key in client.scan_iter(count=1000):
            yield "Redis key", key
            yield f"value of Redis key {key!r}", client.dump(key) or b""
            kind = client.type(key)
            if kind == b"hash":
                yield from ((f"field of {key!r}", b"\0".join(pair)) for pair in client.hgetall(key).items())
            elif kind == b"string":
                yield f"text of {key!r}", client.get(key) or b""
            elif kind == b"list":
                yield from ((f"item of {key!r}", item) for item in client.lrange(key, 0, -1))


def job_texts(running: Running) -> Iterator[tuple[str, bytes]]:
    """Arguments of all jobs as they went by: Redis keeps what was written in its append-only file."""
    for path in running.installation.data.rglob("*.aof"):
        yield f"Redis file {path.name}", path.read_bytes()


def table_texts(running: Running) -> Iterator[tuple[str, bytes]]:
    """Every column of every row, and the raw files of the database."""
    path = running.installation.data / "platzwart.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - its own names
            names = [column[0] for column in rows.description]
            for row in rows:
                for name, value in zip(names, row, strict=True):
                    yield f"column {table}.{name}", value if isinstance(value, bytes) else str(value).encode()
    for found in path.parent.glob("platzwart.db*"):
        yield f"file {found.name}", found.read_bytes()


def command_lines(running: Running) -> Iterator[tuple[str, bytes]]:
    for pid in running.installation.members():
        yield "command line", Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.rule("X4")
@pytest.mark.timeout(200)
def test_no_secret_lies_where_none_may_lie(running: Running) -> None:
    tour = Tour(running)
    travel(tour, set_up(running))
    time.sleep(3)  # a poll and a webhook fail meanwhile, loudly
    places = [
        ("log", running.installation.output.encode()),
        *redis_texts(running),
        *job_texts(running),
        *table_texts(running),
        *command_lines(running),
        *(("error page", text.encode()) for text in tour.errors),
    ]
    assert_we_look_closely(running, tour, places)
    found = {
        (name, place) for name, secret in tour.secrets.items() for place, text in places if secret.encode() in text
    }
    assert found == set()


def assert_we_look_closely(running: Running, tour: Tour, places: list[tuple[str, bytes]]) -> None:
    """What is no secret is found in each of these places: a search that sees nothing would prove nothing."""

    def seen(place: str, text: str) -> bool:
        return any(name.startswith(place) and text.encode() in content for name, content in places)

    assert all(len(secret) >= 10 for secret in tour.secrets.values()), tour.secrets.keys()
    assert seen("log", "duty postponed")
    assert seen("log", "webhook refused")
    assert seen("Redis key", "rq:")
    assert seen("Redis file", "workers.outbox.drain")
    assert seen("column message.recipient", "anna.mueller@verein.example")
    assert seen("file platzwart.db", "anna.mueller@verein.example")
    assert seen("command line", "platzwart")
    assert len(tour.errors) >= 8
    with running.database.read() as session:
        mail = session.query(Message).filter_by(kind=MailKind.CONFIRMATION.value).one()
    assert mail.frozen is not None
