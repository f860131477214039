"""Joins, frees, answers, passers-by, lapses and capacities at random: first come, first served, never over capacity."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from booking.rules.waiting import Line, answered, applied, may_take, next_steps
from booking.values.places import Places
from booking.values.refusals import Reason
from booking.values.timetable import WaitingPolicy
from booking.values.waiting import Step, StepKind, Waiter, WaitState
from tests.booking.rules.classes import DAY, HOUR, MINUTE, START, event

pytestmark = pytest.mark.rule("V16", "V17", "V18", "F20")

GIVES = {StepKind.OFFER, StepKind.BOOK}
ANY = st.integers(0, 99)


class Machine(RuleBasedStateMachine):
    """The caller's part: each change is followed by the steps in the same transaction, but nobody watches the clock."""

    line: Line
    now: datetime

    @initialize(
        policy=st.sampled_from(WaitingPolicy),
        capacity=st.integers(1, 3),
        left=st.sampled_from([5 * HOUR, 30 * DAY, 30 * DAY, 30 * DAY]),
        kinds=st.lists(st.tuples(st.sampled_from([False, False, True]), st.booleans()), min_size=2, max_size=6),
    )
    def start(self, policy: WaitingPolicy, capacity: int, left: timedelta, kinds: list[tuple[bool, bool]]) -> None:
        """A full event and a line."""
        self.now = START - left
        self.line = Line(event(waiting=policy, capacity=capacity), capacity, ())
        self.booked = capacity  # counted apart from the line
        self.joined = 0
        for is_replacement, is_stuck in kinds:
            self.join(is_replacement=is_replacement, is_stuck=is_stuck)

    def bring_up_to_date(self) -> None:
        steps = next_steps(self.now, self.line)
        self.is_fair(steps)
        self.booked += sum(step.kind is StepKind.BOOK for step in steps)
        self.line = applied(self.now, self.line, steps)
        assert next_steps(self.now, self.line) == ()
        if any(step.kind in GIVES for step in steps):
            assert self.line.taken + self.line.held <= self.line.event.terms.capacity

    def is_fair(self, steps: tuple[Step, ...]) -> None:
        """Nobody who is given a place came after one who goes on waiting and could have it."""
        given = {step.entry_id for step in steps if step.kind in GIVES}
        policy = self.line.event.terms.waiting
        asks_all = policy is not WaitingPolicy.BOOK
        ready = [one for one in self.line.waiters if one.state is WaitState.WAITING]
        ready = [one for one in ready if not one.obstacles or (asks_all and not one.is_replacement)]
        line = sorted(ready, key=lambda one: (one.is_replacement, one.since))
        if policy is WaitingPolicy.TELL_ALL:  # people take a place themselves, so one is left for each of them
            people = sum(not one.is_replacement for one in line)
            assert not given or self.places_left(steps) >= people
            line = [one for one in line if one.is_replacement]
        came = [one.entry_id in given for one in line]
        assert came == sorted(came, reverse=True)
        assert given <= {one.entry_id for one in ready}
        held_back = policy in {WaitingPolicy.NONE, WaitingPolicy.TELL_ALL} or START - self.now <= HOUR
        assert held_back or all(came) or self.places_left(steps) <= 0  # no place stays empty beside who could have it

    def places_left(self, steps: tuple[Step, ...]) -> int:
        after = applied(self.now, self.line, steps)
        return after.event.terms.capacity - after.taken - after.held

    @property
    def is_full(self) -> bool:
        return Places(self.line.taken, self.line.held).free(self.line.event.terms.capacity) == 0

    def changed(self, waiter: Waiter, after: WaitState) -> None:
        others = (one for one in self.line.waiters if one.entry_id != waiter.entry_id)
        self.line = replace(self.line, waiters=(*others, answered(waiter, after)))

    def pick(self, number: int, *states: WaitState) -> Waiter | None:
        found = [one for one in self.line.waiters if one.state in states]
        return found[number % len(found)] if found else None

    @rule(is_replacement=st.booleans(), is_stuck=st.booleans())
    def join(self, is_replacement: bool, is_stuck: bool) -> None:
        if self.is_full and self.now < START:
            self.joined += 1
            since = START - 90 * DAY - self.joined * DAY if is_replacement else self.now  # later ones are older orders
            self.now += MINUTE
            stuck = (Reason("no-pass-pays"),) if is_stuck else ()
            one = Waiter(self.joined, self.joined, since, is_replacement=is_replacement, obstacles=stuck)
            self.line = replace(self.line, waiters=(one, *self.line.waiters))
            self.bring_up_to_date()

    @rule()
    def somebody_books(self) -> None:
        if not self.is_full:
            self.line = replace(self.line, taken=self.line.taken + 1)
            self.booked += 1
            self.bring_up_to_date()

    @precondition(lambda self: self.booked)
    @rule()
    def somebody_cancels(self) -> None:
        self.line = replace(self.line, taken=self.line.taken - 1, freed_at=self.now)
        self.booked -= 1
        self.bring_up_to_date()

    @rule(number=ANY, takes=st.booleans())
    def answer(self, number: int, takes: bool) -> None:
        one = self.pick(number, WaitState.OFFERED)
        if one and takes and may_take(self.now, self.line, one.entry_id) is None:
            self.changed(one, WaitState.BOOKED)
            self.line = replace(self.line, taken=self.line.taken + 1)
            self.booked += 1
        elif one:
            self.changed(one, WaitState.DECLINED)
        self.bring_up_to_date()

    @rule(number=ANY)
    def leave(self, number: int) -> None:
        one = self.pick(number, WaitState.OFFERED, WaitState.WAITING)
        if one:
            self.changed(one, WaitState.LEFT)
            self.bring_up_to_date()

    @rule(capacity=st.integers(1, 4))
    def resize(self, capacity: int) -> None:
        terms = replace(self.line.event.terms, capacity=capacity)
        freed_at = self.now if capacity > self.line.event.terms.capacity else self.line.freed_at
        self.line = replace(self.line, event=replace(self.line.event, terms=terms), freed_at=freed_at)
        self.bring_up_to_date()

    @rule(later=st.sampled_from([MINUTE, 20 * MINUTE, HOUR, 7 * HOUR, 2 * DAY]), is_watched=st.booleans())
    def wait(self, later: timedelta, is_watched: bool) -> None:
        self.now += later
        if is_watched:
            self.bring_up_to_date()

    @invariant()
    def nothing_is_given_beyond_the_capacity(self) -> None:
        if hasattr(self, "line"):
            capacity = self.line.event.terms.capacity
            assert self.booked == self.line.taken
            assert self.line.taken + self.line.held <= max(capacity, self.line.taken)

    @invariant()
    def nobody_is_given_a_place_while_it_is_full(self) -> None:
        if hasattr(self, "line") and self.line.taken >= self.line.event.terms.capacity:
            assert self.line.held == 0


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None, derandomize=True)
