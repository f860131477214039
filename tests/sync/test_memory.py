"""The calendar in memory has the manners that it is told to have; the tests of the engine rest on that."""

import pytest

from sync.remotes.memory import Etags, Manners, MemoryRemote
from sync.remotes.protocol import CursorKind, Remote, WriteOutcome


def remote(**manners: object) -> MemoryRemote:
    return MemoryRemote(Manners(**manners))  # type: ignore[arg-type] # the tests name fields of Manners


def test_it_is_a_remote() -> None:
    made: Remote = remote()
    assert made.probe().cursor_kind is CursorKind.TOKEN
    assert made.href_for("a") == made.href_for("a") != made.href_for("b")


def test_a_delta_names_what_changed_and_what_is_gone() -> None:
    made = remote()
    made.create("/a", b"1")
    made.create("/b", b"1")
    whole = made.changes(None)
    assert (whole.is_delta, [one.href for one in whole.there]) == (False, ["/a", "/b"])
    made.update("/a", b"2", None)
    made.delete("/b", None)
    delta = made.changes(whole.cursor)
    assert (delta.is_delta, [one.href for one in delta.there], delta.gone) == (True, ["/a"], ("/b",))
    assert made.changes(delta.cursor).there == ()
    made.forget()
    assert not made.changes(delta.cursor).is_delta
    assert [one.body for one in made.fetch(["/a", "/b"])] == [b"2"]


def test_preconditions_hold_where_they_are_honoured() -> None:
    made = remote()
    etag = made.create("/a", b"1").etag
    assert made.create("/a", b"2").outcome is WriteOutcome.CLASHED
    assert made.update("/a", b"2", '"old"').outcome is WriteOutcome.CLASHED
    assert made.delete("/a", '"old"').outcome is WriteOutcome.CLASHED
    assert made.update("/a", b"2", etag).outcome is WriteOutcome.DONE
    assert made.delete("/a", None).outcome is WriteOutcome.DONE
    assert made.delete("/a", None).outcome is WriteOutcome.GONE
    assert made.update("/a", b"3", None).outcome is WriteOutcome.GONE
    assert made.writes == 3


@pytest.mark.parametrize("manners", [{"guards": False}, {"etags": Etags.WEAK}, {"etags": Etags.NONE}])
def test_what_guards_nothing_says_so_and_overwrites(manners: dict[str, object]) -> None:
    made = remote(**manners)
    made.create("/a", b"1")
    assert not made.probe().updates_guarded
    assert made.update("/a", b"2", '"old"').outcome is WriteOutcome.DONE


def test_etags_are_as_bad_as_told() -> None:
    kinds = {kind: remote(etags=kind) for kind in Etags}
    shown = {}
    for kind, made in kinds.items():
        made.create("/a", b"1")
        shown[kind] = [made.changes(None).there[0].etag for _ in range(2)]
    assert shown[Etags.NONE] == [None, None]
    assert (shown[Etags.WEAK][0] or "").startswith('W/"')
    assert shown[Etags.STRONG][0] == shown[Etags.STRONG][1]
    assert shown[Etags.FLAKY][0] != shown[Etags.FLAKY][1]
    assert remote(etag_on_write=False).create("/a", b"1").etag is None


def test_a_listing_is_cut_admitted_or_not_and_a_change_may_show_late() -> None:
    for admits in (True, False):
        made = remote(cut_at=1, admits_cut=admits)
        made.create("/a", b"1")
        made.create("/b", b"1")
        listing = made.changes(None)
        assert (len(listing.there), listing.is_whole, listing.cursor is None) == (1, not admits, admits)
    late = remote(lag=1)
    late.changes(None)
    late.create("/a", b"1")
    assert late.changes(None).there == ()
    assert len(late.changes(None).there) == 1
    assert late.fetch(["/a"])[0].body == b"1"


def test_a_body_is_rewritten_and_a_hook_may_fail_a_call() -> None:
    made = remote(rewrite=bytes.upper)
    made.create("/a", b"x")
    assert made.bodies == {"/a": b"X"}

    def fail(moment: str, method: str) -> None:
        if (moment, method) == ("before", "create"):
            raise ConnectionError

    made.hook = fail
    with pytest.raises(ConnectionError):
        made.create("/b", b"x")
    assert set(made.bodies) == {"/a"}
