"""The supervisor with real processes: restarts, stop order, stubborn children, and nobody left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fixtures.processes import family_of, is_alive, left_over
from tests.fixtures.servers import wait_until

SCRIPT = Path(__file__).parent / "standins" / "family.py"
STAY = "while True: time.sleep(60)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
WITH_GRANDCHILD = "subprocess.Popen([sys.executable, '-c', 'import signal, time; {}; time.sleep(60)'])\n" + STAY
WITH_DEAF_GRANDCHILD = WITH_GRANDCHILD.format("signal.signal(15, signal.SIG_IGN)")


@dataclass(slots=True)
class Family:
    """A supervisor in a process of its own, and what its children wrote down."""

    folder: Path
    mark: str
    process: subprocess.Popen[str] | None = None
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *children: tuple[str, ...], grace: float = 5.0) -> subprocess.Popen[str]:
        words = [word for child in children for word in child]
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(grace), *words],
            env={**os.environ, "JOURNAL": str(self.journal), "PW_MARK": self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    def notes(self) -> list[tuple[str, str]]:
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return [(line.rpartition(" ")[0], line.rpartition(" ")[2]) for line in lines]

    def pids(self, name: str) -> list[int]:
        return [int(what) for who, what in self.notes() if who == name and what != "stopped"]

    def wait_for(self, name: str, times: int = 1) -> int:
        wait_until(lambda: len(self.pids(name)) >= times, 10, f"start {times} of {name}")
        return self.pids(name)[-1]

    def stopped(self) -> list[str]:
        return [who for who, what in self.notes() if what == "stopped"]


def child(
    name: str, stage: str = "WORKERS", start: str = "AT_ONCE", once: str = "-", code: str = STAY
) -> tuple[str, ...]:
    return (name, stage, start, once, code)


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    made = Family(tmp_path, f"family-of-{tmp_path}")
    yield made
    for pid in (*(process.pid for process in made.started), *family_of(f"PW_MARK={made.mark}")):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in made.started:
        process.communicate()


def ended(process: subprocess.Popen[str], family: Family, seconds: float = 10.0) -> int:
    """Exit code of a supervisor that ends by itself and leaves nobody behind."""
    process.communicate(timeout=seconds)
    assert left_over(f"PW_MARK={family.mark}", 0.5) == {}
    return process.returncode


def test_a_killed_child_is_started_again(family: Family) -> None:
    family.start(child("a"), child("b"))
    first, other = family.wait_for("a"), family.wait_for("b")
    os.kill(first, signal.SIGKILL)
    second = family.wait_for("a", times=2)
    assert second != first
    assert family.pids("b") == [other]
    assert is_alive(other)


def test_what_a_dead_child_left_in_its_group_is_swept_before_it_starts_again(family: Family) -> None:
    family.start(child("a", code="note(subprocess.Popen(['sleep', '60']).pid)\n" + STAY))
    family.wait_for("a", times=2)
    leader, grandchild = family.pids("a")
    os.kill(leader, signal.SIGKILL)
    family.wait_for("a", times=4)
    assert not is_alive(grandchild)


def test_children_stop_in_order_and_the_engine_last(family: Family) -> None:
    stages = ("ENGINE", "OUTSIDE", "TICK", "WORKERS", "FRONT")
    process = family.start(*(child(stage, stage) for stage in stages))
    for stage in stages:
        family.wait_for(stage)
    process.send_signal(signal.SIGTERM)
    assert ended(process, family) == 0
    assert family.stopped() == list(reversed(stages))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_each_stop_signal_ends_all(family: Family, number: signal.Signals) -> None:
    process = family.start(child("a"))
    pid = family.wait_for("a")
    process.send_signal(number)
    assert ended(process, family) == 0
    assert not is_alive(pid)


def test_a_deaf_child_and_a_deaf_grandchild_are_killed_after_the_grace_time(family: Family) -> None:
    process = family.start(child("deaf", code=DEAF), child("parent", code=WITH_DEAF_GRANDCHILD), grace=1.0)
    family.wait_for("deaf")
    family.wait_for("parent")
    time.sleep(0.3)  # both have to reach the line that makes them deaf
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert ended(process, family) == 0
    assert 0.9 < time.monotonic() - asked < 3.0


def test_a_slow_front_does_not_take_the_workers_time(family: Family) -> None:
    process = family.start(child("deaf", "FRONT", code=DEAF), child("job"), grace=5.0)
    family.wait_for("deaf")
    family.wait_for("job")
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: family.stopped() == ["job"], 4.5, "the stop of the worker")
    assert process.poll() is None


def test_nothing_else_starts_before_the_preparation_has_succeeded(family: Family) -> None:
    family.start(
        child("later", start="PREPARED"), child("prepare", "FRONT", once="once", code="time.sleep(0.5); note('done')")
    )
    family.wait_for("later")
    assert [who for who, _ in family.notes()] == ["prepare", "prepare", "later"]


def test_a_gated_child_loads_beside_the_preparation_and_waits_for_it(family: Family) -> None:
    gated = "from platzwart.children import wait_for_gate\nwait_for_gate(os.environ)\nnote('through')\n" + STAY
    family.start(
        child("web", start="GATED", code=gated),
        child("prepare", "FRONT", once="once", code="time.sleep(1.0); note('done')"),
    )
    wait_until(lambda: ("web", "through") in family.notes(), 10, "the gate")
    whats = [f"{who} {what}" for who, what in family.notes() if not what.isdigit()]
    assert whats == ["prepare done", "web through"]
    assert [who for who, what in family.notes() if what.isdigit()].count("web") == 1


@pytest.mark.parametrize(
    ("once", "code", "expected"),
    [("once", "sys.exit(1)", 1), ("once", "sys.exit(2)", 2), ("-", "sys.exit(2)", 2)],
    ids=["preparation fails", "preparation finds bad settings", "a child finds bad settings"],
)
def test_a_hopeless_start_ends_all_with_its_exit_code(family: Family, once: str, code: str, expected: int) -> None:
    assert ended(family.start(child("a"), child("x", once=once, code=code)), family) == expected


def test_children_die_when_their_parent_is_killed(family: Family) -> None:
    process = family.start(child("a"), child("b"))
    pids = [family.wait_for("a"), family.wait_for("b")]
    process.kill()
    process.wait(5)
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 3, "the end of the children")


def test_a_stop_in_the_first_instants_leaves_nobody(family: Family) -> None:
    for pause in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3):
        process = family.start(child("a"), child("b", "ENGINE"))
        time.sleep(pause)
        process.send_signal(signal.SIGTERM)
        assert ended(process, family, 5) in {0, -signal.SIGTERM}


def test_readiness_is_announced_once_and_after_the_preparation(family: Family) -> None:
    process = family.start(child("prepare", "FRONT", once="once", code="note('done')"), child("a", start="PREPARED"))
    family.wait_for("a")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=5)
    assert "ready" not in rest
