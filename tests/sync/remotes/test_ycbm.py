"""What the remote of YouCanBook.me does beside the contract, against the stand-in and over real HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from booking.values.slot import Slot
from ical.item import Item, Status
from ical.reading import Reading, read
from outside.errors import SiteDenied, SiteDown, SiteIncomplete, SiteMissing, SiteRefused, SiteUnreadable
from outside.http import Answer, Fetcher
from outside.ycbm import YcbmClient
from outside.ycbm_values import Tentative
from platzwart.peers.ycbm import OWNER
from platzwart.peers.ycbm_world import zulu
from sync.remotes.protocol import CursorKind, Resource, WriteOutcome
from sync.remotes.ycbm import YcbmRemote
from sync.remotes.ycbm_items import block_body
from tests.sync.remotes.ycbm_world import BERLIN, FIRST, HOUR, MARKS, OTHER, PAGE, YcbmWorld, event_at, ycbm_world

UID = "0190a1b2-0000-7000-8000-000000000001"
DONE, CLASHED, GONE = WriteOutcome.DONE, WriteOutcome.CLASHED, WriteOutcome.GONE


@pytest.fixture
def world() -> Iterator[YcbmWorld]:
    with ycbm_world() as made:
        yield made


def slot(hour: float, length: float = 1) -> Slot:
    return Slot(FIRST + hour * HOUR, FIRST + (hour + length) * HOUR)


def book(world: YcbmWorld, when: Slot, page: str = PAGE.id, **answers: str) -> str:
    return str(world.peer.book(when.start, when.end, page, **({"FNAME": "Ada"} | answers))["id"])


def another(
    world: YcbmWorld, change: Callable[[Answer], Answer] = lambda answer: answer, page: str = PAGE.id, known: str = ""
) -> YcbmRemote:
    """A remote that remembers nothing, as another worker has it; `change` is what the site tells otherwise."""
    reached = Fetcher(frozenset({world.peer.netloc})).request

    def fetch(method: str, url: str, **rest: object) -> Answer:
        answer = reached(method, url, **rest)  # type: ignore[arg-type]  # as they came
        return change(answer) if method == "GET" and "/bookings" in url else answer

    site = YcbmClient(world.peer.base_url, world.peer.account_id, world.peer.api_key, fetch)
    marks = replace(MARKS, known=frozenset({known} if known else ()))
    return YcbmRemote(site, marks, since=FIRST, zone=BERLIN, page=page)


def item_of(resource: Resource) -> Item:
    reading = read(resource.body, "Europe/Berlin")
    assert isinstance(reading, Reading)
    assert (reading.problems, len(reading.items)) == ((), 1)
    return reading.items[0]


def status_of(resource: Resource) -> Status:
    master = item_of(resource).master
    assert master is not None
    return master.status


def asked(world: YcbmWorld, work: Callable[[], object]) -> list[str]:
    before = len(world.peer.requests)
    work()
    return [method for method, _ in world.peer.requests[before:]]


@pytest.mark.rule("C6", "Y6")
def test_a_customers_booking_is_an_event_with_its_times_and_status_and_no_word_of_the_form(world: YcbmWorld) -> None:
    identity = book(world, slot(9), EMAIL="ada@booker.example", LNAME="Lee")
    (found,) = world.remote.fetch([identity])
    item = item_of(found)
    assert (found.href, item.uid, item.origin) == (identity, f"{identity}@youcanbook.me", None)
    assert item.master is not None
    assert (item.master.start.instant, item.master.end.instant) == (slot(9).start, slot(9).end)
    assert (item.master.status, item.master.summary) == (Status.CONFIRMED, "Court: Ada Lee")
    assert b"booker.example" not in found.body


@pytest.mark.rule("Y9")
def test_a_request_is_tentative_until_it_is_accepted_and_a_rejected_one_is_cancelled(world: YcbmWorld) -> None:
    remote = another(world, page=OTHER.id)
    ids = [book(world, slot(hour), OTHER.id) for hour in (1, 2, 3)]
    assert remote.accept(ids[1]).tentative is Tentative.ACCEPTED
    assert remote.reject(ids[2]).tentative is Tentative.REJECTED
    found = [status_of(one) for one in remote.fetch(ids)]
    assert found == [Status.TENTATIVE, Status.CONFIRMED, Status.CANCELLED]


@pytest.mark.rule("Y8")
def test_what_we_wrote_is_known_by_its_uid_and_its_mark_to_whoever_has_the_key(world: YcbmWorld) -> None:
    body = block_body(UID, slot(4), BERLIN, "Belegt", FIRST)
    written = world.remote.create(world.remote.href_for(UID), body)
    assert written.href is not None
    (ours,) = another(world).fetch([written.href])
    assert (item_of(ours).uid, item_of(ours).origin) == (UID, MARKS.mark(UID, PAGE.id, slot(4)))
    assert ours.etag == written.etag
    typed = book(world, slot(8), PLATZWART=MARKS.mark(UID, PAGE.id, slot(4)))
    assert item_of(world.remote.fetch([typed])[0]).uid == f"{typed}@youcanbook.me", "good for its own time alone"


@pytest.mark.rule("Y8")
def test_a_block_in_the_repeated_hour_stands_at_its_instant_in_the_zone_of_the_house(world: YcbmWorld) -> None:
    second = Slot(datetime(2027, 10, 31, 1, 30, tzinfo=UTC), datetime(2027, 10, 31, 2, 30, tzinfo=UTC))
    world.remote.create(world.remote.href_for(UID), block_body(UID, second, BERLIN, "Belegt", FIRST))
    assert [(one["startsAtUTC"], one["timeZone"]) for one in world.peer.bookings] == [
        ("2027-10-31T01:30:00Z", "Europe/Berlin")
    ]


@pytest.mark.rule("Y8", "X4")
def test_a_block_that_came_through_unnoticed_is_found_by_the_next_worker_and_not_written_twice(
    world: YcbmWorld,
) -> None:
    body = event_at(UID, slot(4))
    first = world.remote.create(world.remote.href_for(UID), body)
    second = another(world).create(world.remote.href_for(UID), body)
    assert (first.outcome, second.outcome, second.href, second.etag) == (DONE, CLASHED, first.href, first.etag)
    assert len(world.peer.bookings) == 1
    assert first.href is not None
    world.peer.cancel(first.href, by=OWNER)
    third = another(world).create(world.remote.href_for(UID), body)
    assert (third.outcome, third.href != first.href) == (DONE, True), "what was cancelled holds nothing"


@pytest.mark.rule("Y8")
def test_whether_a_block_stands_is_not_concluded_from_a_listing_with_a_doubt() -> None:
    with ycbm_world(has_query=False) as world:
        for number in range(11):
            page = replace(OTHER, id=f"prf_{number}", subdomain=f"x{number}")
            world.peer.world.pages[page.id] = page
            book(world, slot(4), page.id)
        with pytest.raises(SiteIncomplete):
            world.remote.create(world.remote.href_for(UID), event_at(UID, slot(4)))
        assert "POST" not in [method for method, _ in world.peer.requests]
        listing = world.remote.changes(None)
        assert (listing.is_whole, listing.not_whole_because != "") == (False, True)


@pytest.mark.rule("Y8")
def test_a_no_that_is_not_about_the_time_is_told_with_its_status(
    world: YcbmWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SiteRefused) as caught:
        another(world, page="prf_none").create("new", b"no calendar")
    assert caught.value.status == 422
    with pytest.raises(SiteMissing):
        another(world, page="prf_none").create("new", event_at(UID, slot(4)))
    with pytest.raises(SiteRefused) as caught:
        another(world, page="").create("new", event_at(UID, slot(4)))
    assert caught.value.status == 405

    def demand(*_given: object, **_more: object) -> None:
        raise ValueError("a question of the form is not answered")

    monkeypatch.setattr(world.peer.world, "book", demand)
    with pytest.raises(SiteRefused) as caught:
        world.remote.create(world.remote.href_for(UID), event_at(UID, slot(4)))
    assert caught.value.status == 400
    assert world.peer.bookings == []


@pytest.mark.rule("C6")
@pytest.mark.parametrize("more", ["RRULE:FREQ=DAILY;COUNT=3", "STATUS:CANCELLED", "TRANSP:TRANSPARENT"])
def test_what_takes_no_single_time_is_not_written(world: YcbmWorld, more: str) -> None:
    href = book(world, slot(6))
    body = event_at(UID, slot(4), more)
    with pytest.raises(SiteRefused):
        world.remote.create(world.remote.href_for(UID), body)
    with pytest.raises(SiteRefused):
        world.remote.update(href, body, None)
    assert [one["startsAtUTC"] for one in world.peer.bookings] == ["2026-12-01T06:00:00Z"]


@pytest.mark.rule("Y6")
def test_what_the_site_lists_as_cancelled_is_gone_and_can_still_be_asked_for(world: YcbmWorld) -> None:
    stays, goes = book(world, slot(1)), book(world, slot(2))
    world.peer.cancel(goes)
    listing = world.remote.changes(None)
    assert ([one.href for one in listing.there], listing.gone) == ([stays], (goes,))
    told = world.remote.told(goes)
    assert told is not None
    assert told.cancelled
    assert world.remote.fetch([goes]) == ()
    assert world.remote.booking(goes).cancelled


@pytest.mark.rule("C9")
def test_what_cannot_be_read_is_there_without_a_tag_and_is_left_out_of_what_is_fetched(world: YcbmWorld) -> None:
    good, bad = book(world, slot(1)), book(world, slot(3))
    starts = zulu(slot(3).start)
    assert starts is not None
    remote = another(world, lambda answer: replace(answer, body=answer.body.replace(starts.encode(), b"soon")))
    listing = remote.changes(None)
    assert {one.href: one.etag is None for one in listing.there} == {good: False, bad: True}
    assert listing.is_whole
    assert [one.href for one in remote.fetch([good, bad])] == [good]
    assert remote.told(bad) is None


@pytest.mark.rule("C6")
def test_what_a_listing_brought_is_handed_out_once_and_never_after_a_write(world: YcbmWorld) -> None:
    href = book(world, slot(1))
    world.remote.changes(None)
    assert asked(world, lambda: world.remote.fetch([href])) == []
    assert asked(world, lambda: world.remote.fetch([href])) == ["GET"]
    world.remote.changes(None)
    written = world.remote.update(href, event_at(UID, slot(3)), None)
    assert asked(world, lambda: world.remote.fetch([href])) == ["GET"]
    assert world.remote.fetch([href])[0].etag == written.etag


@pytest.mark.rule("Y6")
def test_a_move_to_where_it_stands_asks_for_nothing(world: YcbmWorld) -> None:
    href = book(world, slot(1))
    assert asked(world, lambda: world.remote.update(href, event_at(UID, slot(1)), None)) == ["GET"]


@pytest.mark.rule("Y6")
def test_what_was_cancelled_there_is_neither_moved_nor_cancelled_again(world: YcbmWorld) -> None:
    href = book(world, slot(1))
    world.peer.cancel(href)
    before = world.peer.bookings
    assert world.remote.update(href, event_at(UID, slot(3)), None).outcome is GONE
    assert world.remote.delete(href, None).outcome is GONE
    assert world.peer.bookings == before


@pytest.mark.rule("Y8", "S9")
def test_a_customers_booking_is_cancelled_and_a_block_of_ours_is_removed(world: YcbmWorld) -> None:
    theirs = book(world, slot(1))
    ours = world.remote.create(world.remote.href_for(UID), event_at(UID, slot(4))).href
    assert ours is not None
    assert [another(world).delete(href, None).outcome for href in (theirs, ours)] == [DONE, DONE]
    assert [(one["id"], one["cancelled"]) for one in world.peer.bookings] == [(theirs, True)]


@pytest.mark.rule("Y8")
def test_a_block_that_was_moved_is_removed_by_who_knows_it_and_else_cancelled(world: YcbmWorld) -> None:
    moved = []
    for hour in (1, 3):
        uid = str(UUID(int=hour))
        href = world.remote.create(world.remote.href_for(uid), event_at(uid, slot(hour))).href
        assert href is not None
        world.peer.reschedule(href, slot(hour + 10).start, slot(hour + 10).end)
        moved.append(href)
    another(world, known=moved[0]).delete(moved[0], None)
    another(world).delete(moved[1], None)
    assert [(one["id"], one["cancelled"]) for one in world.peer.bookings] == [(moved[1], True)]


@pytest.mark.rule("S10")
def test_what_makes_no_sense_can_be_cancelled_all_the_same(world: YcbmWorld) -> None:
    href = book(world, slot(1))
    remote = another(world, lambda answer: replace(answer, body=b"{}"))
    with pytest.raises(SiteUnreadable):
        remote.delete(href, '"a tag"')
    assert world.peer.bookings[0]["cancelled"] is False
    with pytest.raises(SiteUnreadable):
        remote.delete(href, None)
    assert world.peer.bookings[0]["cancelled"] is True, "told, and not known to be done"


@pytest.mark.rule("C6")
def test_a_tag_says_what_the_site_says_and_not_when(world: YcbmWorld) -> None:
    href = book(world, slot(1))

    def tag() -> str | None:
        return another(world).fetch([href])[0].etag

    first, peer = tag(), world.peer.world
    peer.clock = lambda: FIRST + timedelta(days=9)
    peer.miss(href, no_show=False)
    assert peer.booking(href).updated == FIRST + timedelta(days=9)
    assert tag() == first
    tags = {first}
    for change in (
        lambda: peer.move(href, slot(2).start, slot(2).end, OWNER),
        lambda: peer.miss(href),
        lambda: peer.decide(href, "ACCEPTED"),
        lambda: peer.booking(href).answers.update(LNAME="Lee"),
    ):
        change()
        assert tag() not in tags
        tags.add(tag())


@pytest.mark.rule("Y3")
def test_a_booking_is_found_by_what_a_webhook_says(world: YcbmWorld) -> None:
    made = world.peer.book(slot(1).start, slot(1).end, FNAME="Ada")
    found = world.remote.find(made["ref"], slot(1).start)
    assert found is not None
    assert found.id == made["id"]
    assert world.remote.find("OTHER", slot(1).start) is None
    assert world.remote.find(made["ref"], slot(2).start) is None


def test_one_page_or_the_whole_account_is_listed(world: YcbmWorld) -> None:
    ids = [book(world, slot(1), page) for page in (PAGE.id, OTHER.id)]
    assert [one.href for one in world.remote.changes(None).there] == ids[:1]
    assert {one.href for one in another(world, page="").changes(None).there} == set(ids)


def test_a_probe_proves_key_and_page_and_says_what_the_site_cannot(world: YcbmWorld) -> None:
    quirks = world.remote.probe()
    assert (quirks.cursor_kind, quirks.updates_guarded, quirks.names_itself) == (CursorKind.NONE, False, True)
    assert (quirks.keeps_texts, quirks.shares_times) == (False, False)
    with pytest.raises(SiteMissing):
        another(world, page="prf_none").probe()
    world.peer.world.api_key = "another"
    for call in (world.remote.probe, lambda: world.remote.changes(None), lambda: world.remote.fetch(["x"])):
        with pytest.raises(SiteDenied):
            call()


def test_a_site_that_is_down_in_the_middle_of_a_listing_is_an_error_and_no_listing(world: YcbmWorld) -> None:
    book(world, slot(1))
    world.peer.control({"failing": 1})
    with pytest.raises(SiteDown):
        world.remote.changes(None)
