"""A bar for a run that takes long, on a terminal only: what is printed there is no output that scripts read."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

import click

if TYPE_CHECKING:
    from sync.progress import Stage

LONG = 200
"""Items; what is shorter is over before a bar could be read."""
LABELS = {"read": "Reading", "apply": "Applying"}


class Bars:
    """One bar for each stage, one after the other. A context manager; called as `sync.progress.Progress`."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stderr
        self._stage = ""
        self._bar: Any = None  # click's bar is generic in what it runs over, and it runs over nothing here

    def __call__(self, stage: "Stage", more: int, total: int) -> None:
        if total < LONG or not self._file.isatty():
            return
        if stage != self._stage:
            self._end()
            self._stage = stage.value
            self._bar = click.progressbar(
                length=total, label=f"{LABELS[stage.value]} {total} items", file=self._file, show_pos=True
            )
            self._bar.__enter__()
        self._bar.update(more)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
