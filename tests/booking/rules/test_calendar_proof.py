"""What a proof concludes from what the site offers, and what it does not (SPEC Y8)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from booking.rules.calendar_proof import PHASE, Evidence, Through, choose_hour, next_move, unfit
from booking.values.links import LinkPolicy, LinkStatus
from booking.values.proofs import PROOF_MOVES, RUNNING, ProofPhase, ProofProblem
from booking.values.slot import Slot
from tests.builders import NOW

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = NOW + 15 * DAY
OTHER = START + 4 * HOUR
SEEN = Evidence(START, frozenset({OTHER}), NOW, None, in_calendar=True)
FITS = Through(1, LinkPolicy.EXPORT, LinkStatus.ACTIVE, True, 12, 1, 180 * DAY)
LATE = NOW + PHASE


def outcome(phase: ProofPhase, now: Any = NOW, **seen: Any) -> Any:
    move = next_move(phase, replace(SEEN, **seen), now)
    return None if move is None else move.problem or move.phase


@pytest.mark.rule("Y8")
@pytest.mark.parametrize(
    ("offered", "soon", "late"),
    [
        ({OTHER}, ProofPhase.WITHDRAWN, ProofPhase.WITHDRAWN),
        ({OTHER, START}, None, ProofProblem.STILL_OFFERED),
        ({START}, None, ProofProblem.STILL_OFFERED),
        (set(), None, ProofProblem.NOTHING_OFFERED),
        ({OTHER + HOUR}, None, ProofProblem.NOTHING_OFFERED),
    ],
    ids=["the other alone", "both", "the test time alone", "nothing", "something unknown"],
)
def test_only_a_site_that_drops_the_test_time_and_keeps_another_blocks_it(offered: Any, soon: Any, late: Any) -> None:
    assert outcome(ProofPhase.THERE, offered=frozenset(offered)) == soon
    assert outcome(ProofPhase.THERE, LATE, offered=frozenset(offered)) == late


@pytest.mark.rule("Y8")
def test_proven_is_what_is_offered_again_after_the_link_removed_it() -> None:
    phase, again = ProofPhase.WITHDRAWN, frozenset({START, OTHER})
    assert outcome(phase, in_calendar=False, offered=again) is ProofPhase.PROVEN
    assert outcome(phase, in_calendar=True, offered=again) is None
    assert outcome(phase, LATE, in_calendar=True) is ProofProblem.LINK_SLOW
    assert outcome(phase, in_calendar=True, link_problem="auth") is ProofProblem.LINK_FAILED
    assert outcome(phase, in_calendar=False, offered=frozenset({OTHER})) is None
    assert outcome(phase, LATE, in_calendar=False, offered=frozenset({OTHER})) is ProofProblem.NOT_OFFERED_AGAIN
    assert outcome(phase, in_calendar=False, offered=frozenset({OTHER}), taken=True) is ProofProblem.DISTURBED


@pytest.mark.rule("Y8")
def test_a_site_that_is_away_is_waited_for_and_one_that_refuses_is_not() -> None:
    for phase, stands in ((ProofPhase.THERE, True), (ProofPhase.WITHDRAWN, False)):
        seen = {"in_calendar": stands, "site_error": "SiteDown"}
        assert outcome(phase, **seen) is None
        assert outcome(phase, LATE, **seen) is ProofProblem.SITE_FAILED
        assert outcome(phase, **seen, is_final=True) is ProofProblem.SITE_FAILED


@pytest.mark.rule("Y8")
def test_a_link_writes_in_time_or_says_why_not() -> None:
    phase = ProofPhase.WRITTEN
    assert outcome(phase) is ProofPhase.THERE
    assert outcome(phase, in_calendar=False) is None
    assert outcome(phase, LATE, in_calendar=False) is ProofProblem.LINK_SLOW
    assert outcome(phase, in_calendar=False, link_problem="gone") is ProofProblem.LINK_FAILED
    for running in (ProofPhase.WRITTEN, ProofPhase.THERE, ProofPhase.WITHDRAWN):
        assert outcome(running, unfit=ProofProblem.LINK_RESTS) is ProofProblem.LINK_RESTS


@pytest.mark.rule("Y8")
def test_the_test_hour_is_free_here_far_ahead_and_has_another_behind_it() -> None:
    near, far = NOW + 13 * DAY, NOW + 121 * DAY
    assert choose_hour([near, START, OTHER, far], [], NOW, 12) == (Slot(START, START + HOUR), frozenset({OTHER}))
    assert choose_hour([START], [], NOW, 12) is None
    assert choose_hour([START, START + 2 * HOUR], [], NOW, 12) is None, "buffers there may take a neighbour along"
    later = OTHER + 4 * HOUR
    taken = [Slot(START + HOUR / 2, START + 2 * HOUR)]
    assert choose_hour([START, OTHER, later], taken, NOW, 12) == (Slot(OTHER, OTHER + HOUR), frozenset({later}))
    touching = [Slot(START - HOUR, START), Slot(START + HOUR, START + 2 * HOUR)]
    assert choose_hour([START, OTHER], touching, NOW, 12) is not None
    assert choose_hour([NOW + 40 * DAY, NOW + 41 * DAY], [], NOW, 1) is None, "the link writes no further"


@pytest.mark.rule("Y8")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"policy": LinkPolicy.TWO_WAY}, None),
        ({"policy": LinkPolicy.EXPORT_BUSY}, None),
        ({"state": LinkStatus.FAILED}, None),
        ({"policy": LinkPolicy.IMPORT}, ProofProblem.LINK_ONLY_READS),
        ({"room_id": 2}, ProofProblem.LINK_OTHER_ROOM),
        ({"state": LinkStatus.PAUSED}, ProofProblem.LINK_RESTS),
        ({"state": LinkStatus.UNLINKING}, ProofProblem.LINK_ENDS),
        ({"requested": False}, ProofProblem.LINK_WITHOUT_REQUESTS),
        ({"months_ahead": 5}, ProofProblem.LINK_TOO_SHORT),
        ({"months_ahead": 6}, None),
    ],
)
def test_a_link_fits_where_it_writes_all_that_is_taken_in_the_room(change: Any, expected: Any) -> None:
    assert unfit(replace(FITS, **change)) is expected


def test_every_phase_has_its_moves_and_all_that_run_can_fail() -> None:
    assert set(PROOF_MOVES) == set(ProofPhase)
    assert all(ProofPhase.FAILED in PROOF_MOVES[phase] for phase in RUNNING)
