"""The tick process: a stop event from signals around `workers.tick.run`, which does the work under a database lease."""

import signal
import threading

from config.loading import loading
from config.settings import Settings


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set. Call it from the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


def main(settings: Settings) -> None:
    """Tick until a stop signal; the step under way finishes."""
    stop = stop_event()
    with loading():
        from workers.tick import run

    run(settings, stop)
