"""The booking race over HTTP: 200 clients want 20 places at the same moment, on a durable database of each kind.

`python -m bench.races`. Every client has its connection open before the first request leaves; the time runs from there
to the last answer. Goal: at most 0.3 s, exactly 20 sold, nothing but 201 and 409.
"""

import json
import random
import statistics
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.house import Site, databases, ended, exchange, furnish, web
from booking.values.slot import Slot
from platzwart.embedded import engine_command
from tests.builders import slot_in
from tests.fixtures.servers import wait_until
from tests.races.conftest import wish

CLIENTS, PLACES, RACES, WARM_UP = 200, 20, 7, 2
HOURS = range(8, 18)
SEED = 4


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
    clients = [request(site, port, *places[client % PLACES], client) for client in range(CLIENTS)]
    random.Random(SEED + number).shuffle(clients)
    return exchange(port, clients)


def request(site: Site, port: int, room: int, slot: Slot, client: int) -> bytes:
    body = json.dumps(wish(site.house.room(room).public_id, slot, f"Kundin {client}")).encode()
    return (
        f"POST /api/v1/requests HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {site.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


if __name__ == "__main__":
    run(Console())
