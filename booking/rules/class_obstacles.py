"""What stands in the way of a place, what would help, and what staff may set aside with a written reason (SPEC V4, V7).

An override names its codes, one by one, and holds for one decision. So a full event takes one more by name, and nobody
is ever booked twice: that, and an event that the operator cancelled, no one sets aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from booking.values.places import ClassActor, PassAnswer
from booking.values.refusals import Reason, Refused

TEAM = frozenset({ClassActor.TRAINER, ClassActor.STAFF, ClassActor.ADMIN})
SELLERS = frozenset({ClassActor.STAFF, ClassActor.ADMIN})  # a trainer sees neither prices nor debts (SPEC R5)
ADMINS = frozenset({ClassActor.ADMIN})
NOBODY: frozenset[ClassActor] = frozenset()


class Help(StrEnum):
    """What would help against a reason."""

    BUY = "buy"
    PAY_DEBT = "pay-debt"
    COMPLETE_FILE = "complete-file"
    WAIT_IN_LINE = "wait-in-line"
    COME_BACK = "come-back"
    OTHER_EVENT = "other-event"
    ASK_OFFICE = "ask-office"


@dataclass(frozen=True, slots=True)
class Stand:
    """What a reason means: what helps, and who may set it aside by naming it with a written reason."""

    helps: tuple[Help, ...]
    set_aside_by: frozenset[ClassActor]


STANDS: dict[str, Stand] = {
    "event-cancelled": Stand((Help.OTHER_EVENT,), NOBODY),
    "event-begun": Stand((Help.OTHER_EVENT, Help.ASK_OFFICE), TEAM),
    "event-over": Stand((Help.OTHER_EVENT,), SELLERS),
    "not-online": Stand((Help.ASK_OFFICE,), NOBODY),  # binds customers alone, so nobody has to set it aside
    "booking-not-open": Stand((Help.COME_BACK,), NOBODY),
    "booking-closed": Stand((Help.ASK_OFFICE, Help.OTHER_EVENT), NOBODY),
    "event-full": Stand((Help.WAIT_IN_LINE, Help.OTHER_EVENT), TEAM),
    "already-waiting": Stand((Help.OTHER_EVENT,), NOBODY),
    "already-booked": Stand((), NOBODY),
    "time-clash": Stand((Help.OTHER_EVENT,), TEAM),
    "birth-date-missing": Stand((Help.COMPLETE_FILE,), TEAM),
    "too-young": Stand((Help.OTHER_EVENT, Help.ASK_OFFICE), TEAM),
    "too-old": Stand((Help.OTHER_EVENT, Help.ASK_OFFICE), TEAM),
    "level-missing": Stand((Help.ASK_OFFICE,), TEAM),
    "level-too-low": Stand((Help.OTHER_EVENT, Help.ASK_OFFICE), TEAM),
    "level-too-high": Stand((Help.OTHER_EVENT, Help.ASK_OFFICE), TEAM),
    "consent-missing": Stand((Help.COMPLETE_FILE,), TEAM),
    "emergency-contact-missing": Stand((Help.COMPLETE_FILE,), TEAM),
    "roster-only": Stand((Help.ASK_OFFICE, Help.OTHER_EVENT), TEAM),
    "club-card-missing": Stand((Help.BUY,), ADMINS),
    "no-pass-pays": Stand((Help.BUY, Help.ASK_OFFICE), SELLERS),
    "customer-blocked": Stand((Help.PAY_DEBT, Help.ASK_OFFICE), SELLERS),
    "no-waiting-list": Stand((Help.OTHER_EVENT,), NOBODY),
    "place-free": Stand((), NOBODY),
    "no-guests": Stand((Help.OTHER_EVENT,), NOBODY),
    "too-many-guests": Stand((), TEAM),
    "guest-without-name": Stand((), NOBODY),
    "guest-twice": Stand((), NOBODY),
    "no-guest-named": Stand((), NOBODY),
    "host-missing": Stand((), NOBODY),
    "override-without-reason": Stand((), NOBODY),
    "override-not-yours": Stand((Help.ASK_OFFICE,), NOBODY),
}


@dataclass(frozen=True, slots=True)
class Override:
    """What staff set aside, code by code, and why. It holds for this one decision and for no other code."""

    codes: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason, what would help, and whether who asks may set it aside. `passes`: why each pass does not pay."""

    reason: Reason
    helps: tuple[Help, ...]
    can_set_aside: bool
    passes: tuple[PassAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    obstacles: tuple[Obstacle, ...]

    @property
    def refused(self) -> Refused:
        return Refused(tuple(one.reason for one in self.obstacles))

    @property
    def codes(self) -> tuple[str, ...]:
        return self.refused.codes


def set_aside(
    reasons: Sequence[Reason], override: Override | None, actor: ClassActor
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """What is left of the reasons, and the codes set aside. Codes that do not stand in the way are not looked at.

    override-not-yours        `code`: this actor, or nobody, may set it aside; then nothing is
    override-without-reason   at `override`: nothing is written; then nothing is
    """
    if override is None:
        return tuple(reasons), ()
    met = [reason.code for reason in reasons if reason.code in override.codes]
    faults = [
        Reason("override-not-yours", "override", {"code": code})
        for code in dict.fromkeys(met)
        if actor not in STANDS[code].set_aside_by
    ]
    if met and not override.reason.strip():
        faults.append(Reason("override-without-reason", "override"))
    if faults:
        return (*reasons, *faults), ()
    named = set(override.codes)
    if "event-full" in met:
        named.add("already-waiting")  # who is let in beside the line does not wait
    left = tuple(reason for reason in reasons if reason.code not in named)
    return left, tuple(dict.fromkeys(reason.code for reason in reasons if reason.code in named))
