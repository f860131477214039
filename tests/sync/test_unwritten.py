"""What a server does not take: it waits and is seen, stops no other, and raises an alarm (SPEC C10, C15)."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from booking.actions.cases import close_case
from booking.actions.link_alarms import announce_silent_links
from booking.actions.links import pause_link
from booking.tables.links import ItemLink
from booking.values.links import LinkPolicy, RunOutcome
from booking.values.refusals import PlatzwartError
from outside.errors import SiteDenied, SiteDown
from sync.remotes.protocol import WriteOutcome, Written
from tests.sync.acting import cancel, move, uid_of
from tests.sync.linked import OFFICE, World, event, world

DAV = "https://dav.example:443"
HOUR = timedelta(hours=1)
ERRORS: dict[str, Callable[[], PlatzwartError]] = {
    "down": lambda: SiteDown(DAV, 507),
    "auth": lambda: SiteDenied(DAV, 403),
}


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


class Refusing:
    """The remote takes nothing new and no change; `says` is what it does instead."""

    def __init__(self, here: World, says: Callable[[], Written]) -> None:
        self.here, self.says, self.tries = here, says, 0
        self.create, self.update = here.remote.create, here.remote.update
        here.remote.create = self._refuse  # type: ignore[method-assign] # for this world alone
        here.remote.update = self._refuse  # type: ignore[method-assign] # likewise

    def _refuse(self, *_given: Any, **_named: Any) -> Written:
        self.tries += 1
        return self.says()

    def end(self) -> None:
        self.here.remote.create, self.here.remote.update = self.create, self.update  # type: ignore[method-assign] # as it was


def refusing(here: World, why: str) -> Refusing:
    def says() -> Written:
        if why == "clashed":
            return Written(WriteOutcome.CLASHED)
        error = ERRORS[why]
        raise error()

    return Refusing(here, says)


def waiting(here: World) -> list[ItemLink]:
    return [row for row in here.index() if row.problem]


def announced(here: World) -> int:
    house = here.house
    return here.write(lambda db: announce_silent_links(db, here.now, house))


@pytest.mark.rule("C10", "C15")
@pytest.mark.parametrize("why", ["down", "auth", "clashed"])
@pytest.mark.parametrize("policy", [LinkPolicy.EXPORT, LinkPolicy.TWO_WAY])
def test_a_new_booking_that_is_not_taken_there_waits_and_the_link_says_so(
    here: World, why: str, policy: LinkPolicy
) -> None:
    here.connect(policy)
    here.settle()
    before = here.link.last_success_at
    made, server = here.book(5), refusing(here, why)
    here.now += timedelta(minutes=10)
    ran = here.run()
    assert (ran.outcome, ran.problem, ran.applied.failed) == (RunOutcome.DONE, "unwritten", 1)
    link, (row,) = here.link, waiting(here)
    assert (link.problem, link.failures, link.last_success_at) == ("unwritten", 0, before)
    assert (row.uid, row.problem, row.error_count) == (uid_of(here, made), f"unwritten-{why}", 1)
    assert row.next_try is not None
    assert here.line.items == 0
    here.assert_quiet(requests=None)  # it waits, and is not tried in each run
    assert (here.link.problem, here.link.last_success_at, server.tries) == ("unwritten", before, 1)
    for tries in range(2, 9):
        here.now += timedelta(hours=7)
        here.run()
        assert (server.tries, [row.error_count for row in waiting(here)]) == (tries, [tries])
        assert here.line.items == 0
    server.end()
    here.now += timedelta(hours=7)
    ran = here.run()
    assert (ran.outcome, ran.problem, ran.applied.there) == (RunOutcome.DONE, "", 1)
    assert list(here.theirs()) == [uid_of(here, made)]
    assert (here.link.problem, here.link.last_success_at, waiting(here)) == ("", here.now, [])
    here.assert_quiet()


@pytest.mark.rule("C10")
@pytest.mark.parametrize("why", ["down", "auth", "clashed"])
def test_a_change_that_is_not_taken_there_waits_and_is_written_later(here: World, why: str) -> None:
    here.connect(LinkPolicy.EXPORT)
    made = here.book(5)
    here.settle()
    move(here, made, HOUR)
    server = refusing(here, why)
    assert here.run().problem == "unwritten"
    (row,) = waiting(here)
    assert (row.state, row.problem) == ("ACTIVE", f"unwritten-{why}")
    here.assert_quiet(requests=None)
    server.end()
    here.now += HOUR
    assert here.run().applied.there == 1
    assert here.link.problem == ""
    here.assert_quiet()


@pytest.mark.rule("C10")
def test_what_is_not_taken_stops_no_other(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    bad, create = here.book(3), here.remote.create
    bad_uid = uid_of(here, bad)

    def choosy(href: str, body: bytes) -> Written:
        if bad_uid.encode()[:20] in body:
            raise SiteDown(DAV, 507)
        return create(href, body)

    here.remote.create = choosy  # type: ignore[method-assign] # for this world alone
    others = [here.book(4 + day) for day in range(3)]
    here.run()
    assert set(here.theirs()) == {uid_of(here, one) for one in others}
    assert [row.uid for row in waiting(here)] == [bad_uid]


@pytest.mark.rule("C10")
@pytest.mark.parametrize("policy", [LinkPolicy.EXPORT, LinkPolicy.TWO_WAY])
def test_what_ends_before_it_was_ever_taken_waits_no_more(here: World, policy: LinkPolicy) -> None:
    here.connect(policy)
    here.settle()
    made, server = here.book(5), refusing(here, "down")
    here.run()
    cancel(here, made)
    here.run()
    assert (waiting(here), here.link.problem, here.line.resting) == ([], "", 0)
    assert here.link.last_success_at == here.now
    here.assert_quiet()
    assert server.tries == 1


@pytest.mark.rule("C10")
def test_what_lies_there_after_all_is_known_again_and_not_written_twice(here: World) -> None:
    """The server said no, and did it."""
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    made, create = here.book(5), here.remote.create

    def lying(href: str, body: bytes) -> Written:
        create(href, body)
        raise SiteDown(DAV, 502)

    here.remote.create = lying  # type: ignore[method-assign] # for this world alone
    assert here.run().problem == "unwritten"
    here.now += HOUR
    here.run()
    assert list(here.theirs()) == [uid_of(here, made)]
    assert (waiting(here), here.link.problem) == ([], "")
    here.assert_quiet()
    assert here.cases() == {}


@pytest.mark.rule("C10")
def test_a_clash_with_somebody_who_was_faster_is_no_refusal(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    here.settle()
    made, create = here.book(5), here.remote.create
    foreign = event(uid_of(here, made), 5, summary="Theirs")

    def beaten(href: str, body: bytes) -> Written:
        here.put(foreign)
        return create(href, body)

    here.remote.create = beaten  # type: ignore[method-assign] # for this world alone
    ran = here.run()
    assert (ran.outcome, ran.problem, ran.applied.undone) == (RunOutcome.PARTIAL, "", 1)
    assert waiting(here) == []


@pytest.mark.rule("C15")
def test_what_is_not_taken_for_too_long_raises_one_alarm_that_names_it(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    here.settle()
    made, server = here.book(5), refusing(here, "down")
    begun = here.now
    alarms = 0
    for minutes in range(0, 30, 10):
        here.now = begun + timedelta(minutes=minutes)
        here.run()
        alarms += announced(here)
    assert alarms == 0
    for minutes in range(31, 101, 10):
        here.now = begun + timedelta(minutes=minutes)
        here.run()
        alarms += announced(here)
    assert alarms == 1
    case = here.cases()["link-unwritten"]
    assert (case["count"], case["since"], case["error"]) == (1, begun.isoformat(), "unwritten-down")
    assert [one["uid"] for one in case["items"]] == [uid_of(here, made)]
    assert case["summary"]
    assert case["starts_at"]
    here.now += timedelta(hours=2)  # a silence beside it is an alarm of its own
    assert announced(here) == 1
    assert set(here.cases()) == {"link-unwritten", "link-silent"}
    server.end()
    here.now += timedelta(hours=5)
    here.run()
    assert (here.cases(), announced(here)) == ({}, 0)


@pytest.mark.rule("C15")
def test_what_is_not_taken_alarms_while_others_are_written_all_the_time(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    here.settle()
    bad, create = uid_of(here, here.book(40)), here.remote.create

    def choosy(href: str, body: bytes) -> Written:
        if bad.encode()[:20] in body:
            raise SiteDown(DAV, 507)
        return create(href, body)

    here.remote.create = choosy  # type: ignore[method-assign] # for this world alone
    alarms = []
    for number in range(8):
        here.book(3 + number)
        here.run()
        alarms.append(announced(here))
        here.now += timedelta(minutes=10)
    assert alarms == [0, 0, 0, 0, 1, 0, 0, 0]
    assert [one["uid"] for one in here.cases()["link-unwritten"]["items"]] == [bad]
    assert len(here.theirs()) == 8


@pytest.mark.rule("C15")
def test_a_case_that_was_settled_by_hand_comes_again_only_for_what_is_new(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    here.settle()
    here.book(5)
    server = refusing(here, "down")
    here.run()
    here.now += HOUR
    here.run()
    assert announced(here) == 1
    about = (here.ids.organisation_id, "link-unwritten", str(here.link_id))
    here.write(lambda db: close_case(db, here.now, *about, resolution="settled"))
    here.now += HOUR
    here.run()
    assert (announced(here), here.cases()) == (0, {})
    server.end()
    here.now += timedelta(hours=7)
    here.run()
    here.book(6)
    refusing(here, "down")
    here.run()
    here.now += HOUR
    here.run()
    assert announced(here) == 1


@pytest.mark.rule("C15")
def test_a_link_that_rests_alarms_of_nothing_that_is_not_taken(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    here.book(5)
    refusing(here, "down")
    here.run()
    here.now += HOUR
    here.run()
    assert announced(here) == 1
    here.write(lambda db: pause_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    here.now += timedelta(days=1)
    assert (announced(here), here.cases()) == (0, {})
