"""The hot path of feeds, through WSGI, on both databases; a second gate on the same database plays another process."""

import gzip
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from booking.actions.audit import SYSTEM
from booking.actions.calendar_items import record
from booking.actions.feeds import rename, revoke, rotate
from booking.actions.setting_rows import set_fields
from booking.tables.houses import Organisation
from booking.values.states import SubjectKind, Variant
from tests.feed_house import KEY, NOW, book, build_house, cancelled, confirmed
from tests.web.feed_world import World, ask, events, within_a_second
from web.feed_cache import gzip_wanted
from web.hot_feeds import FeedGate


@pytest.mark.rule("C1", "C2", "C3")
def test_a_feed_is_served_with_all_its_headers(world: World) -> None:
    world.booked(world.house.hall)
    _, token = world.feed()
    answer = ask(world.gate, token)
    assert [str(event["STATUS"]) for event in events(answer)] == ["TENTATIVE"]
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Last-Modified"] == "Sun, 22 Nov 2026 09:00:00 GMT"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["ETag"].startswith('"')


def test_what_is_no_feed_is_passed_on(world: World) -> None:
    _, token = world.feed()
    for path in ("/", "/feeds/", f"/feeds/{token}", "/account/feeds/x.ics"):
        assert ask(world.gate, "", path=path).body == b"flask"
    assert ask(world.gate, token).body != b"flask"


@pytest.mark.rule("C2")
def test_two_gates_render_the_same_bytes_and_tags(world: World, other: FeedGate) -> None:
    for day in range(5):
        world.booked(world.house.left, start=NOW + timedelta(days=day + 1))
    facts = world.booked(world.house.hall)
    _, token = world.feed()
    ask(world.gate, token)
    world.record(confirmed(facts))  # one gate renders it as a change, the other at once
    one, two = ask(world.gate, token), ask(other, token)
    assert one.body == two.body
    assert one.headers == two.headers


@pytest.mark.rule("C3")
def test_a_known_tag_gets_304_in_every_way_of_saying_it(world: World) -> None:
    world.booked(world.house.hall)
    _, token = world.feed()
    tag = ask(world.gate, token).headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}', f'"a,b",W/{tag}', "*"):
        answer = ask(world.gate, token, if_none_match=sent)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
    for sent in ('"other"', "", tag.strip('"')):
        assert ask(world.gate, token, if_none_match=sent).status == 200


@pytest.mark.rule("C3")
def test_a_date_gets_304_where_it_is_ours_and_a_tag_counts_more(world: World) -> None:
    world.booked(world.house.hall)
    _, token = world.feed()
    modified = ask(world.gate, token).headers["Last-Modified"]
    assert ask(world.gate, token, if_modified_since=modified).status == 304
    assert ask(world.gate, token, if_modified_since="Sat, 21 Nov 2026 09:00:00 GMT").status == 200
    assert ask(world.gate, token, if_modified_since="Mon, 23 Nov 2026 09:00:00 GMT").status == 200
    assert ask(world.gate, token, if_modified_since="nonsense").status == 200
    assert ask(world.gate, token, if_modified_since=modified, if_none_match='"other"').status == 200


@pytest.mark.rule("C3")
@pytest.mark.parametrize("what", ["the feed's name", "the house's name", "the zone", "the colour"])
def test_a_date_of_before_gets_the_calendar_anew_when_what_it_says_of_itself_changed(world: World, what: str) -> None:
    """The items are what they were; only a client that sends no ETag depends on it."""
    world.booked(world.house.hall)
    feed, token = world.feed()
    first = ask(world.gate, token)
    world.now += timedelta(minutes=5)
    mine = world.house.organisation_id

    def change(session: Session) -> object:
        if what == "the feed's name":
            return rename(session, world.now, organisation_id=mine, feed_id=feed.feed_id, name="Anders")
        house = session.get_one(Organisation, mine)
        to = {"the house's name": {"name": "Anders"}, "the zone": {"zone": "Asia/Tokyo"}}
        wanted = to.get(what, {"brand": "#123456"})
        return set_fields(session, world.now, mine, SYSTEM, house, "organisation", wanted)

    world.database.write(change)
    world.gate.drop([feed.subject_id])
    second = ask(world.gate, token, if_modified_since=first.headers["Last-Modified"])
    assert (second.status, second.body != first.body) == (200, True)
    assert second.headers["Last-Modified"] == "Sun, 22 Nov 2026 09:05:00 GMT"
    assert ask(world.gate, token, if_modified_since=second.headers["Last-Modified"]).status == 304


@pytest.mark.rule("C3")
def test_head_has_the_headers_of_get_and_no_body(world: World) -> None:
    world.booked(world.house.hall)
    _, token = world.feed()
    got, head = ask(world.gate, token), ask(world.gate, token, method="HEAD")
    assert (head.status, head.headers, head.body) == (200, got.headers, b"")
    refused = ask(world.gate, token, method="POST")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.rule("C3")
def test_gzip_holds_the_same_bytes_under_a_tag_of_its_own_and_is_packed_better_later(world: World) -> None:
    world.booked(world.house.hall)
    _, token = world.feed()
    plain, packed = ask(world.gate, token), ask(world.gate, token, accept_encoding="gzip, br")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    world.gate._pack_one()
    better = ask(world.gate, token, accept_encoding="gzip")
    assert gzip.decompress(better.body) == plain.body
    assert len({plain.headers["ETag"], packed.headers["ETag"], better.headers["ETag"]}) == 3
    for tag in (plain.headers["ETag"], packed.headers["ETag"], better.headers["ETag"]):
        answer = ask(world.gate, token, accept_encoding="gzip", if_none_match=tag)
        assert (answer.status, answer.headers["ETag"]) == (304, tag)


@pytest.mark.rule("C3")
@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("gzip", True),
        ("x-gzip", True),
        ("GZIP;q=0.5, deflate", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("identity;q=1, gzip;q=0.5", False),
        ("br", False),
        ("gzip;q=what", False),
        ("gzipped", False),
    ],
)
def test_accept_encoding_is_read_with_its_weights(accept: str, wanted: bool) -> None:
    assert gzip_wanted(accept) is wanted


@pytest.mark.rule("C1")
def test_a_revoked_feed_is_gone_at_once_here_and_within_a_second_elsewhere(world: World, other: FeedGate) -> None:
    info, token = world.feed()
    assert (ask(world.gate, token).status, ask(other, token).status) == (200, 200)
    world.database.write(
        lambda session: revoke(session, NOW, organisation_id=world.house.organisation_id, feed_id=info.feed_id)
    )
    assert ask(world.gate, token).status == 410
    assert within_a_second(lambda: ask(other, token).status == 410)
    assert ask(other, token, if_none_match="*").status == 410


@pytest.mark.rule("C1")
def test_a_rotated_feed_answers_under_its_new_address_only(world: World, other: FeedGate) -> None:
    info, old = world.feed()
    assert ask(other, old).status == 200
    made = world.database.write(
        lambda session: rotate(session, NOW, KEY, organisation_id=world.house.organisation_id, feed_id=info.feed_id)
    )
    assert isinstance(made, tuple)
    assert (ask(world.gate, old).status, ask(world.gate, made[1]).status) == (410, 200)
    assert within_a_second(lambda: ask(other, old).status == 410)
    assert ask(other, made[1]).status == 200


@pytest.mark.rule("S5")
def test_a_commit_shows_at_once_in_its_own_process_and_within_a_second_in_others(world: World, other: FeedGate) -> None:
    _, token = world.feed()
    assert (events(ask(world.gate, token)), events(ask(other, token))) == ([], [])
    world.booked(world.house.hall)
    assert len(events(ask(world.gate, token))) == 1
    assert within_a_second(lambda: len(events(ask(other, token))) == 1)


def test_a_drop_while_the_database_is_asked_is_not_lost(world: World) -> None:
    """The answer was on its way when the commit came: it must not be kept as fresh."""
    _, token = world.feed()
    ask(world.gate, token)
    find, asked, go_on = world.gate._check, threading.Event(), threading.Event()

    def slow(key: bytes) -> Any:
        check = find(key)
        asked.set()
        go_on.wait(5)
        return check

    time.sleep(0.55)
    world.gate._check = slow  # type: ignore[method-assign]  # the real look-up, held up where a slow network holds it
    early = threading.Thread(target=ask, args=(world.gate, token))
    early.start()
    assert asked.wait(5)
    world.gate._check = find  # type: ignore[method-assign]
    world.booked(world.house.hall)
    late = len(events(ask(world.gate, token)))
    go_on.set()
    early.join()
    assert (late, len(events(ask(world.gate, token)))) == (1, 1)


def test_a_rolled_back_transaction_changes_no_feed(world: World) -> None:
    _, token = world.feed()
    tag = ask(world.gate, token).headers["ETag"]

    def fail(session: Any) -> None:
        record(session, NOW, book(session, world.house, world.house.hall))
        raise KeyError

    with pytest.raises(KeyError):
        world.database.write(fail)
    time.sleep(0.6)
    assert ask(world.gate, token, if_none_match=tag).status == 304


@pytest.mark.rule("C2")
def test_a_cancelled_entry_leaves_by_itself_after_30_days_or_at_once(world: World) -> None:
    facts = world.booked(world.house.hall, start=NOW + timedelta(days=90))
    world.record(cancelled(facts, NOW))
    _, keeping = world.feed()
    _, leaving = world.feed(cancelled_shown=False)
    assert [str(event["STATUS"]) for event in events(ask(world.gate, keeping))] == ["CANCELLED"]
    assert events(ask(world.gate, leaving)) == []
    world.now = NOW + timedelta(days=30)
    time.sleep(0.6)
    gone = ask(world.gate, keeping)
    assert events(gone) == []
    assert gone.headers["Last-Modified"] == "Tue, 22 Dec 2026 09:00:00 GMT"


@pytest.mark.rule("C4")
def test_no_feed_tells_more_than_its_variant(world: World) -> None:
    world.booked(world.house.hall, title="Geheimnis-Titel", party="Geheimnis-Name")
    told = {}
    for variant in Variant:
        _, token = world.feed(SubjectKind.ROOM, world.house.hall, variant)
        told[variant] = ask(world.gate, token).body
    assert b"Geheimnis" not in told[Variant.BUSY]
    assert b"Platz 1" not in told[Variant.BUSY]
    assert b"Geheimnis-Titel" in told[Variant.TITLES]
    assert b"Geheimnis-Name" not in told[Variant.TITLES]
    assert b"Geheimnis-Name" in told[Variant.FULL]


@pytest.mark.rule("C4")
def test_a_neighbouring_room_shows_as_busy_even_in_a_full_feed(world: World) -> None:
    world.booked(world.house.hall, title="Geheimnis", party="Geheimnis")
    _, token = world.feed(SubjectKind.ROOM, world.house.left, Variant.FULL)
    answer = ask(world.gate, token)
    assert len(events(answer)) == 1
    assert b"Geheimnis" not in answer.body
    assert b"Platz 1" not in answer.body


@pytest.mark.rule("C1")
def test_feeds_hold_nothing_of_another_organisation(world: World) -> None:
    foreign = world.database.write(lambda session: build_house(session, "fremd"))

    def canary(session: Any) -> None:
        record(session, NOW, book(session, foreign, foreign.hall, title="Kanarienvogel", party="Kanarienvogel"))

    world.database.write(canary)
    world.booked(world.house.hall)
    house = world.house
    kinds = {
        SubjectKind.OFFICE: house.organisation_id,
        SubjectKind.DESK: house.organisation_id,
        SubjectKind.ROOM: house.hall,
        SubjectKind.CUSTOMER: house.customer,
    }
    for kind, target_id in kinds.items():
        answer = ask(world.gate, world.feed(kind, target_id)[1])
        assert len(events(answer)) == 1
        assert b"Kanarienvogel" not in answer.body
