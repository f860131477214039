"""Turns within a process: one at a time for each thing, none for ever, and who waited looks again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from booking.tables.database import Database
from tests.web.test_api import wish
from web.turns import Turns

if TYPE_CHECKING:
    from tests.web.conftest import Site


def test_one_at_a_time_for_each_thing_and_nothing_is_kept() -> None:
    turns, inside, most, waited = Turns(), [0], [0], []

    def go(thing: str) -> None:
        with turns.held(thing) as had_to_wait:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            inside[0] -= 1
            waited.append(had_to_wait)

    with ThreadPoolExecutor(8) as people:
        list(people.map(go, ["a"] * 20))
    assert most == [1]
    assert waited[0] is False
    assert any(waited)
    assert len(turns) == 0


def test_other_things_are_not_waited_for() -> None:
    turns = Turns()
    with turns.held("a") as first, turns.held("b") as second:
        assert (first, second) == (False, False)
        assert len(turns) == 2


def test_who_waited_too_long_goes_on_and_an_error_ends_a_turn() -> None:
    turns, gone_on = Turns(0.05), threading.Event()

    def go() -> None:
        with turns.held("a") as waited:
            assert waited
            gone_on.set()

    with turns.held("a"):
        other = threading.Thread(target=go)
        other.start()
        assert gone_on.wait(5)
        other.join()
    with pytest.raises(ZeroDivisionError), turns.held("a"):
        raise ZeroDivisionError
    with turns.held("a") as waited:
        assert not waited


def test_who_waited_for_a_time_is_refused_without_a_write(
    site_on_both: "Site", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight want one time at the same moment: the database is asked to write it once."""
    site, written, together = site_on_both, [], threading.Barrier(8)
    real = Database.write

    def write(self: Database, work: Any) -> Any:
        written.append(work)
        time.sleep(0.05)  # everybody else arrives meanwhile
        return real(self, work)

    token = site.token()
    body = wish(site)
    clients = [site.app.test_client() for _ in range(8)]
    monkeypatch.setattr(Database, "write", write)

    def ask(number: int) -> int:
        together.wait(10)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"key-{number % 4}"}
        return clients[number].post("/api/v1/requests", json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as people:
        answers = sorted(people.map(ask, range(8)))
    assert answers == [201] * 2 + [409] * 6, "the one who was first, and the one who repeats the same call"
    assert len(written) == 1
