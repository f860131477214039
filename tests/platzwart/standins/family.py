"""Runs a supervisor over children that a test describes: `family.py GRACE [name stage start once code]…`.

Each child writes `name pid` when it starts and `name stopped` when it is asked to stop into the file $JOURNAL.
"""

import os
import sys

from platzwart.children import Child, Stage, Start
from platzwart.supervisor import Supervisor

CHILD = """
import os, signal, sys, time, subprocess
def note(what):
    with open(os.environ["JOURNAL"], "a") as journal: journal.write(f"{name} {what}\\n")
name = sys.argv[1]
def stop(*_):
    note("stopped"); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note(os.getpid())
"""


def announce() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def main() -> int:
    grace, *words = sys.argv[1:]
    rows = [words[number : number + 5] for number in range(0, len(words), 5)]
    children = [
        Child(name, (sys.executable, "-c", CHILD + code, name), Stage[stage], Start[start], once == "once")
        for name, stage, start, once, code in rows
    ]
    return Supervisor(children, os.environ, lambda: True, announce, float(grace)).run()


sys.exit(main())
