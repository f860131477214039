"""Many want the same time at once: nobody gets what another has, nothing stays unsold, nobody sees an error."""

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from booking.actions import occupy, requests
from booking.tables.houses import RoomUnit
from booking.values.slot import Slot
from tests.builders import slot_in
from tests.fixtures.soak import scale
from tests.races.conftest import CLIENTS, Races

OPEN_HOURS = range(8, 22)
PLACES, ATTEMPTS = scale(625), scale(10_000)
OVERLAPPING = text(
    "SELECT count(*) FROM occupancy one JOIN occupancy other ON one.unit_id = other.unit_id AND one.id < other.id "
    "AND one.starts_at < other.ends_at AND other.starts_at < one.ends_at WHERE one.exclusive AND other.exclusive"
)
SEED = 5
Place = tuple[int, Slot]


def places(races: Races, count: int) -> list[Place]:
    """Hours of the two halves, the nearest days first."""
    hours = ((day, hour) for day in range(2, 60) for hour in OPEN_HOURS)
    both = ((room, slot_in(day, hour, hour + 1)) for day, hour in hours for room in (races.ids.left, races.ids.right))
    return [place for place, _ in zip(both, range(count), strict=False)]


def attempts(races: Races, wanted: list[Place], count: int) -> list[Place]:
    """Every place about equally often, in a random order; every tenth asks for the whole hall at that hour."""
    chance = random.Random(SEED)
    chosen = [wanted[number % len(wanted)] for number in range(count - count // 10)]
    whole = [(races.ids.hall, slot) for _, slot in chance.choices(wanted[: len(wanted) // 2], k=count // 10)]
    mixed = chosen + whole
    chance.shuffle(mixed)
    return mixed


def storm(races: Races, tries: list[Place]) -> Counter[str]:
    """All tries by `CLIENTS` threads. Counts answers: the status, and the problem where it is one."""
    waiting: queue.SimpleQueue[tuple[int, Place]] = queue.SimpleQueue()
    for numbered in enumerate(tries):
        waiting.put(numbered)
    answers: list[str] = []

    def work() -> None:
        ask = races.caller()
        while True:
            try:
                number, (room, slot) = waiting.get_nowait()
            except queue.Empty:
                return
            status, body = ask(room, slot, f"Kundin {number}")
            answers.append(f"{status} {body.get('type', '').rpartition(':')[2]}".strip())

    in_parallel([work] * CLIENTS)
    return Counter(answers)


def in_parallel(works: list[Callable[[], None]], seconds: float = 240) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not any(thread.is_alive() for thread in threads)


def overlaps(races: Races) -> int:
    with races.database.read() as session:
        return int(session.scalar(OVERLAPPING))


def unsold(races: Races, wanted: list[Place]) -> int:
    """Places of which no unit is taken."""
    with races.database.read() as session:
        units = dict(session.execute(text("SELECT room_id, min(unit_id) FROM room_unit GROUP BY room_id")).all())
        taken = {room: requests.taken(session, [units[room]], span(wanted)) for room in {room for room, _ in wanted}}
    return sum(1 for room, slot in wanted if not any(slot.overlaps(other) for other in taken[room]))


def span(wanted: list[Place]) -> Slot:
    return Slot(min(slot.start for _, slot in wanted), max(slot.end for _, slot in wanted))


@pytest.mark.soak
@pytest.mark.rule("S5", "X4")
def test_no_place_is_sold_twice_and_none_stays_unsold(races: Races) -> None:
    wanted = places(races, PLACES)
    answers = storm(races, attempts(races, wanted, ATTEMPTS))
    assert set(answers) == {"201", "409 taken"}, answers
    assert sum(answers.values()) == ATTEMPTS
    assert (overlaps(races), unsold(races, wanted)) == (0, 0)


def drop_guard(races: Races) -> None:
    """The constraint that stands behind the lock."""

    def work(session: Session) -> None:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("ALTER TABLE occupancy DROP CONSTRAINT ex_occupancy_overlap"))
        else:
            for event in ("insert", "update"):
                session.execute(text(f"DROP TRIGGER occupancy_overlap_{event}"))

    races.database.write(work)


def switch_off_the_lock(races: Races, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody had thought of it: units are named but not locked, and it takes a while from the look to the row.

    On SQLite a write is alone anyway, so that the look before it has to be the only one.
    """
    writers: Engine = races.database._writers

    def name_units(session: Session, organisation_id: int, room_ids: list[int]) -> dict[int, tuple[int, ...]]:
        rows = session.query(RoomUnit).filter(RoomUnit.room_id.in_(room_ids)).order_by(RoomUnit.unit_id).all()
        return {room: tuple(row.unit_id for row in rows if row.room_id == room) for room in room_ids}

    def take_slowly(*given: Any, **named: Any) -> None:
        time.sleep(0.02)
        occupy.occupy(*given, **named)

    def look_early(session: Session, *given: Any, **named: Any) -> tuple[Slot, ...]:
        return () if session.get_bind() is writers else occupy.taken(session, *given, **named)

    def look_slowly(*given: Any, **named: Any) -> Any:
        found = requests.look(*given, **named)
        time.sleep(0.02)
        return found

    monkeypatch.setattr(requests, "lock_units", name_units)
    monkeypatch.setattr(requests, "occupy", take_slowly)
    if races.database.is_sqlite:
        monkeypatch.setattr(requests, "taken", look_early)
        monkeypatch.setattr(import_module("web.api.requests"), "look", look_slowly)


def test_the_same_without_lock_and_constraint_sells_twice(races: Races, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the test above can fail."""
    drop_guard(races)
    switch_off_the_lock(races, monkeypatch)
    storm(races, attempts(races, places(races, 6), 100))
    assert overlaps(races) > 0


@pytest.mark.rule("S5")
def test_the_constraint_alone_keeps_every_place_single(races: Races, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defence in depth: with the lock off the database itself refuses, and the loser hears that the time is taken."""
    switch_off_the_lock(races, monkeypatch)
    wanted = places(races, 6)
    answers = storm(races, attempts(races, wanted, 100))
    assert set(answers) <= {"201", "409 taken"}, answers
    assert (overlaps(races), unsold(races, wanted)) == (0, 0)


@pytest.mark.rule("X3")
@pytest.mark.parametrize("number", range(scale(20)))
def test_one_submit_fifty_times_in_parallel_is_one_booking(races: Races, number: int) -> None:
    (place,) = places(races, 1)
    answers: list[tuple[int, str]] = []
    go = threading.Barrier(50)

    def submit() -> None:
        ask = races.caller()
        go.wait(30)
        status, body = ask(*place, "Anna Müller", key=f"submit {number}")
        while status == 503:
            time.sleep(0.2)
            status, body = ask(*place, "Anna Müller", key=f"submit {number}")
        answers.append((status, body.get("id", "")))

    in_parallel([submit] * 50)
    assert len(answers) == 50
    assert len(set(answers)) == 1, set(answers)
    assert answers[0][0] == 201
    with races.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM booking")) == 1
        assert session.scalar(text("SELECT count(*) FROM message WHERE kind = 'acknowledgement'")) == 1
