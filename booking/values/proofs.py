"""The proof that a page of a booking site is blocked through a calendar: its phases, and what may prevent it (Y8).

ASKED      an hour is looked for that is free here and offered there
WRITTEN    a test time stands here; the link's next run writes it into the calendar
THERE      it stands in the calendar; the site is watched until it no longer offers it
WITHDRAWN  it is taken back here; link and site have to follow
PROVEN     the site took it out of what it offers, and offers it again
FAILED     something stood in the way; the test time is taken back
"""

from enum import StrEnum


class ProofPhase(StrEnum):
    NONE = "none"
    ASKED = "asked"
    WRITTEN = "written"
    THERE = "there"
    WITHDRAWN = "withdrawn"
    PROVEN = "proven"
    FAILED = "failed"

    @property
    def runs(self) -> bool:
        return self in RUNNING


RUNNING = (ProofPhase.ASKED, ProofPhase.WRITTEN, ProofPhase.THERE, ProofPhase.WITHDRAWN)
PROOF_MOVES: dict[ProofPhase, frozenset[ProofPhase]] = {
    ProofPhase.NONE: frozenset({ProofPhase.ASKED, ProofPhase.FAILED}),
    ProofPhase.ASKED: frozenset({ProofPhase.WRITTEN, ProofPhase.FAILED}),
    ProofPhase.WRITTEN: frozenset({ProofPhase.THERE, ProofPhase.FAILED}),
    ProofPhase.THERE: frozenset({ProofPhase.WITHDRAWN, ProofPhase.FAILED}),
    ProofPhase.WITHDRAWN: frozenset({ProofPhase.PROVEN, ProofPhase.FAILED}),
    ProofPhase.PROVEN: frozenset({ProofPhase.ASKED, ProofPhase.FAILED}),
    ProofPhase.FAILED: frozenset({ProofPhase.ASKED, ProofPhase.FAILED}),
}


class ProofProblem(StrEnum):
    """Why a way is not proven, or is so no more. A page tells each in words, with what to do."""

    NO_HOUR = "no-hour"  # no hour of the next months is free here and offered there beside another
    LINK_FAILED = "link-failed"  # its run failed; the detail is the link's problem
    LINK_SLOW = "link-slow"  # it did not run in time
    STILL_OFFERED = "still-offered"  # it stood in the calendar, and the site offered it all the same
    NOTHING_OFFERED = "nothing-offered"  # the site offered nothing at all, which proves nothing
    NOT_OFFERED_AGAIN = "not-offered-again"  # it was taken out of the calendar, and the site did not offer it again
    SITE_FAILED = "site-failed"  # the site could not be asked; the detail is the name of the error
    DISTURBED = "disturbed"  # somebody took the test time here meanwhile
    GAVE_UP = "gave-up"  # the workers died over it
    ACCESS_CHANGED = "access-changed"  # the connection belongs to another account by now
    SITE_RESTS = "site-rests"
    LINK_RESTS = "link-rests"
    LINK_ENDS = "link-ends"
    LINK_GONE = "link-gone"
    LINK_CHANGED = "link-changed"  # its policy is another
    LINK_ELSEWHERE = "link-elsewhere"  # its address is another calendar's
    LINK_ONLY_READS = "link-only-reads"
    LINK_OTHER_ROOM = "link-other-room"
    LINK_WITHOUT_REQUESTS = "link-without-requests"
    LINK_TOO_SHORT = "link-too-short"  # it does not write as far ahead as the room can be booked
