"""What every remote does, whatever it speaks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync.remotes.protocol import Listing, WriteOutcome
from tests.sync.remotes.worlds import World, summary_of

ODD_UIDS = ("a/b", "ümlaut@hall", "x" * 300, "..", "a b", "%2e%2e%2f", "A-b", "a-b", "?q#f", "")


def read_all(world: World) -> dict[str, str]:
    """UID-less picture of what is there: href → word, from one full listing."""
    remote = world.remote
    listing = remote.changes(None)
    assert listing.is_whole
    assert not listing.is_delta
    bodies = {found.href: found.body for found in remote.fetch([listed.href for listed in listing.there])}
    assert set(bodies) == {listed.href for listed in listing.there}
    return {href: world.word(body) for href, body in bodies.items()}


def created(world: World, uid: str, word: str = "Court 1") -> str:
    """Where it lies."""
    remote = world.remote
    asked = remote.href_for(uid)
    written = remote.create(asked, world.body(uid, word))
    assert written.outcome is WriteOutcome.DONE
    return written.href or asked


def names(listing: Listing) -> set[str]:
    return {listed.href for listed in listing.there}


@pytest.mark.rule("C6")
def test_an_empty_calendar_is_whole_and_empty(world: World) -> None:
    listing = world.remote.changes(None)
    assert (listing.is_whole, listing.is_delta, listing.there) == (True, False, ())


@pytest.mark.rule("C6")
def test_what_somebody_else_wrote_is_listed_once_and_read(world: World) -> None:
    expected = {world.put(uid, f"Court {uid}"): f"Court {uid}" for uid in ("one", "two", "three")}
    listing = world.remote.changes(None)
    assert len(listing.there) == 3
    assert read_all(world) == expected


@pytest.mark.rule("C6")
def test_by_a_cursor_only_what_changed_is_told_or_everything(world: World) -> None:
    stays, moves, goes = (world.put(uid, "Court 1") for uid in ("stays", "moves", "goes"))
    before = world.remote.changes(None)

    quiet = world.remote.changes(before.cursor)
    assert quiet.is_whole
    assert quiet.is_delta is (before.cursor is not None)
    if quiet.is_delta:
        assert (quiet.there, quiet.gone) == ((), ())
        assert quiet.cursor is not None

    world.put("moves", "Court 2")
    comes = world.put("comes", "Court 3")
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
    assert read_all(world) == {stays: "Court 1", moves: "Court 2", comes: "Court 3"}


@pytest.mark.rule("C6", "C9")
def test_a_forgotten_cursor_leads_to_everything_and_not_to_nothing(world: World) -> None:
    one = world.put("one", "Court 1")
    cursor = world.remote.changes(None).cursor
    if cursor is None:
        assert not world.remote.changes(None).is_delta
        return
    listing = world.remote.changes(world.forgotten(cursor))
    assert (listing.is_whole, listing.is_delta) == (True, False)
    assert names(listing) == {one}


@pytest.mark.rule("C6")
def test_what_is_not_there_is_left_out_and_what_is_named_twice_comes_once(world: World) -> None:
    one, none = world.put("one", "Court 1"), world.remote.href_for("none")
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
    href = created(writable, "one", "Ours")
    again = remote.create(remote.href_for("one"), writable.body("one", "Second"))
    assert again.outcome is WriteOutcome.CLASHED
    assert again.href in {None, href}
    assert read_all(writable) == {href: "Ours"}


@pytest.mark.rule("C6")
def test_an_etag_that_a_write_vouches_for_is_the_one_read_later(writable: World) -> None:
    remote = writable.remote
    written = [remote.create(remote.href_for("one"), writable.body("one", "First"))]
    href = written[0].href or remote.href_for("one")
    etag = remote.fetch([href])[0].etag
    written.append(remote.update(href, writable.body("one", "Second"), etag))
    assert [one.outcome for one in written] == [WriteOutcome.DONE] * 2
    if written[0].etag is not None:
        assert written[0].etag == etag
        assert written[1].etag == remote.fetch([href])[0].etag
    assert read_all(writable) == {href: "Second"}


@pytest.mark.rule("C6")
def test_an_update_over_what_somebody_else_changed_clashes(writable: World) -> None:
    remote = writable.remote
    href = writable.put("one", "First")
    stale = remote.fetch([href])[0].etag
    if stale is None:
        return
    writable.put("one", "Theirs")
    assert remote.update(href, writable.body("one", "Ours"), stale).outcome is WriteOutcome.CLASHED
    assert remote.delete(href, stale).outcome is WriteOutcome.CLASHED
    assert read_all(writable) == {href: "Theirs"}
    fresh = remote.fetch([href])[0].etag
    assert remote.update(href, writable.body("one", "Ours"), fresh).outcome is WriteOutcome.DONE
    assert read_all(writable) == {href: "Ours"}


@pytest.mark.rule("C6")
def test_without_an_etag_an_update_goes_over_whatever_is_there(writable: World) -> None:
    remote = writable.remote
    href = writable.put("one", "Theirs")
    assert remote.update(href, writable.body("one", "Ours"), None).outcome is WriteOutcome.DONE
    assert read_all(writable) == {href: "Ours"}


@pytest.mark.rule("C6")
def test_what_is_gone_cannot_be_updated_and_counts_as_removed(writable: World) -> None:
    remote = writable.remote
    href = writable.put("one", "Theirs")
    etag = remote.fetch([href])[0].etag
    assert remote.delete(href, etag).outcome is WriteOutcome.DONE
    assert remote.delete(href, etag).outcome is WriteOutcome.GONE
    assert remote.delete(href, None).outcome is WriteOutcome.GONE
    assert remote.update(href, writable.body("one"), etag).outcome is WriteOutcome.GONE
    assert remote.update(href, writable.body("one"), None).outcome is WriteOutcome.GONE
    assert read_all(writable) == {}


@pytest.mark.rule("C6")
def test_a_probe_leaves_nothing_behind_and_finds_the_same_again(writable: World) -> None:
    writable.put("one", "Court 1")
    before = read_all(writable)
    quirks = writable.remote.probe()
    assert writable.remote.probe() == quirks
    assert read_all(writable) == before


@pytest.mark.rule("C6")
def test_items_of_any_uid_can_be_written_and_many_at_once(writable: World) -> None:
    remote = writable.remote
    uids = [uid for uid in ODD_UIDS if uid.isascii() and uid] + [f"n{number}" for number in range(30)]
    lock = threading.Lock()
    busy, most = 0, 0
    lies: set[str] = set()

    def push(uid: str) -> WriteOutcome:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        written = remote.create(remote.href_for(uid), writable.body(uid, "Court 1"))
        with lock:
            busy -= 1
            lies.add(written.href or remote.href_for(uid))
        return written.outcome

    with ThreadPoolExecutor(remote.parallel) as pool:
        assert set(pool.map(push, uids)) == {WriteOutcome.DONE}
    assert most <= remote.parallel
    assert set(read_all(writable)) == lies
    assert len(lies) == len(uids)


@pytest.mark.rule("C6", "Y8")
def test_where_times_are_not_shared_who_comes_second_clashes_and_changes_nothing(writable: World) -> None:
    """And where they are, both stand."""
    remote = writable.remote
    shares = remote.probe().shares_times
    taken = writable.put("one", "Court 1")
    moved = created(writable, "two", "Court 2")
    over = writable.body("one", "Court 1").replace(b"UID:one", b"UID:two")
    first = remote.create(remote.href_for("three"), over.replace(b"UID:two", b"UID:three"))
    second = remote.update(moved, over, None)
    outcome = WriteOutcome.DONE if shares else WriteOutcome.CLASHED
    assert [first.outcome, second.outcome] == [outcome] * 2
    if not shares:
        assert first.href is None
        assert read_all(writable) == {taken: "Court 1", moved: "Court 2"}


@pytest.mark.rule("C6")
def test_what_is_written_is_read_back_with_its_texts_where_they_are_kept(writable: World) -> None:
    remote, quirks = writable.remote, writable.remote.probe()
    asked, wish = remote.href_for("one"), writable.body("one", "Ours")
    written = remote.create(asked, wish)
    assert (written.href is not None) is quirks.names_itself
    body = remote.fetch([written.href or asked])[0].body
    assert writable.word(body) == "Ours"
    assert (summary_of(body) == summary_of(wish)) is quirks.keeps_texts
