"""What a case of a calendar link shows beside its facts: both versions, and what is held back (SPEC C7, C9, C13)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from booking.actions.deciding_cases import Way
from booking.reads.cases import CaseLine
from booking.reads.links import held_of, link_of
from booking.rules.permissions import Capability, may
from web.link_plan_words import Compared, StepWords, compared, conflict_words, told_steps
from web.link_texts import hold_words
from web.request import house, organisation_id, read
from web.security import logged_in_staff


@dataclass(frozen=True, slots=True)
class LinkCase:
    """`lines`: both versions side by side. `held`: the deletions that the decision is about. `page`: the link's own
    page, for whoever may open it.
    """

    lines: tuple[Compared, ...]
    conflicts: tuple[str, ...]
    hold: str
    held: tuple[StepWords, ...]
    page: UUID | None


def link_of_case(case: CaseLine) -> LinkCase | None:
    """None for a case that no calendar link brought."""
    if not case.kind.startswith("link-"):
        return None
    facts = case.facts
    found = link_of(read(), organisation_id(), int(facts.get("link_id", 0)))
    room = house().rooms.get(case.room_id if case.room_id is not None else found.room_id if found else 0)
    zone = room.zone.key if room else house().zone.key
    ours, theirs = (_version(case, side) for side in ("ours", "theirs"))
    return LinkCase(
        lines=tuple(compared(ours, theirs, zone)),
        conflicts=conflict_words(facts.get("conflicts", ())),
        hold=hold_words(str(facts["hold"])) if facts.get("hold") else "",
        held=_held(case, zone) if case.kind == "link-held" and case.closed_at is None else (),
        page=found.public_id if found and may(logged_in_staff().role, Capability.LINKS) else None,
    )


def can_be_taken(case: CaseLine, way: Way) -> bool:
    """A series, or what has no time there, cannot be followed by one click."""
    return way is not Way.TAKE or case.kind != "link-moved" or bool(case.facts.get("takes"))


def _version(case: CaseLine, side: str) -> Mapping[str, Any]:
    """Of a clash the booking, or the event of a course, is the one version, and what takes its time there the other."""
    if case.kind == "link-clash":
        return (_booking(case) or case.facts.get("ours", {})) if side == "ours" else case.facts
    found = case.facts.get(side)
    return found if isinstance(found, dict) else {}


def _booking(case: CaseLine) -> Mapping[str, Any]:
    if case.slot is None:
        return {}
    return {
        "starts_at": case.slot.start.isoformat(),
        "ends_at": case.slot.end.isoformat(),
        "summary": case.party,
    }


def _held(case: CaseLine, zone: str) -> tuple[StepWords, ...]:
    """Empty where the plan is another by now: then the case is renewed by the next run."""
    found = held_of(read(), int(case.facts.get("link_id", 0)))
    if found is None or found[0].plan_hash != case.facts.get("plan"):
        return ()
    return tuple(told_steps(found[1], zone))
