"""`platzwart up` with everything real but the pages: start, stop, kills, and what it leaves behind."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from redis import Redis

from platzwart.rq_worker import KINDS
from tests.fixtures.family import Installation
from tests.fixtures.processes import is_alive, left_over
from tests.fixtures.servers import wait_until
from tests.fixtures.soak import scale

WEB = ("platzwart", " web ")


def restarted(installation: Installation, *words: str, pid: int) -> None:
    wait_until(
        lambda: any(found != pid for found in installation.members(*words)) and not is_alive(pid),
        20,
        f"the new {words}",
    )


def test_it_starts_from_nothing_and_stops_cleanly(installation: Installation) -> None:
    process = installation.start()
    installation.ready(process)
    assert installation.get()[0] == 200
    assert f"http://127.0.0.1:{installation.port}/" in installation.output
    private = [installation.data, installation.data / "secret.key", installation.data / "code.key"]
    assert [path.stat().st_mode & 0o077 for path in private] == [0, 0, 0]
    assert installation.stop(process) == 0


def test_every_queue_has_a_worker(installation: Installation) -> None:
    installation.ready(process := installation.start())
    for queue in KINDS:
        wait_until(lambda name=queue: bool(installation.members("worker", name)), 10, queue)  # type: ignore[misc]
    assert installation.stop(process) == 0


def test_a_second_start_keeps_the_keys(installation: Installation) -> None:
    installation.ready(first := installation.start())
    keys = [(installation.data / name).read_bytes() for name in ("secret.key", "code.key")]
    installation.stop(first)
    installation.ready(second := installation.start())
    assert [(installation.data / name).read_bytes() for name in ("secret.key", "code.key")] == keys
    installation.stop(second)


def test_requests_in_flight_are_answered_when_it_stops(installation: Installation) -> None:
    process = installation.start()
    installation.ready(process)
    answers: list[tuple[int, bytes]] = []
    request = threading.Thread(target=lambda: answers.append(installation.get("/slow/1.5")))
    request.start()
    time.sleep(0.4)
    code = installation.stop(process)
    request.join(10)
    assert (code, [status for status, _ in answers]) == (0, [200])


def test_idle_connections_do_not_block_the_next_visitor(installation: Installation) -> None:
    import http.client

    process = installation.start()
    installation.ready(process)
    idle = [http.client.HTTPConnection("127.0.0.1", installation.port, timeout=5) for _ in range(40)]
    for connection in idle:
        connection.request("GET", "/")
        assert connection.getresponse().read()
    assert installation.get()[0] == 200
    for connection in idle:
        connection.close()
    installation.stop(process)


def test_a_sigterm_in_the_first_second_ends_all_at_once(installation: Installation) -> None:
    chance = random.Random(4)
    installation.environment["STANDIN_IMPORT_SECONDS"] = "0.3"
    for _ in range(scale(50)):
        process = installation.start()
        time.sleep(chance.uniform(0.0, 3.0))
        assert installation.stop(process) in {0, -signal.SIGTERM}, installation.output


def test_a_stop_that_a_web_worker_slept_through_is_repeated(installation: Installation) -> None:
    installation.environment["STANDIN_DEAF"] = "1"
    process = installation.start()
    installation.ready(process)
    assert installation.stop(process) == 0


def test_a_visitor_who_never_finishes_a_request_does_not_hold_up_the_stop(installation: Installation) -> None:
    process = installation.start()
    installation.ready(process)
    with socket.create_connection(("127.0.0.1", installation.port)) as visitor:
        visitor.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert installation.output.count("did not stop in time and is killed") == 1
    assert left_over(installation.mark, 0.3) == {}


def test_a_killed_web_server_is_replaced_and_its_workers_do_not_live_on(installation: Installation) -> None:
    process = installation.start()
    installation.ready(process)
    old = installation.members(*WEB)
    os.kill(min(old), signal.SIGKILL)
    wait_until(lambda: not any(is_alive(pid) for pid in old), 10, "the end of the old workers")
    wait_until(lambda: installation.get()[0] == 200, 20, "the new web server")
    assert installation.stop(process) == 0


def test_a_killed_web_worker_is_replaced(installation: Installation) -> None:
    process = installation.start()
    installation.ready(process)
    _, answered_by = installation.get()
    os.kill(int(answered_by), signal.SIGKILL)
    wait_until(lambda: len(installation.members(*WEB)) == 3 and installation.get()[0] == 200, 20, "the new worker")
    assert not is_alive(int(answered_by))
    assert installation.stop(process) == 0


def test_a_killed_valkey_comes_back_with_what_it_had(installation: Installation) -> None:
    process = installation.start()
    installation.ready(process)
    with Redis.from_url(f"unix://{installation.data / 'valkey.sock'}") as client:
        client.set("kept", "yes")
        time.sleep(1.2)  # appendfsync everysec
        (valkey,) = installation.members("unixsocket:")
        os.kill(valkey, signal.SIGKILL)
        restarted(installation, "unixsocket:", pid=valkey)
        wait_until((installation.data / "valkey.sock").exists, 5)
    with Redis.from_url(f"unix://{installation.data / 'valkey.sock'}") as client:
        wait_until(lambda: client.get("kept") == b"yes", 5, "the value")
    installation.stop(process)


def test_nobody_lives_on_when_it_is_killed_and_the_next_start_works(installation: Installation) -> None:
    process = installation.start()
    installation.ready(process)
    process.kill()
    process.wait(5)
    again = installation.start()
    installation.ready(again)
    assert installation.stop(again) == 0
    assert left_over(installation.mark, 0.1) == {}


def test_killing_it_ends_the_whole_family(installation: Installation) -> None:
    process = installation.start()
    installation.ready(process)
    assert len(installation.members()) >= 5
    process.kill()
    process.wait(5)
    assert left_over(installation.mark, 6) == {}


def run(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "platzwart", "up", "--data", str(installation.data), *arguments],
        env=installation.environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_folder_that_is_in_use_is_refused_in_one_line(installation: Installation) -> None:
    process = installation.start()
    installation.ready(process)
    refused = run(installation, "--port", str(installation.port + 5))
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        f"PLATZWART_DATA_DIR: {installation.data} is in use by another `platzwart up`"
    ]
    assert installation.get()[0] == 200
    installation.stop(process)


def test_a_port_that_is_in_use_is_refused_in_one_line(installation: Installation) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", installation.port))
        other.listen()
        refused = run(installation, "--port", str(installation.port))
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert f"{installation.port} on 127.0.0.1 is in use" in refused.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", "secret"), ("CODE_KEY", "k1:AAAA"), ("DATABASE_URL", "mysql://x"), ("WEB_THREADS", "0")],
)
def test_unusable_settings_stop_the_start_in_one_line_each(installation: Installation, name: str, value: str) -> None:
    installation.environment |= {f"PLATZWART_{name}": value, "PLATZWART_LOG_LEVEL": "LOUD"}
    refused = run(installation)
    assert refused.returncode == 2
    assert [line.partition(":")[0] for line in refused.stderr.splitlines()] == [
        f"PLATZWART_{name}",
        "PLATZWART_LOG_LEVEL",
    ]
    assert left_over(installation.mark, 0.1) == {}
