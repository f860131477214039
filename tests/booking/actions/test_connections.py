"""Connections: sealed keys, secrets shown once, ways that must be proven (SPEC Y2, Y8, Y9)."""

from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import delete, select

from booking.actions import connections
from booking.actions.audit import Actor
from booking.actions.connections import Access, WithSecret
from booking.actions.site_proof import plan_test_block
from booking.actions.vault import Sealed
from booking.reads.connections import connection_of
from booking.tables.bookings import AuditEntry
from booking.tables.connections import BlockWay, Connection, RemoteBooking, Writer
from booking.tables.database import Database
from booking.values.refusals import NotFound, Refused
from booking.values.tokens import hash_token
from tests.builders import NOW, Ids, build_house, make_tools, slot_in

OWNER = Actor("Frau Owner", 1)
KEY = "canary-api-key-7731"
ACCESS = Access("Halle", "acc-1", KEY, "https://site.example/v1/")


@pytest.fixture
def database(database_url: str) -> Any:
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


@pytest.fixture
def made(database: Database, ids: Ids) -> WithSecret:
    done = database.write(
        lambda db: connections.make_connection(db, NOW, make_tools(), ids.organisation_id, OWNER, ACCESS)
    )
    assert isinstance(done, WithSecret)
    return done


def row_of(database: Database) -> Connection:
    with database.read() as db:
        return db.scalars(select(Connection)).one()


def prove(database: Database, ids: Ids, **others: Any) -> None:
    def work(db: Any) -> None:
        row = db.scalars(select(Connection)).one()
        test = plan_test_block(db, NOW, make_tools(), ids.organisation_id, row.id, "page-1", slot_in(14, 8, 9))
        given = {"test_id": test.row_id, "removed": True} | others
        connections.note_proof(db, NOW, ids.organisation_id, OWNER, row.id, **given)

    database.write(work)


def test_the_key_is_sealed_to_its_row_and_the_secret_kept_as_a_hash(database: Database, made: WithSecret) -> None:
    row = row_of(database)
    sealed = Sealed(row.api_key_cipher, row.api_key_id)
    vault = make_tools().vault
    assert vault.unseal(sealed, f"connection:{made.public_id}").decode() == KEY
    with pytest.raises(InvalidTag):
        vault.unseal(sealed, "connection:another")
    assert row.hook_secret_hash == hash_token(made.secret)
    assert KEY.encode() not in row.api_key_cipher
    assert (row.base_url, row.proven_at, row.next_poll_at) == ("https://site.example/v1", None, NOW)


def test_no_secret_is_told_by_the_audit_log_or_by_what_is_printed(
    database: Database, ids: Ids, made: WithSecret
) -> None:
    again = database.write(
        lambda db: connections.rotate_secret(db, NOW, ids.organisation_id, OWNER, row_of(database).id)
    )
    other = Access("Halle", "acc-1", "canary-second-key", ACCESS.base_url)
    row_id = row_of(database).id
    database.write(
        lambda db: connections.change_access(db, NOW, make_tools(), ids.organisation_id, OWNER, row_id, other)
    )
    with database.read() as db:
        told = " ".join(f"{entry.action} {entry.before} {entry.after}" for entry in db.scalars(select(AuditEntry)))
    for secret in (KEY, "canary-second-key", made.secret, again.secret):
        assert secret not in told
        assert secret not in f"{ACCESS!r} {other!r} {made!r} {again!r}"
    assert "key-changed" in told
    assert row_of(database).hook_secret_hash == hash_token(again.secret)


@pytest.mark.rule("Y8")
def test_only_a_test_time_that_was_held_and_removed_proves_the_way(
    database: Database, ids: Ids, made: WithSecret
) -> None:
    for failed in (
        {"test_id": None},
        {"removed": False, "error": "SiteDown"},
        {"removed": False},
        {"error": "TooSlow"},
    ):
        prove(database, ids, **failed)
        assert row_of(database).proven_at is None, failed
        database.write(lambda db: db.execute(delete(RemoteBooking)))
    prove(database, ids)
    assert row_of(database).proven_at == NOW
    with database.read() as db:
        block = db.scalars(select(RemoteBooking)).one()
    assert (block.ours, block.cancelled, block.booking_id) == (True, True, None)


@pytest.mark.rule("Y8")
@pytest.mark.parametrize(
    "change",
    [
        Access("Halle", "acc-2", KEY, ACCESS.base_url),
        Access("Halle", "acc-1", "another key", ACCESS.base_url),
        Access("Halle", "acc-1", KEY, "https://other.example/v1"),
    ],
    ids=["account", "key", "address"],
)
def test_another_account_has_to_be_proven_anew(database: Database, ids: Ids, made: WithSecret, change: Access) -> None:
    prove(database, ids)
    row_id = row_of(database).id
    database.write(
        lambda db: connections.change_access(db, NOW, make_tools(), ids.organisation_id, OWNER, row_id, change)
    )
    assert row_of(database).proven_at is None


@pytest.mark.rule("Y2")
@pytest.mark.parametrize(
    "change",
    [
        Access("Halle", "acc-2", "", ACCESS.base_url),
        Access("Halle", "acc-1", " ", "https://collector.example/v1"),
        Access("Halle", "acc-1", "", "http://site.example/v1"),
    ],
    ids=["account", "host", "no tls"],
)
def test_the_stored_key_follows_to_no_other_account_or_address(
    database: Database, ids: Ids, made: WithSecret, change: Access
) -> None:
    before = row_of(database)
    no = database.write(
        lambda db: connections.change_access(db, NOW, make_tools(), ids.organisation_id, OWNER, before.id, change)
    )
    assert isinstance(no, Refused)
    assert [(reason.code, reason.at) for reason in no.reasons] == [("key-again", "api_key")]
    after = row_of(database)
    assert (after.account_id, after.base_url) == (before.account_id, before.base_url)


def test_another_name_leaves_key_and_proof(database: Database, ids: Ids, made: WithSecret) -> None:
    prove(database, ids)
    before = row_of(database)
    renamed = Access("Andere", "acc-1", "", ACCESS.base_url)
    database.write(
        lambda db: connections.change_access(db, NOW, make_tools(), ids.organisation_id, OWNER, before.id, renamed)
    )
    after = row_of(database)
    assert (after.name, after.proven_at) == ("Andere", NOW)
    assert after.api_key_cipher == before.api_key_cipher


@pytest.mark.rule("Y9")
def test_who_writes_is_chosen_and_a_refused_way_changes_nothing(database: Database, ids: Ids, made: WithSecret) -> None:
    prove(database, ids)
    row_id = row_of(database).id

    def choose(writer: Writer, way: BlockWay) -> Refused | None:
        return database.write(
            lambda db: connections.choose_ways(
                db, NOW, ids.organisation_id, OWNER, row_id, writer=writer, block_way=way
            )
        )

    no = choose(Writer.THERE, BlockWay.CALENDAR)
    assert no is not None
    assert no.codes == ("no-pages",)
    assert row_of(database).writer is Writer.HERE
    assert choose(Writer.THERE, BlockWay.BOOKING) is None
    assert (row_of(database).writer, row_of(database).proven_at) == (Writer.THERE, NOW)
    assert choose(Writer.THERE, BlockWay.NONE) is None
    assert row_of(database).proven_at is None


def test_pages_are_mapped_to_own_rooms_only(database: Database, ids: Ids, made: WithSecret) -> None:
    other = database.write(lambda db: build_house(db, slug="nachbar"))
    row_id = row_of(database).id
    with pytest.raises(NotFound):
        database.write(
            lambda db: connections.map_pages(db, NOW, ids.organisation_id, OWNER, row_id, {"page-1": other.hall})
        )
    for pages in ({"page-1": ids.hall, "page-2": ids.left}, {"page-2": ids.hall}):
        database.write(
            lambda db, pages=pages: connections.map_pages(db, NOW, ids.organisation_id, OWNER, row_id, pages)
        )
        with database.read() as db:
            assert connection_of(db, ids.organisation_id, made.public_id).pages == pages


def test_a_connection_rests_and_goes_on_at_once(database: Database, ids: Ids, made: WithSecret) -> None:
    row_id = row_of(database).id
    for paused in (True, True, False):
        database.write(
            lambda db, paused=paused: connections.pause(db, NOW, ids.organisation_id, OWNER, row_id, paused=paused)
        )
        assert (row_of(database).paused_at is not None) is paused
    with database.read() as db:
        actions = [entry.action for entry in db.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert actions == ["made", "paused", "resumed"]


@pytest.mark.rule("R1")
def test_another_organisation_has_no_hand_in_it(database: Database, ids: Ids, made: WithSecret) -> None:
    other = database.write(lambda db: build_house(db, slug="nachbar")).organisation_id
    row_id = row_of(database).id
    tries = [
        lambda db: connections.rotate_secret(db, NOW, other, OWNER, row_id),
        lambda db: connections.pause(db, NOW, other, OWNER, row_id, paused=True),
        lambda db: connections.poll_now(db, NOW, other, row_id),
        lambda db: connections.map_pages(db, NOW, other, OWNER, row_id, {}),
        lambda db: connections.change_access(db, NOW, make_tools(), other, OWNER, row_id, ACCESS),
    ]
    for attempt in tries:
        with pytest.raises(NotFound):
            database.write(attempt)
    with database.read() as db, pytest.raises(NotFound):
        connection_of(db, other, made.public_id)


@pytest.mark.rule("X8")
def test_what_is_missing_is_named_at_its_field(database: Database, ids: Ids) -> None:
    no = database.write(
        lambda db: connections.make_connection(
            db, NOW, make_tools(), ids.organisation_id, OWNER, Access(" ", "", "", "x" * 201)
        )
    )
    assert isinstance(no, Refused)
    assert {(reason.code, reason.at) for reason in no.reasons} == {
        ("missing", "name"),
        ("missing", "account_id"),
        ("missing", "api_key"),
        ("too-long-text", "base_url"),
    }
