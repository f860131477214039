"""Loading without the garbage collector: it would look again and again through what is there to stay.

What was loaded is then set aside for good (`gc.freeze`), so that later collections pass it over, and so that the pages
of memory that a fork shares with its parent stay shared for longer.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Nothing is collected inside. For a process that starts, not for one that serves many."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
