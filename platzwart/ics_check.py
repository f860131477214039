"""`platzwart ics check`: a file or an address, read as a link would read it."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from ical.limits import LIMITS
from outside.errors import OutsideError
from outside.http import Fetcher
from sync.checking import Report, Trouble, check
from sync.remotes import ics
from sync.remotes.ics import https_of

READ, WITH_PROBLEMS, UNREADABLE = 0, 1, 2
STANDARD_INPUT = "-"
SHOWN = 20
NOT_FOUND, NOT_READABLE = "not-found", "not-readable"


def run(source: str, zone: str, allow_private: frozenset[str], *, as_json: bool) -> int:
    """Check and print; returns the exit code."""
    began = time.monotonic()
    body = body_of(source, allow_private)
    report = check(body, zone, datetime.now(UTC)) if isinstance(body, bytes) else Report(unread=body)
    seconds = round(time.monotonic() - began, 3)
    click.echo(json.dumps({**report.as_values(), "seconds": seconds}) if as_json else in_words(report, seconds))
    return exit_code(report)


def exit_code(report: Report) -> int:
    if report.unread is not None:
        return UNREADABLE
    return READ if report.is_whole and not report.problems else WITH_PROBLEMS


def body_of(source: str, allow_private: frozenset[str]) -> bytes | Trouble:
    """The bytes of a file, of standard input (`-`) or of an address, at most one more than what is read."""
    if source == STANDARD_INPUT:
        return sys.stdin.buffer.read(LIMITS.octets + 1)
    if "://" in source or source.lower().startswith("webcal:"):
        return _fetched(https_of(source), allow_private)
    try:
        with Path(source).open("rb") as file:
            return file.read(LIMITS.octets + 1)
    except OSError as error:
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_READABLE
        return Trouble(code, found=error.strerror or type(error).__name__)


def _fetched(url: str, allow_private: frozenset[str]) -> bytes | Trouble:
    fetcher = Fetcher(allow_private, ics.LIMITS)
    try:
        with fetcher.session.lasting(ics.LIMITS.longest):
            answer = fetcher.request("GET", url, headers={"Accept": "text/calendar, */*;q=0.1"})
    except OutsideError as error:
        return Trouble("not-fetched", found=str(error))
    if answer.status != 200:
        return Trouble("not-fetched", found=f"status {answer.status}")
    return answer.body


def in_words(report: Report, seconds: float) -> str:
    """Lines for a person, without what only a program wants."""
    if report.unread is not None:
        return f"unreadable: {_words(report.unread)}"
    counts = f"{report.events} events, {report.uids} UIDs, {report.occurrences} dates within a year"
    lines = [
        f"{report.name or 'calendar'}: {counts}, read in {seconds:.2f} s",
        *(f"zone {name!r}: {'unknown' if zone == '?' else zone or 'its own offsets'}" for name, zone in report.zones),
        *(f"problem: {_words(one)}" for one in report.problems[:SHOWN]),
    ]
    left = len(report.problems) - SHOWN + report.further_problems
    if left > 0:
        lines.append(f"and {left} further problems")
    if not report.is_whole:
        lines.append("the file ends before its end: what is not in it is not taken for deleted")
    return "\n".join(lines)


def _words(one: Trouble) -> str:
    where = [f"line {one.line}"] * bool(one.line) + [f"UID {one.uid!r}"] * bool(one.uid) + [one.found] * bool(one.found)
    return f"{one.code} ({', '.join(where)})" if where else one.code
