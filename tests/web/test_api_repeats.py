"""Repeated and parallel calls: one effect for one Idempotency-Key, one winner for one time."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, text

from booking.actions import idempotency
from booking.tables.bookings import Booking
from booking.tables.outgoing import IdempotencyKey
from tests.builders import NOW
from tests.web.conftest import Caller
from tests.web.test_api import wish

if TYPE_CHECKING:
    from tests.web.conftest import Site


def bookings(site: "Site") -> int:
    with site.database.read() as session:
        return session.scalar(select(func.count()).select_from(Booking)) or 0


def at_once(count: int, work: Any) -> list[Any]:
    gate = threading.Barrier(count)

    def run(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def caller(site: "Site", token: str) -> Caller:
    return Caller(site.app.test_client(), token)


def test_the_same_key_again_is_answered_the_same_without_a_second_effect(site_on_both: "Site") -> None:
    program = site_on_both.api()
    first, again = (program.post("/requests", wish(site_on_both), key="k-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert bookings(site_on_both) == 1


@pytest.mark.parametrize("round_", range(3))
def test_the_same_key_in_parallel_has_one_effect(site_on_both: "Site", round_: int) -> None:
    site, token = site_on_both, site_on_both.token()
    body = wish(site)
    answers = at_once(8, lambda _number: caller(site, token).post("/requests", body, key=f"k-{round_}"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert bookings(site) == 1


def test_parallel_calls_for_one_time_have_one_winner(site_on_both: "Site") -> None:
    site, token = site_on_both, site_on_both.token()
    body = wish(site)
    answers = at_once(8, lambda _number: caller(site, token).post("/requests", body))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert all(answer.get_json()["nearest"] for answer in answers if answer.status_code == 409)
    assert bookings(site) == 1


def test_another_call_under_a_used_key_is_refused(site: "Site") -> None:
    program = site.api()
    program.post("/requests", wish(site), key="k")
    other = program.post("/requests", wish(site, days=5), key="k")
    assert other.status_code == 422
    assert other.get_json()["type"].endswith("key-reused")
    assert bookings(site) == 1


def test_two_tokens_never_share_a_key(site: "Site") -> None:
    one, other = site.api(), site.api()
    assert one.post("/requests", wish(site), key="k").status_code == 201
    assert other.post("/requests", wish(site, days=5), key="k").status_code == 201


def test_a_refused_call_leaves_its_key_free(site: "Site") -> None:
    program = site.api()
    blocking = program.post("/requests", wish(site)).get_json()["id"]
    assert program.post("/requests", wish(site), key="k").status_code == 409
    program.post(f"/bookings/{blocking}/cancel")
    assert program.post("/requests", wish(site), key="k").status_code == 201


def test_a_call_that_fails_leaves_its_key_free(site_on_both: "Site", monkeypatch: pytest.MonkeyPatch) -> None:
    program = site_on_both.api()
    with monkeypatch.context() as patched:
        patched.setattr("booking.actions.idempotency.keep", _fail)
        assert program.post("/requests", wish(site_on_both), key="k").status_code == 500
    assert bookings(site_on_both) == 0
    assert program.post("/requests", wish(site_on_both), key="k").status_code == 201


def _fail(*_arguments: object) -> None:
    raise RuntimeError("the process ends here")


@pytest.mark.parametrize("key", ["", "x" * 201, "ä", "a\tb"])
def test_an_unusable_key_is_refused(site: "Site", key: str) -> None:
    program = site.api()
    headers = {"Authorization": f"Bearer {program.token}", "Idempotency-Key": key.encode().decode("latin-1")}
    answer = program.client.post("/api/v1/requests", json=wish(site), headers=headers)
    assert answer.status_code == 422
    assert bookings(site) == 0


def test_decisions_and_feeds_are_made_once_too(site: "Site") -> None:
    program = site.api()
    made = program.post("/requests", wish(site)).get_json()["id"]
    twice = [program.post(f"/requests/{made}/reject", {"reason": "doppelt"}, key="r") for _ in range(2)]
    assert [answer.status_code for answer in twice] == [200, 200]
    assert twice[0].get_json() == twice[1].get_json()
    feeds = [program.post("/feeds", {"kind": "office", "name": "Büro"}, key="f").get_json() for _ in range(2)]
    assert feeds[0] == feeds[1]
    token = feeds[0]["url"].rpartition("/")[2].removesuffix(".ics")
    with site.database.read() as session:
        stored = json.dumps([row.body for row in session.scalars(select(IdempotencyKey))])
    assert token not in stored


def test_old_keys_are_forgotten(site: "Site") -> None:
    program = site.api()
    program.post("/requests", wish(site), key="k")
    site.database.write(lambda db: idempotency.forget(db, NOW))
    with site.database.read() as session:
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1
    site.database.write(lambda db: idempotency.forget(db, NOW + idempotency.KEPT))
    with site.database.read() as session:
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0


def test_who_comes_too_late_never_waits_for_a_write(site: "Site") -> None:
    """The loser of a taken time is answered while somebody else holds the write lock."""
    program = site.api()
    program.post("/requests", wish(site))
    with site.database._lock.held():  # type: ignore[union-attr]  # SQLite has one
        assert program.post("/requests", wish(site), key="k").status_code == 409


def test_on_postgresql_too_the_loser_never_waits(postgresql_url: str, make_site: Any) -> None:
    site = make_site(postgresql_url)
    program = site.api()
    program.post("/requests", wish(site))
    with site.database._writers.connect() as holder:
        holder.execute(text("LOCK TABLE unit, booking IN EXCLUSIVE MODE"))
        assert program.post("/requests", wish(site)).status_code == 409
