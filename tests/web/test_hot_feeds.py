"""The hot path of feeds, through WSGI, on both databases; a second gate on the same database plays another process."""

import gzip
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from wsgiref.validate import validator

import pytest
from icalendar import Calendar

from booking.actions.calendar_items import ItemFacts, record
from booking.actions.feeds import make_feed, revoke, rotate
from booking.reads.agenda import Whose
from booking.reads.feeds import FeedInfo, feeds_of
from booking.tables.bookings import AuditEntry
from booking.tables.database import Database
from booking.values.identity import new_token
from booking.values.states import SubjectKind, Variant
from tests.feed_house import KEY, NOW, House, book, build_house, cancelled, confirmed
from web.feed_cache import Body, Shelf, gzip_wanted
from web.feed_clients import Guesses, address_of, family
from web.hot_feeds import FeedGate


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def elsewhere(_environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"flask"]


def ask(
    gate: FeedGate, token: str, *, method: str = "GET", address: str = "192.0.2.1", path: str = "", **headers: str
) -> Answer:
    """One request, checked against the WSGI specification on both sides."""
    told: list[Any] = []
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path or f"/feeds/{token}.ics",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": address,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }

    def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
        told[:] = [status, headers]
        return lambda _data: None

    result: Any = validator(gate)(environ, start)
    body = b"".join(result)
    result.close()
    assert len(dict(told[1])) == len(told[1])
    return Answer(int(told[0][:3]), dict(told[1]), body)


@dataclass(slots=True)
class World:
    database: Database
    house: House
    gate: FeedGate
    now: datetime = NOW

    def record(self, facts: ItemFacts) -> ItemFacts:
        self.database.write(lambda session: record(session, self.now, facts))
        return facts

    def booked(self, room_id: int, **values: Any) -> ItemFacts:
        return self.record(self.database.write(lambda session: book(session, self.house, room_id, **values)))

    def feed(
        self,
        kind: SubjectKind = SubjectKind.OFFICE,
        target_id: int | None = None,
        variant: Variant = Variant.FULL,
        **values: Any,
    ) -> tuple[FeedInfo, str]:
        target = self.house.organisation_id if target_id is None else target_id
        made = self.database.write(
            lambda session: make_feed(
                session,
                self.now,
                KEY,
                organisation_id=self.house.organisation_id,
                kind=kind,
                target_id=target,
                name="Kalender",
                variant=variant,
                **values,
            )
        )
        assert isinstance(made, tuple)
        return made

    def another_gate(self, database: Database | None = None) -> FeedGate:
        return FeedGate(elsewhere, database or self.database, now=lambda: self.now)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    database = Database(database_url)
    house = database.write(build_house)
    found = World(database, house, FeedGate(elsewhere, database))
    found.gate._now = lambda: found.now
    yield found
    found.gate.close()
    database.close()


@pytest.fixture
def other(world: World, database_url: str) -> Iterator[FeedGate]:
    """The gate of another process: it hears of no commit, it has to ask."""
    database = Database(database_url)
    gate = world.another_gate(database)
    gate.drop = lambda _subject_ids: None  # type: ignore[method-assign]  # as in a process that commits nothing
    yield gate
    gate.close()
    database.close()


def events(answer: Answer) -> list[Any]:
    assert answer.status == 200
    return list(Calendar.from_ical(answer.body).walk("VEVENT"))


def within_a_second(check: Callable[[], bool]) -> bool:
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return False


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


@pytest.mark.rule("C1")
def test_unknown_tokens_are_404_and_soon_429_while_real_subscribers_go_on(world: World) -> None:
    _, token = world.feed()
    ask(world.gate, token)
    statuses = [ask(world.gate, new_token()).status for _ in range(70)]
    assert statuses == [404] * 60 + [429] * 10
    limited = ask(world.gate, new_token())
    assert 0 < int(limited.headers["Retry-After"]) <= 61
    assert ask(world.gate, token).status == 200
    assert ask(world.gate, new_token(), address="198.51.100.7").status == 404


def test_100_000_guesses_find_nothing_and_ask_the_database_60_times(world: World) -> None:
    asked = []
    find = world.gate._check
    world.gate._check = lambda key: asked.append(key) or find(key)  # type: ignore[method-assign, func-returns-value]
    world.feed()
    assert {ask(world.gate, new_token()).status for _ in range(10_000)} == {404, 429}
    assert len(asked) == 60


def away(world: World, database: Database) -> None:
    world.gate._database = database
    world.gate.calendars._database = database


@pytest.mark.rule("C1")
def test_with_the_database_away_an_answer_is_never_older_than_a_second(world: World) -> None:
    _, token = world.feed()
    assert ask(world.gate, token).status == 200
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = Database(f"postgresql://nobody@127.0.0.1:{unused.getsockname()[1]}/none")
        real = world.database
        away(world, dead)
        time.sleep(1.05)
        answer = ask(world.gate, token, if_none_match="*")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        away(world, real)
        assert ask(world.gate, token).status == 200
        dead.close()


def test_a_database_that_hangs_is_given_up_after_a_second(world: World) -> None:
    _, token = world.feed()
    assert ask(world.gate, token).status == 200
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hanging = Database(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none")
        real = world.database
        away(world, hanging)
        time.sleep(0.6)
        begun = time.monotonic()
        assert [ask(world.gate, token).status for _ in range(3)] == [503, 503, 503]
        assert time.monotonic() - begun < 3.5
        away(world, real)
        assert ask(world.gate, token).status == 200
    deadline = time.monotonic() + 5
    while world.gate._checks._lost and time.monotonic() < deadline:
        time.sleep(0.02)
    assert world.gate._checks._lost == 0
    hanging.close()


def test_eight_who_ask_first_at_once_have_it_rendered_once(world: World) -> None:
    for day in range(20):
        world.booked(world.house.hall, start=NOW + timedelta(days=day))
    _, token = world.feed()
    ready = threading.Barrier(8)
    answers: list[Answer] = []

    def first() -> None:
        ready.wait()
        answers.append(ask(world.gate, token))

    threads = [threading.Thread(target=first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.body for answer in answers}) == 1
    assert len(answers) == 8
    assert world.gate.calendars.rendered == 20


def test_one_change_among_many_renders_one_event(world: World) -> None:
    many = [world.booked(world.house.hall, start=NOW + timedelta(days=day)) for day in range(20)]
    _, token = world.feed()
    ask(world.gate, token)
    world.record(confirmed(many[7]))
    assert [str(event["STATUS"]) for event in events(ask(world.gate, token))].count("CONFIRMED") == 1
    assert world.gate.calendars.rendered == 21


@pytest.mark.rule("C1")
def test_who_fetched_is_shown_to_the_owner_after_a_flush(world: World) -> None:
    info, token = world.feed()
    for agent in ("ICSx5/2.4", "ICSx5/2.5", "Google-Calendar-Importer", "weird <b>"):
        ask(world.gate, token, user_agent=agent)
    world.gate._flush()
    with world.database.read() as session:
        (found,) = feeds_of(session, Whose(world.house.organisation_id, SubjectKind.OFFICE, info.whose.target_id))
    assert sorted(fetch.client for fetch in found.fetches) == ["Google Calendar", "ICSx5", "other"]
    before = {fetch.client: fetch.at for fetch in found.fetches}
    ask(world.gate, token, user_agent="ICSx5/2.6")
    world.gate._flush()
    with world.database.read() as session:
        (found,) = feeds_of(session, found.whose)
    after = {fetch.client: fetch.at for fetch in found.fetches}
    assert after["ICSx5"] > before["ICSx5"]
    assert after["other"] == before["other"]


def test_a_fetch_alone_writes_nothing(world: World) -> None:
    _, token = world.feed()
    ask(world.gate, token, user_agent="ICSx5")
    with world.database.read() as session:
        (found,) = feeds_of(session, Whose(world.house.organisation_id, SubjectKind.OFFICE, 1))
        assert found.fetches == ()
        assert session.query(AuditEntry).count() == 1


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Google-Calendar-Importer", "Google Calendar"),
        ("iOS/18.1 (22B83) dataaccessd/1.0", "Apple Calendar"),
        ("macOS/14.5 (23F79) CalendarAgent/1034", "Apple Calendar"),
        ("Mozilla/5.0 (X11; Linux) Gecko/20100101 Thunderbird/128.0", "Thunderbird"),
        ("Microsoft Exchange/15.20 (Owa)", "Outlook"),
        ("Mozilla/5.0 (Windows NT 10.0) Firefox/130", "Browser"),
        ("", "other"),
    ],
)
def test_clients_are_named_by_family(agent: str, name: str) -> None:
    assert family(agent) == name


def test_the_limit_of_guesses_counts_a_whole_ipv6_network_and_ends() -> None:
    clock = [100.0]
    guesses = Guesses(lambda: clock[0])
    for last in range(60):
        guesses.count(f"2001:db8:1:2::{last:x}")
    assert guesses.seconds_to_wait("2001:db8:1:2:ffff::1") == 61
    assert guesses.seconds_to_wait("2001:db8:1:3::1") == 0
    clock[0] += 60.0
    assert guesses.seconds_to_wait("2001:db8:1:2::1") == 0


def test_the_address_is_the_one_that_the_outermost_trusted_proxy_saw() -> None:
    environ: dict[str, object] = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 192.0.2.9, 10.0.0.2"}
    assert [address_of(environ, trusted) for trusted in (0, 1, 2, 4)] == [
        "10.0.0.1",
        "10.0.0.2",
        "192.0.2.9",
        "10.0.0.1",
    ]


def test_a_shelf_keeps_to_its_bytes_and_lets_go_of_the_oldest() -> None:
    shelf: Shelf[str, str] = Shelf(100)
    for name in ("a", "b", "a", "c"):
        shelf.put(name, name, 40)
    assert ([key for key, _ in shelf.items()], shelf.taken) == (["a", "c"], 80)
    shelf.put("huge", "huge", 500)
    assert ([key for key, _ in shelf.items()], shelf.taken) == (["huge"], 500)
    shelf.drop("huge")
    assert shelf.taken == 0


def test_memory_is_bounded_and_what_was_let_go_is_served_again(world: World) -> None:
    world.booked(world.house.hall)
    small = FeedGate(elsewhere, world.database, memory=4_000, now=lambda: world.now)
    tokens = [world.feed()[1] for _ in range(4)]
    bodies = [ask(small, token).body for token in tokens]
    assert small._entries.taken < 6_000
    assert [ask(small, token).body for token in tokens] == bodies
    small.close()


def test_the_same_body_always_has_the_same_tag() -> None:
    bodies = [Body(b"one", NOW, None), Body(b"one", NOW, None), Body(b"two", NOW, None)]
    assert bodies[0].tag == bodies[1].tag != bodies[2].tag
    assert replace(bodies[0].plain).headers == bodies[1].plain.headers
