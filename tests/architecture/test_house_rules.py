"""Rules of the house that no linter knows: packages are ours, files stay short, names in strings resolve."""

import importlib
from enum import StrEnum
from pathlib import Path

import pytest

from booking.tables.registry import metadata
from booking.values import states
from config.jobs import JOBS

ROOT = Path(__file__).parents[2]
PACKAGES = ("booking", "config", "ical", "outside", "papers", "platzwart", "sync", "web", "workers")
LONGEST = 400


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_is_ours_and_no_dependency_shadows_it(name: str) -> None:
    found = importlib.import_module(name).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT)


def sources() -> list[Path]:
    folders = (*PACKAGES, "tests", "bench")
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "versions" not in path.parts]


def test_no_source_file_is_longer_than_four_hundred_lines() -> None:
    long = {str(path.relative_to(ROOT)): count for path in sources() if (count := lines(path)) > LONGEST}
    assert long == {}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("job", JOBS)
def test_every_job_name_resolves_to_a_function(job: str) -> None:
    module, _, function = job.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))


def test_the_data_model_page_lists_exactly_the_tables() -> None:
    page = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")
    listed = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert listed == set(metadata.tables)


@pytest.mark.parametrize("kind", [states.BookingState, states.DecisionState, states.CodeState, states.MessageState])
def test_the_glossary_names_every_state(kind: type[StrEnum]) -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert [member for member in kind if f"*{member.value}*" not in page] == []


@pytest.mark.parametrize(
    ("kind", "moves"),
    [
        (states.BookingState, states.BOOKING_MOVES),
        (states.DecisionState, states.DECISION_MOVES),
        (states.CodeState, states.CODE_MOVES),
        (states.MessageState, states.MESSAGE_MOVES),
    ],
)
def test_every_state_has_its_moves(kind: type[StrEnum], moves: dict[StrEnum, frozenset[StrEnum]]) -> None:
    assert set(moves) == set(kind)


def test_no_document_or_source_points_to_a_file_that_is_not_there() -> None:
    broken = []
    for page in (ROOT / "docs").rglob("*.md"):
        for part in page.read_text(encoding="utf-8").split("](")[1:]:
            target = part.partition(")")[0].partition("#")[0]
            if target and "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []
