"""Processes that die with their parent, and forks that can be told to stop from their first instant.

Runs as a script before the real command, `python -I -S lifeline.py PARENT command …`: the death signal outlives exec,
and setting it there needs no `preexec_fn`. Standard library only, since nothing else is on its path. Linux knows a
death signal; elsewhere the command simply runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


def die_with(parent: int, death_signal: signal.Signals) -> None:
    """Ask the kernel to send `death_signal` to this process once `parent`, which started it, is gone."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), death_signal)


def guard_forks(death_signal: signal.Signals) -> None:
    """Give every later fork of this process the default stop signals and the parent's fate.

    A fork inherits handlers that only mean something in its parent: granian's workers swallow a SIGTERM that way until
    their application is imported, and the server then waits for them for ever. The signals are held back across the
    fork itself, so that there is no instant at which one is lost. Call it once, from the main thread.
    """
    parent = 0

    def before() -> None:
        nonlocal parent
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)

    def in_parent() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def in_child() -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        die_with(parent, death_signal)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)


def command_line(parent: int, command: tuple[str, ...]) -> tuple[str, ...]:
    """Arguments that run `command` as a process that gets SIGTERM when `parent` dies."""
    return (sys.executable, "-I", "-S", __file__, str(parent), *command)


if __name__ == "__main__":
    die_with(int(sys.argv[1]), signal.SIGTERM)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # becoming the command is the purpose; no shell is wanted
