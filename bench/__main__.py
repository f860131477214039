"""`python -m bench [NAME …]`: all measurements in one run, or those that are named."""

import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console

from bench import codec, feeds, jobs, outbox, races, reconcile, startup

PARTS: dict[str, Callable[[Console], None]] = {
    "races": races.run,
    "jobs": jobs.run,
    "outbox": outbox.run,
    "startup": startup.run,
    "feeds": feeds.run,
    "codec": codec.run,
    "reconcile": reconcile.run,
}


def main(wanted: list[str]) -> int:
    if unknown := [name for name in wanted if name not in PARTS]:
        print(f"no such measurement: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    console = Console(width=140)
    console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}")
    for name in wanted or PARTS:
        PARTS[name](console)
    return 0


def machine() -> str:
    """What measured: others compare their own figures with it."""
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, load {load}, {system}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
