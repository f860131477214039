"""Leaked codes are replaced, and codes that come later than the confirmation (SPEC S22), on both databases."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from booking.actions.code_lists import Drawn
from booking.actions.doors import (
    draw_replacement,
)
from booking.actions.messages import MailKind
from booking.actions.payments import Noted, due_code_mail, is_paid, note_payment
from booking.actions.rentals import load_rental
from booking.actions.replacing import Replaced
from booking.actions.replacing_lists import replace_season
from booking.actions.reviews import Resting, decide_request
from booking.rules.doorcodes import Pattern
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Invoice, Outbox
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import CodeState, MessageState, Verdict
from tests.builders import NOW, Ids, add_code, build_house, change_house, contact, request, slot_in
from tests.season import (
    AT_ONCE,
    DAY,
    OFFICE,
    QUARTER,
    TOOLS,
    confirmed,
    generate,
    house_of,
    mails,
    opened,
    replace_first,
    sent,
    texts,
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


@pytest.mark.rule("S22")
def test_a_leaked_code_is_replaced_retired_for_good_and_told_in_one_mail(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    slot = slot_in(2, 18, 19)
    booking_id = confirmed(database, ids, ids.left, slot)
    (first,) = mails(database, booking_id, MailKind.CONFIRMATION)
    sent(database, first.id)
    (before,) = texts(database, booking_id)
    done = replace_first(database, ids, booking_id)
    assert done == Replaced(1, (booking_id,), 1)
    (after,) = texts(database, booking_id)
    assert after != before
    (told,) = mails(database, booking_id, MailKind.CODE_REPLACED)
    assert told.state is MessageState.QUEUED
    house = replace(house_of(database, ids), grace=AT_ONCE)
    made = database.write(lambda session: request(session, NOW, TOOLS, ids, ids.right, slot, contact("Boris Klein")))

    def approve() -> Resting | Refused:
        return database.write(
            lambda session: decide_request(session, NOW, house, made.booking_id, Verdict.APPROVE, OFFICE)
        )

    none_left = approve()  # the window's other code is gone, and the retired one does not come back
    assert isinstance(none_left, Refused)
    assert none_left.codes == ("no-code",)
    assert generate(database, ids, Pattern.EACH_SLOT) == 1
    assert isinstance(approve(), Resting)
    (other,) = texts(database, made.booking_id)
    assert other not in {before, after}


@pytest.mark.rule("S22")
def test_a_mail_that_was_not_sent_is_superseded_and_its_invoice_is_not_lost(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    booking_id = confirmed(database, ids, ids.left, slot_in(2, 18, 19))
    replace_first(database, ids, booking_id)
    old, new = mails(database, booking_id, MailKind.CONFIRMATION, MailKind.CODE_REPLACED)
    assert (old.state, new.state) == (MessageState.SUPERSEDED, MessageState.QUEUED)
    assert new.kind == MailKind.CONFIRMATION.value
    assert new.facts == old.facts | {"replaced": True}
    assert "invoice_id" in new.facts
    with database.read() as session:
        duties = session.scalars(select(Outbox).where(Outbox.topic == "mail", Outbox.subject_id == old.id)).all()
    assert [duty.done_at for duty in duties] == [NOW]


@pytest.mark.rule("S22")
def test_a_code_is_not_replaced_where_none_is_left_and_the_booking_keeps_it(database: Database, ids: Ids) -> None:
    database.write(
        lambda session: add_code(session, NOW, TOOLS, ids, "483920", slot_in(2, 18, 19).widened(QUARTER, QUARTER))
    )
    booking_id = confirmed(database, ids, ids.left, slot_in(2, 18, 19))
    done = replace_first(database, ids, booking_id)
    assert isinstance(done, Refused)
    assert done.codes == ("no-code",)
    assert texts(database, booking_id) == ("483920",)
    assert len(mails(database, booking_id, MailKind.CONFIRMATION, MailKind.CODE_REPLACED)) == 1


@pytest.mark.rule("S22")
def test_nobody_is_told_of_a_code_that_nobody_saw(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    booking_id = confirmed(database, ids, ids.left, slot_in(2, 18, 19), grace=timedelta(minutes=1))
    assert replace_first(database, ids, booking_id) == Replaced(1, (booking_id,), 0)
    assert mails(database, booking_id, MailKind.CONFIRMATION, MailKind.CODE_REPLACED) == []
    with database.read() as session:
        states = session.scalars(select(DoorCode.state).where(DoorCode.booking_id == booking_id)).all()
    assert sorted(states) == [CodeState.RESERVED, CodeState.RETIRED]


@pytest.mark.rule("S22")
def test_a_whole_season_is_replaced_and_each_booking_gets_one_mail(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    bookings = {
        confirmed(database, ids, room_id, slot_in(days, first, last), f"Gast {days} {room_id}"): last - first
        for days, room_id, first, last in ((2, ids.left, 18, 20), (2, ids.right, 18, 19), (9, ids.hall, 10, 13))
    }
    for booking_id in bookings:
        sent(database, mails(database, booking_id, MailKind.CONFIRMATION)[0].id)
    before = {booking_id: set(texts(database, booking_id)) for booking_id in bookings}
    house = house_of(database, ids)
    with database.read() as session:
        old = set(session.scalars(select(DoorCode.id)))
        fresh = draw_replacement(session, NOW, TOOLS, house, ids.door_id, ids.season_id)
    assert isinstance(fresh, Drawn)
    done = database.write(
        lambda session: replace_season(session, NOW, house, ids.door_id, ids.season_id, fresh, "leaked", OFFICE)
    )
    assert done == Replaced(len(old), tuple(sorted(bookings)), len(bookings))
    for booking_id, count in bookings.items():
        after = texts(database, booking_id)
        assert len(after) == count
        assert not before[booking_id] & set(after)
        assert len(mails(database, booking_id, MailKind.CODE_REPLACED)) == 1
    with database.read() as session:
        codes = session.scalars(select(DoorCode)).all()
        retired = [(opened(session, code), Slot(code.starts_at, code.ends_at)) for code in codes if code.id in old]
        living = [(opened(session, code), Slot(code.starts_at, code.ends_at)) for code in codes if code.id not in old]
    assert {code.state for code in codes if code.id in old} == {CodeState.RETIRED}
    spent = defaultdict(list)
    for text, window in retired:
        spent[text].append(window)
    assert not any(window.overlaps(other) for text, window in living for other in spent[text])


@pytest.mark.rule("S22")
def test_a_season_is_not_replaced_in_part(database: Database, ids: Ids) -> None:
    generate(database, ids, Pattern.EACH_SLOT)
    first = confirmed(database, ids, ids.left, slot_in(2, 18, 19))
    second = confirmed(database, ids, ids.left, slot_in(3, 18, 19))
    kept = texts(database, first), texts(database, second)
    house = house_of(database, ids)
    with database.read() as session:
        fresh = draw_replacement(session, NOW, TOOLS, house, ids.door_id, ids.season_id)
    assert isinstance(fresh, Drawn)
    lean = replace(fresh, codes=tuple(code for code in fresh.codes if code.window.end < slot_in(3, 8, 9).start))
    done = database.write(
        lambda session: replace_season(session, NOW, house, ids.door_id, ids.season_id, lean, "leaked", OFFICE)
    )
    assert isinstance(done, Refused)
    assert [(reason.code, reason.values) for reason in done.reasons] == [("no-code", {"bookings": 1})]
    assert (texts(database, first), texts(database, second)) == kept
    assert mails(database, first, MailKind.CODE_REPLACED) == []
    with database.read() as session:
        assert session.scalar(select(func.count()).where(DoorCode.state == CodeState.RETIRED)) == 0


@pytest.mark.rule("S22")
def test_hours_before_the_code_comes_in_a_mail_of_its_own(database: Database, ids: Ids) -> None:
    database.write(lambda session: change_house(session, ids, code_hours_before=24))
    generate(database, ids, Pattern.EACH_SLOT)
    far = confirmed(database, ids, ids.left, slot_in(5, 18, 19))
    near = confirmed(database, ids, ids.right, slot_in(0, 18, 19), "Boris Klein")
    (later,) = mails(database, far, MailKind.CODE_LATER)
    with database.read() as session:
        due = session.scalars(select(Outbox.due_at).where(Outbox.topic == "mail", Outbox.subject_id == later.id)).one()
    assert due == slot_in(5, 18, 19).start - DAY
    assert mails(database, near, MailKind.CODE_LATER) == []
    house = house_of(database, ids)
    assert not database.write(lambda session: due_code_mail(session, NOW, house, far))


@pytest.mark.rule("S22")
def test_after_payment_the_code_comes_when_the_payment_is_noted(database: Database, ids: Ids) -> None:
    house = database.write(lambda session: change_house(session, ids, code_after_payment=True))
    generate(database, ids, Pattern.EACH_SLOT)
    booking_id = confirmed(database, ids, ids.left, slot_in(5, 18, 19))
    assert mails(database, booking_id, MailKind.CODE_LATER) == []
    with database.read() as session:
        invoice_id = session.scalars(select(Invoice.id)).one()
    done = database.write(lambda session: note_payment(session, NOW, house, invoice_id, OFFICE))
    assert isinstance(done, Noted)
    assert done.code_mails == 1
    assert len(mails(database, booking_id, MailKind.CODE_LATER)) == 1
    with database.read() as session:
        assert is_paid(session, load_rental(session, ids.organisation_id, booking_id).booking)
    twice = database.write(lambda session: note_payment(session, NOW, house, invoice_id, OFFICE))
    assert isinstance(twice, Refused)
    assert twice.codes == ("already-paid",)


@pytest.mark.rule("S22")
def test_a_code_that_waits_for_payment_is_replaced_without_a_mail(database: Database, ids: Ids) -> None:
    database.write(lambda session: change_house(session, ids, code_after_payment=True))
    generate(database, ids, Pattern.EACH_SLOT)
    booking_id = confirmed(database, ids, ids.left, slot_in(5, 18, 19))
    assert replace_first(database, ids, booking_id) == Replaced(1, (booking_id,), 0)
    (mail,) = mails(database, booking_id, MailKind.CONFIRMATION, MailKind.CODE_REPLACED)
    assert mail.state is MessageState.QUEUED
