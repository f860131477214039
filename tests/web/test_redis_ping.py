"""A PING of our own: it tells what the library would tell, or leaves it to the library."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.fixtures.processes import free_port
from tests.fixtures.servers import Valkey, short_folder
from web.redis_ping import is_pong

SECRET = "ge heim/@ü"
QUOTED = "ge%20heim%2F%40%C3%BC"


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[str, int]]:
    """A server that wants a password, and knows `anna` by the same: its socket and its port."""
    folder, port = short_folder("pw-ping-"), free_port()
    server = Valkey(folder)
    server.start()
    with closing(server.client()) as client:
        client.config_set("port", port)
        client.acl_setuser("anna", enabled=True, passwords=[f"+{SECRET}"], categories=["+@all"])
        client.config_set("requirepass", SECRET)
    yield str(folder / "valkey.sock"), port
    server.kill()
    shutil.rmtree(folder)


def library_says(url: str) -> bool:
    with closing(Redis.from_url(url)) as client:
        try:
            return bool(client.ping())
        except (RedisError, OSError):
            return False


@pytest.mark.parametrize(
    ("address", "is_answered"),
    [
        (f"unix://:{QUOTED}@{{path}}", True),
        (f"unix://anna:{QUOTED}@{{path}}", True),
        ("unix://{path}", False),
        ("unix://:wrong@{path}", False),
        (f"redis://:{QUOTED}@127.0.0.1:{{port}}", True),
        (f"redis://:{QUOTED}@127.0.0.1:{{port}}/15", True),
        (f"redis://:{QUOTED}@127.0.0.1:{{port}}/16", False),
        (f"redis://anna:{QUOTED}@127.0.0.1:{{port}}/0", True),
        (f"redis://berta:{QUOTED}@127.0.0.1:{{port}}/0", False),
        ("redis://127.0.0.1:{port}", False),
        ("redis://127.0.0.1:1", False),
    ],
)
def test_it_says_what_the_library_says(guarded: tuple[str, int], address: str, *, is_answered: bool) -> None:
    url = address.format(path=guarded[0], port=guarded[1])
    assert (is_pong(url, 1), library_says(url)) == (is_answered, is_answered)


def test_a_server_without_a_password_answers(valkey: Valkey) -> None:
    assert is_pong(valkey.url, 1)


@pytest.mark.parametrize("address", ["rediss://127.0.0.1:{port}", f"unix://:{QUOTED}@{{path}}?db=3"])
def test_what_it_does_not_understand_is_left_to_the_library(guarded: tuple[str, int], address: str) -> None:
    assert not is_pong(address.format(path=guarded[0], port=guarded[1]), 1)


def serve(listener: socket.socket, answer: bytes) -> None:
    line, _ = listener.accept()
    with line:
        line.recv(1024)
        line.sendall(answer)


@pytest.mark.parametrize(
    "answer", [b"", b"+PONG", b"+PONK\r\n", b"-LOADING data\r\n", b"x" * 5000, b"HTTP/1.1 400 no\r\n"]
)
def test_another_answer_is_none(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, answer), daemon=True).start()
        assert not is_pong(f"redis://127.0.0.1:{listener.getsockname()[1]}", 1)


def test_it_waits_no_longer_than_it_was_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TimeoutError):
        is_pong(f"redis://127.0.0.1:{listener.getsockname()[1]}", 0.1)
