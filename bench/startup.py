"""From the command to the first answer: the web process alone, and all of `platzwart up` on a folder that stands.

`python -m bench.startup`. Goal: 1 s.
"""

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.house import ended, free_port, furnish, web

ROUNDS = 3
PATIENCE = 120.0


def run(console: Console) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as made:
        url = furnish(f"sqlite:///{made}/bench.db").url
        alone = [_web(url) for _ in range(ROUNDS)]
        _up(Path(made) / "data")
        whole = [_up(Path(made) / "data") for _ in range(ROUNDS)]
    table = Table(title=f"start-up to the first answer, {ROUNDS} rounds")
    for column in ("what", "median", "best", "worst"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, times in (("web process, /healthz", alone), ("platzwart up, /readyz", whole)):
        told = (statistics.median(times), min(times), max(times))
        table.add_row(name, *(f"{spent:.2f} s" for spent in told))
    console.print(table)


def _web(url: str) -> float:
    begun = time.perf_counter()
    with web(url):
        return time.perf_counter() - begun


def _up(data: Path) -> float:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLATZWART_")}
    command = [sys.executable, "-P", "-m", "platzwart", "up", "--data", str(data), "--port", str(port)]
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    with ended(process):
        while time.perf_counter() - begun < PATIENCE:
            assert process.poll() is None, "`platzwart up` ended"
            if _is_ready(port):
                return time.perf_counter() - begun
            time.sleep(0.005)
    raise TimeoutError(command)


def _is_ready(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as line, suppress(OSError):
        line.request("GET", "/readyz")
        return line.getresponse().status == http.client.OK
    return False


if __name__ == "__main__":
    run(Console())
