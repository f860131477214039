"""Webhooks of booking sites: stored raw, answered at once, nothing without the secret (SPEC Y3)."""

import io
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from booking.tables.connections import Connection, HookDelivery
from booking.values.identity import new_uuid
from booking.values.tokens import hash_token
from outside.ycbm_templates import MOST_BYTES, SECRET_HEADER
from tests.builders import NOW

if TYPE_CHECKING:
    from tests.fixtures.servers import Valkey
    from tests.web.conftest import Site

KINDS = ("", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded")
SECRET = "ein-geheimes-Wort-der-Verbindung"


def connect(site: "Site", secret: str = SECRET) -> UUID:
    """A connection; its public id is part of the hook's address."""
    public_id = new_uuid(NOW)

    def write(session: Any) -> None:
        session.add(
            Connection(
                organisation_id=site.ids.organisation_id,
                public_id=public_id,
                name="YouCanBook.me",
                base_url="https://api.youcanbook.me",
                account_id="a",
                api_key_cipher=b"x",
                api_key_id="k1",
                hook_secret_hash=hash_token(secret),
                next_poll_at=NOW,
            )
        )

    site.database.write(write)
    return public_id


def push(site: "Site", connection: UUID, body: bytes = b"{}", secret: str | None = SECRET, **more: Any) -> int:
    headers = {SECRET_HEADER: secret} if secret is not None else {}
    client = site.app.test_client()
    return client.post(f"/hooks/ycbm/{connection}", data=body, headers=headers, **more).status_code


def deliveries(site: "Site") -> list[HookDelivery]:
    with site.database.read() as session:
        return list(session.scalars(select(HookDelivery).order_by(HookDelivery.id)))


@pytest.mark.rule("Y3")
def test_a_webhook_with_the_secret_is_stored_raw_and_answered(site_on_both: "Site") -> None:
    body = '{"event": "made", "ref": "AB\u201ccd", broken'.encode()
    where = connect(site_on_both)
    assert push(site_on_both, where, body, query_string="event=made", content_type="application/json") == 202
    (stored,) = deliveries(site_on_both)
    assert (stored.body, stored.event, stored.content_type) == (body, "made", "application/json")
    assert (stored.read_at, stored.received_at) == (None, NOW)


@pytest.mark.rule("Y3")
@pytest.mark.parametrize(
    "headers", [{"Origin": "https://youcanbook.me"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_it_may_come_from_any_site(site: "Site", headers: dict[str, str]) -> None:
    """The secret says who calls; what a browser sends along says nothing about a server."""
    where, client = connect(site), site.app.test_client()
    given = {SECRET_HEADER: SECRET, **headers}
    assert client.post(f"/hooks/ycbm/{where}", data=b"{}", headers=given).status_code == 202
    assert client.post(f"/hooks/ycbm/{where}", data=b"{}", headers=headers).status_code == 401


@pytest.mark.rule("Y3")
def test_a_worker_is_woken(sqlite_url: str, make_site: Callable[..., "Site"], valkey: "Valkey") -> None:
    site = make_site(sqlite_url, REDIS_URL=valkey.url)
    assert push(site, connect(site)) == 202
    client: Any = site.context.redis
    deadline = time.monotonic() + 10
    while not client.exists("platzwart:nudged:workers.ycbm.read_hooks:") and not client.llen("rq:queue:sites"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.rule("Y3")
@pytest.mark.parametrize("secret", [None, "", "falsch", SECRET + "x", SECRET.upper()])
def test_without_the_secret_nothing_is_stored(site: "Site", secret: str | None) -> None:
    assert push(site, connect(site), secret=secret) == 401
    assert deliveries(site) == []


def test_the_secret_of_one_connection_does_not_open_another(site: "Site") -> None:
    connect(site, "das Wort der einen")
    assert push(site, connect(site, "das Wort der anderen"), secret="das Wort der einen") == 401


def test_an_unknown_connection_is_told_the_same_as_a_wrong_secret(site: "Site") -> None:
    assert push(site, UUID(int=7)) == push(site, connect(site), secret="falsch") == 401


@pytest.mark.rule("Y3")
@pytest.mark.parametrize(("size", "status"), [(MOST_BYTES, 202), (MOST_BYTES + 1, 413), (5_000_000, 413)])
def test_up_to_64_kilobytes_are_taken(site: "Site", size: int, status: int) -> None:
    assert push(site, connect(site), b"x" * size) == status
    assert len(deliveries(site)) == (status == 202)


class Counted(io.BytesIO):
    """A body that counts how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self.taken += count
        return count


@pytest.mark.parametrize("said", [True, False], ids=["with a length", "in chunks"])
def test_no_more_is_read_than_is_taken(site: "Site", said: bool) -> None:
    body = Counted(b"x" * 3_000_000)
    length = (
        {"CONTENT_LENGTH": "3000000"} if said else {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    )
    client = site.app.test_client()
    environ = {"wsgi.input": body, **length}
    address = f"/hooks/ycbm/{connect(site)}"
    answer = client.post(address, headers={SECRET_HEADER: SECRET}, environ_overrides=environ)
    assert answer.status_code == 413
    assert body.taken <= 2 * MOST_BYTES
    assert deliveries(site) == []


@pytest.mark.rule("Y3")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=2000),
    event=st.text(max_size=50),
    kind=st.sampled_from(KINDS),
)
def test_any_body_is_taken_as_it_is(site: "Site", body: bytes, event: str, kind: str) -> None:
    before = deliveries(site)
    where = connect(site)
    client = site.app.test_client()
    answer = client.post(
        f"/hooks/ycbm/{where}",
        input_stream=io.BytesIO(body),
        content_length=len(body),
        headers={SECRET_HEADER: SECRET, "Content-Type": kind},
        query_string={"event": event.encode(errors="replace")},
    )
    assert answer.status_code == 202
    assert deliveries(site)[len(before) :][0].body == body


def test_a_hundred_equal_webhooks_are_a_hundred_rows_and_no_more(site: "Site") -> None:
    where = connect(site)
    for _ in range(20):
        assert push(site, where) == 202
    with site.database.read() as session:
        assert session.scalar(select(func.count()).select_from(HookDelivery)) == 20


def test_a_nul_in_the_event_is_left_out(site_on_both: "Site") -> None:
    assert push(site_on_both, connect(site_on_both), query_string="event=ma%00de") == 202
    assert deliveries(site_on_both)[0].event == "made"


def test_reading_the_address_stores_nothing(site: "Site") -> None:
    where = connect(site)
    assert site.app.test_client().get(f"/hooks/ycbm/{where}").status_code == 405
    assert deliveries(site) == []


def test_what_is_logged_names_no_secret(site: "Site", caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    where = connect(site)
    push(site, where, b'{"name": "Anneliese"}')
    push(site, where, secret="beinahe richtig")
    assert str(where) in caplog.text
    for hidden in (SECRET, "beinahe", "Anneliese"):
        assert hidden not in caplog.text
