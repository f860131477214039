"""A full season's list is replaced in one short transaction, and no unsent mail carries an old code (SPEC S22)."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, event, select

from booking.actions.code_lists import Drawn
from booking.actions.doors import draw_replacement
from booking.actions.messages import MailKind
from booking.actions.payments import note_payment
from booking.actions.replacing import Replaced
from booking.actions.replacing_lists import replace_season
from booking.rules.doorcodes import Pattern
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Outbox
from booking.values.refusals import Refused
from booking.values.states import CodeState, MessageState
from tests.builders import NOW, Ids, build_house, change_house, slot_in
from tests.season import OFFICE, TOOLS, confirmed, generate, house_of, mails, sent, texts


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


def replaced(database: Database, ids: Ids) -> Replaced | Refused:
    house = house_of(database, ids)
    with database.read() as session:
        fresh = draw_replacement(session, NOW, TOOLS, house, ids.door_id, ids.season_id)
    assert isinstance(fresh, Drawn)
    return database.write(
        lambda session: replace_season(session, NOW, house, ids.door_id, ids.season_id, fresh, "leaked", OFFICE)
    )


def _keep(statements: list[str], _connection: object, _cursor: object, statement: str, *_more: object) -> None:
    statements.append(statement)


@pytest.mark.rule("S22")
def test_the_number_of_statements_does_not_grow_with_the_bookings(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    counts = []
    for first_day, last_day in ((2, 4), (4, 12)):
        for day in range(first_day, last_day):
            confirmed(database, ids, ids.left, slot_in(day, 18, 19), f"Gast Nummer {day}")
        statements: list[str] = []
        heard = (Engine, "before_cursor_execute", partial(_keep, statements))
        event.listen(*heard)
        done = replaced(database, ids)
        event.remove(*heard)
        assert isinstance(done, Replaced), done
        counts.append(len([one for one in statements if not one.startswith("INSERT")]))
    assert counts[0] == counts[1]


@pytest.mark.rule("S22")
def test_a_mail_that_waits_says_what_it_had_to_say_with_the_new_code_alone(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    booking_id = confirmed(database, ids, ids.left, slot_in(2, 18, 19))
    (before,) = texts(database, booking_id)
    done = replaced(database, ids)
    assert isinstance(done, Replaced)
    assert done.mails == 1
    old, new = mails(database, booking_id, MailKind.CONFIRMATION, MailKind.CODE_REPLACED)
    assert (old.state, new.state, new.kind) == (MessageState.SUPERSEDED, MessageState.QUEUED, "confirmation")
    assert new.facts == old.facts | {"replaced": True}
    assert texts(database, booking_id) != (before,)
    with database.read() as session:
        duty = session.scalars(select(Outbox).where(Outbox.topic == "mail", Outbox.subject_id == old.id)).one()
    assert duty.done_at == NOW


@pytest.mark.rule("S22")
@pytest.mark.parametrize(
    ("house", "grace", "state"),
    [
        ({}, timedelta(minutes=1), CodeState.RESERVED),
        ({"code_after_payment": True}, timedelta(0), CodeState.ISSUED),
        ({"code_hours_before": 3}, timedelta(0), CodeState.ISSUED),
    ],
    ids=["not decided for good", "not paid", "too early"],
)
def test_nobody_is_told_of_a_list_that_nobody_saw(
    database: Database, ids: Ids, house: dict[str, object], grace: timedelta, state: CodeState
) -> None:
    database.write(lambda session: change_house(session, ids, **house))
    generate(database, ids, Pattern.EACH_SLOT)
    booking_id = confirmed(database, ids, ids.left, slot_in(5, 18, 19), grace=grace)
    for mail in mails(database, booking_id, MailKind.CONFIRMATION):
        sent(database, mail.id)
    done = replaced(database, ids)
    assert isinstance(done, Replaced)
    assert (done.mails, mails(database, booking_id, MailKind.CODE_REPLACED)) == (0, [])
    with database.read() as session:
        held = select(DoorCode.state).where(DoorCode.booking_id == booking_id, DoorCode.state != CodeState.RETIRED)
        assert session.scalars(held).all() == [state]


@pytest.mark.rule("S22")
def test_who_paid_is_told_where_codes_wait_for_the_payment(database: Database, ids: Ids) -> None:
    database.write(lambda session: change_house(session, ids, code_after_payment=True))
    generate(database, ids, Pattern.EACH_SLOT)
    free = confirmed(database, ids, ids.left, slot_in(5, 18, 19))
    paid = confirmed(database, ids, ids.left, slot_in(6, 18, 19), "Boris Klein")
    house = house_of(database, ids)
    (mail,) = mails(database, paid, MailKind.CONFIRMATION)
    database.write(lambda session: note_payment(session, NOW, house, mail.facts["invoice_id"], OFFICE))
    done = replaced(database, ids)
    assert isinstance(done, Replaced)
    assert (done.mails, len(mails(database, free, MailKind.CODE_REPLACED))) == (1, 0)
