"""The booking race over HTTP: 200 clients want 20 places at the same moment, on a durable database of each kind.

`python -m bench.races`. Every client has its connection open, and the server has taken it, before the first request
leaves; the time runs from there until the last byte of the last answer. Each answer is then checked: a booking of what
was asked for, or a refusal that says the time is taken. Goal: at most 0.3 s, exactly 20 sold, nothing but 201 and 409.
"""

import json
import random
import re
import select
import socket
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.house import Site, databases, ended, furnish, web
from booking.values.slot import Slot
from platzwart.embedded import engine_command
from tests.builders import slot_in
from tests.fixtures.servers import wait_until
from tests.races.conftest import wish

CLIENTS, PLACES, RACES, WARM_UP = 200, 20, 7, 2
HOURS = range(8, 18)
SEED = 4
PATIENCE = 30.0
TAKEN_IN = 0.1  # until the server has taken all connections
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)

Wish = tuple[int, Slot]  # the room's id, the time


def run(console: Console) -> None:
    table = Table(
        title=f"{CLIENTS} clients for {PLACES} places over HTTP, durable, {RACES} races: time to the last answer"
    )
    for column in ("database", "median", "best", "worst", "sold in each", "answers"):
        table.add_column(column, justify="left" if column in {"database", "answers"} else "right")
    with databases() as urls, valkey() as redis_url:
        for name, url in urls.items():
            site = furnish(url)
            with web(url, redis_url) as port:
                for number in range(WARM_UP):
                    race(site, port, number)
                found = [race(site, port, WARM_UP + number) for number in range(RACES)]
            times = [spent for _, spent in found]
            answers = sum((Counter(statuses) for statuses, _ in found), Counter[int]())
            sold = {statuses.count(201) for statuses, _ in found}
            told = (statistics.median(times), min(times), max(times))
            table.add_row(
                name,
                *(f"{spent * 1000:.0f} ms" for spent in told),
                ", ".join(map(str, sorted(sold))),
                ", ".join(f"{count} × {status}" for status, count in sorted(answers.items())),
            )
    console.print(table)


@contextmanager
def valkey() -> Iterator[str]:
    """As `up` runs it. Nobody works off what it is told here."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as made:
        socket = Path(made) / "valkey.sock"
        with ended(subprocess.Popen(engine_command(Path(made), socket), start_new_session=True)):
            wait_until(socket.exists, what="Valkey")
            yield f"unix://{socket}"


def race(site: Site, port: int, number: int) -> tuple[list[int], float]:
    """One race for the places of one day that nobody has asked for yet."""
    places = [
        (room, slot_in(3 + number, hour, hour + 1, site.now))
        for hour in HOURS
        for room in (site.ids.left, site.ids.right)
    ]
    assert len(places) == PLACES
    wishes = [places[client % PLACES] for client in range(CLIENTS)]
    random.Random(SEED + number).shuffle(wishes)
    answers, spent = rush(port, [request(site, port, *asked, client) for client, asked in enumerate(wishes)])
    return [checked(site, asked, answer) for asked, answer in zip(wishes, answers, strict=True)], spent


def request(site: Site, port: int, room: int, slot: Slot, client: int) -> bytes:
    body = json.dumps(wish(site.house.room(room).public_id, slot, f"Kundin {client}")).encode()
    return (
        f"POST /api/v1/requests HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {site.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def rush(port: int, requests: Sequence[bytes]) -> tuple[list[bytes], float]:
    """One connection for each request, all open before the first is sent. The whole answers, and the time until the
    last.
    """
    with ExitStack() as stack, select.epoll() as ready:
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)) for _ in requests]
        answers, clients = [b""] * len(lines), {line.fileno(): client for client, line in enumerate(lines)}
        for line in lines:
            ready.register(line, select.EPOLLIN)
        time.sleep(TAKEN_IN)
        begun = time.perf_counter()
        for line, said in zip(lines, requests, strict=True):
            line.sendall(said)
        while clients:
            found = ready.poll(PATIENCE)
            assert found, f"{len(clients)} without an answer"
            for descriptor, _ in found:
                client = clients[descriptor]
                got = lines[client].recv(65_536)
                answers[client] += got
                if not got or is_whole(answers[client]):
                    ready.unregister(descriptor)
                    del clients[descriptor]
        return answers, time.perf_counter() - begun


def is_whole(answer: bytes) -> bool:
    head = answer.find(b"\r\n\r\n")
    length = LENGTH.search(answer, 0, head) if head >= 0 else None
    return length is not None and len(answer) == head + 4 + int(length[1])


def checked(site: Site, asked: Wish, answer: bytes) -> int:
    """The status of an answer that says what it should: the booking of the wish, or that its time is taken."""
    assert is_whole(answer), answer
    head, _, text = answer.partition(b"\r\n\r\n")
    status, body = int(head[9:12]), json.loads(text)
    if status == 201:
        room_id, slot = asked
        times = [datetime.fromisoformat(body[name]) for name in ("start", "end")]
        assert (body["room"], times) == (str(site.house.room(room_id).public_id), [slot.start, slot.end]), body
    elif status == 409:
        assert [one["code"] for one in body["reasons"]] == ["taken"], body
    return status


if __name__ == "__main__":
    run(Console())
