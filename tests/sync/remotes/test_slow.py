"""Slow servers: a listing may take its time while it comes quickly enough and the run has time for it (SPEC C12)."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count

import pytest

from booking.actions.link_runs import LEASE
from booking.values.links import LinkPolicy, RunOutcome
from outside.errors import TooSlow
from outside.http import GuardedSession, Limits
from sync.remotes import dav, ics
from sync.remotes.caldav import CalDavRemote
from sync.remotes.dav import dav_session
from sync.remotes.ics import IcsRemote, ics_session
from sync.remotes.opening import open_remote
from sync.remotes.protocol import Cursor, CursorKind, ListingTime, Quirks, as_long_as_may_be
from sync.run_time import JUST_TAKEN, LISTING
from sync.runner import RUN_SECONDS, Ran, run_link
from sync.their_side import MARGIN
from tests.outside.server import Script, answer, listening, steadily
from tests.sync.linked import event, world
from tests.sync.remotes.dav_peer import COLLECTION, DavPeer, Manners, dav_peer, multistatus, response
from tests.sync.remotes.linked_remote import Linked, on_peer
from tests.sync.remotes.worlds import event as body_of

CALL, SLOW, LONGEST = 0.25, 0.6, 1.6  # more than CALL and SLACK, so that either can be told from the other
SLACK = 0.9  # what a busy machine may add
LIMITS = Limits(seconds=CALL, longest=LONGEST, pace=300)
FOR_EVER = 60.0
NUMBER, PACE, DRIP = 30, 9_000, 10  # so many items take SLOW at this pace


def remote_at(
    url: str,
    session: GuardedSession,
    kind: CursorKind = CursorKind.NONE,
    listing_time: ListingTime = as_long_as_may_be,
    *,
    creates_guarded: bool = True,
) -> CalDavRemote:
    quirks = Quirks(kind, creates_guarded=creates_guarded)
    return CalDavRemote(url, None, session=session, quirks=quirks, listing_time=listing_time)


def seconds_until_too_slow(work: Callable[[], object]) -> float:
    begin = time.monotonic()
    with pytest.raises(TooSlow):
        work()
    return time.monotonic() - begin


def silent(_peer: socket.socket, _request: bytes) -> None:
    time.sleep(LONGEST)


@pytest.mark.rule("C6", "C12")
@pytest.mark.parametrize("kind", CursorKind)
def test_a_listing_that_comes_slowly_but_steadily_is_read_whole(kind: CursorKind) -> None:
    with dav_peer(Manners(listing_pace=PACE)) as peer, dav_session(frozenset({peer.netloc}), LIMITS) as session:
        for number in range(NUMBER):
            peer.write(f"{number}.ics", body_of(f"uid-{number}"))
        begin = time.monotonic()
        listing = remote_at(peer.url, session, kind).changes(None)
        assert time.monotonic() - begin > 2 * CALL
        assert (listing.is_whole, len(listing.there)) == (True, NUMBER)


@pytest.mark.rule("C6", "C12")
def test_a_calendar_at_an_address_may_come_slowly_too() -> None:
    with (
        listening(steadily(body_of("one"), SLOW)) as listener,
        ics_session(frozenset({listener.netloc}), LIMITS) as session,
    ):
        begin = time.monotonic()
        listing = IcsRemote(f"http://{listener.netloc}/", None, session=session).changes(None)
        assert time.monotonic() - begin > 2 * CALL
    assert (listing.is_whole, len(listing.there)) == (True, 1)


@pytest.mark.rule("C12")
@pytest.mark.parametrize(
    ("script", "given", "seconds"),
    [
        (silent, LONGEST, CALL),
        (steadily(bytes(1_000), FOR_EVER), as_long_as_may_be(), CALL),
        (steadily(bytes(500_000), FOR_EVER), as_long_as_may_be(), LONGEST),
        (steadily(bytes(500_000), FOR_EVER), SLOW, SLOW),
        (steadily(bytes(500_000), FOR_EVER), -1.0, CALL),
    ],
    ids=["silence", "a drip", "a flow", "a flow in a run with less time", "a flow in a run without time"],
)
def test_a_listing_ends_on_time(script: Script, given: float, seconds: float) -> None:
    with listening(script) as listener:
        url, allowed = f"http://{listener.netloc}{COLLECTION}", frozenset({listener.netloc})
        with dav_session(allowed, LIMITS) as session:
            caldav = remote_at(url, session, listing_time=lambda: given)
            assert seconds - 0.05 < seconds_until_too_slow(lambda: caldav.changes(None)) < seconds + SLACK
        with ics_session(allowed, LIMITS) as session:
            address = IcsRemote(url, None, session=session, listing_time=lambda: given)
            assert seconds - 0.05 < seconds_until_too_slow(lambda: address.changes(None)) < seconds + SLACK


@pytest.mark.rule("C12")
def test_many_pages_that_each_say_little_are_a_drip() -> None:
    """Each comes in time by itself and names another token, so that there would be no end of them."""
    asked = count()

    def page(peer: socket.socket, request: bytes) -> None:
        time.sleep(CALL * 0.6)
        body = multistatus(response(COLLECTION, status=507), token=f"t{next(asked)}")
        answer(body, "Connection: close", status="207 Multi-Status")(peer, request)

    limits = replace(LIMITS, pace=5_000)
    with listening(page) as listener, dav_session(frozenset({listener.netloc}), limits) as session:
        remote = remote_at(f"http://{listener.netloc}{COLLECTION}", session, CursorKind.TOKEN)
        assert seconds_until_too_slow(lambda: remote.changes(Cursor(CursorKind.TOKEN, "t"))) < CALL + SLACK


@pytest.mark.rule("C12")
def test_whatever_is_no_listing_has_the_time_of_one_call() -> None:
    href = f"{COLLECTION}a.ics"
    with (
        listening(steadily(bytes(1_000), FOR_EVER)) as listener,
        dav_session(frozenset({listener.netloc}), LIMITS) as session,
    ):
        remote = remote_at(f"http://{listener.netloc}{COLLECTION}", session)
        for work in (
            lambda: remote.fetch([href]),
            lambda: remote.create(href, b""),
            lambda: remote.update(href, b"", '"1"'),
            lambda: remote.delete(href, '"1"'),
        ):
            assert seconds_until_too_slow(work) < CALL + SLACK


@pytest.mark.rule("C10", "C12")
def test_a_write_of_two_requests_takes_no_longer_than_one_call_may() -> None:
    """Else it could outlast the lease: the margin that is kept for a write is the one of a call."""

    def late(peer: socket.socket, request: bytes) -> None:
        time.sleep(CALL * 0.7)
        status = "404 None" if request.startswith(b"PROPFIND") else "201 Made"
        answer(b"", "Connection: close", status=status)(peer, request)

    with listening(late) as listener, dav_session(frozenset({listener.netloc}), LIMITS) as session:
        remote = remote_at(f"http://{listener.netloc}{COLLECTION}", session, creates_guarded=False)
        assert seconds_until_too_slow(lambda: remote.create(f"{COLLECTION}a.ics", b"")) < CALL + SLACK


@pytest.mark.rule("C10", "C12")
def test_no_listing_outlasts_a_lease_and_no_call_the_margin() -> None:
    lease = LEASE.total_seconds()
    assert max(LISTING * RUN_SECONDS, dav.LIMITS.seconds) + JUST_TAKEN + MARGIN.total_seconds() / 2 < lease
    assert dav.LIMITS.seconds < MARGIN.total_seconds() < lease / 2
    for limits in (dav.LIMITS, ics.LIMITS):
        assert limits.seconds == 10 < LISTING * RUN_SECONDS <= limits.longest


def run(linked: Linked, seconds: float) -> Ran:
    limits = replace(LIMITS, seconds=2 * CALL)  # what a busy machine may need for what is not slow
    engine = replace(linked.engine, opener=partial(open_remote, limits=limits), seconds=seconds)
    ran = run_link(engine, linked.world.link_id)
    assert ran is not None
    return ran


@pytest.fixture
def peer() -> Iterator[DavPeer]:
    with dav_peer() as made:
        yield made


@pytest.fixture
def linked(sqlite_url: str, peer: DavPeer) -> Iterator[Linked]:
    made = on_peer(world(sqlite_url), peer)
    made.connect(LinkPolicy.IMPORT)
    made.put(event("x1", 6, 2))
    yield made
    made.world.database.close()


@pytest.mark.rule("C6", "C12")
def test_the_first_listing_of_a_slow_server_leads_to_a_link_that_works(linked: Linked, peer: DavPeer) -> None:
    for number in range(1, NUMBER):
        linked.put(event(f"y{number}", 7 + number, 2))
    peer.manners.listing_pace = PACE
    ran = run(linked, seconds=5.0)
    assert (ran.outcome, ran.problem) == (RunOutcome.DONE, "")
    assert len(linked.world.imported()) == NUMBER


@pytest.mark.rule("C9", "C12")
def test_a_server_that_drips_for_ever_costs_the_time_of_one_call_and_frees_nothing(
    linked: Linked, peer: DavPeer
) -> None:
    assert run(linked, seconds=5.0).outcome is RunOutcome.DONE
    linked.put(event("x2", 7, 2))
    peer.manners.listing_pace = DRIP
    seconds, begin = 2.0, time.monotonic()
    ran = run(linked, seconds)
    assert 2 * CALL < time.monotonic() - begin < 2 * CALL + SLACK
    assert (ran.outcome, ran.problem) == (RunOutcome.FAILED, "too-slow")
    assert len(linked.world.imported()) == 1
    peer.manners.listing_pace = 0
    assert run(linked, seconds=5.0).outcome is RunOutcome.DONE
    assert len(linked.world.imported()) == 2
