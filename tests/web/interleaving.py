"""Somebody else writes between what a page reads and what it writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from booking.tables.reading import Lines


@contextmanager
def between_look_and_write(work: Callable[[], object]) -> Iterator[None]:
    """Does `work` once, when a page within has given back the connection that it read by (`web.request.write`)."""
    turns, give_back = [work], Lines.give_back

    def given_back(lines: Lines, line: Connection) -> None:
        give_back(lines, line)
        if turns:
            turns.pop()()

    Lines.give_back = given_back  # type: ignore[method-assign]
    try:
        yield
    finally:
        Lines.give_back = give_back  # type: ignore[method-assign]
    assert not turns, "no page read anything"
