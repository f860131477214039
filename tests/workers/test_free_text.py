"""Words of somebody whom nobody knows yet go to no stranger (SPEC S4)."""

from email import message_from_bytes, policy

import pytest
from sqlalchemy import select

from booking.actions.audit import CUSTOMER
from booking.actions.endings import cancel_rental
from booking.actions.messages import MailKind
from booking.actions.vault import Sealed
from booking.rules import moving
from booking.tables.outgoing import Message
from tests.builders import slot_in
from tests.workers.conftest import OFFICE, Works
from tests.workers.test_outbox import parts, text_of
from workers.context import clock

SLOT = slot_in(10, 18, 20)
WORDS = "Kaufen Sie Bitcoin bei http://betrug.example"


@pytest.mark.rule("S4", "S6")
def test_the_calendar_of_a_request_names_the_room_and_that_of_a_booking_its_purpose(works: Works) -> None:
    works.confirmed(SLOT)

    def title(kind: MailKind) -> str:
        with works.context.database.read() as session:
            message = session.scalars(select(Message).where(Message.kind == kind.value)).one()
            sealed = Sealed(message.frozen or b"", message.frozen_key_id or "")
            data = works.context.tools.vault.unseal(sealed, f"message:{message.public_id}")
        calendar = parts(message_from_bytes(data, policy=policy.default))["text/calendar"].get_content()
        return str(next(line for line in calendar.splitlines() if line.startswith("SUMMARY")))

    assert title(MailKind.ACKNOWLEDGEMENT).endswith("Halle")
    works.drain()
    assert title(MailKind.CONFIRMATION).endswith("Training der Altherren")


def cancelled(works: Works, booking_id: int, who: moving.Actor) -> str:
    """What the mail of the cancelling says."""
    house = works.house
    works.drain()
    works.sink.received.clear()
    actor = OFFICE if who is moving.Actor.OFFICE else CUSTOMER
    works.write(lambda s: cancel_rental(s, clock(), house, booking_id, who, actor, reason=WORDS))
    works.drain()
    (mail,) = works.sink.received
    assert mail.receivers == ("anna.mueller@verein.example",)
    return text_of(mail.message) + mail.content.decode()


@pytest.mark.rule("S4")
@pytest.mark.parametrize("who", [moving.Actor.CUSTOMER, moving.Actor.BOOKER])
def test_a_reason_that_anybody_may_have_typed_is_not_repeated(works: Works, who: moving.Actor) -> None:
    text = cancelled(works, works.request(SLOT).booking_id, who)
    assert ("Storniert" in text, "betrug" in text) == (True, False)


@pytest.mark.rule("S4")
def test_the_reason_of_a_confirmed_booking_is_repeated_and_so_is_the_offices(works: Works) -> None:
    confirmed = works.confirmed(SLOT).booking_id
    works.drain()
    assert "betrug" in cancelled(works, confirmed, moving.Actor.CUSTOMER)
    assert "betrug" in cancelled(works, works.request(SLOT).booking_id, moving.Actor.OFFICE)
