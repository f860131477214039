"""Jobs for tests of the workers; they write what happens into the file that they are given."""

import os
import signal
import time
from pathlib import Path


def note(path: str, what: str) -> None:
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{what} {os.getpid()}\n")


def slow(path: str, seconds: float) -> None:
    note(path, "begun")
    time.sleep(seconds)
    note(path, "finished")


def die(path: str) -> None:
    note(path, "dying")
    os.kill(os.getpid(), signal.SIGKILL)
