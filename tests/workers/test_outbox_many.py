"""A long line of duties is begun and marked by the batch; what becomes of each of them is the same."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
import time_machine

from booking.actions import outbox
from booking.actions.messages import TOPIC
from tests.builders import slot_in
from tests.fixtures.mail import SmtpSink
from tests.workers.conftest import Works, die_at, make_works
from tests.workers.test_outbox import LEASE
from workers.context import clock
from workers.outbox import MANY, drain_once

REQUESTS = 17
MAILS = 3 * REQUESTS


def lined_up(works: Works) -> Works:
    """So many mails that wait."""
    for number in range(REQUESTS):
        works.request(slot_in(3 + number, 18, 20), f"Kundin {number}")
    assert len(works.all_duties()) == MAILS >= MANY
    return works


@pytest.fixture
def line_on_both(works: Works) -> Works:
    """Once on each engine."""
    return lined_up(works)


@pytest.fixture
def line(sqlite_url: str, smtp_sink: SmtpSink, traveller: time_machine.Traveller) -> Iterator[Works]:
    made = lined_up(make_works(sqlite_url, smtp_sink, traveller, "redis://127.0.0.1:1/0"))
    yield made
    made.context.database.close()


def identities(works: Works) -> Counter[str]:
    return Counter(mail.message["Message-ID"] for mail in works.sink.received)


@pytest.mark.rule("X4")
def test_each_mail_of_a_long_line_goes_out_once_and_is_one_try(line_on_both: Works) -> None:
    assert drain_once(line_on_both.context) == MAILS
    assert len(identities(line_on_both)) == len(line_on_both.sink.received) == MAILS
    assert {(row.attempts, row.done_at is not None, row.claimed_until) for row in line_on_both.all_duties()} == {
        (1, True, None)
    }
    assert drain_once(line_on_both.context) == 0


@pytest.mark.rule("X4")
@pytest.mark.parametrize(("point", "twice"), [("mail.delivered:25", 1), ("outbox.done:25", 0), ("mail.frozen:25", 0)])
def test_a_death_in_a_long_line_repeats_no_mail_that_was_marked_as_sent(line: Works, point: str, twice: int) -> None:
    """Most of those before it are done without a mark on their duties: looked at again, and not sent again."""
    die_at(line, point)
    left = [row.attempts for row in line.all_duties() if row.done_at is None]
    assert left.count(0) >= len(left) - 1, "nobody knows of which the worker died, unless it had come to be slow"
    assert len(left) >= MAILS // 2
    assert drain_once(line.context) == 0, "the lease has not run out"
    line.later(LEASE)
    assert line.drain() == len(left)
    assert sorted(identities(line).values()) == [1] * (MAILS - twice) + [2] * twice
    assert len({mail.content for mail in line.sink.received}) == MAILS
    assert {(row.attempts, row.done_at is not None) for row in line.all_duties()} == {(1, True)}


@pytest.mark.rule("X4")
def test_after_a_death_each_is_begun_by_itself_so_that_one_that_kills_is_found(line: Works) -> None:
    die_at(line, "mail.frozen:1")
    line.later(LEASE)
    die_at(line, "mail.frozen:1")
    tries = sorted(row.attempts for row in line.all_duties())
    assert tries == [0] * (MAILS - 1) + [1]
    line.later(LEASE)
    die_at(line, f"mail.frozen:{MAILS}")
    last = [row for row in line.all_duties() if row.done_at is None]
    assert [row.attempts for row in last] == [2], "it was tried after all others"


def test_who_comes_to_the_end_of_its_time_gives_the_rest_back(line: Works) -> None:
    assert drain_once(line.context, deadline=time.monotonic()) == MAILS
    assert line.sink.received == []
    assert {(row.attempts, row.claimed_until) for row in line.all_duties()} == {(0, None)}
    assert drain_once(line.context) == MAILS
    assert len(identities(line)) == MAILS


def test_a_failure_in_a_long_line_costs_its_own_turn_and_one_try(line: Works) -> None:
    line.sink.refusals, line.sink.refuse_with = 1, "451 4.3.0 later"
    begun = clock()
    drain_once(line.context)
    (failed,) = [row for row in line.all_duties() if row.done_at is None]
    assert (failed.attempts, failed.claimed_until, failed.last_error) == (1, None, "server answered 451")
    assert begun + outbox.BACKOFF[0] * 0.8 < failed.due_at < clock() + outbox.BACKOFF[0] * 1.2
    assert len(line.sink.received) == MAILS - 1


def test_what_somebody_else_has_claimed_meanwhile_is_not_marked(line_on_both: Works) -> None:
    database = line_on_both.context.database
    mine = database.write(lambda session: outbox.claim(session, clock(), MAILS, [TOPIC]))
    assert {duty.is_new for duty in mine} == {True}
    line_on_both.later(LEASE)
    theirs = database.write(lambda session: outbox.claim(session, clock(), 10, [TOPIC]))
    assert {duty.is_new for duty in theirs} == {False}
    tried = [outbox.first_try(duty) for duty in mine]
    assert database.write(lambda session: outbox.finish(session, clock(), tried)) == MAILS - 10
    database.write(lambda session: outbox.give_back(session, mine))
    assert sum(row.claimed_until is not None for row in line_on_both.all_duties()) == 10
