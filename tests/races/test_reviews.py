"""Two reviewers decide at the same moment about requests that want the same time: never do both get it."""

import threading
from functools import partial

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.endings import cancel_rental
from booking.actions.requests import make_external
from booking.actions.reviews import Resting, decide_request
from booking.rules import moving
from booking.tables.bookings import Occupancy
from booking.values.refusals import Overlap
from booking.values.states import OccupancyKind, Verdict
from tests.builders import NOW, ask, contact, make_tools, slot_in
from tests.fixtures.soak import scale
from tests.races.conftest import Races
from tests.races.test_booking import in_parallel, overlaps

ROUNDS = scale(1000)
TOOLS = make_tools()
REVIEWERS = (Actor("Frau Office", None, "one"), Actor("Herr Office", None, "other"))


def rivals(races: Races, number: int) -> list[tuple[int, int]]:
    """Pairs of requests, each for the same hour: both arrived beside a third one, which is gone by now."""
    return [races.database.write(partial(pair, races, index)) for index in range(number)]


def pair(races: Races, index: int, session: Session) -> tuple[int, int]:
    slot = slot_in(2 + index // 14, 8 + index % 14, 9 + index % 14)
    first, second, third = (
        make_external(
            session, NOW, TOOLS, races.house, ask(races.ids.hall, slot, contact(f"Kundin {index} {name}"))
        ).booking_id
        for name in ("a", "b", "c")
    )
    cancel_rental(session, NOW, races.house, first, moving.Actor.OFFICE, REVIEWERS[0])
    return second, third


def decide_both(races: Races, pairs: list[tuple[int, int]]) -> list[list[str]]:
    """Each reviewer approves one of each pair, both at the same moment."""
    answers: list[list[str]] = [[] for _ in pairs]
    meet = threading.Barrier(2)

    def review(which: int) -> None:
        for index, pair in enumerate(pairs):
            meet.wait(30)
            try:
                made = races.database.write(
                    lambda session, one=pair[which]: decide_request(  # type: ignore[misc]
                        session, NOW, races.house, one, Verdict.APPROVE, REVIEWERS[which]
                    )
                )
                answers[index].append("approved" if isinstance(made, Resting) else made.codes[0])
            except Overlap:
                answers[index].append("overlap")

    in_parallel([lambda: review(0), lambda: review(1)])
    return answers


@pytest.mark.soak
@pytest.mark.rule("S8", "X4")
def test_two_who_approve_rivals_never_both_win(races: Races) -> None:
    pairs = rivals(races, ROUNDS)
    answers = decide_both(races, pairs)
    assert {tuple(sorted(pair)) for pair in answers} <= {("approved", "not-exclusive"), ("approved", "overlap")}
    assert overlaps(races) == 0
    with races.database.read() as session:
        exclusive = select(Occupancy.source_id).where(Occupancy.exclusive, Occupancy.kind == OccupancyKind.BOOKING)
        winners = set(session.scalars(exclusive))
    assert all(len(winners & set(pair)) == 1 for pair in pairs)


@pytest.mark.rule("S8")
def test_two_who_approve_the_same_request_make_one_decision(races: Races) -> None:
    pairs = [(first, first) for first, _ in rivals(races, scale(200))]
    answers = decide_both(races, pairs)
    assert {tuple(sorted(pair)) for pair in answers} == {("approved", "decision-pending")}
    with races.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM decision")) == len(pairs)
