"""The feeds' gate on a bad day: guesses, a database that is away or hangs, crowds, bounded memory."""

import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.reads.agenda import Whose
from booking.reads.feeds import feeds_of
from booking.tables.bookings import AuditEntry, Booking
from booking.tables.database import Database
from booking.values.identity import new_token
from booking.values.states import SubjectKind, Variant
from ical.feed import digest, etag
from tests.feed_house import NOW, confirmed
from tests.web.feed_world import Answer, World, ask, elsewhere, events
from web.feed_cache import Body, Shelf
from web.feed_clients import Guesses, address_of, family
from web.hot_feeds import FeedGate


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
    parts = [[b"one", b"two"], [b"one", b"two"], [b"two", b"one"], [b"onetwo"], [b"one"]]
    tags = [etag(map(digest, each)) for each in parts]
    assert tags[0] == tags[1]
    assert len(set(tags)) == 4
    bodies = [Body(b"onetwo", tag, NOW, None) for tag in tags[:2]]
    assert replace(bodies[0].plain).headers == bodies[1].plain.headers


@pytest.mark.rule("C4")
@pytest.mark.parametrize(
    ("kind", "variant", "leads"),
    [
        (SubjectKind.OFFICE, Variant.FULL, True),
        (SubjectKind.OFFICE, Variant.TITLES, False),
        (SubjectKind.OFFICE, Variant.BUSY, False),
        (SubjectKind.DESK, Variant.FULL, False),
        (SubjectKind.ROOM, Variant.FULL, False),
    ],
)
def test_only_the_offices_own_full_feed_leads_to_its_pages(
    world: World, kind: SubjectKind, variant: Variant, leads: bool
) -> None:
    world.booked(world.house.hall)
    gate = FeedGate(elsewhere, world.database, now=lambda: world.now, base_url="https://halle.example")
    _, token = world.feed(kind, world.house.hall if kind is SubjectKind.ROOM else None, variant)
    body = ask(gate, token).body.replace(b"\r\n ", b"")
    gate.close()
    with world.database.read() as session:
        (public_id,) = session.scalars(select(Booking.public_id))
    assert (f"URL:https://halle.example/office/bookings/{public_id}".encode() in body) is leads
    assert (b"URL:" in body) is leads
