"""Calendar items and feeds as actions write them, on both databases."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.calendar_items import TOUCHED, ItemFacts, record, record_all, touch
from booking.actions.feeds import LONGEST_NAME, MOST_FEEDS, make_feed, note_fetches, rename, revoke, rotate
from booking.reads.feeds import FeedInfo, FoundFeed, Gone, feed_of, feeds_of, find_feed
from booking.tables.bookings import AuditEntry
from booking.tables.calendars import CalendarItem, Feed, FeedSubject
from booking.tables.database import Database
from booking.values.feeds import FeedChoices
from booking.values.refusals import NotFound, Refused
from booking.values.states import SubjectKind, Variant
from booking.values.tokens import hash_token, link_token, looks_like_token, token_of
from tests.feed_house import KEY, NOW, House, book, build_house, cancelled, confirmed

LATER = NOW + timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class World:
    database: Database
    house: House

    def record(self, now: datetime, *facts: ItemFacts) -> set[int]:
        """Record and return the ids of the subjects touched."""

        def work(session: Session) -> set[int]:
            record_all(session, now, facts)
            return set(session.info.get(TOUCHED, ()))

        return self.database.write(work)

    def booked(self, room_id: int) -> ItemFacts:
        return self.database.write(lambda session: book(session, self.house, room_id))

    def item(self, facts: ItemFacts) -> CalendarItem:
        with self.database.read() as session:
            item = session.scalars(select(CalendarItem).where(CalendarItem.booking_id == facts.booking_id)).one()
            session.expunge(item)
            return item

    def revisions(self) -> dict[tuple[SubjectKind, int], int]:
        with self.database.read() as session:
            rows = session.scalars(select(FeedSubject).where(FeedSubject.organisation_id == self.house.organisation_id))
            return {(row.kind, row.target_id): row.revision for row in rows}

    def make(self, name: str = "Kalender", kind: SubjectKind = SubjectKind.OFFICE) -> tuple[FeedInfo, str]:
        made = self.try_to_make(name, kind, self.house.organisation_id)
        assert isinstance(made, tuple)
        return made

    def try_to_make(self, name: str, kind: SubjectKind, target_id: int) -> tuple[FeedInfo, str] | Refused:
        return self.database.write(
            lambda session: make_feed(
                session,
                NOW,
                KEY,
                organisation_id=self.house.organisation_id,
                kind=kind,
                target_id=target_id,
                name=name,
                choices=FeedChoices(Variant.FULL),
            )
        )

    def find(self, token: str) -> FoundFeed | Gone | None:
        with self.database.read() as session:
            return find_feed(session, hash_token(token))


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    database = Database(database_url)
    yield World(database, database.write(build_house))
    database.close()


@pytest.mark.rule("C2")
def test_sequence_and_last_modified_grow_with_each_change_and_only_then(world: World) -> None:
    facts = world.booked(world.house.hall)
    world.record(NOW, facts)
    first = world.item(facts)
    begun = NOW.replace(microsecond=0)
    assert (first.sequence, first.last_modified, first.created_at) == (0, begun, begun)
    assert world.record(LATER, facts) == set()
    again = world.item(facts)
    assert (again.sequence, again.last_modified) == (0, first.last_modified)
    world.record(LATER, confirmed(facts))
    changed = world.item(facts)
    assert (changed.uid, changed.sequence, changed.last_modified) == (first.uid, 1, LATER.replace(microsecond=0))
    assert changed.created_at == first.created_at


@pytest.mark.rule("C2")
def test_two_changes_within_one_second_or_with_a_clock_set_back_still_grow(world: World) -> None:
    facts = world.booked(world.house.hall)
    world.record(NOW, facts)
    world.record(NOW, confirmed(facts))
    world.record(NOW - timedelta(hours=1), replace(facts, title="Anders"))
    item = world.item(facts)
    assert (item.sequence, item.last_modified) == (2, NOW.replace(microsecond=0) + timedelta(seconds=2))


@pytest.mark.rule("C2")
@pytest.mark.parametrize(
    "change",
    [
        {"title": "Anders"},
        {"party": "Anders"},
        {"location": "Anders"},
        {"details": "Anders"},
        {"zone": "Europe/Vienna"},
        {"ended_at": NOW},
    ],
)
def test_every_fact_counts_as_a_change(world: World, change: dict[str, object]) -> None:
    facts = world.booked(world.house.hall)
    world.record(NOW, facts)
    world.record(LATER, replace(facts, **change))  # type: ignore[arg-type]  # one field each
    assert world.item(facts).sequence == 1


@pytest.mark.rule("C2", "S5")
def test_a_record_bumps_each_calendar_that_shows_the_item_once(world: World) -> None:
    house = world.house
    facts = world.booked(house.left)
    touched = world.record(NOW, facts)
    shown = {
        (SubjectKind.BOOKING, facts.booking_id),
        (SubjectKind.CUSTOMER, house.customer),
        (SubjectKind.DESK, house.organisation_id),
        (SubjectKind.OFFICE, house.organisation_id),
        (SubjectKind.ROOM, house.left),
        (SubjectKind.ROOM, house.hall),
    }
    assert world.revisions() == dict.fromkeys(shown, 1)
    assert len(touched) == len(shown)
    world.record(LATER, facts)
    assert world.revisions() == dict.fromkeys(shown, 1)
    world.record(LATER, cancelled(facts, LATER))
    assert world.revisions() == dict.fromkeys(shown, 2)


@pytest.mark.rule("C2")
def test_a_moved_item_changes_the_calendars_that_it_left(world: World) -> None:
    house = world.house
    facts = world.booked(house.left)
    world.record(NOW, facts)
    world.record(LATER, replace(facts, room_id=house.club, customer_id=house.other_customer))
    revisions = world.revisions()
    assert revisions[SubjectKind.ROOM, house.left] == 2
    assert revisions[SubjectKind.ROOM, house.hall] == 2
    assert revisions[SubjectKind.ROOM, house.club] == 1
    assert revisions[SubjectKind.CUSTOMER, house.customer] == 2
    assert revisions[SubjectKind.CUSTOMER, house.other_customer] == 1


def test_several_items_of_one_transaction_bump_each_calendar_once(world: World) -> None:
    facts = [world.booked(world.house.hall) for _ in range(3)]
    world.record(NOW, *facts)
    assert world.revisions()[SubjectKind.OFFICE, world.house.organisation_id] == 1


def test_a_door_code_given_counts_as_a_change(world: World) -> None:
    facts = world.booked(world.house.hall)
    world.record(NOW, facts)
    organisation_id = world.house.organisation_id
    world.database.write(lambda session: touch(session, LATER, organisation_id, facts.booking_id))
    assert world.item(facts).sequence == 1
    assert set(world.revisions().values()) == {2}
    with pytest.raises(NotFound):
        world.database.write(lambda session: touch(session, LATER, organisation_id + 1, facts.booking_id))


def test_an_item_never_changes_its_organisation(world: World) -> None:
    facts = world.booked(world.house.hall)
    world.record(NOW, facts)
    with pytest.raises(NotFound):
        world.record(LATER, replace(facts, organisation_id=world.house.organisation_id + 1))


def test_writers_at_the_same_time_lose_no_revision(world: World) -> None:
    """20 bookings of crosswise customers and rooms, by four threads: no deadlock, every revision counted."""
    house = world.house
    rooms, customers = (house.left, house.right), (house.customer, house.other_customer)
    facts = [
        world.database.write(
            lambda session, turn=turn: book(session, house, rooms[turn % 2], customer_id=customers[turn // 2 % 2])
        )
        for turn in range(20)
    ]
    errors: list[Exception] = []

    def write(mine: list[ItemFacts]) -> None:
        try:
            for one in mine:
                world.record(NOW, one)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(facts[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    revisions = world.revisions()
    assert revisions[SubjectKind.OFFICE, house.organisation_id] == 20
    assert revisions[SubjectKind.ROOM, house.hall] == 20
    assert revisions[SubjectKind.CUSTOMER, house.customer] == 10


@pytest.mark.rule("C1")
def test_a_token_is_256_bits_derived_again_at_will_and_stored_as_a_hash_only(world: World) -> None:
    info, token = world.make()
    assert looks_like_token(token)
    assert token_of(KEY, info.public_id, info.generation) == token
    with world.database.read() as session:
        feed = session.get_one(Feed, info.feed_id)
        assert feed.token_hash == hash_token(token)
        assert token not in str([getattr(feed, column.key) for column in Feed.__table__.c])
        audit = session.scalars(select(AuditEntry)).all()
        assert [entry.action for entry in audit] == ["feed.made"]
        assert token not in str([entry.after for entry in audit])


def test_tokens_differ_by_key_purpose_thing_and_generation() -> None:
    one, other = UUID(int=1), UUID(int=2)
    tokens = {
        token_of(KEY, one, 0),
        token_of(KEY, one, 1),
        token_of(KEY, other, 0),
        token_of(KEY + b"x", one, 0),
        link_token(KEY, "status", one, 0),
        link_token(KEY, "undo", one, 0),
    }
    assert len(tokens) == 6
    assert all(looks_like_token(token) for token in tokens)
    assert link_token(KEY, "feed", one, 0) == token_of(KEY, one, 0)


@pytest.mark.parametrize(("key", "purpose"), [(b"", "x"), (b"k", ""), (b"k", "ü"), (b"k", "a\0b")])
def test_a_token_without_key_or_purpose_is_refused(key: bytes, purpose: str) -> None:
    with pytest.raises(ValueError, match="needs a key"):
        link_token(key, purpose, UUID(int=1), 0)


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "ä" * 43])
def test_what_is_no_token_does_not_look_like_one(text: str) -> None:
    assert not looks_like_token(text)


@pytest.mark.rule("C1")
def test_find_knows_live_gone_and_unknown_tokens(world: World) -> None:
    info, token = world.make()
    organisation_id = world.house.organisation_id
    found = world.find(token)
    assert isinstance(found, FoundFeed)
    assert (found.feed_id, found.whose, found.name) == (info.feed_id, info.whose, "Kalender")
    assert (found.zone, found.house) == ("Europe/Berlin", "Haus kirche")
    made = world.database.write(
        lambda session: rotate(session, LATER, KEY, organisation_id=organisation_id, feed_id=info.feed_id)
    )
    assert isinstance(made, tuple)
    rotated, new = made
    assert rotated.generation == 1
    assert world.find(token) == Gone()
    assert isinstance(world.find(new), FoundFeed)
    for _ in range(2):
        gone = world.database.write(
            lambda session: revoke(session, LATER, organisation_id=organisation_id, feed_id=info.feed_id)
        )
        assert gone.revoked_at == LATER
    assert world.find(new) == Gone()
    assert world.find(token_of(KEY, uuid4(), 0)) is None
    refused = world.database.write(
        lambda session: rotate(session, LATER, KEY, organisation_id=organisation_id, feed_id=info.feed_id)
    )
    assert isinstance(refused, Refused)
    assert refused.codes == ("feed-revoked",)


@pytest.mark.rule("C1")
def test_a_token_stays_gone_when_its_feed_is_erased(world: World) -> None:
    info, token = world.make()
    world.database.write(
        lambda session: revoke(session, NOW, organisation_id=world.house.organisation_id, feed_id=info.feed_id)
    )
    world.database.write(lambda session: session.delete(session.get_one(Feed, info.feed_id)))
    assert world.find(token) == Gone()


def test_names_and_numbers_of_feeds_are_limited(world: World) -> None:
    organisation_id = world.house.organisation_id
    for name in ("", "  ", "x" * (LONGEST_NAME + 1)):
        refused = world.try_to_make(name, SubjectKind.OFFICE, organisation_id)
        assert isinstance(refused, Refused)
        assert [(reason.code, reason.at) for reason in refused.reasons] == [("feed-name", "name")]
    last = [world.make(f" Nr. {number} ")[0] for number in range(MOST_FEEDS)][-1]
    assert last.name == f"Nr. {MOST_FEEDS - 1}"
    anew = world.database.write(
        lambda db: rename(db, NOW, organisation_id=organisation_id, feed_id=last.feed_id, name="Halle\r\nX:\tSüd ")
    )
    assert isinstance(anew, FeedInfo)
    assert anew.name == "Halle X: Süd"
    refused = world.try_to_make("zu viel", SubjectKind.OFFICE, organisation_id)
    assert isinstance(refused, Refused)
    assert refused.codes == ("feed-limit",)
    world.database.write(lambda session: revoke(session, NOW, organisation_id=organisation_id, feed_id=last.feed_id))
    assert isinstance(world.try_to_make("wieder Platz", SubjectKind.OFFICE, organisation_id), tuple)


@pytest.mark.rule("C1")
def test_nobody_makes_reads_or_closes_a_feed_of_another_organisation(world: World) -> None:
    foreign = world.database.write(lambda session: build_house(session, "fremd"))
    for kind, target_id in (
        (SubjectKind.ROOM, foreign.hall),
        (SubjectKind.CUSTOMER, foreign.customer),
        (SubjectKind.OFFICE, foreign.organisation_id),
        (SubjectKind.BOOKING, 999),
    ):
        with pytest.raises(NotFound):
            world.try_to_make("fremd", kind, target_id)
    info, token = world.make()
    with pytest.raises(NotFound):
        world.database.write(
            lambda session: revoke(session, NOW, organisation_id=foreign.organisation_id, feed_id=info.feed_id)
        )
    with pytest.raises(NotFound):
        world.database.write(
            lambda session: rotate(session, NOW, KEY, organisation_id=foreign.organisation_id, feed_id=info.feed_id)
        )
    with world.database.read() as session, pytest.raises(NotFound):
        feed_of(session, foreign.organisation_id, info.public_id)
    assert isinstance(world.find(token), FoundFeed)


@pytest.mark.rule("C1")
def test_the_owner_sees_own_feeds_with_who_fetched_them(world: World) -> None:
    one, _ = world.make("erster")
    two, _ = world.make("zweiter")
    fetches = {(one.feed_id, "Outlook"): NOW, (two.feed_id, "ICSx5"): LATER, (one.feed_id, "Browser"): LATER}
    world.database.write(lambda session: note_fetches(session, fetches))
    world.database.write(lambda session: note_fetches(session, {(one.feed_id, "Outlook"): NOW - timedelta(days=1)}))
    with world.database.read() as session:
        listed = feeds_of(session, one.whose)
        assert feed_of(session, world.house.organisation_id, one.public_id) == listed[1]
    assert [info.name for info in listed] == ["zweiter", "erster"]
    assert [(fetch.client, fetch.at) for fetch in listed[1].fetches] == [("Browser", LATER), ("Outlook", NOW)]


def test_one_item_can_be_recorded_alone(world: World) -> None:
    facts = world.booked(world.house.club)
    world.database.write(lambda session: record(session, NOW, facts))
    assert world.item(facts).title == facts.title
