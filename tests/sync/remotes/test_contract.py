"""What every remote does, whatever it speaks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync.remotes.protocol import Listing, Remote, WriteOutcome
from tests.sync.remotes.worlds import World, event, summary_of

ODD_UIDS = ("a/b", "ümlaut@hall", "x" * 300, "..", "a b", "%2e%2e%2f", "A-b", "a-b", "?q#f", "")


def read_all(remote: Remote) -> dict[str, str]:
    """UID-less picture of what is there: href → summary, from one full listing."""
    listing = remote.changes(None)
    assert listing.is_whole
    assert not listing.is_delta
    bodies = {found.href: found.body for found in remote.fetch([listed.href for listed in listing.there])}
    assert set(bodies) == {listed.href for listed in listing.there}
    return {href: summary_of(body) for href, body in bodies.items()}


def names(listing: Listing) -> set[str]:
    return {listed.href for listed in listing.there}


@pytest.mark.rule("C6")
def test_an_empty_calendar_is_whole_and_empty(world: World) -> None:
    listing = world.remote.changes(None)
    assert (listing.is_whole, listing.is_delta, listing.there) == (True, False, ())


@pytest.mark.rule("C6")
def test_what_somebody_else_wrote_is_listed_once_and_read(world: World) -> None:
    for uid in ("one", "two", "three"):
        world.put(uid, f"Court {uid}")
    listing = world.remote.changes(None)
    assert len(listing.there) == 3
    expected = {world.remote.href_for(uid): f"Court {uid}" for uid in ("one", "two", "three")}
    assert read_all(world.remote) == expected


@pytest.mark.rule("C6")
def test_by_a_cursor_only_what_changed_is_told_or_everything(world: World) -> None:
    for uid in ("stays", "moves", "goes"):
        world.put(uid, "Court 1")
    before = world.remote.changes(None)
    stays, moves, goes, comes = (world.remote.href_for(uid) for uid in ("stays", "moves", "goes", "comes"))

    quiet = world.remote.changes(before.cursor)
    assert quiet.is_whole
    assert quiet.is_delta is (before.cursor is not None)
    if quiet.is_delta:
        assert (quiet.there, quiet.gone) == ((), ())
        assert quiet.cursor is not None

    world.put("moves", "Court 2")
    world.put("comes", "Court 3")
    world.remove("goes")
    after = world.remote.changes(quiet.cursor)
    assert after.is_whole
    assert names(after) >= {moves, comes}
    assert goes not in names(after)
    if after.is_delta:
        assert goes in after.gone
        assert stays not in names(after)
    else:
        assert stays in names(after)
    etags = {listed.href: listed.etag for listed in before.there}
    moved = next(listed.etag for listed in after.there if listed.href == moves)
    assert moved is None or moved != etags[moves]
    assert read_all(world.remote) == {stays: "Court 1", moves: "Court 2", comes: "Court 3"}


@pytest.mark.rule("C6", "C9")
def test_a_forgotten_cursor_leads_to_everything_and_not_to_nothing(world: World) -> None:
    world.put("one", "Court 1")
    cursor = world.remote.changes(None).cursor
    if cursor is None:
        assert not world.remote.changes(None).is_delta
        return
    listing = world.remote.changes(world.forgotten(cursor))
    assert (listing.is_whole, listing.is_delta) == (True, False)
    assert names(listing) == {world.remote.href_for("one")}


@pytest.mark.rule("C6")
def test_what_is_not_there_is_left_out_and_what_is_named_twice_comes_once(world: World) -> None:
    world.put("one", "Court 1")
    one, none = world.remote.href_for("one"), world.remote.href_for("none")
    world.remote.changes(None)
    assert [found.href for found in world.remote.fetch([none, one])] == [one]
    assert world.remote.fetch([]) == ()


def test_a_name_follows_from_the_uid_alone(world: World) -> None:
    hrefs = [world.remote.href_for(uid) for uid in ODD_UIDS]
    assert hrefs == [world.remote.href_for(uid) for uid in ODD_UIDS]
    assert len(set(hrefs)) == len(ODD_UIDS)


@pytest.mark.rule("C6")
def test_what_is_created_is_there_and_is_never_overwritten_by_another(writable: World) -> None:
    remote = writable.remote
    href = remote.href_for("one")
    assert remote.create(href, event("one", "Ours")).outcome is WriteOutcome.DONE
    assert remote.create(href, event("one", "Second")).outcome is WriteOutcome.CLASHED
    assert read_all(remote) == {href: "Ours"}


@pytest.mark.rule("C6")
def test_an_etag_that_a_write_vouches_for_is_the_one_read_later(writable: World) -> None:
    remote = writable.remote
    href = remote.href_for("one")
    written = [remote.create(href, event("one", "First"))]
    etag = remote.fetch([href])[0].etag
    written.append(remote.update(href, event("one", "Second"), etag))
    assert [one.outcome for one in written] == [WriteOutcome.DONE] * 2
    if written[0].etag is not None:
        assert written[0].etag == etag
        assert written[1].etag == remote.fetch([href])[0].etag
    assert read_all(remote) == {href: "Second"}


@pytest.mark.rule("C6")
def test_an_update_over_what_somebody_else_changed_clashes(writable: World) -> None:
    remote = writable.remote
    href = remote.href_for("one")
    writable.put("one", "First")
    stale = remote.fetch([href])[0].etag
    if stale is None:
        return
    writable.put("one", "Theirs")
    assert remote.update(href, event("one", "Ours"), stale).outcome is WriteOutcome.CLASHED
    assert remote.delete(href, stale).outcome is WriteOutcome.CLASHED
    assert read_all(remote) == {href: "Theirs"}
    fresh = remote.fetch([href])[0].etag
    assert remote.update(href, event("one", "Ours"), fresh).outcome is WriteOutcome.DONE
    assert read_all(remote) == {href: "Ours"}


@pytest.mark.rule("C6")
def test_without_an_etag_an_update_goes_over_whatever_is_there(writable: World) -> None:
    remote = writable.remote
    href = remote.href_for("one")
    writable.put("one", "Theirs")
    assert remote.update(href, event("one", "Ours"), None).outcome is WriteOutcome.DONE
    assert read_all(remote) == {href: "Ours"}


@pytest.mark.rule("C6")
def test_what_is_gone_cannot_be_updated_and_counts_as_removed(writable: World) -> None:
    remote = writable.remote
    href = remote.href_for("one")
    writable.put("one", "Theirs")
    etag = remote.fetch([href])[0].etag
    assert remote.delete(href, etag).outcome is WriteOutcome.DONE
    assert remote.delete(href, etag).outcome is WriteOutcome.GONE
    assert remote.delete(href, None).outcome is WriteOutcome.GONE
    assert remote.update(href, event("one"), etag).outcome is WriteOutcome.GONE
    assert remote.update(href, event("one"), None).outcome is WriteOutcome.GONE
    assert read_all(remote) == {}


@pytest.mark.rule("C6")
def test_a_probe_leaves_nothing_behind_and_finds_the_same_again(writable: World) -> None:
    writable.put("one", "Court 1")
    before = read_all(writable.remote)
    quirks = writable.remote.probe()
    assert writable.remote.probe() == quirks
    assert read_all(writable.remote) == before


@pytest.mark.rule("C6")
def test_items_of_any_uid_can_be_written_and_many_at_once(writable: World) -> None:
    remote = writable.remote
    uids = [uid for uid in ODD_UIDS if uid.isascii() and uid] + [f"n{number}" for number in range(30)]
    lock = threading.Lock()
    busy, most = 0, 0

    def push(uid: str) -> WriteOutcome:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        outcome = remote.create(remote.href_for(uid), event(uid, "Court 1")).outcome
        with lock:
            busy -= 1
        return outcome

    with ThreadPoolExecutor(remote.parallel) as pool:
        assert set(pool.map(push, uids)) == {WriteOutcome.DONE}
    assert most <= remote.parallel
    assert set(read_all(remote)) == {remote.href_for(uid) for uid in uids}
