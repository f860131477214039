"""Door codes in mails: what is void is never sent again, what changed is told, what is promised for later comes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from booking.actions.code_lists import Drawn
from booking.actions.desk import Issued, Named, issue_code
from booking.actions.doors import draw_replacement, post_digest
from booking.actions.endings import cancel_rental
from booking.actions.messages import TOPIC, MailKind
from booking.actions.office import resend_mail
from booking.actions.payments import Noted, note_payment
from booking.actions.replacing import Replaced, replace_code
from booking.actions.replacing_lists import replace_season
from booking.actions.shifting import Moved, move_rental
from booking.reads.doors import desk_reach
from booking.rules import moving
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Invoice, Message
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import CodeState, MessageState, Verdict
from tests.builders import change_house, slot_in
from tests.workers.conftest import OFFICE, Works
from tests.workers.test_outbox import text_of
from workers.context import clock

Change = Callable[[Works, int], None]
SLOT = slot_in(1, 18, 20)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def digests(works: Works) -> list[Message]:
    with works.context.database.read() as session:
        query = select(Message).where(Message.kind == MailKind.DESK_DIGEST.value)
        return list(session.scalars(query.order_by(Message.id)))


def posted(works: Works) -> bool:
    house = works.house
    return works.context.database.write(lambda session: post_digest(session, clock(), house))


def code_of(works: Works, booking_id: int) -> int:
    with works.context.database.read() as session:
        query = select(DoorCode.id).where(DoorCode.booking_id == booking_id, DoorCode.state == CodeState.ISSUED)
        return session.scalars(query).one()


def replaced(works: Works, booking_id: int) -> None:
    house, code_id = works.house, code_of(works, booking_id)
    done = works.context.database.write(lambda s: replace_code(s, clock(), house, code_id, "leaked", OFFICE))
    assert isinstance(done, Replaced), done


def cancelled(works: Works, booking_id: int) -> None:
    house = works.house
    works.write(lambda s: cancel_rental(s, clock(), house, booking_id, moving.Actor.OFFICE, OFFICE))


def moved(works: Works, booking_id: int) -> None:
    house, to = works.house, slot_in(2, 18, 20)
    works.code("730165", to)
    tools = works.context.tools
    done = works.context.database.write(
        lambda s: move_rental(s, clock(), tools, house, booking_id, to, moving.Actor.OFFICE, OFFICE)
    )
    assert isinstance(done, Moved), done


def whole_list(works: Works, _booking_id: int) -> None:
    house, ids = works.house, works.ids
    with works.context.database.read() as session:
        fresh = draw_replacement(session, clock(), works.context.tools, house, ids.door_id, ids.season_id)
    assert isinstance(fresh, Drawn)
    done = works.context.database.write(
        lambda s: replace_season(s, clock(), house, ids.door_id, ids.season_id, fresh, "leaked", OFFICE)
    )
    assert isinstance(done, Replaced), done


@pytest.mark.rule("S3", "S22")
@pytest.mark.parametrize("change", [replaced, cancelled, moved, whole_list])
def test_a_digest_that_was_not_sent_never_carries_a_code_that_is_void(works: Works, change: Change) -> None:
    made = works.confirmed(SLOT, "482915")
    works.code("730164", SLOT)
    works.drain()
    works.sink.received.clear()
    assert posted(works)
    works.sink.refusals = 1
    works.drain()
    (frozen,) = digests(works)
    assert (frozen.state, frozen.frozen is not None) == (MessageState.QUEUED, True)
    change(works, made.booking_id)
    assert [mail.state for mail in digests(works)] == [MessageState.SUPERSEDED, MessageState.QUEUED]
    works.later(timedelta(minutes=10))
    works.drain()
    told = [text_of(one.message) for one in works.sink.received if one.receivers == ("theke@kirche.example",)]
    assert ["482915" in text for text in told] == [False]
    assert [one.facts for one in digests(works)] == [frozen.facts, frozen.facts]
    assert not posted(works), "the day's mail is still the day's"


@pytest.mark.rule("S3")
def test_a_digest_of_an_earlier_day_is_not_sent_again(works: Works) -> None:
    assert posted(works)
    (dead,) = digests(works)
    works.write(lambda session: setattr(session.get_one(Message, dead.id), "state", MessageState.DEAD))
    house = works.house
    assert works.context.database.write(lambda s: resend_mail(s, clock(), house, dead.public_id, OFFICE)) is None
    works.write(lambda session: setattr(session.get_one(Message, dead.id), "state", MessageState.DEAD))
    works.later(timedelta(days=1))
    no = works.context.database.write(lambda s: resend_mail(s, clock(), house, dead.public_id, OFFICE))
    assert isinstance(no, Refused)
    assert no.codes == ("earlier-day",)
    assert posted(works)
    states = {date.fromisoformat(one.facts["day"]): one.state for one in digests(works)}
    assert [states[day] for day in sorted(states)] == [MessageState.SUPERSEDED, MessageState.QUEUED]


def told_by_phone(works: Works, slot: Slot, **settings: object) -> int:
    """A booking that the desk confirmed; its code was read out."""
    house = works.context.database.write(lambda session: change_house(session, works.ids, **settings))
    works.code("482915", slot)
    works.code("730164", slot)
    made = works.request(slot)
    works.drain()
    tools, reach = works.context.tools, desk_reach(house, clock().date())
    named = Named(booking_code=True)
    issued = works.context.database.write(
        lambda s: issue_code(s, clock(), tools, house, reach, made.booking_id, named, OFFICE)
    )
    assert isinstance(issued, Issued), issued
    works.sink.received.clear()
    return made.booking_id


def held_text(works: Works, booking_id: int) -> str:
    with works.context.database.read() as session:
        row = session.get_one(DoorCode, code_of(works, booking_id))
        sealed = works.context.tools.vault.unseal(row, f"door_code:{row.public_id}")  # type: ignore[arg-type]  # see Opener
    return sealed.decode()


@pytest.mark.rule("S22")
@pytest.mark.parametrize("change", [replaced, whole_list])
def test_who_was_told_a_code_by_phone_hears_that_it_is_void_before_any_payment(works: Works, change: Change) -> None:
    booking_id = told_by_phone(works, SLOT, code_after_payment=True)
    old = held_text(works, booking_id)
    change(works, booking_id)
    works.drain()
    new = held_text(works, booking_id)
    (mail,) = works.sink.received
    text = text_of(mail.message)
    assert (mail.receivers, old in text, new in text) == (("anna.mueller@verein.example",), False, False)
    assert "öffnet nicht mehr" in text
    assert "+49 221 1000" in text, "whom to call"
    house = works.house
    works.later(timedelta(hours=23))  # the next office working day: the invoice goes out
    works.drain()
    with works.context.database.read() as session:
        invoice_id = session.scalars(select(Invoice.id)).one()
    paid = works.context.database.write(lambda s: note_payment(s, clock(), house, invoice_id, OFFICE))
    assert isinstance(paid, Noted)
    assert paid.code_mails == 1


@pytest.mark.rule("S22")
def test_who_was_told_a_code_by_phone_gets_the_new_one_in_its_hour(works: Works) -> None:
    booking_id = told_by_phone(works, SLOT, code_hours_before=24)
    replaced(works, booking_id)
    new = held_text(works, booking_id)
    message = works.message(booking_id, MailKind.CODE_REPLACED)
    (duty,) = works.duties(TOPIC, message.id)
    assert duty.due_at == SLOT.start - 24 * HOUR
    works.later(duty.due_at - clock() + SECOND)
    works.drain()
    told = [text_of(one.message) for one in works.sink.received if one.receivers == ("anna.mueller@verein.example",)]
    assert [new in text for text in told if "öffnet nicht mehr" in text] == [True]


@pytest.mark.rule("S22")
def test_a_confirmation_that_was_not_sent_says_that_only_its_own_words_about_the_door_count(works: Works) -> None:
    """The desk told the code, the invoice's mail did not get out, and the code is replaced meanwhile."""
    booking_id = told_by_phone(works, SLOT, code_after_payment=True)
    works.context = replace(works.context, settings=replace(works.context.settings, smtp_url="smtp://127.0.0.1:1"))
    works.later(timedelta(hours=23))
    works.drain()
    replaced(works, booking_id)
    works.context = replace(works.context, settings=replace(works.context.settings, smtp_url=works.sink.url))
    works.later(HOUR)
    works.drain()
    told = [text_of(one.message) for one in works.sink.received if one.receivers == ("anna.mueller@verein.example",)]
    assert ["Für die Tür gilt" in text for text in told] == [True]


@pytest.mark.rule("S1", "S11", "S22")
def test_n_hours_before_all_codes_of_a_booking_come_in_one_mail(works: Works) -> None:
    works.write(lambda session: change_house(session, works.ids, code_hours_before=24))
    whole = slot_in(10, 10, 12)
    works.code("482915", slot_in(10, 10, 11))
    works.code("730164", slot_in(10, 11, 12))
    made = works.request(whole)
    works.decide(made.booking_id, Verdict.APPROVE)
    works.drain()
    (duty,) = works.duties(TOPIC, works.message(made.booking_id, MailKind.CODE_LATER).id)
    assert duty.due_at == whole.start - 24 * HOUR
    works.sink.received.clear()
    works.later(duty.due_at - clock() + SECOND)
    works.drain()
    (mail,) = works.sink.received
    assert [code in text_of(mail.message) for code in ("482915", "730164")] == [True, True]
