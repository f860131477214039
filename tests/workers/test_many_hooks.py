"""Many webhooks at once: what they tell together is read once, and none that comes later is lost (SPEC Y3, Y5)."""

import time
from datetime import timedelta

import pytest

from booking.values.states import BookingState
from sync.remotes.ycbm import YcbmRemote
from tests.builders import slot_in
from tests.workers.sites import SECRET, Linked
from tests.workers.test_ycbm import post
from workers import ycbm
from workers.ycbm import read_hooks

SLOT = slot_in(10, 18, 20)
LATER = slot_in(11, 18, 20)
MANY = 50


def hint(linked: Linked, identity: str) -> bytes:
    there = linked.there(identity)
    return f'{{"event": "made", "ref": "{there["ref"]}", "start": "{there["startsAtUTC"]}"}}'.encode()


@pytest.fixture
def job(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> Linked:
    monkeypatch.setattr(ycbm, "process_context", lambda: linked.works.context)
    return linked


@pytest.mark.rule("Y3", "Y5")
@pytest.mark.parametrize("is_known", [False, True])
def test_fifty_webhooks_about_one_booking_in_a_second_lead_to_two_readings_at_most(
    job: Linked, hooks: str, is_known: bool
) -> None:
    job.peer.pusher.hooks = []
    identity = job.book(SLOT)
    if is_known:
        assert job.poll()
        job.peer.reschedule(identity, LATER.start, LATER.end)
    body, before = hint(job, identity), len(job.peer.requests)
    begun = time.monotonic()
    assert [post(hooks, body, SECRET) for _ in range(MANY)] == [202] * MANY
    assert time.monotonic() - begun < 5
    read_hooks()
    assert len(job.peer.requests) - before <= 2
    assert job.bookings() == [(BookingState.REQUESTED, LATER if is_known else SLOT)]
    assert len(job.outcomes()) == MANY
    assert "" not in job.outcomes()


@pytest.mark.rule("Y3", "Y5")
def test_a_webhook_that_comes_while_its_booking_is_read_is_followed_as_well(
    job: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer may be from before what the second one tells of."""
    identity = job.book(SLOT)
    assert job.poll()
    job.hook(hint(job, identity))
    asked: list[str] = []
    booking = YcbmRemote.booking

    def meddling(remote: YcbmRemote, remote_id: str) -> object:
        found = booking(remote, remote_id)
        if not asked:  # between the site's answer and what is made of it
            job.peer.reschedule(identity, LATER.start, LATER.end)
            job.hook(hint(job, identity))
        asked.append(remote_id)
        return found

    monkeypatch.setattr(YcbmRemote, "booking", meddling)
    job.works.later(timedelta(seconds=1))
    read_hooks()
    assert len(asked) == 2
    assert job.bookings() == [(BookingState.REQUESTED, LATER)]
