"""The steps of a plan in words: what, before and after, why, and what became of it (SPEC C8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booking.reads.links import StepLine
from booking.values.links import StepState
from booking.values.slot import Slot
from web.filters import moment, when
from web.i18n import gettext
from web.link_item_words import item_problem


@dataclass(frozen=True, slots=True)
class StepWords:
    """A step as a page shows it. `ours`, `theirs`: the versions here and there, empty where a side has none."""

    what: str
    why: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    look: str
    state: str
    problem: str
    conflicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of two versions side by side."""

    label: str
    ours: str
    theirs: str

    @property
    def differs(self) -> bool:
        return self.ours != self.theirs


def told_steps(steps: Iterable[StepLine], zone: str) -> list[StepWords]:
    return [_told(step, zone) for step in steps]


def compared(ours: Mapping[str, Any], theirs: Mapping[str, Any], zone: str) -> list[Compared]:
    """Both versions, line by line; what neither has is left out."""
    lines = []
    for key, label in _lines():
        here, there = (_line(key, one, zone) for one in (ours, theirs))
        if here or there:
            lines.append(Compared(label, here, there))
    return lines


def conflict_words(conflicts: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Which values did not hold (SPEC C7)."""
    texts = {
        "LOCAL": gettext("%(field)s: ours holds (%(ours)s), theirs is kept for review (%(theirs)s)"),
        "REMOTE": gettext("%(field)s: theirs holds (%(theirs)s), ours is kept for review (%(ours)s)"),
    }
    return tuple(
        texts.get(str(one.get("winner")), texts["LOCAL"])
        % {"field": field_name(str(one.get("field", ""))), "ours": _short(one, "ours"), "theirs": _short(one, "theirs")}
        for one in conflicts
    )


def field_name(field: str) -> str:
    names = {
        "TIME": gettext("Time"),
        "RECURRENCE": gettext("Repetition"),
        "OCCURRENCE": gettext("Single dates of a series"),
        "SUMMARY": gettext("Title"),
        "LOCATION": gettext("Place"),
        "DESCRIPTION": gettext("Description"),
        "URL": gettext("Link"),
        "STATUS": gettext("Cancelling"),
        "BUSY": gettext("Busy or free"),
    }
    return names.get(field, field)


def _told(step: StepLine, zone: str) -> StepWords:
    look, state = _state(step.state)
    return StepWords(
        what=_what(step.kind, step.side),
        why=_why(step.reason),
        ours=_version(step.ours, zone),
        theirs=_version(step.theirs, zone),
        look=look,
        state=state,
        problem=item_problem(step.problem),
        conflicts=conflict_words(step.conflicts),
    )


def _what(kind: str, side: str) -> str:
    texts = {
        ("CREATE", "REMOTE"): gettext("Write it there"),
        ("UPDATE", "REMOTE"): gettext("Change it there"),
        ("DELETE", "REMOTE"): gettext("Remove it there"),
        ("CREATE", "LOCAL"): gettext("Block the time here"),
        ("UPDATE", "LOCAL"): gettext("Change the time here"),
        ("DELETE", "LOCAL"): gettext("Free the time here"),
    }
    return texts.get((kind, side)) or (gettext("Ask you by a case") if kind == "PROPOSE" else gettext("Note it"))


def _why(reason: str) -> str:
    texts = {
        "NEW_HERE": gettext("new here"),
        "NEW_THERE": gettext("new there"),
        "CHANGED_HERE": gettext("changed here"),
        "CHANGED_THERE": gettext("changed there"),
        "MERGED": gettext("changed on both sides, in different places"),
        "OVERRULED": gettext("changed there, but ours holds"),
        "GONE_HERE": gettext("ended here"),
        "GONE_THERE": gettext("deleted there"),
        "CANCELLED_THERE": gettext("cancelled there"),
        "CHANGED_AND_GONE": gettext("changed on one side, ended on the other"),
        "BOTH_GONE": gettext("ended on both sides"),
        "MISSED": gettext("missing there; it needs a second look"),
        "SEEN_AGAIN": gettext("there again"),
        "REVIVED": gettext("there again"),
        "DECIDED": gettext("as it was decided"),
        "ADOPTED": gettext("the same entry on both sides"),
        "COLLISION": gettext("two entries claim the same name"),
        "RENAMED": gettext("stands at another place there"),
        "UNREADABLE": gettext("this entry cannot be read"),
        "FLAPPING": gettext("went back and forth"),
        "HELD": gettext("waits for you"),
    }
    return texts.get(reason, reason.lower().replace("_", " "))


def _state(state: StepState) -> tuple[str, str]:
    texts = {
        StepState.PLANNED: ("free", gettext("Planned")),
        StepState.BEGUN: ("queued", gettext("Begun")),
        StepState.DONE: ("confirmed", gettext("Done")),
        StepState.FAILED: ("dead", gettext("Failed")),
        StepState.HELD: ("held", gettext("Held")),
        StepState.SKIPPED: ("undone", gettext("Looked at again next time")),
    }
    return texts[state]


def _version(version: Mapping[str, Any], zone: str) -> tuple[str, ...]:
    return tuple(text for key, _ in _lines() if key != "description" and (text := _line(key, version, zone)))


def _lines() -> tuple[tuple[str, str], ...]:
    return (
        ("time", gettext("Time")),
        ("summary", gettext("Title")),
        ("location", gettext("Place")),
        ("description", gettext("Description")),
        ("rule", gettext("Repetition")),
        ("status", gettext("State")),
    )


def _line(key: str, version: Mapping[str, Any], zone: str) -> str:
    if key == "time":
        return _time(version, zone)
    value = str(version.get(key) or "")
    if key == "status":
        return {"CANCELLED": gettext("cancelled"), "TENTATIVE": gettext("tentative")}.get(value, "")
    return gettext("repeats") if key == "rule" and value else value


def _time(version: Mapping[str, Any], zone: str) -> str:
    if not version.get("starts_at") or not version.get("ends_at"):
        return ""
    start, end = (datetime.fromisoformat(str(version[name])) for name in ("starts_at", "ends_at"))
    return when(Slot(start, end), zone) if start < end else moment(start, zone)


def _short(one: Mapping[str, Any], side: str) -> str:
    return str(one.get(side) or gettext("nothing"))
