"""A long run shows how far it is, to people alone."""

import io

from platzwart.progress import LABELS, LONG, Bars
from sync.progress import Stage


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_run_shows_a_bar_for_each_stage() -> None:
    terminal = Terminal()
    with Bars(terminal) as bars:
        for stage in Stage:
            for _ in range(4):
                bars(stage, LONG // 4, LONG)
    lines = [line.rsplit("\r", 1)[-1] for line in terminal.getvalue().splitlines()]
    told = [line for line in lines if f"{LONG}/{LONG}" in line]
    assert len(told) == len(LABELS)
    for line, label in zip(told, LABELS.values(), strict=True):
        assert f"{label} {LONG} items" in line


def test_a_short_run_and_a_file_show_none() -> None:
    terminal, file = Terminal(), io.StringIO()
    for place, total in ((terminal, LONG - 1), (file, LONG)):
        with Bars(place) as bars:
            bars(Stage.READ, total, total)
        assert place.getvalue() == ""
