"""Somebody else writes between what a page reads and what it writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool


@contextmanager
def between_look_and_write(work: Callable[[], object]) -> Iterator[None]:
    """Does `work` once, when a page within has given back the connection that it read by (`web.request.write`)."""
    turns = [work]

    def given_back(_connection: Any, _record: Any) -> None:
        if turns:
            turns.pop()()

    event.listen(Pool, "checkin", given_back)
    try:
        yield
    finally:
        event.remove(Pool, "checkin", given_back)
    assert not turns, "no page read anything"
