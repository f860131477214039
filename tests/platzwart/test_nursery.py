"""The process that forks the others: what children inherit from it, and what becomes of them without it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from config.jobs import JOBS
from platzwart import births, modules, up
from platzwart.children import Child, Fork, Stage, Watched
from platzwart.embedded import House
from platzwart.lifeline import die_with
from tests.fixtures.family import Installation
from tests.fixtures.processes import is_alive
from tests.fixtures.servers import wait_until
from web.app import EARLY, PARTS, PROBES
from web.context import LOADED_LATE

pytestmark = pytest.mark.skipif(not births.AVAILABLE, reason="children are forked on Linux alone")
FORKED = (" web ", " quick ", " sites ", " calendars ", " tick ", " mail-sink ")


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def opened_by(pid: int) -> dict[int, str]:
    """Open files of a process by their number; standard streams left out. One that is closed while we look is none."""
    found = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found[int(link.name)] = str(link.readlink())
    return {number: target for number, target in found.items() if number > 2}


def the_one(installation: Installation, *words: str) -> int:
    """The eldest: what it forks has the same name."""
    wait_until(lambda: bool(installation.members(*words)), 20, f"{words}")
    return installation.members(*words)[0]


@pytest.mark.parametrize("app", ["standin_app:application", None], ids=["stand-in", "the real one"])
def test_the_nursery_has_one_thread_and_holds_neither_database_nor_redis(
    installation: Installation, app: str | None
) -> None:
    installation.ready(process := installation.start(app=app), 90)
    nursery = the_one(installation, "platzwart", "nursery")
    for word in FORKED:
        the_one(installation, word)
    time.sleep(1.5)  # it goes on importing meanwhile
    assert len(list(Path(f"/proc/{nursery}/task").iterdir())) == 1
    files = opened_by(nursery).values()
    assert not [file for file in files if str(installation.data) in file or file.endswith(".db")]
    assert len([file for file in files if file.startswith("socket:")]) == 1  # where its orders come from
    assert installation.stop(process) == 0


def test_children_belong_to_the_supervisor_and_keep_what_is_their_own(installation: Installation) -> None:
    installation.ready(process := installation.start())
    nursery = the_one(installation, "platzwart", "nursery")
    mail_sink = the_one(installation, " mail-sink ")
    children = [the_one(installation, word) for word in FORKED]
    assert {parent_of(child) for child in (*children, nursery)} == {process.pid}
    of_the_family = set(opened_by(process.pid).values())
    listening = of_the_family & set(opened_by(mail_sink).values())
    assert [file.partition(":")[0] for file in listening] == ["socket", "socket"]
    for child in set(children) - {mail_sink}:
        assert not of_the_family & set(opened_by(child).values())
    assert installation.stop(process) == 0


def test_a_child_that_is_started_again_begins_anew(installation: Installation) -> None:
    installation.ready(process := installation.start())
    old = the_one(installation, " tick ")
    nursery = the_one(installation, "platzwart", "nursery")
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: installation.members(" tick ") not in ([], [old]), 20, "the new tick")
    (new,) = installation.members(" tick ")
    assert (parent_of(new), os.getpgid(new)) == (process.pid, new)
    assert the_one(installation, "platzwart", "nursery") == nursery
    assert installation.stop(process) == 0


def test_children_outlive_the_nursery_and_a_new_one_takes_its_place(installation: Installation) -> None:
    installation.ready(process := installation.start())
    worker, tick = the_one(installation, " quick "), the_one(installation, " tick ")
    old = the_one(installation, "platzwart", "nursery")
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: not is_alive(old), 5)
    assert (is_alive(worker), installation.get()[0]) == (True, 200)
    os.kill(tick, signal.SIGKILL)
    wait_until(lambda: installation.members(" tick ") not in ([], [tick]), 30, "the new tick")
    assert installation.members(" quick ") == [worker]
    assert the_one(installation, "platzwart", "nursery") != old
    assert installation.stop(process) == 0


def test_a_preparation_that_fails_ends_all(installation: Installation) -> None:
    installation.environment["PLATZWART_DATABASE_URL"] = f"sqlite:///{installation.data}/no/such/folder.db"
    process = installation.start()
    assert process.wait(30) == 1
    assert "prepare cannot go on (exit 1)" in installation.output


def test_a_start_that_is_refused_leaves_no_nursery(installation: Installation) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "platzwart", "up", "--data", str(installation.data)],
        env=installation.environment | {"PLATZWART_WEB_THREADS": "0"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.wait(30) == 2
    wait_until(lambda: session(process.pid) == [], 5, "the end of the nursery")


def session(leader: int) -> list[int]:
    """Living processes of a session."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if is_alive(pid) and _session_of(pid) == leader]


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def test_files_keep_the_numbers_that_a_child_was_told() -> None:
    code = (
        "import os\nfrom platzwart.nursery import place\n"
        "first, second = os.pipe()\nos.write(second, b'x')\n"
        "place([second, first], [first, second])\n"
        "print(os.read(second, 1), os.get_inheritable(first), os.write(first, b'y'))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert said.stdout.split() == ["b'x'", "False", "1"]


@pytest.fixture
def nursery() -> Iterator[tuple[socket.socket, "subprocess.Popen[bytes]"]]:
    """A nursery whose parent is the test, which does not adopt."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            (sys.executable, "-P", str(births.PROGRAM), str(theirs.fileno()), births.ROOM),
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    with closing(ours):
        yield ours, process
    process.kill()
    process.communicate()


def order(number: int, *arguments: str) -> bytes:
    told = {"order": number, "arguments": arguments, "modules": ["no.such.module"], "place": "/data", "files": []}
    return json.dumps(told | {"environment": {}}).encode()


def test_a_module_that_cannot_be_imported_is_its_child_s_affair(
    nursery: tuple[socket.socket, "subprocess.Popen[bytes]"],
) -> None:
    control, _ = nursery
    for number in (1, 2):
        control.send(order(number, "keys"))
        answer = json.loads(control.recv(4096))
        assert answer["order"] == number
        assert answer["pid"] > 0


def test_a_child_that_nobody_was_told_about_does_not_begin(
    nursery: tuple[socket.socket, "subprocess.Popen[bytes]"],
) -> None:
    control, process = nursery
    control.send(order(1, "keys"))
    control.close()
    said, _ = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, b"")


def test_what_could_not_be_had_is_asked_for_again() -> None:
    watched = Watched(Child("x", ("true",), Stage.TICK, fork=Fork(("keys",), ())))
    watched.asked()
    assert (watched.is_expected, watched.due_at) == (True, None)
    watched.born(None)
    assert not watched.is_expected
    assert watched.due_at is not None


def test_where_nothing_is_forked_the_same_children_are_started_by_their_commands() -> None:
    children = up.plan(House(Path("/data"), {}, None), 0, None, None, None)
    assert all(child.fork is not None and child.command == up.command(*child.fork.arguments) for child in children)
    assert len(children) == 7


def test_the_lists_name_what_processes_import() -> None:
    assert {job.rpartition(".")[0] for job in JOBS} <= set(modules.WORK)
    assert set(PROBES) <= set(modules.PROBES)
    assert set(EARLY) <= {*modules.PROBES, *modules.PAGES}
    assert {*PARTS, *LOADED_LATE} <= {*modules.PROBES, *modules.REST_OF_THE_WEB}
    assert set(modules.WORK) <= set(modules.LATER)


def test_importing_all_of_it_starts_no_thread_and_opens_no_file() -> None:
    every = (*modules.PREPARATION, *modules.WEB, *modules.LATER)
    code = (
        "import os, sys, threading\nfrom importlib import import_module\n"
        "before = set(os.listdir('/proc/self/fd'))\n"
        f"for name in {every!r}: import_module(name)\n"
        "print(len(os.listdir('/proc/self/task')), len(set(os.listdir('/proc/self/fd')) - before))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.split() == ["1", "0"]


def test_a_process_learns_that_its_parent_is_gone_already() -> None:
    code = f"from {die_with.__module__} import die_with\nimport signal\ndie_with(1, signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=20)
    assert done.returncode == -signal.SIGKILL
