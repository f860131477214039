"""From the command to the first answers: the web process alone, and all of `platzwart up` on a folder that stands.

`python -m bench.startup`. Goal: 1 s. Beside the time stands what all processes together took of the processors until
then: it says more on a machine that others use as well.
"""

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.house import ended, free_port, furnish, web_command

ROUNDS = 5
PATIENCE = 120.0
SETTLED_SECONDS = 8.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Answered:
    """Seconds since the command, and processor seconds of all its processes until then."""

    seconds: float
    processor: float


def run(console: Console) -> None:
    table = Table(title=f"start-up to the first answer, {ROUNDS} rounds")
    for column in ("what", "median", "best", "worst", "processor, median"):
        table.add_column(column, justify="left" if column == "what" else "right")
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as made:
        url = furnish(f"sqlite:///{made}/bench.db").url
        for path, status in (("/healthz", 200), ("/", 200), ("/login", 200), ("/api/v1/rooms", 401)):
            _web(url, path, status, Path(made))
            answers = [_web(url, path, status, Path(made)) for _ in range(ROUNDS)]
            _add(table, f"web process, first asked for {path}", answers)
        _up(Path(made) / "data")
        whole = [_up(Path(made) / "data") for _ in range(ROUNDS)]
        _add(table, "platzwart up, /readyz", whole)
        settled, memory = _settled(Path(made) / "data")
    console.print(table)
    console.print(
        f"platzwart up, {SETTLED_SECONDS:.0f} s after it was ready: {settled:.1f} s of processor, "
        f"{memory} MB of memory (proportional set size of all processes)"
    )


def _add(table: Table, name: str, answers: list[Answered]) -> None:
    times = [answer.seconds for answer in answers]
    told = (statistics.median(times), min(times), max(times), statistics.median(one.processor for one in answers))
    table.add_row(name, *(f"{spent:.2f} s" for spent in told))


def _web(url: str, path: str, status: int, data: Path) -> Answered:
    """On a data folder that stands: what was compiled once is kept there."""
    port = free_port()
    command, environment = web_command(url, port)
    return _started(command, environment | {"PLATZWART_DATA_DIR": str(data)}, port, path, status)


def _up(data: Path) -> Answered:
    port = free_port()
    return _started(_up_command(data, port), _clean(), port, "/readyz", 200)


def _settled(data: Path) -> tuple[float, int]:
    port = free_port()
    process = subprocess.Popen(_up_command(data, port), env=_clean(), stdout=subprocess.DEVNULL, start_new_session=True)
    with ended(process):
        _wait(process, port, "/readyz", 200)
        time.sleep(SETTLED_SECONDS)
        return _processor(process.pid), _memory(process.pid)


def _up_command(data: Path, port: int) -> list[str]:
    return [sys.executable, "-P", "-m", "platzwart", "up", "--data", str(data), "--port", str(port)]


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PLATZWART_")}


def _started(command: list[str], environment: dict[str, str], port: int, path: str, status: int) -> Answered:
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    with ended(process):
        _wait(process, port, path, status)
        return Answered(time.perf_counter() - begun, _processor(process.pid))


def _wait(process: "subprocess.Popen[bytes]", port: int, path: str, status: int) -> None:
    deadline = time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline:
        assert process.poll() is None, f"{process.args!r} ended"
        if _answer(port, path) == status:
            return
        time.sleep(0.005)
    raise TimeoutError(process.args)


def _answer(port: int, path: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as line, suppress(OSError):
        line.request("GET", path)
        return line.getresponse().status
    return 0


def _processor(session: int) -> float:
    """Of all living processes of a session."""
    ticks = 0
    for pid in _members(session):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def _memory(session: int) -> int:
    kilobytes = 0
    for pid in _members(session):
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes // 1024


def _members(session: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                found.append(int(folder.name))
    return found


if __name__ == "__main__":
    run(Console())
